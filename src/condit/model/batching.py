"""The batch scheduler of runs that share a decoder: one thread computes, for all at a time.

A *run* is a thread that uses lanes of the decoder. When every run under way waits for the model,
what they ask for goes through it in one forward. A run that is busy elsewhere is waited for only as
long as a forward takes, and then not again before it comes back. Nobody waits for a run that has
ended, in whatever way. As runs do not compute themselves, what interrupts one of them strikes no
forward of others.

This module knows threads and when they wait. Whose lane is whose is the matter of
`condit.model.seats`, and what a run sees is a ``DecoderView`` (`condit.model.shared`).
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from condit.errors import ArgumentError, ModelError, RunCancelledError
from condit.model.base import Model
from condit.model.decoder import Decoder, SharedForward, Spent
from condit.model.seats import Group, Request, Seat

_IDLE_SECONDS = 1.0
"""The computing thread ends after so long without a request; the next one starts another."""

_LONGEST_SLEEP = 0.1
"""Seconds after which who waits for room looks again: the garbage collector wakes nobody."""

_LEAST_PATIENCE = 0.002
"""Runs are waited for at least so many seconds: a token's constraint takes about as long."""

_MOST_PROMPTS_IN_A_ROW = 4
"""Prompts, or first pieces of them, that are forwarded while others wait for their next forward."""


@dataclass(eq=False)
class Run:
    """A run as whoever looks after it sees it; see ``SharedModel.run``."""

    _scheduler: BatchScheduler
    error: Exception | None = None

    def cancel(self) -> None:
        """End it, from any thread: its next use of the model raises `RunCancelledError`.

        Its lanes are given up at once, or as the forward that is under way ends.
        """
        self.end(RunCancelledError("the run was cancelled"))

    def end(self, error: Exception | None = None) -> None:
        """Give up all lanes; using them raises ``error`` from now on."""
        self.error = self.error or error or ModelError("the run of this decoder has ended")
        self._scheduler.end(self, self.error)


