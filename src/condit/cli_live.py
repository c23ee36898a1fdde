"""Lanes as they grow, in a terminal: ``condit generate --live``. What is printed at the end is not
here: see ``cli_output.py``."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text as Words

from condit.page.words import counted, end_fitted, number, percent
from condit.trace import Growth, StepInfo

BETWEEN = 0.1
"""Seconds between two pictures."""

NARROW = 72
"""Cells of a terminal below which the numbers of tokens are left out, so that texts have room."""

_ABOVE_AND_BELOW = 4


@dataclass
class Row:
    """A text as far as it is.

    Attributes:
        name: its lane, and the number of its attempt if there are any, as in ``3 #12``.
        share: its share of the weight (linear); ``None`` if not known.
        tokens: how many it has.
        state: what it does, in words.
        end: the end of its text.
    """

    name: str
    share: float | None
    tokens: int
    state: str
    end: str


class Lanes:
    """Follows the records of a run, and says what its texts are at that moment.

    Args:
        spell: the bytes of each token.
    """

    def __init__(self, spell: Sequence[bytes]) -> None:
        self._spell = spell
        self._growth = Growth()
        self._log_weights: dict[tuple[int | None, int | None], float] = {}
        self._states: dict[tuple[int | None, int | None], str] = {}
        self._sources: dict[int | None, int] = {}  # where lanes were copied from at last
        self._tried = self._accepted = self._resampled = 0
        self._last: StepInfo | None = None

    def follow(self, info: StepInfo) -> None:
        """Take the next record."""
        is_beam = info.ancestors is not None and all(each.lane is None for each in info.draws)
        if is_beam:
            self._log_weights, self._states = {}, {}
        self._growth.follow(info)
        for drawn in info.draws:
            text = (drawn.lane, drawn.attempt)
            self._states[text] = "growing"
            self._log_weights[text] = drawn.log_weight
        for ended in info.ends:
            text = (ended.lane, ended.attempt)
            self._states[text] = ended.reason.replace("_", " ")
            self._log_weights[text] = ended.log_weight
            if ended.attempt is not None:
                self._tried += 1
                self._accepted += ended.accepted
                if not ended.accepted and ended.reason == "stop":
                    self._states[text] = "not accepted"
        if info.ancestors is not None and not is_beam:
            self._resample(info.ancestors)
        self._last = info

    def _resample(self, ancestors: Sequence[int]) -> None:
        self._resampled += 1
        self._sources = {}
        before, states = dict(self._log_weights), dict(self._states)
        moved = {lane for lane, source in enumerate(ancestors) if source != lane}
        moved |= {ancestors[lane] for lane in moved}
        logs = [before.get((lane, None), -math.inf) for lane in moved]
        most = max(logs, default=-math.inf)
        mean = most
        if most > -math.inf:
            mean += math.log(math.fsum(math.exp(log - most) for log in logs) / len(logs))
        for lane in moved:
            source = ancestors[lane]
            self._log_weights[lane, None] = mean
            self._states[lane, None] = states.get((source, None), "growing")
            if source != lane:
                self._sources[lane] = source

    def rows(self, most: int, cells: int) -> tuple[list[Row], int]:
        """The texts, and how many were left out.

        Args:
            most: how many there may be: the latest attempts, or the heaviest lanes.
            cells: of a terminal that the end of a text may take.
        """
        texts = [text for text in self._states if text in self._growth.lasts]
        attempts = any(attempt is not None for _, attempt in texts)
        shares = {} if attempts else self._shares(texts)
        if len(texts) > most:
            rank = (lambda t: t[1] or 0) if attempts else (lambda t: shares.get(t, 0.0))
            texts = sorted(texts, key=rank)[-most:] if most else []
        left = len(self._growth.lasts) - len(texts)
        key = (lambda t: (t[1] or 0, t[0] or 0)) if attempts else (lambda t: (t[0] or 0, 0))
        return [self._row(text, shares.get(text), cells) for text in sorted(texts, key=key)], left

    def _shares(
        self, texts: Sequence[tuple[int | None, int | None]]
    ) -> dict[tuple[int | None, int | None], float]:
        most = max((self._log_weights[text] for text in texts), default=-math.inf)
        if most == -math.inf:
            return {}
        weights = [math.exp(self._log_weights[text] - most) for text in texts]
        total = math.fsum(weights)
        return {text: weight / total for text, weight in zip(texts, weights, strict=True)}

    def _row(self, text: tuple[int | None, int | None], share: float | None, cells: int) -> Row:
        lane, attempt = text
        last = self._growth.lasts[text]
        spelled: list[bytes] = []
        size, cut = 0, False
        for at in self._growth.back(last):
            token = self._growth.tokens[at]
            spelled.append(b"" if token is None else self._spell[token])
            size += len(spelled[-1])
            if size > 8 * cells:  # more than is shown, also of wide characters
                cut = True
                break
        end = b"".join(reversed(spelled)).decode(errors="replace")
        lane_and_attempt = [
            "" if lane is None else f"{lane}",
            "" if attempt is None else f"#{attempt}",
        ]
        name = " ".join(filter(None, lane_and_attempt))
        # The end of a text is drawn, too, but is none of its tokens.
        ended = last is not None and not spelled[0]
        tokens = 0 if last is None else self._growth.places[last] + 1 - ended
        state = self._states[text]
        if lane in self._sources and attempt is None:
            state += f" ←{self._sources[lane]}"
        shown = end_fitted(f"…{end}" if cut else end, cells)
        return Row(name, share, tokens, state, shown)

    @property
    def summary(self) -> str:
        """Evidence, effective sample size and what else is known, in one line."""
        if self._last is None:
            return "reading the prompt"
        said = [f"step {self._last.step}"]
        if self._last.log_evidence is not None and math.isfinite(self._last.log_evidence):
            said.append(f"log evidence {self._last.log_evidence:.3f}")
        if self._last.effective_sample_size:
            said.append(f"effective sample size {number(self._last.effective_sample_size)}")
        if self._tried:
            said.append(f"accepted {self._accepted} of {counted(self._tried, 'attempt')}")
        if self._resampled:
            said.append(f"resampled {counted(self._resampled, 'time')} (← copied from)")
        return "; ".join(said)


@contextmanager
def growing(spell: Sequence[bytes], console: Console) -> Iterator[Callable[[StepInfo], None]]:
    """An ``on_step`` that shows all lanes, and takes them away at the end.

    Args:
        spell: the bytes of each token.
        console: a terminal that can move its cursor.
    """
    lanes, shown_at = Lanes(spell), 0.0
    picture = Live(picture_of(lanes, console), console=console, auto_refresh=False, transient=True)
    with picture:

        def show(info: StepInfo) -> None:
            nonlocal shown_at
            lanes.follow(info)
            now = time.monotonic()
            if now - shown_at >= BETWEEN:
                shown_at = now
                picture.update(picture_of(lanes, console), refresh=True)

        yield show
        picture.update(picture_of(lanes, console), refresh=True)


def picture_of(lanes: Lanes, console: Console) -> Table:
    """The lanes as a table that fits into the terminal."""
    narrow = console.width < NARROW
    caption = 1 + len(lanes.summary) // max(console.width, 1)
    room = max(1, console.height - _ABOVE_AND_BELOW - caption)
    rows, left = lanes.rows(room, max(8, console.width - (30 if narrow else 44)))
    table = Table(
        box=None, pad_edge=False, caption=lanes.summary, caption_justify="left", expand=True
    )
    attempts = any("#" in row.name for row in rows)
    table.add_column("attempt" if attempts else "lane", no_wrap=True)
    if not attempts:
        table.add_column("weight", no_wrap=True, justify="right", min_width=6)
    if not narrow:
        table.add_column("tokens", no_wrap=True, justify="right")
    table.add_column("state", no_wrap=True, min_width=12, max_width=12 if narrow else 14)
    table.add_column("text", no_wrap=True, ratio=1)
    for row in rows:
        share = "" if row.share is None else percent(row.share)
        weight = [] if attempts else [share]
        cells = [row.name, *weight, *([] if narrow else [f"{row.tokens}"]), row.state, row.end]
        style = "dim" if row.share == 0 or row.state.startswith(("rejected", "not ")) else ""
        table.add_row(*map(Words, cells), style=style)
    if left > 0:
        table.add_row(Words(f"and {left:,} more"))
    return table
