"""How much of JSON Schema each program takes, how rightly, how fast; and what is drawn under it."""

from bench.coverage.command import main

__all__ = ["main"]
