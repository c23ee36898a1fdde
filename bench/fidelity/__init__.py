"""How near draws come to the exact posterior, for what they cost. See ``README.md`` here."""

from bench.fidelity.command import main

__all__ = ["main"]
