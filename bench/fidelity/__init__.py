"""How near draws come to the exact posterior, for what they cost. See ``README.md`` here."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str]) -> None:
    """``scripts/bench fidelity``."""
    from bench.fidelity.command import main

    main(arguments)
