"""Where forbidden strings stand in a finished text: the oracle.

It shares the readings of characters with the matcher, and nothing else: each place of the text is
tried, each reading of each character in turn, as long as what is read is the beginning of a string.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from condit.forbidden.readings import Kind, Readings


@dataclass(frozen=True)
class Finding:
    """A forbidden string in a text.

    Attributes:
        string: the string, as it was forbidden.
        start: its first character in the text.
        end: the character after its last.
        written: how it is written there.
    """

    string: str
    start: int
    end: int
    written: str


class Search:
    """A search for strings.

    Args:
        strings: them, by their plain forms.
        readings: what characters may stand for.
        anywhere: whether they are looked for within longer words, too.
    """

    def __init__(self, strings: Mapping[str, str], readings: Readings, *, anywhere: bool) -> None:
        self._strings, self._readings, self._anywhere = strings, readings, anywhere
        self._beginnings = {form[:size] for form in strings for size in range(1, len(form) + 1)}

    def findings(self, text: str) -> list[Finding]:
        """What stands in a text; of one string that begins at one place the shortest writing."""
        kinds = [self._readings.kind(each) for each in text]
        found = []
        for start in range(len(text)):
            ends: dict[str, int] = {}
            for form, end in self._from(kinds, start):
                ends[form] = min(end, ends.get(form, end))
            found += [
                Finding(self._strings[form], start, end, text[start:end])
                for form, end in sorted(ends.items())
            ]
        return found

    def first(self, text: str) -> Finding | None:
        """The finding that is complete first; of several the longest writing."""
        return min(self.findings(text), key=lambda each: (each.end, each.start), default=None)

    def _from(self, kinds: list[Kind], start: int) -> Iterator[tuple[str, int]]:
        """The plain forms that are written from a place on, and where each ends."""
        inside = _inside(kinds, start)
        seen = set()
        waiting = [
            (start + 1, read, left, False, False, letters, sure)
            for read, left, letters, sure in self._begun(kinds[start])
            if self._anywhere or not inside or not _is_word(read[0])
        ]
        while waiting:
            state = waiting.pop()
            if state in seen:
                continue
            seen.add(state)
            # What is read; how many letters of the last reading are left over behind it; whether it
            # is spaced; whether a separator came last; whether digits are read, and other things.
            end, read, left, spaced, separated, letters, sure = state
            if read in self._strings and not separated and (sure or not letters):
                whole = self._anywhere or not _is_word(read[-1])
                if whole or (not left and not _goes_on(kinds, end)):
                    yield read, end
            if left or end == len(kinds):
                continue
            kind = kinds[end]
            if kind.transparent:
                waiting.append((end + 1, *state[1:]))
                continue
            if kind.separator and self._may_separate(read, spaced):
                spaces = [read] + [f"{read} "] * (f"{read} " in self._beginnings)
                after = spaced if self._readings.spacing else True
                waiting += [(end + 1, each, 0, after, True, letters, sure) for each in spaces]
            for text, digit in kind.readings:
                doubt = (letters or digit, sure or not (kind.number or text == " "))
                again = self._readings.repeats or text == " "
                if again and text == read[-1]:
                    waiting.append((end + 1, read, 0, spaced, False, *doubt))
                if spaced and not separated:
                    continue
                for size in range(1, len(text) + 1):
                    longer = read + text[:size]
                    if longer in self._beginnings:
                        rest = len(text) - size
                        waiting.append((end + 1, longer, rest, spaced, False, *doubt))

    def _begun(self, kind: Kind) -> Iterator[tuple[str, int, bool, bool]]:
        for text, digit in kind.readings:
            for skipped in range(len(text)):
                for size in range(skipped + 1, len(text) + 1):
                    read = text[skipped:size]
                    free = self._anywhere or not _is_word(read[0])
                    if read in self._beginnings and (free or not skipped):
                        sure = not (kind.number or text == " ")
                        yield read, len(text) - size, digit, sure

    def _may_separate(self, read: str, spaced: bool) -> bool:
        if self._readings.spacing:
            return True
        return self._readings.spelled_out and (spaced or len(read) == 1)


def strings_by_form(strings: Iterable[str], readings: Readings) -> dict[str, str]:
    """Each string by its plain form; of those that have the same the first."""
    found: dict[str, str] = {}
    for string in strings:
        found.setdefault(readings.plain(string), string)
    return found


def _inside(kinds: list[Kind], place: int) -> bool:
    """Whether a character of words stands before a place."""
    before = (each.word for each in reversed(kinds[:place]) if not each.transparent)
    return next(before, False)


def _goes_on(kinds: list[Kind], place: int) -> bool:
    """Whether a character of words stands behind a place."""
    return next((each.word for each in kinds[place:] if not each.transparent), False)


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
