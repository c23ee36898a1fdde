"""Draws one job in a thread of its own, which others can end."""

from __future__ import annotations

import inspect
import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence

from condit.constraint.base import Constraint
from condit.errors import BudgetError, RunCancelledError
from condit.generate import generate, sampler_of
from condit.model.batching import Run
from condit.model.shared import SharedModel
from condit.plugins import find_source
from condit.prefer.base import Preference
from condit.prefer.source import PreferenceSource, make_preference
from condit.result import Result, Sample
from condit.serve.job import Done, Event, Job
from condit.serve.logs import about, fields
from condit.serve.metrics import Metrics
from condit.serve.request_errors import of_error
from condit.serve.scoring import Scored, score, score_prompt
from condit.serve.settings import ServeSettings
from condit.serve.text_stream import STREAMING, TextStream
from condit.trace import StepInfo

log = logging.getLogger("condit.serve")


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
        emit: Callable[[Event | BaseException], object],
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
        sampler = job.sampler or self._settings.sampler
        if job.n_lanes is not None and job.sampler is None and job.n_lanes > job.n:
            sampler = "auto"
        if job.stream and sampler in STREAMING and job.lanes == job.n:
            self._stream = TextStream(model.vocabulary, job.stop, job.lanes)
        scores = job.logprobs is not None
        try:
            result = generate(
                model,
                job.prompt,
                self._constraint,
                n=job.lanes,
                max_tokens=job.max_tokens,
                prefer=self._preference(),
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

    def _preference(self) -> Preference | None:
        if self._job.prefer is None:
            return None
        name, argument = self._job.prefer
        make = find_source("preferences", name, PreferenceSource).make
        # The model that is served judges too: no request can have another one loaded.
        judge = {"model": self._model} if "model" in inspect.signature(make).parameters else {}
        return make_preference(name, argument, **judge)

    def _ends(self, sample: Sample) -> Sequence[int]:
        """The tokens one of which ended a text, where its probability is told.

        Who has a prompt echoed for its probabilities (lm-eval) asks for one token more and leaves
        that one out: without the end, the last token of the prompt would be left out instead.
        """
        ended = self._job.echo and sample.finish_reason == "stop" and not self._job.stop
        return sorted(self._model.vocabulary.ends) if ended else ()

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
