"""How fast constrained generation is beside the same model generating freely, and its peers."""

from bench.speed.command import main

__all__ = ["main"]
