"""The compiler of JSON Schema: from a schema to a grammar, and the checks a grammar cannot make."""
