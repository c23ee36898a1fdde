"""This working tree against an older commit of Condit, measured by turns by the same code."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str]) -> None:
    """``scripts/bench against``."""
    from bench.against.command import main

    main(arguments)
