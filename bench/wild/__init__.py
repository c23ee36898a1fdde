"""How faithful each sampler is where nothing can be enumerated: real prompts, real types."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str]) -> None:
    """``scripts/bench wild``."""
    from bench.wild.command import main

    main(arguments)
