"""How much of JSON Schema each program takes, how rightly, how fast; and what is drawn under it."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str]) -> None:
    """``scripts/bench coverage``."""
    from bench.coverage.command import main

    main(arguments)
