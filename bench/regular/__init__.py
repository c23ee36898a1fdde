"""Whether patterns match the same texts: Condit, and every library that knows the question."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str]) -> None:
    """``scripts/bench regular``."""
    from bench.regular.command import main

    main(arguments)
