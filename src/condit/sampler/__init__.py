"""How draws are made: from a model's law, a matcher, and one explicit source of randomness."""
