"""How fast constrained generation is beside the same model generating freely, and its peers."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str]) -> None:
    """``scripts/bench speed``."""
    from bench.speed.command import main

    main(arguments)
