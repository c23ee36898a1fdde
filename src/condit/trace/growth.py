"""Which draw each draw comes after: how the texts of a run grow, whatever its sampler.

Draws are numbered from 0 in the order of their records. Following the numbers back from a text's
last draw gives its tokens: lanes that were resampled, texts of a beam and moves of a Markov chain
share their beginnings so. Nothing is read or written here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from condit.trace.records import Drawn, StepInfo

Text: TypeAlias = tuple[int | None, int | None]
"""Which text: its lane and its attempt, as the records have them."""


class Numbered(NamedTuple):
    """The numbers of the draws of one step.

    Attributes:
        draws: of each draw.
        redraws: of each redraw.
        ends: of each end the number of the text's last draw; ``None`` for a text without tokens.
    """

    draws: range
    redraws: range
    ends: tuple[int | None, ...]


class Growth:
    """Follows the records of a run.

    Attributes:
        tokens: the token of each draw.
        after: the number of the draw that each one comes after; ``None`` at the beginning.
        places: how many tokens of its text come before each one.
        lasts: of each text the number of its last draw.
    """

    def __init__(self) -> None:
        self.tokens: list[int | None] = []
        self.after: list[int | None] = []
        self.places: list[int] = []
        self.lasts: dict[Text, int | None] = {}
        self._settled: dict[int | None, int | None] = {}

    def follow(self, info: StepInfo) -> Numbered:
        """Number the draws of the next record."""
        ancestors = info.ancestors
        # A beam tells an ancestor for each draw; else there is one for each lane.
        is_beam = ancestors is not None and all(each.lane is None for each in info.draws)
        if ancestors is not None and is_beam:
            before, self.lasts = self.lasts, {}
            for each, rank in zip(info.draws, ancestors, strict=False):
                self.lasts[None, each.attempt] = before.get((None, rank))
        draws = self._number(info.draws)
        ends = tuple(self.lasts.get((each.lane, each.attempt)) for each in info.ends)
        for ended, last in zip(info.ends, ends, strict=True):
            if ended.accepted:
                self._settled[ended.lane] = last
        if ancestors is not None and not is_beam:
            before = dict(self.lasts)
            for lane, ancestor in enumerate(ancestors):
                self.lasts[lane, None] = before.get((ancestor, None))
        return Numbered(draws, self._number(info.redraws), ends)

    def _number(self, draws: tuple[Drawn, ...]) -> range:
        first = len(self.after)
        for drawn in draws:
            text = (drawn.lane, drawn.attempt)
            last = self.lasts.get(text, self._settled.get(drawn.lane) if drawn.kept else None)
            if drawn.kept is not None:
                last = self._cut(last, drawn.kept)
            self.tokens.append(drawn.token)
            self.after.append(last)
            self.places.append(0 if last is None else self.places[last] + 1)
            self.lasts[text] = len(self.after) - 1 if drawn.appended else last
        return range(first, len(self.after))

    def _cut(self, last: int | None, kept: int) -> int | None:
        """The last draw of the first ``kept`` tokens of the text that ends with ``last``."""
        while last is not None and self.places[last] >= kept:
            last = self.after[last]
        return last

    def back(self, number: int | None) -> Iterator[int]:
        """The numbers of the draws of a text, from the last one to the first."""
        while number is not None:
            yield number
            number = self.after[number]
