"""Parts for Condit that are found by name; see ``pyproject.toml`` for the names."""
