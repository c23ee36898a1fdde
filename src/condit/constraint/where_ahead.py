"""A look ahead from inside a number: whether any value that it can still become passes a check.

A check of fields is asked when a number closes. Without a look ahead the first digits are drawn
blindly, and nearly always wrong. Where few values are left, as of an integer with a bound, all of
them are asked about; where there are too many, nothing is refused. What is asked is said by
``where_field.py``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol, Self

from condit.constraint.base import Matcher, Violation, few_tokens, unpack
from condit.errors import ConstraintTooComplexError
from condit.kept import Kept
from condit.vocabulary import Vocabulary

_IN_NUMBERS = b"0123456789+-.eE"
_BEHIND = b",]} \n\r\t"


def _tokens(vocabulary: Vocabulary) -> dict[int, bytes]:
    """The bytes in and behind numbers by their tokens; ``-1`` for those that are none."""
    first_token = vocabulary.first_token
    return {first_token.get(bytes([byte]), -1): bytes([byte]) for byte in _IN_NUMBERS + _BEHIND}


_TOKENS = Kept(_tokens)


class Number(Protocol):
    """What a check knows of a text.

    Attributes:
        asked: whether all that it needs has closed, so that the function has been asked.
        refusal: what the function said against it.
        in_number: whether the text stands in a number.
    """

    @property
    def asked(self) -> bool: ...  # noqa: D102 - said above

    @property
    def refusal(self) -> Violation | None: ...  # noqa: D102

    @property
    def in_number(self) -> bool: ...  # noqa: D102

    def after(self, piece: bytes) -> Self:
        """What it knows after further bytes."""


def leads_on(number: Number, matcher: Callable[[], Matcher], most: int) -> bool:
    """Whether the number may become one that the check accepts; true also where that is not known.

    Args:
        number: what the check knows; it stands in a number.
        matcher: gives the constraint's matcher there.
        most: how many beginnings of numbers are looked at; beyond that it is not known.
    """
    try:
        return most < 1 or _search(number, matcher, most)
    except ConstraintTooComplexError:
        # What is drawn need not reach the state at which the engine gave up.
        return True


def _search(number: Number, matcher: Callable[[], Matcher], most: int) -> bool:
    # Without other functions: what it allows in excess is no reason to refuse anything.
    start = matcher().unchecked()
    tokens = _TOKENS.of(start.vocabulary)
    if -1 in tokens or not start.any_spelling:
        return True
    waiting = deque([(start, number)])
    looked_at = 0
    while waiting:
        here, known = waiting.popleft()
        looked_at += 1
        mask = here.mask()
        if looked_at > most or mask is None:
            return True
        allowed = few_tokens(mask)
        if allowed is None:
            allowed = unpack(mask, len(here.vocabulary)).nonzero()[0]
        for token in allowed.tolist():
            spelled = tokens.get(token)
            if spelled is None:
                continue
            after = known.after(spelled)
            if after.in_number:
                further = here.copy()
                further.advance(token)
                waiting.append((further, after))
            elif not after.asked or after.refusal is None:
                return True
    return False
