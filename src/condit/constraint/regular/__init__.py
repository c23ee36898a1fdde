"""Regular languages: their expressions, how patterns are read, and what is worked out of them."""
