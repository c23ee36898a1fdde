"""Where runs that share a decoder meet: one thread computes for all of them at a time.

A *run* is a thread that uses lanes of the decoder. When every run under way waits for the model,
what they ask for goes through it in one forward. A run that is busy elsewhere is waited for only as
long as a forward takes, and then not again before it comes back.

This module knows requests, threads and whose lane is whose. What a run sees is a ``DecoderView``
(see `condit.model.shared`), and nothing here knows samplers or texts.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any

from condit.errors import ArgumentError, ModelError, RunCancelledError
from condit.model.base import Model
from condit.model.decoder import Decoder, Draft, SharedForward

_IDLE_SECONDS = 1.0
"""The computing thread ends after so long without a request; the next one starts another."""

_LONGEST_SLEEP = 0.1
"""Seconds after which who waits for room looks again: the garbage collector wakes nobody."""

_LEAST_PATIENCE = 0.002
"""Runs are waited for at least so many seconds: a token's constraint takes about as long."""


@dataclass(eq=False)
class Group:
    """A decoder and whose its lanes are: those of a seat lie side by side, in the seats' order."""

    decoder: Decoder
    version: object
    seats: list[Seat] = field(default_factory=list)

    def release(self, leaving: set[Seat]) -> None:
        """Remove the lanes of these seats, and the seats."""
        owners = [seat for seat in self.seats for _ in range(seat.lanes)]
        gone = [lane for lane, seat in enumerate(owners) if seat in leaving]
        self.seats = [seat for seat in self.seats if seat not in leaving]
        if self.seats and gone:
            self.decoder.release(gone)


@dataclass(eq=False)
class Run:
    """A run as whoever looks after it sees it; see ``SharedModel.run``."""

    _meeting: Meeting
    error: Exception | None = None

    def cancel(self) -> None:
        """End it, from any thread: its next use of the model raises `RunCancelledError`.

        Its lanes are given up at once, or as the forward that is under way ends.
        """
        self.end(RunCancelledError("the run was cancelled"))

    def end(self, error: Exception | None = None) -> None:
        """Give up all lanes; using them raises ``error`` from now on."""
        self._meeting.end(self, error or ModelError("the run of this decoder has ended"))


