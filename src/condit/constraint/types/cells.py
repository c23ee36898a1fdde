"""Cells of tables and documents: what is asked of their text, and how that text is written.

A cell is a name alone, with any text, or a name with a constraint. An *encoding* is a byte machine
that reads what is written and gives the bytes that are meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from condit.constraint.base import Constraint, Matcher, Strength
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.choice import Choice
from condit.constraint.regular.byte_table import ByteTable, explored, table_of_texts
from condit.constraint.source import make_constraint
from condit.constraint.types.base import SmallType
from condit.constraint.types.limited import Limited
from condit.errors import ArgumentError
from condit.vocabulary import Vocabulary

_BYTES = Vocabulary.of_bytes()
_MOST_KEPT = 4096
_MOST_COUNTED = 300
"""Texts with a higher limit to their size are not made an automaton, which would be too large."""

Step = Callable[[Any, int], tuple[Any, bytes] | None]
"""The state of an encoding after a byte, and the bytes of the text that it makes known."""


def columns_of(name: str, columns: object) -> dict[str, Constraint | None]:
    """The columns of a table by name, each with its constraint or ``None`` for any text.

    Args:
        name: of the constraint that asks, for messages.
        columns: names; or a mapping of names to constraints, to ``None``, or to what JSON has for
            one: ``"line"``, ``"integer=0,9"`` or ``{"integer": [0, 9]}``.

    Raises:
        ArgumentError: it is neither, or there is no column, or a name is no text or occurs twice.
    """
    if isinstance(columns, str) or not isinstance(columns, (Mapping, Sequence)):
        raise ArgumentError(f"{name}: columns are a list of names, or a mapping of names")
    if not columns or not all(isinstance(each, str) for each in columns):
        raise ArgumentError(f"{name}: give at least one column, each with a text as its name")
    if len(set(columns)) < len(columns):
        raise ArgumentError(f"{name}: a name of a column occurs twice: {list(columns)}")
    if not isinstance(columns, Mapping):
        return dict.fromkeys(columns)
    return {key: constraint_of(name, asked) for key, asked in columns.items()}


def counts_of(name: str, rows: object) -> tuple[int, int | None]:
    """The least and the greatest count of rows, of one count or of both.

    Raises:
        ArgumentError: it is neither.
    """
    counts = (rows, rows) if isinstance(rows, int) and not isinstance(rows, bool) else rows
    match counts:
        case (int(least), int() | None as most) if 0 <= least <= (least if most is None else most):
            return least, most
    raise ArgumentError(f"{name}: rows={rows!r} is no count, nor a pair of two counts")


def counts_in_words(rows: tuple[int, int | None]) -> str:
    """How many rows there are."""
    least, most = rows
    if most is None:
        return f"{least} or more"
    return str(least) if least == most else f"{least} to {most}"


def constraint_of(name: str, asked: object) -> Constraint | None:
    """A constraint as it is given, or as JSON has it; see ``columns_of``.

    Raises:
        ArgumentError: it is none.
    """
    if asked is None or isinstance(asked, Constraint):
        return asked
    if isinstance(asked, str):
        kind, _, value = asked.partition("=")
        return make_constraint(kind, value)
    if isinstance(asked, Mapping) and len(asked) == 1:
        ((kind, value),) = asked.items()
        return make_constraint(kind, value)
    raise ArgumentError(f"{name}: {asked!r} is no constraint, such as condit.integer(0, 130)")


@dataclass(frozen=True)
class _Read(ByteMatcher[bytes]):
    """The texts of any constraint. A state is all that has been written: no two are the same."""

    constraint: Constraint
    _kept: dict[bytes, Matcher] = field(init=False, repr=False, compare=False)
    start = b""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_kept", {})

    def _at(self, state: bytes) -> Matcher:
        found = self._kept.get(state)
        if found is None:
            found = self._at(state[:-1]).copy() if state else self.constraint.bind(_BYTES)
            if state:
                found.advance(state[-1])
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[state] = found
        return found

    def next(self, state: bytes, byte: int) -> bytes | None:
        return state + bytes([byte]) if self._at(state).allows(byte) else None

    def may_stop(self, state: bytes) -> bool:
        return self._at(state).allows(_BYTES.end)


def machine_of(constraint: Constraint) -> ByteMatcher[Any]:
    """The byte matcher of a constraint; of one that has none, a SOUND one that asks its matcher."""
    if isinstance(constraint, SmallType):
        return constraint.machine
    if isinstance(constraint, Choice):
        return table_of_texts(constraint.options)
    return _Read(constraint)


@dataclass(frozen=True)
class Encoded(ByteMatcher[tuple[Any, Any]]):
    """What is written for the texts of ``inner``. SOUND, as what is begun might not be finished.

    Attributes:
        inner: the texts that are meant.
        step: the encoding.
        begin: its first state.
        may_end: whether a text may end at a state of it.
    """

    inner: ByteMatcher[Any]
    step: Step
    begin: Any
    may_end: Callable[[Any], bool]
    start: tuple[Any, Any] = field(init=False, repr=False, compare=False)
    strength = Strength.SOUND

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", (self.begin, self.inner.start))

    def next(self, state: tuple[Any, Any], byte: int) -> tuple[Any, Any] | None:
        """The state after a byte that is written."""
        found = self.step(state[0], byte)
        if found is None:
            return None
        mode, meant = found
        inner = state[1]
        for each in meant:
            inner = self.inner.next(inner, each)
            if inner is None:
                return None
        return mode, inner

    def may_stop(self, state: tuple[Any, Any]) -> bool:
        """Where neither the encoding nor the text misses anything."""
        return self.may_end(state[0]) and self.inner.may_stop(state[1])


def encoded(
    inner: ByteMatcher[Any], step: Step, begin: Any, may_end: Callable[[Any], bool]
) -> ByteMatcher[Any]:
    """What is written for the texts of ``inner``: an automaton, where that can be made."""
    written = Encoded(inner, step, begin, may_end)
    small = isinstance(inner, Limited) and inner.most <= _MOST_COUNTED
    if not small and not isinstance(inner, ByteTable):
        return written

    def ways(state: Any) -> Iterable[tuple[int, Any]]:
        found = ((byte, written.next(state, byte)) for byte in range(256))
        return [(byte, after) for byte, after in found if after is not None]

    return explored(written.start, ways, written.may_stop)


@lru_cache(maxsize=1024)
def literal(text: str) -> ByteTable:
    """The text itself."""
    return table_of_texts([text])


def value_of(constraint: Constraint | None, text: str) -> object:
    """The value of a cell's text: the text itself where it has no other."""
    found = None if constraint is None else constraint.value(text)
    return text if found is None else found


def in_words(columns: Mapping[str, Constraint | None]) -> str:
    """What is asked of the columns, as lines; ``""`` where it is nothing."""
    lines = [
        f"{name}: {constraint.describe().removeprefix('Respond only with ')}"
        for name, constraint in columns.items()
        if constraint is not None
    ]
    return "\n".join(["", *lines])
