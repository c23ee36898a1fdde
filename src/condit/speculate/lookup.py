"""Drafts from the prompt: what followed the same tokens there may follow again."""

from __future__ import annotations

from collections.abc import Sequence

_LENGTHS = (4, 3, 2, 1)
"""Lengths of the contexts that are looked up, longest first."""

_TRUST = {4: 0.7, 3: 0.5, 2: 0.3, 1: 0.05}
"""How likely a continuation from the prompt is, by the length of what agrees."""


class PromptLookup:
    """Where contexts of up to 4 tokens occur in a prompt; the last place counts."""

    def __init__(self, prompt: Sequence[int]) -> None:
        self._following: dict[tuple[int, ...], int] = {}
        for length in _LENGTHS:
            for place in range(length, len(prompt)):
                self._following[tuple(prompt[place - length : place])] = prompt[place]

    def propose(self, context: tuple[int, ...]) -> tuple[int, float] | None:
        """A token and its probability after ``context``; ``None`` where nothing agrees."""
        for length in _LENGTHS:
            if length > len(context):
                continue
            token = self._following.get(context[-length:])
            if token is not None:
                return token, _TRUST[length]
        return None
