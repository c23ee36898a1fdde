"""Draws the texts of many requests at the same time, with one model.

Each request that is under way is a thread; all share the forwards of a `SharedModel`. The event
loop decides who begins, and who is ended because nobody waits for the answer any more or because
time is up.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any

from starlette.requests import Request

from condit.constraint.base import Constraint
from condit.errors import ArgumentError, BudgetError, ConditError, RunCancelledError
from condit.generate import generate, sampler_of
from condit.model.base import Model, Prompt
from condit.model.batching import Run
from condit.model.shared import SharedModel
from condit.prefer.source import make_preference
from condit.result import Result, Sample
from condit.serve.compiler import Compiler
from condit.serve.job import Done, Event, Job
from condit.serve.metrics import Metrics
from condit.serve.request_errors import RequestError, invalid, of_error
from condit.serve.scoring import Scored, score, score_prompt
from condit.serve.settings import ServeSettings
from condit.serve.text_stream import STREAMING, TextStream
from condit.trace import StepInfo

log = logging.getLogger("condit.serve")

_END = object()


class Engine:
    """One model and everything that requests share.

    Args:
        model: what draws.
        settings: its limits.
        name: how requests call the model.
    """

    def __init__(self, model: Model, settings: ServeSettings, name: str | None = None) -> None:
        self.model = SharedModel(model, most_lanes=settings.most_lanes)
        self.settings = settings
        self.name = name or model.name
        self.created = int(time.time())
        self.compiler = Compiler(
            model.vocabulary,
            deadline=settings.compile_deadline,
            workers=settings.compile_workers,
            most=settings.most_constraints,
        )
        self.metrics = Metrics()
        self.ready = False
        self.stopping = False
        self.waiting = 0
        self.drawing = 0
        self._room = asyncio.Semaphore(settings.concurrency)
        self._threads = ThreadPoolExecutor(settings.concurrency, thread_name_prefix="condit-draw")

        self._watch()

    def _watch(self) -> None:
        watch, compiler = self.metrics.watch, self.compiler
        watch("waiting", "Requests that wait.", lambda: self.waiting)
        watch("drawing", "Requests that are drawn now.", lambda: self.drawing)
        watch("batch_width", "Requests in the last forward.", self._width)
        watch("lanes", "Lanes of all requests.", lambda: self.model.lanes)
        watch("model_forwards", "Forwards, shared ones once.", lambda: self.model.spent.forwards)
        watch("model_seconds", "Seconds of all forwards.", lambda: self.model.spent.seconds)
        watch("constraint_hits", "Constraints found compiled.", lambda: compiler.hits)
        watch("constraint_misses", "Constraints compiled.", lambda: compiler.misses)

    def _width(self) -> int:
        last = self.model.last_shared
        return 0 if last is None else last.runs

    async def start(self) -> None:
        """Get ready for requests."""
        await self.compiler.warm_up()
        self.ready = True

    def close(self) -> None:
        """Let go of threads and processes."""
        self.ready = False
        self.compiler.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def draw(self, job: Job) -> AsyncGenerator[Event, None]:
        """The events of a job as they come, `Done` last.

        Whoever stops iterating ends the job: its lanes are free within a step.

        Raises:
            RequestError: there is no answer.
        """
        began = time.monotonic()
        _check(job, self.settings)
        if self.stopping:
            raise RequestError(503, "the server is stopping", kind="server_error", retry_after=10)
        if self.waiting >= self.settings.queue and self._room.locked():
            self.metrics.refused.inc()
            raise RequestError(
                429,
                f"{self.waiting} requests are waiting, as many as this server lets: try again",
                kind="rate_limit_error",
                code="queue_full",
                retry_after=self.metrics.seconds_to_wait(),
            )
        self.waiting += 1
        try:
            constraint = None
            async with asyncio.timeout(self.settings.deadline):
                if job.specification is not None:
                    constraint = await self.compiler.constraint(job.specification)
                await self._room.acquire()
        except TimeoutError as error:
            raise self._too_late() from error
        finally:
            self.waiting -= 1
        self.drawing += 1
        try:
            left = self.settings.deadline - (time.monotonic() - began)
            async with aclosing(self._run(job, constraint, left)) as events:
                async for event in events:
                    yield event
        finally:
            self.drawing -= 1
            self._room.release()

    async def complete(self, job: Job) -> Done:
        """The end of a job whose pieces nobody wants to see."""
        async with aclosing(self.draw(job)) as events:
            async for event in events:
                if isinstance(event, Done):
                    return event
        raise RuntimeError("a job ended without an end")

    async def complete_for(self, request: Request, job: Job) -> Done:
        """`complete`, ended when whoever has asked goes away."""
        (done,) = await self.complete_all_for(request, [job])
        return done

    async def complete_all_for(self, request: Request, jobs: Sequence[Job]) -> list[Done]:
        """The end of each of several jobs, all ended when whoever has asked goes away.

        Raises:
            RequestError: there is no answer to one; the others are ended.
        """
        task = asyncio.ensure_future(self._complete_all(jobs))
        watch = asyncio.create_task(_gone(request))
        try:
            await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                task.cancel()
            return await task
        except asyncio.CancelledError:
            task.cancel()
            raise RequestError(499, "the client went away", code="disconnected") from None
        finally:
            watch.cancel()

    async def _complete_all(self, jobs: Sequence[Job]) -> list[Done]:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self.complete(job)) for job in jobs]
        except* RequestError as errors:
            raise next(leaf for leaf in errors.exceptions) from None
        return [task.result() for task in tasks]

    def limit(self, prompt: Prompt, wanted: int | None) -> int:
        """The most tokens of a text: what is wanted, or else what is usual and fits.

        Raises:
            RequestError: the prompt cannot be read.
        """
        if wanted is not None:
            return wanted
        try:
            length = len(self.model.encode_prompt(prompt))
        except ConditError as error:
            raise of_error(error) from error
        most = self.settings.default_max_tokens
        if self.settings.most_max_tokens is not None:
            most = min(most, self.settings.most_max_tokens)
        if self.model.context is not None:
            most = min(most, self.model.context - length)
        return max(1, most)

    def check_model(self, name: str | None) -> None:
        """Raise `RequestError` unless ``name`` is that of the model, or nothing is named."""
        if name and name != self.name:
            raise RequestError(
                404,
                f"there is no model {name!r} here; this server has {self.name!r}",
                param="model",
                code="model_not_found",
            )

    def created_now(self) -> int:
        """The time of an answer, in seconds since 1970."""
        return int(time.time())

    async def _run(
        self, job: Job, constraint: Constraint | None, seconds: float
    ) -> AsyncGenerator[Event, None]:
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[Any] = asyncio.Queue()
        drawing = Drawing(
            self, job, constraint, lambda event: loop.call_soon_threadsafe(events.put_nowait, event)
        )
        alarm = loop.call_later(seconds, drawing.cancel, "deadline")
        task = loop.run_in_executor(self._threads, drawing.run)
        try:
            while (event := await events.get()) is not _END:
                if isinstance(event, BaseException):
                    if drawing.why_cancelled == "deadline":
                        raise self._too_late() from event
                    raise of_error(event) from event
                yield event
        finally:
            alarm.cancel()
            drawing.cancel("disconnected")
            # The thread is free soon: at the latest after the forward that is under way.
            with contextlib.suppress(Exception):
                await asyncio.shield(task)

    def _too_late(self) -> RequestError:
        return RequestError(
            504,
            f"the request took longer than {self.settings.deadline:g} seconds, the most that this "
            "server gives one: ask for fewer or shorter texts",
            kind="timeout_error",
            code="deadline_exceeded",
        )


class Drawing:
    """One job while its thread draws it.

    Args:
        engine: whose model draws.
        job: what is wanted.
        constraint: compiled.
        emit: is given each event, and at last ``_END``, from the thread.
    """

    def __init__(
        self, engine: Engine, job: Job, constraint: Constraint | None, emit: Callable[[Any], object]
    ) -> None:
        self._engine = engine
        self._job = job
        self._constraint = constraint
        self._emit = emit
        self._lock = threading.Lock()
        self._run: Run | None = None
        self._stream: TextStream | None = None
        self.why_cancelled = ""

    def cancel(self, why: str) -> None:
        """End it, if it has not ended; from any thread."""
        with self._lock:
            self.why_cancelled = self.why_cancelled or why
            if self._run is not None:
                self._run.cancel()

    def run(self) -> None:
        """Draw, in this thread."""
        began = time.perf_counter()
        try:
            with self._engine.model.run() as run:
                with self._lock:
                    self._run = run
                    if self.why_cancelled:
                        run.cancel()
                try:
                    done = self._draw()
                finally:
                    with self._lock:
                        self._run = None
            self._engine.metrics.drew(done.result, time.perf_counter() - began)
            if self._engine.settings.log_prompts:
                log.info("%r -> %r", self._job.prompt, [each.text for each in done.choices])
            self._emit(done)
        except BaseException as error:
            if not isinstance(error, RunCancelledError):
                self._engine.metrics.failed.inc()
                if of_error(error).status >= 500:
                    log.exception("a request failed")
            self._emit(error)
        finally:
            self._emit(_END)

    def _draw(self) -> Done:
        job, model = self._job, self._engine.model
        sampler = job.sampler or self._engine.settings.sampler
        if job.n_lanes is not None and job.sampler is None and job.n_lanes > job.n:
            sampler = "auto"
        if job.stream and sampler in STREAMING and job.lanes == job.n:
            self._stream = TextStream(model.vocabulary, job.stop, job.lanes)
        prefer = None if job.prefer is None else make_preference(*job.prefer)
        scores = job.logprobs is not None
        try:
            result = generate(
                model,
                job.prompt,
                self._constraint,
                n=job.lanes,
                max_tokens=job.max_tokens,
                prefer=prefer,
                sampler=sampler_of(sampler),
                # OpenAI's seeds may be any 64-bit number; those of a generator are not negative.
                seed=secrets.randbits(63) if job.seed is None else job.seed % 2**64,
                temperature=job.temperature,
                top_k=job.top_k,
                top_p=job.top_p,
                logit_bias=job.logit_bias or None,
                stop=job.stop,
                instruct=job.instruct and self._constraint is not None,
                # Probabilities are told of tokens as the prompt ends and the text begins.
                heal=False if scores else job.heal,
                on_step=self._step,
            )
        except BudgetError as error:
            if error.result is None or error.needed is not None:
                raise
            result = error.result  # every text was cut, which its finish reason says
        choices = self._choices(result)
        if self._stream is not None:
            for lane, sample in enumerate(choices):
                if (rest := self._stream.rest(lane, sample.text)) is not None:
                    self._emit(rest)
        tokens = tuple(model.encode_prompt(job.prompt))
        scored: tuple[Scored, ...] = ()
        if job.logprobs is not None:
            top = job.logprobs
            scored = tuple(
                score(model, tokens, each.tokens, top, self._ends(each)) for each in choices
            )
        echoed = score_prompt(model, tokens, job.logprobs or 0) if job.echo else None
        return Done(choices, result, scored, echoed, tokens)

    def _ends(self, sample: Sample) -> Sequence[int]:
        """The tokens one of which ended a text, where its probability is told.

        Who has a prompt echoed for its probabilities (lm-eval) asks for one token more and leaves
        that one out: without the end, the last token of the prompt would be left out instead.
        """
        ended = self._job.echo and sample.finish_reason == "stop" and not self._job.stop
        return sorted(self._engine.model.vocabulary.ends) if ended else ()

    def _step(self, info: StepInfo) -> None:
        if self.why_cancelled:
            raise RunCancelledError(f"the request was cancelled: {self.why_cancelled}")
        if self._stream is not None:
            for delta in self._stream.feed(info):
                self._emit(delta)

    def _choices(self, result: Result) -> tuple[Sample, ...]:
        """The texts that are answered: the lanes themselves, or as many draws of them by weight.

        Lanes that came to nothing are replaced by draws of the others.
        """
        samples, n = result.samples, self._job.n
        if len(samples) == n and (self._stream is not None or all(s.valid for s in samples)):
            return samples
        if not any(sample.valid for sample in samples):
            return (*samples[:n], *[result.best] * (n - len(samples)))
        return tuple(result.draw() for _ in range(n))


async def _gone(request: Request) -> None:
    """Returns when the client has gone away."""
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            return


def _check(job: Job, settings: ServeSettings) -> None:
    """Raise `RequestError` for what is beyond the limits."""
    for name, number in (("n", job.n), ("condit.n_lanes", job.lanes)):
        if not 1 <= number <= settings.most_n:
            raise invalid(
                f"{name} must be from 1 to {settings.most_n}, not {number}", name, "out_of_range"
            )
    if job.lanes < job.n:
        raise invalid(
            f"condit.n_lanes={job.lanes} is less than n={job.n}", "condit.n_lanes", "out_of_range"
        )
    most = settings.most_max_tokens
    if job.max_tokens < 1 or (most is not None and job.max_tokens > most):
        limit = "1 or more" if most is None else f"from 1 to {most}"
        raise invalid(
            f"max_tokens must be {limit}, not {job.max_tokens}", "max_tokens", "out_of_range"
        )
    if job.sampler is not None:
        try:
            sampler_of(job.sampler)
        except (ArgumentError, LookupError) as error:
            raise invalid(str(error), "condit.sampler", "unknown_name") from error
