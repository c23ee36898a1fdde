"""Any constraint as a machine over bytes, for what is written in another spelling (JSON strings).

The opposite of ``lifted.py``. It asks the constraint's matcher over single bytes.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from condit.constraint.base import Constraint, Matcher, Strength
from condit.constraint.byte_matcher import ByteMatcher
from condit.vocabulary import Vocabulary

_BYTES = Vocabulary.of_bytes()


@dataclass(frozen=True)
class _At:
    """Where a text of a constraint is.

    Attributes:
        key: what the matcher says of its state; else the text.
        text: the bytes so far.
        matcher: stands there, and is never to be changed.
    """

    key: Hashable
    text: bytes = field(compare=False)
    matcher: Matcher = field(compare=False)


class MatcherMachine(ByteMatcher[_At]):
    """Any constraint as a machine over bytes.

    Args:
        constraint: the constraint.
    """

    def __init__(self, constraint: Constraint) -> None:
        matcher = constraint.bind(_BYTES)
        self.start = _at(b"", matcher)
        self._exact = matcher.strength is Strength.EXACT

    @property
    def strength(self) -> Strength:  # type: ignore[override]
        """That of the constraint."""
        return Strength.EXACT if self._exact else Strength.SOUND

    def next(self, state: _At, byte: int) -> _At | None:
        """After a byte that the constraint allows."""
        if not state.matcher.allows(byte):
            return None
        after = state.matcher.copy()
        after.advance(byte)
        return _at(state.text + bytes([byte]), after)

    def may_stop(self, state: _At) -> bool:
        """Whether the constraint lets the text stop."""
        return state.matcher.allows(_BYTES.end)

    def ending(self, state: _At) -> bytes | None:
        """That of the constraint's matcher."""
        found = state.matcher.ending()
        return None if found is None else found.text


def _at(text: bytes, matcher: Matcher) -> _At:
    key = matcher.state_key()
    return _At(text if key is None else key, text, matcher)


def machine_of(constraint: Constraint) -> ByteMatcher[Any]:
    """A machine over bytes with the texts of a constraint.

    Raises:
        VocabularyError: no byte can begin a text.
    """
    own = getattr(constraint, "machine", None)
    return own if isinstance(own, ByteMatcher) else MatcherMachine(constraint)
