"""Draws the texts of many requests at the same time, with one model.

Each request that is under way is a thread; all share the forwards of a `SharedModel`. The event
loop decides who begins, and who is ended because nobody waits for the answer any more or because
time is up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace

from condit.constraint.base import Constraint
from condit.errors import ArgumentError, ConditError, PromptTooLongError
from condit.generate import sampler_of
from condit.model.base import Model, Prompt
from condit.model.shared import SharedModel
from condit.serve.compiler import Compiler
from condit.serve.drawing import Drawing
from condit.serve.job import Done, Event, Job, Told, TraceLines
from condit.serve.merged import merged
from condit.serve.metrics import Metrics
from condit.serve.request_errors import RequestError, invalid, of_error
from condit.serve.settings import ServeSettings
from condit.serve.turns import QueueFullError, Turns

MOST_STOPS, MOST_STOP_LENGTH = 64, 1000
"""The most texts that end others, and how long each may be: each is looked for at every token."""

MOST_TOKENS = 2**17
"""The most tokens of a text where neither the model nor the settings have a limit."""


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
            queue=settings.queue,
            log_prompts=settings.log_prompts,
        )
        self.metrics = Metrics()
        self.ready = False
        self.stopping = False
        self.waiting = 0
        self.drawing = 0
        self._longest_token = max(map(len, model.vocabulary.bytes))
        self._turns = Turns(settings.concurrency, settings.most_lanes, settings.queue)
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
        async with aclosing(self._told(job)) as events:
            async for event in events:
                if not isinstance(event, TraceLines):
                    yield event

    async def trace(self, job: Job) -> AsyncGenerator[bytes, None]:
        """The lines of a job's trace file as they come, some at a time.

        The same otherwise as `draw`.
        """
        async with aclosing(self._told(replace(job, trace_grows=True))) as events:
            async for event in events:
                if isinstance(event, TraceLines):
                    yield event.data

    async def _told(self, job: Job) -> AsyncGenerator[Told, None]:
        began = time.monotonic()
        _check(job, self.settings, self.model.context)
        if self.stopping:
            raise RequestError(503, "the server is stopping", kind="server_error", retry_after=10)
        constraint = None
        self.waiting += 1
        try:
            if self.waiting > self.settings.queue + self.settings.concurrency:
                raise QueueFullError
            async with asyncio.timeout(self.settings.deadline):
                if job.specification is not None:
                    constraint = await self.compiler.constraint(job.specification)
                await self._turns.take(job.lanes)
        except QueueFullError as error:
            raise self.full() from error
        except TimeoutError as error:
            raise self._too_late() from error
        finally:
            self.waiting -= 1
        left = self.settings.deadline - (time.monotonic() - began)
        async with aclosing(self._run(job, constraint, left)) as events:
            async for event in events:
                yield event

    async def complete(self, job: Job) -> Done:
        """The end of a job whose pieces nobody wants to see."""
        async with aclosing(self.draw(job)) as events:
            async for event in events:
                if isinstance(event, Done):
                    return event
        raise RuntimeError("a job ended without an end")

    async def complete_all(self, jobs: Sequence[Job]) -> list[Done]:
        """The end of each of several jobs, of which a few wait for their turn at a time.

        Raises:
            RequestError: there is no answer to one; the others are ended.
        """
        few = asyncio.Semaphore(self._at_once)

        async def complete(job: Job) -> Done:
            async with few:
                return await self.complete(job)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(complete(job)) for job in jobs]
        except ExceptionGroup as group:
            refused = [each for each in group.exceptions if isinstance(each, RequestError)]
            raise (refused or group.exceptions)[0] from None
        return [task.result() for task in tasks]

    def draw_all(self, jobs: Sequence[Job]) -> AsyncGenerator[tuple[int, Event], None]:
        """The events of several jobs as they come, each with the place of its job.

        Raises:
            RequestError: there is no answer to one; the others are ended.
        """
        return merged([self.draw(job) for job in jobs], self._at_once)

    @property
    def _at_once(self) -> int:
        """How many jobs of one request are drawn, or wait in the queue, at a time."""
        return min(self.settings.concurrency, self.settings.queue + 1)

    def limit(self, prompt: Prompt, wanted: int | None, field: str = "messages") -> int:
        """The most tokens of a text: what is wanted, or else what is usual and fits.

        Args:
            prompt: the prompt.
            wanted: what the request says; ``None``: nothing.
            field: what it calls the prompt, for messages.

        Raises:
            RequestError: the prompt cannot be read.
        """
        if wanted is not None:
            return wanted
        try:
            length = self.length(prompt)
        except ConditError as error:
            raise invalid(str(error), field) from error
        most = self.settings.default_max_tokens
        if self.settings.most_max_tokens is not None:
            most = min(most, self.settings.most_max_tokens)
        if self.model.context is not None:
            most = min(most, self.model.context - length)
        return max(1, most)

    def length(self, prompt: Prompt) -> int:
        """How many tokens a prompt has.

        Raises:
            PromptTooLongError: so many that they are not counted: it would hold up others.
        """
        most, longest = self.model.context, self._longest_token
        if most is not None and _characters(prompt) > most * longest:
            raise PromptTooLongError(
                f"the prompt has over {most * longest} characters: {self.name} can see only {most} "
                "tokens: shorten the prompt"
            )
        return len(self.model.encode_prompt(prompt))

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
    ) -> AsyncGenerator[Told, None]:
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[Told | BaseException] = asyncio.Queue()
        drawing = Drawing(
            self.model,
            job,
            constraint,
            self.settings,
            self.metrics,
            lambda event: loop.call_soon_threadsafe(events.put_nowait, event),
        )

        def end() -> None:
            # The answer does not wait for a thread that is busy with something long.
            drawing.cancel("deadline")
            events.put_nowait(TimeoutError())

        def ended(_: object) -> None:
            self.drawing -= 1
            self._turns.give_back(job.lanes)

        self.drawing += 1
        alarm = loop.call_later(seconds, end)
        # Its room is free when the thread is: at the latest after the forward that is under way.
        loop.run_in_executor(self._threads, drawing.run).add_done_callback(ended)
        try:
            while True:
                event = await events.get()
                if isinstance(event, BaseException):
                    if drawing.why_cancelled == "deadline":
                        raise self._too_late() from event
                    raise of_error(event, job) from event
                yield event
                if isinstance(event, Done):
                    return
        finally:
            alarm.cancel()
            drawing.cancel("disconnected")

    def full(self) -> RequestError:
        """The error for a request that may not even wait, which is counted."""
        self.metrics.refused.inc()
        return RequestError(
            429,
            "as many requests are waiting as this server lets: try again",
            kind="rate_limit_error",
            code="queue_full",
            retry_after=self.metrics.seconds_to_wait(),
        )

    def _too_late(self) -> RequestError:
        return RequestError(
            504,
            f"the request took longer than {self.settings.deadline:g} seconds, the most that this "
            "server gives one: ask for fewer or shorter texts",
            kind="timeout_error",
            code="deadline_exceeded",
        )


def _characters(prompt: Prompt) -> int:
    if isinstance(prompt, str):
        return len(prompt)
    return sum(len(each["content"]) for each in prompt if isinstance(each, Mapping))


def _check(job: Job, settings: ServeSettings, context: int | None) -> None:
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
    # What is beyond the context of the model is told with the length of the prompt.
    most = settings.most_max_tokens or (MOST_TOKENS if context is None else None)
    if job.max_tokens < 1 or (most is not None and job.max_tokens > most):
        limit = "1 or more" if most is None else f"from 1 to {most}"
        raise invalid(
            f"{job.limit_field} must be {limit}, not {job.max_tokens}",
            job.limit_field,
            "out_of_range",
        )
    if len(job.stop) > MOST_STOPS or max(map(len, job.stop), default=0) > MOST_STOP_LENGTH:
        what = f"stop: give up to {MOST_STOPS} texts of up to {MOST_STOP_LENGTH} characters"
        raise invalid(what, "stop", "out_of_range")
    if job.sampler is not None:
        try:
            sampler_of(job.sampler)
        except (ArgumentError, LookupError) as error:
            raise invalid(str(error), "condit.sampler", "unknown_name") from error
