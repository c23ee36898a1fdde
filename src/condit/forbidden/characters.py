"""The characters of UTF-8 by their first bytes, and the kinds that a trie tells apart.

It also finds the characters that tokens begin with, in the trie of a vocabulary.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import NamedTuple

from condit.constraint.algebra.utf8 import BETWEEN, NEXT, REFUSED, state_after
from condit.constraint.vocabulary_trie import VocabularyTrie
from condit.forbidden.readings import Kind
from condit.forbidden.trie import Trie

_UNASSIGNED = range(0x40000, 0xE0000)
_PRIVATE = range(0xE0200, 0x110000)
"""Two ranges of characters that are all alike, unless forbidden strings have some of them."""


class Step(NamedTuple):
    """A node of a vocabulary's trie, at most one character below another.

    Attributes:
        node: the node.
        kind: the number of the kind of the character that leads to it; where that is not whole, of
            the first that begins so.
        begun: the bytes of one that is not whole.
    """

    node: int
    kind: int
    begun: bytes


class Characters:
    """The kinds of characters, as far as they differ for a trie, by numbers.

    Attributes:
        kinds: those that were met, by their numbers.

    Args:
        trie: of the forbidden strings.
    """

    def __init__(self, trie: Trie) -> None:
        self._trie = trie
        self.kinds: list[Kind] = []
        self._numbers: dict[bytes, int] = {}
        self._of_kinds: dict[Kind, int] = {}
        self._lock = threading.Lock()
        rare = (letter for letter in trie.letters if letter and ord(letter) >= 0x40000)
        self._uniform = next(rare, None) is None

    def number(self, character: bytes) -> int:
        """The kind of a character in UTF-8; readings that no string has are left out."""
        found = self._numbers.get(character)
        if found is None:
            kind = self._trie.readings.kind(character.decode())
            letters = self._trie.letters
            kept = tuple(each for each in kind.readings if not letters.isdisjoint(each.text))
            kind = kind._replace(readings=kept, number=kind.number and bool(kept))
            with self._lock:
                found = self._of_kinds.get(kind)
                if found is None:
                    self.kinds.append(kind)
                    found = self._of_kinds[kind] = len(self.kinds) - 1
                self._numbers[character] = found
        return found

    def kind(self, character: bytes) -> Kind:
        """The same, as a kind."""
        return self.kinds[self.number(character)]

    def beginning_with(self, begun: bytes) -> Iterator[bytes]:
        """The characters that begin with some bytes; of those that are all alike only one."""
        low, high = first(begun), last(begun)
        point = low
        while point <= high:
            if not 0xD800 <= point < 0xE000:
                yield chr(point).encode()
            point += 1
            for alike in (_UNASSIGNED, _PRIVATE):
                if self._uniform and point - 1 in alike:
                    point = alike.stop

    def steps(self, trie: VocabularyTrie, node: int) -> Iterator[Step]:
        """The nodes below one, as far as a character leads; those that are no UTF-8 left out."""
        waiting = [(node, b"")]
        children, last_bytes = trie.children.data, trie.last_bytes.data
        while waiting:
            above, begun = waiting.pop()
            for child in range(children[above], children[above + 1]):
                text = begun + bytes((last_bytes[child],))
                state = state_after(text)
                if state == BETWEEN:
                    yield Step(child, self.number(text), b"")
                elif state != REFUSED:
                    yield Step(child, self.number(_completed(text, lowest=True)), text)
                    waiting.append((child, text))


def first(begun: bytes) -> int:
    """The number of the first character that begins so."""
    return ord(_completed(begun, lowest=True).decode())


def last(begun: bytes) -> int:
    """The number of the last one."""
    return ord(_completed(begun, lowest=False).decode())


def _completed(begun: bytes, *, lowest: bool) -> bytes:
    """The first or the last character that begins so."""
    state = state_after(begun)
    while state != BETWEEN:
        allowed = [byte for byte in range(0x80, 0xC0) if NEXT[state][byte] != REFUSED]
        byte = allowed[0] if lowest else allowed[-1]
        begun += bytes((byte,))
        state = NEXT[state][byte]
    return begun
