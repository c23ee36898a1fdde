"""Draws one job in a thread of its own, which others can end."""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from condit.constraint.base import Constraint
from condit.errors import RunCancelledError
from condit.hindsight import alternatives
from condit.model.batching import Run
from condit.model.shared import SharedModel
from condit.result import Result
from condit.serve.draw import draw, preference_of, sampler_for
from condit.serve.job import Delta, Done, Job, Told, TraceLines, echo_of
from condit.serve.logs import about, fields
from condit.serve.metrics import Metrics
from condit.serve.request_errors import of_error
from condit.serve.scoring import Scored, Scorer
from condit.serve.settings import ServeSettings
from condit.serve.text_stream import STREAMING, TextStream
from condit.trace import Alternatives, StepInfo, Writer

log = logging.getLogger("condit.serve")

_LOOKED_BACK = 2048
"""At so many draws it is told what else could have come: the model reads them once more."""


class Drawing:
    """One job while its thread draws it.

    Args:
        model: what draws.
        job: what is wanted.
        constraint: compiled.
        settings: of the server.
        metrics: where it is counted.
        emit: is given each event from the thread; the last is `Done` or an exception.

    Attributes:
        why_cancelled: the reason given first; empty: nobody has ended it.
    """

    def __init__(
        self,
        model: SharedModel,
        job: Job,
        constraint: Constraint | None,
        settings: ServeSettings,
        metrics: Metrics,
        emit: Callable[[Told | BaseException], object],
    ) -> None:
        self._model = model
        self._settings = settings
        self._metrics = metrics
        self._job = job
        self._constraint = constraint
        self._emit = emit
        self._lock = threading.Lock()
        self._run: Run | None = None
        self._stream: TextStream | None = None
        self._scorer: Scorer | None = None
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
            with self._model.run() as run:
                with self._lock:
                    self._run = run
                    if self.why_cancelled:
                        run.cancel()
                try:
                    done = self._draw()
                finally:
                    with self._lock:
                        self._run = None
            self._metrics.drew(done.result, time.perf_counter() - began)
            if self._settings.log_prompts:
                texts = [each.text for each in done.choices]
                log.info("drawn", extra=fields(prompt=self._job.prompt, texts=texts))
        except BaseException as error:
            if not isinstance(error, RunCancelledError):
                self._metrics.failed.inc()
                if of_error(error).status >= 500:
                    told = about(error, self._settings.log_prompts)
                    log.error("drawing failed", extra=fields(**told))
            self._emit(error)
        else:
            self._emit(done)

    def _draw(self) -> Done:
        job, model = self._job, self._model
        sampler = sampler_for(job, self._settings.sampler)
        if job.stream and sampler in STREAMING and job.lanes == job.n:
            self._stream = TextStream(model.vocabulary, job.stop, job.lanes)
        done = draw(
            model,
            job,
            self._constraint,
            sampler=sampler,
            prefer=preference_of(job, model),
            on_step=self._step,
            began=self._began,
            told=None if self._stream is None else self._told,
            trace=self._trace() if job.trace_grows else None,
        )
        if self._stream is not None:
            for lane, sample in enumerate(done.choices):
                if (rest := self._stream.rest(lane, sample.text)) is not None:
                    self._emit(self._with_scores(rest))
        return done

    def _trace(self) -> Writer:
        def look_back(result: Result) -> list[Alternatives]:
            return alternatives(self._model, result, self._constraint, most=_LOOKED_BACK)

        return Writer(_Lines(self._emit), alternatives=look_back)

    def _began(self, prompt: Sequence[int], echoed: Scored | None) -> None:
        job, model = self._job, self._model
        if job.echo and job.stream:
            for index in range(job.n):
                self._emit(Delta(index, echo_of(job.prompt, model), tuple(prompt), echoed or ()))
        if self._stream is not None and job.logprobs is not None:
            self._scorer = Scorer(model, prompt, job.lanes, job.logprobs)

    def _told(self, lane: int) -> Scored | None:
        return None if self._scorer is None else self._scorer.told(lane)

    def _with_scores(self, delta: Delta) -> Delta:
        if self._scorer is None:
            return delta
        return replace(delta, scored=self._scorer.more(delta.index, delta.tokens))

    def _step(self, info: StepInfo) -> None:
        if self.why_cancelled:
            raise RunCancelledError(f"the request was cancelled: {self.why_cancelled}")
        if self._stream is not None:
            for delta in self._stream.feed(info):
                self._emit(self._with_scores(delta))


class _Lines(io.BufferedIOBase):
    """A file whose lines are events."""

    def __init__(self, emit: Callable[[Told], object]) -> None:
        self._emit = emit
        self._new = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._new += data
        return len(data)

    def flush(self) -> None:
        if self._new:
            self._emit(TraceLines(bytes(self._new)))
            self._new.clear()
