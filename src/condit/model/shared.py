"""Several runs in one decoder and one forward: a model that threads share.

Samplers are synchronous and know one decoder, their own. `SharedModel` gives each of them a
`DecoderView`: a decoder whose lanes are some lanes of one that all of them share. Each run is a
thread; where several wait for the model, what they ask for goes through it together
(see `condit.model.batching`). A forward of few positions costs hardly more than one of a single
position, so that many short forwards become few of about the same length.

This module draws nothing: what a run does with its view is up to the run.
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from condit.errors import ArgumentError
from condit.model.base import Model, Prompt
from condit.model.batching import BatchScheduler, Run
from condit.model.decoder import Decoder, Draft, Logits, SharedForward, Spent, refuse_rewind
from condit.model.seats import Request, Seat

T = TypeVar("T")


class SharedModel(Model):
    """A model whose decoders are views of one decoder, for runs in several threads.

    ``condit.generate(shared, ...)`` may be called from several threads at once. On a CPU and with
    ``reproducible=True`` each call draws exactly what it would draw alone. A run is one thread: all
    views that it uses count as one when others wait for it.

    Args:
        model: the model that computes.
        most_lanes: how many lanes runs may start with, all together; a run that starts when there
            is no room waits until others have ended. ``None``: no bound.
        piece: how many tokens of a prompt are forwarded at once while others use the decoder, so
            that these do not wait for all of a long one.
        patience: for how many seconds a run that is busy with something else is waited for before
            the others go on without it, until it comes back; by default as long as the last
            forward took.

    Raises:
        ArgumentError: ``model`` is no `Model`, ``most_lanes`` or ``piece`` is less than 1, or
            ``patience`` is negative.
    """

    def __init__(
        self,
        model: Model,
        *,
        most_lanes: int | None = None,
        piece: int = 128,
        patience: float | None = None,
    ) -> None:
        if not isinstance(model, Model):
            raise ArgumentError(
                f"only a condit.Model can be shared, whose lanes fork; this is {model!r}: load a "
                "model by condit.load"
            )
        if most_lanes is not None and most_lanes < 1:
            raise ArgumentError(f"most_lanes must be 1 or more, not {most_lanes}")
        if piece < 1:
            raise ArgumentError(f"piece must be 1 token or more, not {piece}")
        if patience is not None and patience < 0:
            raise ArgumentError(f"patience must be 0 seconds or more, not {patience}")
        self.name = model.name
        self.vocabulary = model.vocabulary
        self.context = model.context
        self.module = model.module
        self._model = model
        self._scheduler = BatchScheduler(model, most_lanes, piece, patience)
        self._here = threading.local()

    @property
    def computed_by(self) -> Model:
        """The model that computes."""
        return self._model.computed_by

    @property
    def last_shared(self) -> SharedForward | None:  # type: ignore[override]
        """The last forward, with all who were in it."""
        return self._scheduler.last_forward

    @property
    def spent(self) -> Spent:
        """Forwards so far, of prompts too, and how long they took."""
        return self._scheduler.spent

    @property
    def lanes(self) -> int:
        """How many lanes the runs have now."""
        return self._scheduler.lanes

    def version(self) -> object:
        """What tells apart states of the model that computes."""
        return self._model.version()

    def encode(self, text: str) -> list[int]:
        """The token ids of ``text`` as such: nothing is added, and no special token is read."""
        return self._model.encode(text)

    def encode_prompt(self, prompt: Prompt) -> list[int]:
        """The token ids that the model should see for a prompt."""
        return self._model.encode_prompt(prompt)

    @property
    def chat_template(self) -> str:
        """The Jinja template of chats with tools; empty if the model has none."""
        return self._model.chat_template

    def encode_chat(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]
    ) -> list[int]:
        """The token ids of a chat whose template is given tools."""
        return self._model.encode_chat(messages, tools)

    @contextmanager
    def run(self) -> Iterator[Run]:
        """Say that this thread begins a run, and that it ends: ``with shared.run(): ...``.

        Others wait for a run from its beginning on, so that what it does first (compiling a
        constraint) need not cost it the company of the others. At the end all views that this
        thread has started meanwhile are closed, whoever still refers to them. Without it a run
        begins with its first view, and ends when its last view is closed or nobody refers to it.

        Returns:
            the run: other threads may cancel it.
        """
        run = Run(self._scheduler)
        runs: list[Run] = self._here.__dict__.setdefault("runs", [])
        runs.append(run)
        self._scheduler.enter()
        try:
            yield run
        finally:
            runs.remove(run)
            self._scheduler.exit()
            run.end()

    def start(self, prompt: Sequence[int], lanes: int = 1) -> DecoderView:
        """A view with ``lanes`` lanes that share ``prompt``, forwarded here.

        Raises:
            ArgumentError: there is no token, or ``lanes`` are more than there may ever be.
            RunCancelledError: the run was cancelled.
        """
        runs: list[Run] = getattr(self._here, "runs", [])
        view = DecoderView(
            self._scheduler,
            self._scheduler.sit_down(lanes, runs[-1] if runs else None),
            len(self.vocabulary),
        )
        try:
            view.admit(prompt, lanes)
        except BaseException:
            view.close()
            raise
        return view


class DecoderView(Decoder):
    """Some lanes of a decoder that others use too, as a decoder.

    ``admit`` and ``advance`` compute together with other runs; everything else is done at once,
    or as the forward that is under way ends. Lanes are numbered from 0 in each view, and no view
    can touch the lanes of another.

    Attributes:
        positions_forwarded: positions that were computed for this view. Where lanes agree, so that
            a forward has fewer positions than they asked for, that gain is shared.
        forwards: forwards that computed some of them, for this view alone or for others too.
    """

    def __init__(self, scheduler: BatchScheduler, seat: Seat, vocabulary_size: int) -> None:
        self.logits = []
        self.positions_forwarded = 0
        self.forwards = 0
        self._scheduler = scheduler
        self._seat = seat
        self._vocabulary_size = vocabulary_size
        self._lengths: list[int] = []
        self._prompt_logits: list[Logits] = []
        # Whoever lets go of the view leaves its lanes to others, unless all is ending.
        weakref.finalize(self, scheduler.collected, seat).atexit = False

    @property
    def lengths(self) -> tuple[int, ...]:
        """Tokens in each lane beyond its prompt."""
        return tuple(self._lengths)

    def close(self) -> None:
        """Give up all lanes; nobody waits for this view any more."""
        self._scheduler.leave(self._seat)

    def admit(self, prompt: Sequence[int], lanes: int = 1) -> range:
        """Forward ``prompt`` once and add ``lanes`` lanes that share it; returns their indices.

        A long prompt goes through the model in pieces, beside what others ask for meanwhile.
        """
        if not prompt:
            raise ArgumentError("a lane needs a prompt of at least one token")
        self._refuse_outside(prompt)
        request = Request(self._seat, prompt=tuple(prompt))
        self._ask(request)
        seen, logits = request.answer
        here = len(self._lengths)
        in_pieces = seen < len(prompt)
        while seen < len(prompt):
            piece = tuple(prompt[seen : seen + self._scheduler.piece])
            tokens = [*[()] * here, piece]
            request = Request(self._seat, tokens, self._seat.drafts, len(piece), is_piece=True)
            self._ask(request)
            logits = request.answer[-1][-1] + 0  # a copy, which does not keep all the rows
            seen += len(piece)
        self.logits.append(logits)
        self._prompt_logits.append(logits)
        self._lengths.append(0)
        with self._quiet() as (decoder, first):
            self.looks_ahead, self.recomputes = decoder.looks_ahead, decoder.recomputes
            if in_pieces:
                decoder.take_as_prompt(first + here, logits)
        self.fork([*range(here), *[here] * lanes])
        return range(here, here + lanes)

    def advance(
        self, tokens: Sequence[Sequence[int]], drafts: Sequence[Draft] | None = None
    ) -> list[Logits]:
        """Append 0 or more tokens to each lane, and look ahead; logits at every new position.

        Where everything is known from drafts, nobody is waited for.
        """
        self._require_one_each(tokens, drafts)
        for path in tokens:
            self._refuse_outside(path)
        held = list(self._seat.drafts)
        if drafts is None or not self.looks_ahead:
            drafts = [after(draft, path) for draft, path in zip(held, tokens, strict=True)]
        with self._quiet() as (decoder, first):
            cost = sum(
                _new_positions(decoder, first + lane, path, draft, self.looks_ahead)
                for lane, (path, draft) in enumerate(zip(tokens, drafts, strict=True))
            )
            request = Request(self._seat, tokens, drafts, cost)
            if not cost:
                self._scheduler.advance([request])
        if cost:
            self._ask(request)
        for lane, path in enumerate(tokens):
            if path:
                self._lengths[lane] += len(path)
                self.logits[lane] = request.answer[lane][-1]
        return list(request.answer)

    def peek(self, lane: int, path: Sequence[int]) -> Logits | None:
        """Logits after ``lane`` and the tokens of ``path``, where they are known already."""
        if not path or not self.looks_ahead:
            return super().peek(lane, path)
        with self._quiet() as (decoder, first):
            return decoder.peek(first + lane, path)

    def drop_logits(self, lanes: Sequence[int]) -> None:
        """Let go of the logits of these lanes."""
        super().drop_logits(lanes)
        with self._quiet() as (decoder, first):
            decoder.drop_logits([first + lane for lane in lanes])

    def fork(self, ancestors: Sequence[int]) -> None:
        """Lane ``i`` becomes a copy of lane ``ancestors[i]``; lanes not named are dropped."""
        here = len(self._lengths)
        for ancestor in ancestors:
            if not 0 <= ancestor < here:
                raise ArgumentError(f"there is no lane {ancestor} to copy: there are {here}")
        with self._quiet() as (decoder, first):
            others = range(first + here, len(decoder.logits))
            decoder.fork([*range(first), *(first + lane for lane in ancestors), *others])
            self._seat.drafts = [self._seat.drafts[lane] for lane in ancestors]
        self.logits = [self.logits[lane] for lane in ancestors]
        self._lengths = [self._lengths[lane] for lane in ancestors]
        self._prompt_logits = [self._prompt_logits[lane] for lane in ancestors]

    def rewind(self, lengths: Sequence[int]) -> None:
        """Drop what lies past each lane's length beyond its prompt; 0 goes back to the prompt."""
        self._require_one_each(lengths)
        for lane, (here, length) in enumerate(zip(self._lengths, lengths, strict=True)):
            refuse_rewind(lane, here, length)
        shorter = [lane for lane, here in enumerate(self._lengths) if lengths[lane] < here]
        if not shorter:
            return
        with self._quiet() as (decoder, first):
            everywhere = list(decoder.lengths)
            everywhere[first : first + len(lengths)] = lengths
            decoder.rewind(everywhere)
            for lane in shorter:
                self._seat.drafts[lane] = Draft()
                decoder.logits[first + lane] = None
        for lane in shorter:
            self._lengths[lane] = lengths[lane]
            self.logits[lane] = None if lengths[lane] else self._prompt_logits[lane]

    def _quiet(self) -> AbstractContextManager[tuple[Decoder, int]]:
        return self._scheduler.quiet(self._seat, len(self._lengths))

    def _ask(self, request: Request) -> None:
        self._scheduler.ask(request)
        self.positions_forwarded += request.positions
        self.forwards += request.forwards

    def _refuse_outside(self, tokens: Sequence[int]) -> None:
        """Raise `ArgumentError` for what would fail in the middle of a forward of others."""
        for token in tokens:
            if not 0 <= token < self._vocabulary_size:
                raise ArgumentError(
                    f"token {token} is outside the vocabulary ({self._vocabulary_size} tokens)"
                )


