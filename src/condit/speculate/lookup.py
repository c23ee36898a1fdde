"""Drafts from the prompt: the token that followed the same few tokens there (Saxena 2023)."""

from __future__ import annotations

from collections.abc import Sequence

_LENGTHS = (4, 3, 2, 1)
"""Lengths of the contexts that are looked up, longest first."""

_TRUST = {4: 0.7, 3: 0.5, 2: 0.3, 1: 0.05}
"""Assumed probability of the token found, by the length of the context that agrees."""


class PromptLookup:
    """An index from contexts of 1 to 4 tokens to the token after their last place in a prompt."""

    def __init__(self, prompt: Sequence[int]) -> None:
        self._following: dict[tuple[int, ...], int] = {}
        for length in _LENGTHS:
            for place in range(length, len(prompt)):
                self._following[tuple(prompt[place - length : place])] = prompt[place]

    def propose(self, context: tuple[int, ...]) -> tuple[int, float] | None:
        """A token and its assumed probability after ``context``; ``None`` if no context agrees."""
        for length in _LENGTHS:
            if length > len(context):
                continue
            token = self._following.get(context[-length:])
            if token is not None:
                return token, _TRUST[length]
        return None
