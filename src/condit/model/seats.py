"""Which lanes of a shared decoder are whose, and how what several ask for becomes one forward.

A *seat* is a number of lanes that belong together, those of one ``DecoderView``. Nothing here waits
or locks: whoever calls this sees to it that nobody else uses the decoder meanwhile (see
`condit.model.batching`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any

from condit.errors import ModelError
from condit.model.base import Model
from condit.model.decoder import Decoder, Draft, SharedForward


@dataclass(eq=False)
class Seat:
    """The lanes of one view.

    Attributes:
        thread: the one that used it last.
        run: what it was started in, where that was said.
        group: where its lanes are; ``None`` before its first prompt is admitted.
        drafts: for each of its lanes the drafts that the decoder holds.
        admitted: lanes that it was given room for.
        error: why it can no longer be used.
    """

    thread: threading.Thread
    run: object = None
    group: Group | None = None
    drafts: list[Draft] = field(default_factory=list)
    admitted: int = 0
    error: Exception | None = None

    @property
    def lanes(self) -> int:
        """How many lanes it has."""
        return len(self.drafts)

    @property
    def place(self) -> tuple[Decoder, int]:
        """The decoder, and which of its lanes is the first here."""
        if self.group is None:
            raise ModelError("this decoder has no prompt yet: admit one")
        before = self.group.seats[: self.group.seats.index(self)]
        return self.group.decoder, sum(seat.lanes for seat in before)


@dataclass(eq=False)
class Request:
    """A wish to append tokens and look ahead, or to admit a prompt.

    Attributes:
        tokens: for each lane of the seat.
        drafts: for each lane what it holds afterwards.
        cost: how many positions are new, as far as can be told: a share of the forward.
        is_piece: whether the tokens are a piece of a prompt.
        prompt: admitted with one lane instead of all that, or as much of it as is one piece.
        answer: the rows for each lane; or how many tokens of the prompt were admitted, and the
            logits after them.
        positions: computed for this request.
        forwards: of the model, for this request or for it and others.
        error: what happened instead.
        done: set when there is an answer or an error.
    """

    seat: Seat
    tokens: Sequence[Sequence[int]] = ()
    drafts: Sequence[Draft] = ()
    cost: int = 0
    is_piece: bool = False
    prompt: Sequence[int] = ()
    answer: Any = None
    positions: int = 0
    forwards: int = 0
    error: Exception | None = None
    done: threading.Event = field(default_factory=threading.Event)


@dataclass(eq=False)
class Group:
    """A decoder and its seats, whose lanes lie one after the other.

    Attributes:
        version: that of the model, when the decoder was started.
    """

    decoder: Decoder
    version: object
    seats: list[Seat] = field(default_factory=list)

    @classmethod
    def start(cls, model: Model, request: Request) -> Group:
        """A decoder of its own for a prompt."""
        version = model.version()
        group = cls(model.start(request.prompt), version)
        group._take_in(request, request.prompt, 0, 0)
        return group

    def admit(self, request: Request, piece: int) -> None:
        """Add a lane for the prompt, or for the first ``piece`` of what is not known of it."""
        decoder, prompt = self.decoder, request.prompt
        before = decoder.positions_forwarded, decoder.forwards
        if decoder.takes_pieces:
            prompt = prompt[: decoder.known(prompt) + piece]
        decoder.admit(prompt)
        self._take_in(request, prompt, *before)

    def _take_in(
        self, request: Request, prompt: Sequence[int], positions: int, forwards: int
    ) -> None:
        """Give the last lane, which is new, to the seat that has asked."""
        decoder, seat = self.decoder, request.seat
        request.answer = len(prompt), decoder.logits[-1]
        request.positions = decoder.positions_forwarded - positions
        request.forwards = decoder.forwards - forwards
        decoder.logits[-1] = None  # the view has them: rows are large
        if seat.group is None:
            seat.group = self
            self.seats.append(seat)
        seat.drafts.append(Draft())
        if self.seats[-1] is not seat:
            _, first = seat.place
            here, last = first + seat.lanes - 1, len(decoder.logits) - 1
            decoder.fork([*range(here), last, *range(here, last)])

    def advance(self, requests: Sequence[Request]) -> SharedForward | None:
        """Answer requests of several seats, one each, by one forward; ``None``: it took none."""
        decoder = self.decoder
        asked = {request.seat: request for request in requests}
        tokens: list[Sequence[int]] = []
        drafts: list[Draft] = []
        for seat in self.seats:
            request = asked.get(seat)
            tokens += request.tokens if request else [()] * seat.lanes
            drafts += request.drafts if request else seat.drafts
        positions, forwards = decoder.positions_forwarded, decoder.forwards
        began = time.perf_counter()
        rows = decoder.advance(tokens, drafts if decoder.looks_ahead else None)
        seconds = time.perf_counter() - began
        positions = decoder.positions_forwarded - positions
        forwards = decoder.forwards - forwards
        shares = shared_out(positions, [request.cost for request in requests])
        for request, share in zip(requests, shares, strict=True):
            _, first = request.seat.place
            mine = range(first, first + request.seat.lanes)
            request.seat.drafts = list(request.drafts)
            request.answer = [rows[lane] for lane in mine]
            request.positions, request.forwards = share, forwards
            for lane in mine:
                decoder.logits[lane] = None
        return SharedForward(len(requests), positions, seconds) if forwards else None

    def release(self, leaving: set[Seat]) -> None:
        """Remove the lanes of these seats, and the seats."""
        owners = [seat for seat in self.seats for _ in range(seat.lanes)]
        gone = [lane for lane, seat in enumerate(owners) if seat in leaving]
        self.seats = [seat for seat in self.seats if seat not in leaving]
        if self.seats and gone:
            self.decoder.release(gone)


def shared_out(total: int, costs: Sequence[int]) -> list[int]:
    """``total`` in whole parts in proportion to ``costs``, which sum up to it as a rule."""
    whole = sum(costs)
    if not whole:
        return [total, *([0] * (len(costs) - 1))]
    ends = [total * cost // whole for cost in accumulate(costs)]
    return [end - start for start, end in pairwise([0, *ends])]
