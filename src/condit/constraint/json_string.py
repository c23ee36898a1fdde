"""A text of any constraint, written as a JSON string: for fields of JSON.

Each character has one spelling, that of Python's ``json.dumps(text, ensure_ascii=False)``. Where
the string stands in a larger text is not known here, see ``json_fields.py``.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Constraint, Strength, Violation
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.lifted import LiftedMatcher
from condit.constraint.matcher_machine import machine_of
from condit.constraint.vocabulary_trie import VocabularyTrie
from condit.kept import Kept
from condit.vocabulary import Vocabulary

_QUOTE, _ESCAPE = b'"\\'

_ESCAPED = {
    byte: json.dumps(chr(byte)).encode()[1:-1] for byte in (*range(32), _QUOTE, _ESCAPE, 127)
}
_ESCAPED[127] = b"\x7f"

_WHOLE = {escape: byte for byte, escape in _ESCAPED.items() if byte != 127}
_BEGINNINGS = {
    escape[:size]: [byte for byte, other in _ESCAPED.items() if other.startswith(escape[:size])]
    for escape in _WHOLE
    for size in range(1, len(escape))
}
"""The bytes whose escapes begin so."""


class _Special(NamedTuple):
    """The part of a vocabulary's trie with bytes that JSON strings do not hold as they are.

    Attributes:
        plain: the tokens without such a byte, packed.
        leads: whether such a byte leads to each node, or to one below it.
        special: whether one leads to it.
    """

    plain: NDArray[np.uint32]
    leads: NDArray[np.bool_]
    special: NDArray[np.bool_]


def _special_of(trie: VocabularyTrie) -> _Special:
    escaped = np.zeros(256, dtype=np.bool_)
    escaped[[byte for byte in _ESCAPED if byte != 127]] = True
    special = escaped[trie.last_bytes]
    special[0] = False
    for start, stop in zip(trie.levels[1:], trie.levels[2:], strict=False):
        special[start:stop] |= special[trie.parents[start:stop]]
    leads = special.copy()
    for start, stop in reversed([*zip(trie.levels[1:], trie.levels[2:], strict=False)]):
        np.logical_or.at(leads, trie.parents[start:stop], leads[start:stop])
    plain = trie.mask_of([np.flatnonzero(~special)[1:].astype(np.int32)])
    return _Special(plain, leads, special)


_SPECIAL: Kept[VocabularyTrie, _Special] = Kept(_special_of)


class _Place(NamedTuple):
    """How far a JSON string is.

    Attributes:
        written: the state of what the string holds; ``None`` before its first quotation mark.
        begun: bytes of an escape that is not complete.
        closed: whether the string is.
    """

    written: Any
    begun: bytes = b""
    closed: bool = False


@dataclass(frozen=True)
class JsonStringMachine(ByteMatcher[_Place]):
    """The JSON strings of the texts of a machine.

    Attributes:
        machine: of the texts.
    """

    machine: ByteMatcher[Any]
    start = _Place(None)

    @property
    def strength(self) -> Strength:  # type: ignore[override]
        """That of the texts."""
        return self.machine.strength

    @property
    def searches_first(self) -> bool:  # type: ignore[override]
        """As of the texts."""
        return self.machine.searches_first

    @property
    def alphabet(self) -> Collection[int]:  # type: ignore[override]
        """The bytes of the texts, and of the escapes."""
        inner = set(self.machine.alphabet)
        escapes = {each for byte in inner & _ESCAPED.keys() for each in _ESCAPED[byte]}
        return frozenset(inner - _ESCAPED.keys() | escapes | {_QUOTE} | inner & {127})

    def next(self, state: _Place, byte: int) -> _Place | None:
        """After a quotation mark, a byte of the text, or a byte of an escape."""
        written, machine = state.written, self.machine
        if state.closed:
            return None
        if written is None:
            return _Place(machine.start) if byte == _QUOTE else None
        if state.begun or byte == _ESCAPE:
            return self._escape(written, state.begun + bytes([byte]))
        if byte == _QUOTE:
            return _Place(written, closed=True) if machine.may_stop(written) else None
        if byte in _ESCAPED and byte != 127:
            return None
        after = machine.next(written, byte)
        return None if after is None else _Place(after)

    def _escape(self, written: Any, begun: bytes) -> _Place | None:
        whole = _WHOLE.get(begun)
        if whole is not None:
            after = self.machine.next(written, whole)
            return None if after is None else _Place(after)
        known = self.machine.alphabet
        for byte in _BEGINNINGS.get(begun, ()):
            if byte in known and self.machine.next(written, byte) is not None:
                return _Place(written, begun)
        return None

    def may_stop(self, state: _Place) -> bool:
        """After the closing quotation mark."""
        return state.closed

    def has_many(self, state: _Place) -> bool:
        """As of the text."""
        return state.written is not None and self.machine.has_many(state.written)

    def has_quick_mask(self, state: _Place) -> bool:
        """As of the text."""
        within = state.written is not None and not state.begun and not state.closed
        return within and self.machine.has_quick_mask(state.written)

    def own_mask(self, state: _Place, trie: VocabularyTrie) -> NDArray[np.uint32] | None:
        """The text's own mask, and a walk for the tokens with an escape or a quotation mark."""
        if state.written is None or state.begun or state.closed:
            return None
        mask = self.machine.own_mask(state.written, trie)
        if mask is None:
            return None
        plain, leads, special = _SPECIAL.of(trie)
        reached: list[int] = []
        waiting: list[tuple[int, _Place]] = [(0, state)]
        while waiting:
            node, here = waiting.pop()
            for child in range(int(trie.children[node]), int(trie.children[node + 1])):
                if leads[child]:
                    after = self.next(here, int(trie.last_bytes[child]))
                    if after is not None:
                        waiting.append((child, after))
                        if special[child]:
                            reached.append(child)
        return (mask & plain) | trie.mask_of_few(reached)

    def options(self, state: _Place) -> Collection[int] | None:
        """The bytes that come next."""
        if state.closed:
            return ()
        if state.written is None:
            return (_QUOTE,)
        if state.begun:
            return tuple(b for b in b'"\\/bfnrtu0123456789abcdef' if self.next(state, b))
        inner = self.machine.options(state.written)
        if inner is None:
            return None
        found = {_ESCAPED.get(byte, bytes([byte]))[0] for byte in inner}
        return found | {_QUOTE} if self.machine.may_stop(state.written) else found

    def ending(self, state: _Place) -> bytes | None:
        """The rest of an escape, of the text, and the quotation mark."""
        if state.closed:
            return b""
        if state.written is None:
            return self._ending(self.machine.start, b'"')
        if state.begun:
            for byte, escape in _ESCAPED.items():
                if escape.startswith(state.begun):
                    after = self.machine.next(state.written, byte)
                    if after is not None:
                        return self._ending(after, escape[len(state.begun) :])
            return None
        return self._ending(state.written, b"")

    def _ending(self, written: Any, before: bytes) -> bytes | None:
        stops = self.machine.may_stop(written)
        rest = b"" if stops else self.machine.ending(written)
        if rest is None:
            return None
        return before + b"".join(_ESCAPED.get(each, bytes([each])) for each in rest) + b'"'