@dataclass(eq=False)
class Seat:
    """What the meeting knows of a view.

    Attributes:
        thread: the one that used it last.
        run: what it was started in, where that was said.
        group: where its lanes are; ``None`` before its first prompt is admitted.
        drafts: for each of its lanes the drafts that the decoder holds.
        admitted: lanes that it was given room for.
        error: why it can no longer be used.
    """

    thread: threading.Thread
    run: Run | None = None
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
        prompt: admitted with ``lanes`` lanes, instead of all that.
        answer: the rows for each lane, or the logits after the prompt.
        positions: computed for this request.
        forwards: of the model, for this request or for it and others.
    """

    seat: Seat
    tokens: Sequence[Sequence[int]] = ()
    drafts: Sequence[Draft] = ()
    cost: int = 0
    prompt: Sequence[int] = ()
    lanes: int = 0
    answer: Any = None
    positions: int = 0
    forwards: int = 0
    error: Exception | None = None
    done: threading.Event = field(default_factory=threading.Event)


class Meeting:
    """Requests of runs, gathered and computed together.

    Args:
        model: starts the decoders. There is one at a time, unless the model's weights change.
        most_lanes: how many lanes are admitted at once; further runs wait until others have left.
        patience: seconds that a run busy elsewhere is waited for; ``None``: as long as the last
            forward took.

    Attributes:
        last_forward: what runs have asked for last that took a forward.
    """

    def __init__(self, model: Model, most_lanes: int | None, patience: float | None) -> None:
        self._model = model
        self._most_lanes = most_lanes
        self._patience = patience
        self._lock = threading.Lock()
        self._asked = threading.Condition(self._lock)  # for the computing thread
        self._settled = threading.Condition(self._lock)  # for all others
        self._computing = False
        self._worker: threading.Thread | None = None
        self._seats: list[Seat] = []
        self._entered: Counter[threading.Thread] = Counter()
        self._absent: set[threading.Thread] = set()
        self._requests: dict[threading.Thread, Request] = {}
        self._since = 0.0  # when the first of the requests came, or the last forward ended
        self._forward_seconds = 0.0
        self.last_forward: SharedForward | None = None
        self._queue: deque[object] = deque()
        # The garbage collector may leave a note here in the middle of anything.
        self._left: deque[Seat] = deque()

    def enter(self) -> None:
        """This thread takes part from now on: it is waited for before it has a view."""
        with self._lock:
            self._entered[threading.current_thread()] += 1

    def exit(self) -> None:
        """Undo `enter`."""
        me = threading.current_thread()
        with self._lock:
            self._entered[me] -= 1
            self._entered += Counter()  # without those that are at 0
            self._asked.notify()

    def sit_down(self, lanes: int, run: Run | None = None) -> Seat:
        """A seat for a run that will admit ``lanes`` lanes, once there is room for them.

        A run that has a seat already never waits, as two of that kind might wait for each other.

        Raises:
            ArgumentError: there is never room for so many.
            RunCancelledError: the run was cancelled.
        """
        me = threading.current_thread()
        seat = Seat(me, run, admitted=lanes)
        if self._most_lanes is not None and lanes > self._most_lanes:
            raise ArgumentError(
                f"{lanes} lanes are asked for, but this shared model has {self._most_lanes} in "
                "all: make it with more lanes, or draw fewer at a time"
            )
        with self._lock:
            if not any(each.thread is me for each in self._seats):
                self._wait_for_room(me, lanes, run)
            self._seats.append(seat)
        return seat

    def _wait_for_room(self, me: threading.Thread, lanes: int, run: Run | None) -> None:
        ticket = object()
        self._queue.append(ticket)
        self._absent.add(me)  # nobody waits for who waits for room
        self._asked.notify()
        try:
            while run is None or run.error is None:
                if self._queue[0] is ticket and self._has_room(lanes):
                    return
                self._settled.wait(_LONGEST_SLEEP)
            raise run.error
        finally:
            self._queue.remove(ticket)
            self._absent.discard(me)
            self._settled.notify_all()

    def _has_room(self, lanes: int) -> bool:
        self._tidy()
        taken = sum(seat.admitted for seat in self._seats)
        return self._most_lanes is None or taken + lanes <= self._most_lanes

    def leave(self, seat: Seat, error: Exception | None = None) -> None:
        """Give up a seat and its lanes, without waiting for a forward that is under way.

        Args:
            error: what using it raises from now on.
        """
        seat.error = seat.error or error or ModelError("this decoder was closed: start another")
        self._left.append(seat)
        with self._lock:
            self._someone_left()

    def end(self, run: Run, error: Exception) -> None:
        """Give up all seats of a run, which can start no more.

        Args:
            error: what using them raises from now on.
        """
        with self._lock:
            run.error = run.error or error
            for seat in self._seats:
                if seat.run is run and seat.error is None:
                    seat.error = run.error
                    self._left.append(seat)
            self._someone_left()

    def note_gone(self, seat: Seat) -> None:
        """`leave`, for the garbage collector: it may strike where this thread has the lock."""
        seat.error = seat.error or ModelError("this decoder is gone")
        self._left.append(seat)
        if self._lock.acquire(blocking=False):
            try:
                self._someone_left()
            finally:
                self._lock.release()

    def _someone_left(self) -> None:
        self._tidy()
        for thread, request in list(self._requests.items()):
            if request.seat.error is not None:
                del self._requests[thread]
                request.done.set()
        self._asked.notify()
        self._settled.notify_all()

    @contextmanager
    def quiet(self, seat: Seat) -> Iterator[tuple[Decoder, int]]:
        """The decoder, while nothing is computed and nobody else uses it; and the first lane."""
        with self._lock:
            while self._computing:
                self._settled.wait()
            if seat.error is not None:
                raise seat.error
            yield seat.place

    def ask(self, request: Request) -> None:
        """Wait until the request is computed, with those of others where they come in time.

        Raises:
            RunCancelledError: the run was cancelled.
            ModelError: the forward failed. Who shared it with others gets this one, with the
                error as its cause; an error of a forward that was made for it alone is raised as
                it is.
        """
        seat, me = request.seat, threading.current_thread()
        try:
            with self._lock:
                if seat.error is not None:
                    raise seat.error
                if not self._requests:
                    self._since = time.monotonic()
                seat.thread = me
                self._absent.discard(me)
                self._requests[me] = request
                if len(self._requests) == 1 or request.prompt or not self._missing():
                    self._asked.notify()
                if self._worker is None:
                    self._worker = threading.Thread(
                        target=self._serve, name=f"condit-{self._model.name}", daemon=True
                    )
                    self._worker.start()
            request.done.wait()
        except BaseException:
            # Interrupted as it waited: what comes of the request is lost, and so is its view.
            self.leave(seat)
            raise
        if request.error is not None:
            self.leave(seat, request.error)
        if seat.error is not None:
            raise seat.error

    def _serve(self) -> None:
        """Compute what is asked for, until nothing has been for a while."""
        with self._lock:
            while requests := self._gather():
                self._computing = True
                self._lock.release()
                began = time.monotonic()
                try:
                    self._compute(requests)
                finally:
                    self._lock.acquire()
                    self._since = time.monotonic()
                    self._forward_seconds = self._since - began
                    self._computing = False
                    self._tidy()
                    for request in requests:
                        request.done.set()
                    self._settled.notify_all()
            self._worker = None

    def _gather(self) -> list[Request]:
        """Wait until all runs that are under way have asked, or patience ends; none: go home."""
        self._tidy()
        while True:
            if not self._requests:
                woken = self._asked.wait(_IDLE_SECONDS if self._seats or self._entered else 0)
                if not woken and not self._requests:
                    return []
                continue
            missing = self._missing()
            left = self._since + self._patience_now() - time.monotonic()
            if not missing or left <= 0:
                self._absent |= missing
                return self._take(list(self._requests.values()))
            # A prompt is forwarded by itself: it gains nothing by waiting.
            if prompts := [request for request in self._requests.values() if request.prompt]:
                return self._take(prompts)
            self._asked.wait(left)

    def _take(self, requests: list[Request]) -> list[Request]:
        for thread, request in list(self._requests.items()):
            if request in requests:
                del self._requests[thread]
        return requests

    def _missing(self) -> set[threading.Thread]:
        """Runs that are under way and have not asked."""
        under_way = {seat.thread for seat in self._seats if seat.error is None} | set(self._entered)
        self._absent &= under_way
        missing = under_way - self._requests.keys() - self._absent
        return {thread for thread in missing if thread.is_alive()}

    def _patience_now(self) -> float:
        if self._patience is not None:
            return self._patience
        return max(self._forward_seconds, _LEAST_PATIENCE)

    def _tidy(self) -> None:
        """Remove the lanes of seats that were left, unless a forward is under way."""
        if self._computing or not self._left:
            return
        leaving: set[Seat] = set()
        while self._left:
            leaving.add(self._left.popleft())
        for group in {seat.group for seat in leaving if seat.group is not None}:
            group.release(leaving)
        self._seats = [seat for seat in self._seats if seat not in leaving]

    def _compute(self, requests: Sequence[Request]) -> None:
        """Admit prompts, and then make one forward for all who go on."""
        for request in requests:
            if request.prompt:
                self._try([request], self._admit)
        for group in dict.fromkeys(r.seat.group for r in requests if not r.prompt):
            going = [r for r in requests if not r.prompt and r.seat.group is group]
            self._try(going, self.advance)

    def _try(self, requests: list[Request], compute: Any) -> None:
        """Let an error reach those who were in it."""
        try:
            compute(requests)
        except BaseException as error:
            for request in requests:
                request.error = error if isinstance(error, Exception) else None
                if len(requests) > 1 or request.error is None:
                    shared = ModelError(
                        f"a forward for {len(requests)} runs at once failed: "
                        f"{str(error) or type(error).__name__}"
                    )
                    shared.__cause__ = error
                    request.error = shared

    def _admit(self, requests: list[Request]) -> None:
        (request,) = requests
        seat, lanes = request.seat, request.lanes
        group = seat.group or self._current_group()
        if group is None:
            decoder = self._model.start(request.prompt, lanes)
            group = Group(decoder, self._model.version())
            positions, forwards = 0, 0
        else:
            decoder = group.decoder
            positions, forwards = decoder.positions_forwarded, decoder.forwards
            decoder.admit(request.prompt, lanes)
        if seat.group is None:
            seat.group = group
            group.seats.append(seat)
        seat.drafts += [Draft()] * lanes
        request.answer = decoder.logits[-1]
        request.positions = decoder.positions_forwarded - positions
        request.forwards = decoder.forwards - forwards
        for lane in range(len(decoder.logits) - lanes, len(decoder.logits)):
            decoder.logits[lane] = None  # the view has them: rows are large
        if group.seats[-1] is not seat:
            # The new lanes are the last ones: let them lie beside the others of their seat.
            _, first = seat.place
            total = len(decoder.logits)
            end = first + seat.lanes - lanes
            new = range(total - lanes, total)
            decoder.fork([*range(end), *new, *range(end, total - lanes)])

    def _current_group(self) -> Group | None:
        """The group that new runs join: the decoder of the weights as they are now."""
        groups = [seat.group for seat in self._seats if seat.group is not None]
        if groups and groups[-1].version == self._model.version():
            return groups[-1]
        return None

    def advance(self, requests: list[Request]) -> None:
        """One forward for requests of seats in one group; nobody else uses the decoder now."""
        group = requests[0].seat.group
        if group is None:
            raise ModelError("a decoder advances after its first prompt, not before")
        decoder = group.decoder
        by_seat = {request.seat: request for request in requests}
        tokens: list[Sequence[int]] = []
        drafts: list[Draft] = []
        for seat in group.seats:
            asked = by_seat.get(seat)
            tokens += asked.tokens if asked else [()] * seat.lanes
            drafts += asked.drafts if asked else seat.drafts
        positions, forwards = decoder.positions_forwarded, decoder.forwards
        began = time.perf_counter()
        rows = decoder.advance(tokens, drafts if decoder.looks_ahead else None)
        seconds = time.perf_counter() - began
        shares = shared_out(
            decoder.positions_forwarded - positions, [request.cost for request in requests]
        )
        if decoder.forwards > forwards:
            self.last_forward = SharedForward(len(requests), sum(shares), seconds)
        for request, share in zip(requests, shares, strict=True):
            _, first = request.seat.place
            mine = range(first, first + request.seat.lanes)
            request.seat.drafts = list(request.drafts)
            request.answer = [rows[lane] for lane in mine]
            request.positions = share
            request.forwards = decoder.forwards - forwards
            for lane in mine:
                decoder.logits[lane] = None


def shared_out(total: int, costs: Sequence[int]) -> list[int]:
    """``total`` in whole parts in proportion to ``costs``, which sum up to it as a rule."""
    whole = sum(costs)
    if not whole:
        return [total, *([0] * (len(costs) - 1))]
    ends = [total * cost // whole for cost in accumulate(costs)]
    return [end - start for start, end in pairwise([0, *ends])]
