"""How many tokens may follow where one part is being written, without advancing its matcher.

Endings are asked about for every token that is drawn near a limit, so this has to be fast. The
matcher of the part is asked whether it would be complete after some of the tokens, and what lies
behind is known from the places of the layout.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from condit.constraint.algebra.layout import Layout, Step
from condit.constraint.algebra.reading import Reading
from condit.constraint.algebra.state import State
from condit.vocabulary import Vocabulary


class _Readings(Protocol):
    """What is needed of ``Readings``."""

    vocabulary: Vocabulary
    layout: Layout
    last_bytes: list[frozenset[int] | None]

    def first_bytes(self, place: int) -> frozenset[int]:
        """The bytes that may come at a place."""

    def places(self, step: Step, text: bytes) -> Sequence[int]:
        """Where a token may be taken apart."""

    def entered(self, place: int, text: bytes) -> State:
        """The state where a text was written from a place on."""

    def count_allowed(self, state: State, tokens: tuple[int, ...]) -> int:
        """How many tokens may come."""


def count_of(readings: _Readings, reading: Reading, tokens: tuple[int, ...]) -> int:
    """How many of ``tokens`` may come at the only reading of a text; the end may be the last.

    Of all ways to end the part within the tokens, the one that leads furthest counts.
    """
    vocabulary, place = readings.vocabulary, reading.step.after
    ends = tokens[-1] == vocabulary.end
    texts = tokens[:-1] if ends else tokens
    asked = reading.count_allowed(tokens)
    if asked == len(tokens) and (not ends or readings.entered(place, b"").may_end):
        return asked
    best = within = min(asked, len(texts))
    first, last = readings.first_bytes(place), readings.last_bytes[reading.step.part]
    for count in range(min(within, len(texts) - 1) + 1):
        spelled, before = vocabulary.bytes[texts[count]], texts[:count]
        if not spelled:
            break
        left = count > 0 and spelled[0] in first
        left = left and (last is None or vocabulary.bytes[texts[count - 1]][-1] in last)
        if left and reading.stops_after(before):
            further = readings.count_allowed(readings.entered(place, b""), tokens[count:])
            best = max(best, count + further)
        for cut in readings.places(reading.step, spelled):
            if reading.stops_after(before, spelled[:cut]):
                entered = readings.entered(place, spelled[cut:])
                if entered.readings or entered.may_end:
                    further = readings.count_allowed(entered, tokens[count + 1 :])
                    best = max(best, count + 1 + further)
        if best == len(tokens):
            break
    return best