def together(
    model: Model,
    calls: Iterable[Callable[[Model], T]],
    *,
    at_once: int = 8,
    ahead: int | None = None,
    in_order: bool = True,
) -> Iterator[Future[T]]:
    """Make several calls that share forwards of one model, and give what comes of them.

    ::

        calls = [
            lambda model, prompt=prompt: condit.generate(model, prompt, constraint, max_tokens=64)
            for prompt in prompts
        ]
        for future in together(model, calls):
            print(future.result().best.text)

    Calls are taken from ``calls`` as others end, so that there may be any number of them. If the
    loop over the results is left early, the calls that are under way are cancelled.

    Args:
        model: the model; a `SharedModel` is used as it is, so that others may share it too.
        calls: functions that are given the shared model, each run in a thread of its own.
        at_once: how many run at a time.
        ahead: how many calls are taken, at most, before the result of the first of them is given;
            by default twice ``at_once``. In order, one that takes long then holds up the others
            less the more that are.
        in_order: whether results are given in the order of the calls, or as they come.

    Returns:
        for each call a future that is done: ``result()`` gives what the call returned, or raises
        what it raised. One that failed does not touch the others.

    Raises:
        ArgumentError: ``at_once`` is less than 1, or ``ahead`` less than that.
    """
    if at_once < 1:
        raise ArgumentError(f"at_once must be 1 or more, not {at_once}")
    # Some more than are at work: a thread that has ended finds the next call ready.
    ahead = 2 * at_once if ahead is None else ahead
    if ahead < at_once:
        raise ArgumentError(f"ahead must be at_once ({at_once}) or more, not {ahead}")
    shared = model if isinstance(model, SharedModel) else SharedModel(model)
    return _results(shared, calls, at_once, ahead, in_order)


