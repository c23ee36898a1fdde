"""Drafts from the constraint itself: bytes that must come next, spelled as the model would."""

from __future__ import annotations

from functools import lru_cache

from condit.constraint.base import Matcher
from condit.model.base import Model

_INSIDE = 0.97
"""How likely the model's own spelling of a forced text is, where more forced text follows."""

_LAST = 0.6
"""The same for its last token, which may run on into what is not forced."""


class ForcedText:
    """Proposes the first token of the forced text. All spellings are allowed: this is a guess."""

    def __init__(self, model: Model) -> None:
        self._first = lru_cache(maxsize=4096)(lambda text: _first_token(model, text))

    def propose(self, matcher: Matcher) -> tuple[int, float] | None:
        """A token and its probability; ``None`` where nothing is forced."""
        text = matcher.forced_text()
        return self._first(text) if text else None


def _first_token(model: Model, text: bytes) -> tuple[int, float] | None:
    # A character cut short cannot be encoded: the rest of it is not forced.
    whole = text.decode(errors="ignore")
    tokens = model.encode(whole) if whole else []
    if not tokens:
        return None
    return tokens[0], _LAST if len(tokens) == 1 else _INSIDE
