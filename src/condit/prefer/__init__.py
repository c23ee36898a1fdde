"""Preferences: weights of texts that the target is multiplied by, and scorers to make them from."""