@dataclass(frozen=True)
class JsonString(Constraint):
    """A text of another constraint as a JSON string, quotation marks included.

    Attributes:
        inner: the constraint of the text.
        machine: that of the JSON string.
    """

    inner: Constraint
    machine: JsonStringMachine = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "machine", JsonStringMachine(machine_of(self.inner)))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.inner,)

    def bind(self, vocabulary: Vocabulary) -> LiftedMatcher[_Place]:
        """A matcher at the empty text; as strong as the inner one.

        Raises:
            VocabularyError: no token of this vocabulary can begin a string.
        """
        return LiftedMatcher.bind(self.machine, vocabulary)

    def violation(self, text: str) -> Violation | None:
        """What JSON, or the inner constraint, has against it."""
        try:
            read = json.loads(text)
        except ValueError as error:
            return Violation(f"it is no JSON string ({error})")
        if not isinstance(read, str):
            return Violation("it is no JSON string", 0)
        if json.dumps(read, ensure_ascii=False) != text:
            return Violation("it is not spelled as Condit spells JSON strings")
        found = self.inner.violation(read)
        return None if found is None else Violation(f"in the string: {found}")

    def value(self, text: str) -> object:
        """That of the inner constraint."""
        return self.inner.value(json.loads(text))

    def describe(self) -> str:
        """The inner constraint, as an instruction to a model."""
        return self.inner.describe() + "\nWrite it as a JSON string, in double quotes."
