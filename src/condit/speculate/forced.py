"""Drafts from the constraint: bytes that must come next, in the model's own tokenization."""

from __future__ import annotations

from functools import lru_cache

from condit.constraint.base import Matcher
from condit.model.base import Model

_INSIDE = 0.97
"""Assumed probability of the first token of a forced text, if more forced text follows it."""

_LAST = 0.6
"""The same if it is the last: a longer token may go on into text that is not forced."""


class ForcedText:
    """Proposes the first token of the forced text, which may be drawn in another tokenization."""

    def __init__(self, model: Model) -> None:
        self._first = lru_cache(maxsize=4096)(lambda text: _first_token(model, text))

    def propose(self, matcher: Matcher) -> tuple[int, float] | None:
        """A token and its probability; ``None`` where nothing is forced."""
        text = matcher.forced_text()
        return self._first(text) if text else None


def _first_token(model: Model, text: bytes) -> tuple[int, float] | None:
    # A character may be forced in part, which cannot be encoded.
    whole = text.decode(errors="ignore")
    tokens = model.encode(whole) if whole else []
    if not tokens:
        return None
    return tokens[0], _LAST if len(tokens) == 1 else _INSIDE
