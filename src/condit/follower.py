"""What follows a run: the records of its steps, the callback, and the trace file.

The loop that it follows is in ``generate.py``, and the file's format in ``condit.trace``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from os import PathLike
from types import TracebackType
from typing import Any, Self

import numpy as np

from condit.errors import ConditError
from condit.model.base import Prompt
from condit.report import Guarantee
from condit.result import Result
from condit.sampler.base import Problem, Sampler, State
from condit.trace import Alternatives, RunInfo, StepInfo, Writer
from condit.weights import log_mean_exp


class Follower:
    """Keeps the records of one run, and passes them on.

    Args:
        run: what the run was asked.
        on_step: called with each record.
        trace: the file that they are written to, if any.

    Attributes:
        run: what the run was asked.
        steps: the records so far.
    """

    def __init__(
        self,
        run: RunInfo,
        on_step: Callable[[StepInfo], None] | None,
        trace: str | PathLike[str] | Writer | None,
    ) -> None:
        self.run = run
        self.steps: list[StepInfo] = []
        self._on_step = on_step
        self._writer = trace if trace is None or isinstance(trace, Writer) else Writer(trace)
        self._began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Wall-clock time since the run began."""
        return time.perf_counter() - self._began

    def __enter__(self) -> Self:
        if self._writer is not None:
            self._writer.begin(self.run)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def follow(self, info: StepInfo, state: State[Any], sampler: Sampler) -> None:
        """Take the record of a step.

        Args:
            info: the record as the sampler made it.
            state: after the step.
            sampler: the one that was asked for.
        """
        log_evidence = _log_evidence(state, sampler)
        info = info._replace(seconds=self.seconds, log_evidence=log_evidence)
        self.steps.append(info)
        if self._writer is not None:
            self._writer.step(info)
        if self._on_step is not None:
            self._on_step(info)

    def finished(self, result: Result, error: ConditError | None = None) -> None:
        """The run is over."""
        if self._writer is not None:
            ask = self._writer.alternatives
            found: Iterable[Alternatives] = ()
            try:
                found = ask(result) if ask is not None else ()
            finally:  # whatever goes wrong there, the result is written
                self._writer.finish(result.summary(), error, found)

    def failed(self, error: ConditError) -> None:
        """The run has failed."""
        if error.result is not None:
            self.finished(error.result, error)
        elif self._writer is not None:
            self._writer.finish({}, error)


def asked_of(problem: Problem, prompt: Prompt, sampler: Sampler, seed: int | None) -> RunInfo:
    """What a run was asked.

    Args:
        problem: what is drawn.
        prompt: the prompt, as it was given.
        sampler: the sampler that was asked for.
        seed: the seed; a fresh one for ``None``.
    """
    model, law, seam = problem.model, problem.law, problem.seam
    entropy = np.random.SeedSequence(seed).entropy
    return RunInfo(
        model=model.name,
        prompt=prompt if isinstance(prompt, str) else model.decode(problem.prompt),
        prompt_tokens=problem.prompt,
        sampler=repr(sampler),
        n=problem.lanes,
        max_tokens=problem.most_new_tokens,
        seed=entropy if isinstance(entropy, int) else 0,
        temperature=law.temperature,
        top_k=law.top_k,
        top_p=law.top_p,
        logit_bias=law.bias,
        stop=tuple(each.decode() for each in problem.stops),
        healed=seam.text.decode() if seam is not None else "",
        healed_tokens=seam.tokens if seam is not None else 0,
        inserts=problem.insert is not None,
        constraint=problem.constraint,
        preference=problem.preference,
        spelled=model.vocabulary.bytes,
        end=model.vocabulary.end,
    )


def _log_evidence(state: State[Any], sampler: Sampler) -> float | None:
    """Natural logarithm of the estimate of ``Z`` so far; ``None`` where there is none."""
    if state.problem.law.temperature == 0:
        return None
    # These have no weights before all candidates have ended.
    late = sampler.guarantee in (Guarantee.PROPOSAL, Guarantee.SEARCH)
    if late and not state.done:
        return None
    seam = state.problem.seam
    log_seam = 0.0 if seam is None else seam.log_mass
    log_evidence = log_mean_exp(state.log_weights) + state.log_evidence - log_seam
    return log_evidence if math.isfinite(log_evidence) else None