def _results(
    shared: SharedModel,
    calls: Iterable[Callable[[Model], T]],
    at_once: int,
    ahead: int,
    in_order: bool,
) -> Iterator[Future[T]]:
    runs: set[Run] = set()
    leaving = threading.Event()

    def make(call: Callable[[Model], T]) -> T:
        with shared.run() as run:
            runs.add(run)
            if leaving.is_set():
                run.cancel()
            try:
                return call(shared)
            finally:
                runs.discard(run)

    pool = ThreadPoolExecutor(at_once, thread_name_prefix="condit-run")
    waiting: deque[Future[T]] = deque()
    try:
        for call in calls:
            waiting.append(pool.submit(make, call))
            if len(waiting) > ahead:
                yield _next(waiting, in_order)
        while waiting:
            yield _next(waiting, in_order)
    finally:
        leaving.set()
        for run in list(runs):
            run.cancel()
        pool.shutdown(cancel_futures=True)


def _next(waiting: deque[Future[T]], in_order: bool) -> Future[T]:
    """Wait for the first of some futures, or for any, and take it out."""
    done, _ = wait([waiting[0]] if in_order else waiting, return_when=FIRST_COMPLETED)
    found = next(each for each in waiting if each in done)
    waiting.remove(found)
    return found


def after(draft: Draft, path: Sequence[int]) -> Draft:
    """What is left of a draft when the tokens of ``path`` have been appended."""
    here = -1
    for token in path:
        children = zip(draft.tokens, draft.parents, strict=True)
        found = [i for i, (each, parent) in enumerate(children) if (each, parent) == (token, here)]
        if not found:
            return Draft()
        here = found[0]
    if here < 0:
        return draft
    renamed = {here: -1}
    tokens: list[int] = []
    parents: list[int] = []
    for index, (token, parent) in enumerate(zip(draft.tokens, draft.parents, strict=True)):
        if parent in renamed and index > here:
            renamed[index] = len(tokens)
            tokens.append(token)
            parents.append(renamed[parent])
    return Draft(tuple(tokens), tuple(parents))


def _new_positions(
    decoder: Decoder, lane: int, path: Sequence[int], draft: Draft, looks_ahead: bool
) -> int:
    """How many of the tokens of a path and of a tree of drafts after it are not known yet."""
    if not looks_ahead:
        return len(path)
    way: tuple[int, ...] = ()
    known = True
    new = 0
    for token in path:
        way = (*way, token)
        known = known and decoder.peek(lane, way) is not None
        new += not known
    ways: list[tuple[int, ...] | None] = []  # None: not known
    for token, parent in zip(draft.tokens, draft.parents, strict=True):
        before = ways[parent] if parent >= 0 else (way if known else None)
        here = (*before, token) if before is not None else None
        ways.append(here if here is not None and decoder.peek(lane, here) is not None else None)
        new += ways[-1] is None
    return new
