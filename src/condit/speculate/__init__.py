"""Drafts: guesses at the next tokens, forwarded together and kept where the draw agrees."""
