"""Drawing a number of tokens and no more, whether a text is finished by then or not."""

from __future__ import annotations

from collections.abc import Callable

from condit.errors import GenerationError

ROOM = 2048
"""A budget in which every constraint of the benches can be finished; it is not used up."""


def cut_after(tokens: int) -> Callable[[object], None]:
    """An ``on_step`` that ends a call after so many steps, by an error that holds the result."""
    steps = 0

    def count(_: object) -> None:
        nonlocal steps
        steps += 1
        if steps == tokens:
            raise GenerationError(f"{tokens} tokens are enough", None)

    return count