class BatchScheduler:
    """Gathers what runs ask for, and computes it together.

    Args:
        model: starts the decoders. There is one at a time, unless the model's weights change.
        most_lanes: how many lanes runs may start with; others wait until there is room.
        piece: tokens of a prompt that are forwarded at once, where others have a decoder already.
        patience: seconds that a run busy elsewhere is waited for; ``None``: as long as the last
            forward took.

    Attributes:
        last_forward: the last one, prompts aside.
        spent: forwards so far, and how long they took.
    """

    def __init__(
        self, model: Model, most_lanes: int | None, piece: int, patience: float | None
    ) -> None:
        self.piece = piece
        self.last_forward: SharedForward | None = None
        self.spent = Spent()
        self._model = model
        self._most_lanes = most_lanes
        self._patience = patience
        self._lock = threading.Lock()
        self._asked = threading.Condition(self._lock)  # for the computing thread
        self._settled = threading.Condition(self._lock)  # for all others
        self._worker: threading.Thread | None = None
        self._computing = False
        self._prompts_in_a_row = 0
        self._since = 0.0  # when the first of the requests came, or the last forward ended
        self._requests: dict[threading.Thread, Request] = {}
        self._seats: list[Seat] = []
        self._entered: Counter[threading.Thread] = Counter()
        self._absent: set[threading.Thread] = set()
        self._queue: deque[object] = deque()
        # The garbage collector may leave a note here in the middle of anything.
        self._left: deque[Seat] = deque()

    @property
    def lanes(self) -> int:
        """How many lanes there are now, but for those of who has left as a forward was made."""
        return sum(seat.lanes for seat in tuple(self._seats))

    def enter(self) -> None:
        """This thread takes part from now on: it is waited for before it has a seat."""
        with self._lock:
            self._entered[threading.current_thread()] += 1

    def exit(self) -> None:
        """Undo `enter`."""
        with self._lock:
            self._entered[threading.current_thread()] -= 1
            self._entered += Counter()  # drops those that are at 0
            self._asked.notify()

    def sit_down(self, lanes: int, run: Run | None = None) -> Seat:
        """A seat for a run that starts with ``lanes`` lanes, once there is room for them.

        A run that has a seat already never waits, as two of that kind might wait for each other.

        Raises:
            ArgumentError: there is never room for so many.
            RunCancelledError: the run was cancelled.
        """
        me = threading.current_thread()
        if self._most_lanes is not None and lanes > self._most_lanes:
            raise ArgumentError(
                f"{lanes} lanes are asked for, but this shared model has {self._most_lanes} in "
                "all: make it with more lanes, or draw fewer at a time"
            )
        seat = Seat(me, run, admitted=lanes)
        with self._lock:
            if not any(each.thread is me and each.error is None for each in self._seats):
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
                self._tidy()
                taken = sum(seat.admitted for seat in self._seats)
                enough = self._most_lanes is None or taken + lanes <= self._most_lanes
                if enough and self._queue[0] is ticket:
                    return
                self._settled.wait(_LONGEST_SLEEP)
            raise run.error
        finally:
            self._queue.remove(ticket)
            self._absent.discard(me)
            self._settled.notify_all()

    def leave(self, seat: Seat, error: Exception | None = None) -> None:
        """Give up a seat and its lanes, without waiting for a forward that is under way.

        Args:
            error: what using it raises from now on.
        """
        self._note(seat, error)
        with self._lock:
            self._someone_left()

    def end(self, run: Run, error: Exception) -> None:
        """Give up all seats of a run; using them raises ``error`` from now on."""
        with self._lock:
            for seat in self._seats:
                if seat.run is run:
                    self._note(seat, error)
            self._someone_left()

    def collected(self, seat: Seat) -> None:
        """`leave`, for the garbage collector: this thread may have the lock already."""
        self._note(seat)
        if self._lock.acquire(blocking=False):
            try:
                self._someone_left()
            finally:
                self._lock.release()

    def _note(self, seat: Seat, error: Exception | None = None) -> None:
        if seat.error is None:
            seat.error = error or ModelError("this decoder was closed: start another")
        self._left.append(seat)

    def _someone_left(self) -> None:
        self._tidy()
        for thread, request in list(self._requests.items()):
            if request.seat.error is not None:
                del self._requests[thread]
                request.done.set()
        self._asked.notify()
        self._settled.notify_all()

    def _tidy(self) -> None:
        """Remove the lanes of seats that were left, unless a forward is under way."""
        if self._computing or not self._left:
            return
        leaving: set[Seat] = set()
        while self._left:
            leaving.add(self._left.popleft())
        self._seats = [seat for seat in self._seats if seat not in leaving]
        for group in {seat.group for seat in leaving if seat.group is not None}:
            group.release(leaving)
        for seat in leaving:
            seat.group = None  # who still has the view has no use of its decoder

    @contextmanager
    def quiet(self, seat: Seat, lanes: int) -> Iterator[tuple[Decoder, int]]:
        """The decoder and the first lane of a seat, while nobody else uses the decoder.

        Args:
            lanes: how many lanes the caller thinks that it has.
        """
        with self._lock:
            while self._computing:
                self._settled.wait()
            self._check(seat, lanes)
            decoder, first = seat.place
            try:
                yield decoder, first
            except Exception:
                raise
            except BaseException as error:
                # It may have struck in the middle of a change of what all of them share.
                for each in seat.group.seats if seat.group is not None else ():
                    broken = ModelError("another run was interrupted as it changed its lanes")
                    broken.__cause__ = error
                    self._note(each, broken)
                self._someone_left()
                raise

    def _check(self, seat: Seat, lanes: int) -> None:
        """Raise what ended a seat, or `ModelError` where an interruption left a view behind it."""
        if seat.error is not None:
            raise seat.error
        if lanes != seat.lanes:
            raise ModelError("this decoder was interrupted as it changed its lanes: start another")

    def ask(self, request: Request) -> None:
        """Wait until the request is computed, with those of others where they come in time.

        Raises:
            RunCancelledError: the run was cancelled.
            ModelError: the forward failed. Whoever shared it with others gets this one, with the
                error as its cause; an error of a forward that was made for it alone is raised as
                it is.
        """
        seat, me = request.seat, threading.current_thread()
        try:
            with self._lock:
                self._check(seat, seat.lanes if request.prompt else len(request.tokens))
                if not self._requests:
                    self._since = time.monotonic()
                seat.thread = me
                self._absent.discard(me)
                self._requests[me] = request
                if self._worker is None:
                    name = f"condit-{self._model.name}"
                    worker = threading.Thread(target=self._serve, name=name, daemon=True)
                    worker.start()
                    self._worker = worker
                elif len(self._requests) == 1 or request.prompt or not self._missing():
                    self._asked.notify()
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
            try:
                while requests := self._gather():
                    self._computing = True
                    self._lock.release()
                    try:
                        self._compute(requests)
                    finally:
                        self._lock.acquire()
                        self._computing = False
                        self._since = time.monotonic()
                        for request in requests:
                            request.done.set()
                        self._someone_left()
            except BaseException as error:
                _fail(list(self._requests.values()), error)
                for request in self._requests.values():
                    request.done.set()
                raise
            finally:
                self._worker = None

    def _gather(self) -> list[Request]:
        """Wait until all runs that are under way have asked, or patience ends; none: go home."""
        while True:
            self._tidy()
            if not self._requests:
                idle = _IDLE_SECONDS if self._seats or self._entered else 0
                if not self._asked.wait(idle) and not self._requests:
                    return []
                continue
            prompts = [request for request in self._requests.values() if request.prompt]
            others = [request for request in self._requests.values() if not request.prompt]
            if prompts and (not others or self._prompts_in_a_row < _MOST_PROMPTS_IN_A_ROW):
                # One by itself: it gains nothing by waiting, and its run can draw as it is there.
                self._prompts_in_a_row += bool(others)
                return self._take(prompts[:1])
            missing = self._missing()
            left = self._since + self._patience_now() - time.monotonic()
            if prompts or not missing or left <= 0:
                self._absent |= missing if left <= 0 else set()
                self._prompts_in_a_row = 0
                return self._take(others)
            self._asked.wait(left)

    def _take(self, requests: list[Request]) -> list[Request]:
        """These requests, but for all pieces of prompts except the first: a forward has one."""
        later = [request for request in requests if request.is_piece][1:]
        requests = [request for request in requests if request not in later]
        self._requests = {
            thread: request for thread, request in self._requests.items() if request not in requests
        }
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
        seconds = self.last_forward.seconds if self.last_forward is not None else 0.0
        return max(seconds, _LEAST_PATIENCE)

    def _compute(self, requests: Sequence[Request]) -> None:
        """Admit prompts, and then make one forward for all who go on."""
        for request in requests:
            if request.prompt:
                _try([request], self._admit)
        going = [request for request in requests if not request.prompt]
        for group in dict.fromkeys(request.seat.group for request in going):
            _try([request for request in going if request.seat.group is group], self.advance)

    def _admit(self, requests: Sequence[Request]) -> None:
        for request in requests:
            began = time.perf_counter()
            group = request.seat.group or self._current_group()
            if group is None:
                Group.start(self._model, request)
            else:
                group.admit(request, self.piece)
            self.spent += Spent(request.forwards, time.perf_counter() - began)

    def _current_group(self) -> Group | None:
        """Whom new runs join: those with a decoder of the weights as they are now."""
        groups = [seat.group for seat in self._seats if seat.group is not None]
        if groups and groups[-1].version == self._model.version():
            return groups[-1]
        return None

    def advance(self, requests: Sequence[Request]) -> None:
        """One forward for requests of one group, or none where everything is known."""
        group = requests[0].seat.group
        forward = group.advance(requests) if group is not None else None
        if forward is not None:
            self.last_forward = forward
            self.spent += Spent(1, forward.seconds)


def _try(requests: Sequence[Request], compute: Callable[[Sequence[Request]], None]) -> None:
    """Let an error reach those who were in it, and nobody else."""
    try:
        compute(requests)
    except BaseException as error:
        _fail(requests, error)


def _fail(requests: Sequence[Request], error: BaseException) -> None:
    for request in requests:
        if len(requests) == 1 and isinstance(error, Exception):
            request.error = error
            continue
        request.error = ModelError(
            f"a forward for {len(requests)} runs at once failed: "
            f"{str(error) or type(error).__name__}"
        )
        request.error.__cause__ = error
