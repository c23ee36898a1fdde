"""The trie of forbidden strings, and how a text is followed through it, character by character.

An *item* says how far the text has come in one reading of it: at a node of the trie, in a mode (how
letters are spaced) and with a doubt (whether all so far were digits). A text that may be read in
several ways has several items; none is ever replaced by another. Bytes and tokens are in
``machine.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from condit.forbidden.readings import Kind, Reading, Readings

Item: TypeAlias = int
"""``9 * node + 3 * mode + doubt``."""

PLAIN, APART, NEEDS = range(3)
"""Modes. ``PLAIN``: letters stand side by side. ``APART``: separators stand before this place.
``NEEDS``: the string is spelled out, and a separator must come before the next letter."""

NUMBER, READ_NUMBER, SURE = range(3)
"""Doubts. ``NUMBER``: only digits so far. ``READ_NUMBER``: the same, of which some were read as
letters; so no number is taken for a word. ``SURE``: other characters, too."""

FREE, BOUNDED = 0, 1
"""The two roots: of strings that may begin anywhere, and where no character of words is before."""

_SHIFT = 21


class Place(NamedTuple):
    """How far a text has come.

    Attributes:
        items: in ascending order.
        inside: whether a character of words came last.
    """

    items: tuple[Item, ...] = ()
    inside: bool = False


class Trie:
    """Forbidden strings, each by its plain form.

    Attributes:
        letters: the characters of all.
        ends_free: whether a string ends at a node, whatever comes next.
        ends_bounded: whether one ends there if no character of words comes next.

    Args:
        strings: their plain forms.
        readings: what characters may stand for.
        anywhere: whether they are looked for within longer words, too.
    """

    def __init__(self, strings: Iterable[str], readings: Readings, *, anywhere: bool) -> None:
        self.readings = readings
        self._edges: dict[int, int] = {}
        self._above, self._letter = [FREE, BOUNDED], ["", ""]
        self.ends_free, self.ends_bounded = bytearray(2), bytearray(2)
        for string in strings:
            self._add(string, anywhere)
        self.letters = frozenset(self._letter)
        self._goes_on = bytearray(len(self._above))
        for node in self._above:
            self._goes_on[node] = 1
        self._doubt = NUMBER if readings.leetspeak else SURE

    def _add(self, string: str, anywhere: bool) -> None:
        node = BOUNDED if is_word(string[0]) and not anywhere else FREE
        edges, above = self._edges, self._above
        for letter in string:
            key = node << _SHIFT | ord(letter)
            after = edges.get(key)
            if after is None:
                after = edges[key] = len(above)
                above.append(node)
                self._letter.append(letter)
            node = after
        missing = len(above) - len(self.ends_free)
        self.ends_free.extend(bytes(missing))
        self.ends_bounded.extend(bytes(missing))
        ends = self.ends_bounded if is_word(string[-1]) and not anywhere else self.ends_free
        ends[node] = 1

    def __len__(self) -> int:
        return len(self._above)

    def spelled(self, node: int) -> str:
        """The characters that lead to a node."""
        found = []
        while node > BOUNDED:
            found.append(self._letter[node])
            node = self._above[node]
        return "".join(reversed(found))

    def waiting(self, place: Place) -> str:
        """A string that is written if no character of words comes next; empty if there is none."""
        for item in place.items:
            if self._waits(item):
                return self.spelled(item // 9)
        return ""

    def _waits(self, item: Item) -> bool:
        node, rest = divmod(item, 9)
        mode, doubt = divmod(rest, 3)
        return bool(self.ends_bounded[node]) and mode != APART and doubt != READ_NUMBER

    def after(self, place: Place, kind: Kind) -> Place | str:
        """How far it has come after a character; the string that is written by it, if one is."""
        items = set()
        for item in place.items:
            found = self.followed(item, kind)
            if isinstance(found, str):
                return found
            items |= found
        begun = self.begun(place.inside, kind)
        if isinstance(begun, str):
            return begun
        inside = place.inside if kind.transparent else kind.word
        return Place(tuple(sorted(items | begun)), inside)

    def followed(self, item: Item, kind: Kind) -> set[Item] | str:
        """The items after one and a character; the string that is written by it, if one is."""
        node, rest = divmod(item, 9)
        mode, doubt = divmod(rest, 3)
        if kind.transparent:
            return {item}
        if not kind.word and self._waits(item):
            return self.spelled(node)
        found: set[Item] = set()
        readings, edges = self.readings, self._edges
        if kind.separator and (self._goes_on[node] or readings.repeats):
            spelled = readings.spelled_out and (mode != PLAIN or self._above[node] <= BOUNDED)
            if readings.spacing or spelled:
                found.add(9 * node + 3 * APART + doubt)
                space = edges.get(node << _SHIFT | 32)
                if space is not None:
                    found.add(9 * space + 3 * APART + doubt)
        next_mode = PLAIN if mode == PLAIN or readings.spacing else NEEDS
        for reading in kind.readings:
            text = reading.text
            doubted = _doubt(doubt, kind, reading)
            if text == self._letter[node] and (readings.repeats or text == " "):
                if self.ends_free[node] and doubted != READ_NUMBER:
                    return self.spelled(node)
                found.add(9 * node + 3 * next_mode + doubted)
            if mode == NEEDS:
                continue
            ends = self._walk(node, text, next_mode, doubted, found)
            if ends is not None:
                return ends
        return found

    def next(self, item: Item) -> list[str]:
        """The letters with which a character of words must be read for an item to go on."""
        node = item // 9
        found = [each for each in self.letters if each and self._goes_on_with(node, each)]
        return [*found, self._letter[node]]

    def _goes_on_with(self, node: int, letter: str) -> bool:
        return (node << _SHIFT | ord(letter)) in self._edges

    def begun(self, inside: bool, kind: Kind) -> set[Item] | str:
        """The items that begin with a character; the string that is written by it, if one is."""
        found: set[Item] = set()
        for reading in kind.readings:
            doubted = _doubt(self._doubt, kind, reading)
            roots = [(FREE, reading.text[at:]) for at in range(len(reading.text))]
            if not inside:
                roots.append((BOUNDED, reading.text))
            for root, text in roots:
                ends = self._walk(root, text, PLAIN, doubted, found)
                if ends is not None:
                    return ends
        return found

    def _walk(self, node: int, text: str, mode: int, doubt: int, found: set[Item]) -> str | None:
        """Follow the letters of one reading: add the item behind them, or give what is written."""
        for letter in text:
            after = self._edges.get(node << _SHIFT | ord(letter))
            if after is None:
                return None
            node = after
            if self.ends_free[node] and doubt != READ_NUMBER:
                return self.spelled(node)
        found.add(9 * node + 3 * mode + doubt)
        return None


def is_word(character: str) -> bool:
    """Whether a character belongs to words: what ``\\w`` matches."""
    return character.isalnum() or character == "_"


def _doubt(doubt: int, kind: Kind, reading: Reading) -> int:
    if doubt == SURE or reading.text == " ":
        return doubt
    if not kind.number:
        return SURE
    return READ_NUMBER if reading.digit else doubt
