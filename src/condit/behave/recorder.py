"""Writes the trace of an agent's runs: each run is a lane, and outcomes of tools are given tokens.

The events are drawn in ``loop.py``; the file's format is in ``condit.trace``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from time import perf_counter
from typing import Any

from condit.behave.lane import Lane
from condit.behave.record import Event, Runs
from condit.errors import ConditError
from condit.report import finite_or_none
from condit.result import Result
from condit.trace import (
    Alternatives,
    Begun,
    Drawn,
    Ended,
    FinishReason,
    RunInfo,
    StepInfo,
    Writer,
)
from condit.weights import effective_sample_size, log_mean_exp

Grown = list[tuple[Drawn, Begun | None]]
"""Tokens of a lane in their order, each with the event that begins with it."""


class Recorder:
    """Writes rounds into a trace file: a round is one event of each lane, and its outcome.

    A round is written once its tools have answered. The steps of it are counted from its first
    token in each lane, so that lanes stand side by side as those of other samplers.

    Args:
        trace: the file, or what writes it; its ``alternatives`` are called with the result of each
            event's draw when all runs are over, so that no time limit meets them.
        run: what the agent was asked.
    """

    def __init__(self, trace: str | PathLike[str] | Writer, run: RunInfo) -> None:
        self._run, self._steps, self._began = run, 0, perf_counter()
        self._writer = trace if isinstance(trace, Writer) else Writer(trace)
        self._writer.begin(run)
        self._log_weights = [0.0] * run.n
        self._draws = 0
        self._results: list[tuple[Result, list[int]]] = []

    def round(
        self,
        before: Sequence[Lane],
        after: Sequence[Lane],
        results: Mapping[int, Result | None],
        ancestors: Sequence[int] | None,
        resampled: Sequence[Lane],
    ) -> None:
        """Write a round.

        Args:
            before: the lanes before it.
            after: the lanes after it, before any resampling.
            results: what was drawn in it, by lane; ``None`` where no draw succeeded.
            ancestors: if lanes were resampled, which lane each one is a copy of.
            resampled: the lanes after that.
        """
        pairs = list(zip(before, after, strict=True))
        drawn = [_drawn(results.get(index), *pair) for index, pair in enumerate(pairs)]
        grown = [_grown(index, *pair, drawn[index]) for index, pair in enumerate(pairs)]
        ends = tuple(
            _ended(index, lane)
            for index, lane in enumerate(after)
            if lane.reason and not before[index].reason
        )
        if not ends and not any(grown):
            return
        numbers: dict[tuple[int, int], int] = {}
        last = max(max(map(len, grown)), 1) - 1
        for place in range(last + 1):
            made = [tokens[place] for tokens in grown if place < len(tokens)]
            for lane, tokens in enumerate(grown):
                if place < len(tokens):
                    numbers[lane, place] = self._draws
                    self._draws += 1
            for token, _ in made:
                if token.lane is not None:
                    self._log_weights[token.lane] = token.log_weight
            weights, at_end = list(self._log_weights), place == last
            if at_end:
                weights = [lane.log_weight for lane in after]
                self._log_weights = [lane.log_weight for lane in resampled]
            self._writer.step(
                StepInfo(
                    self._steps,
                    tuple(token for token, _ in made),
                    ends if at_end else (),
                    effective_sample_size(weights),
                    tuple(ancestors) if at_end and ancestors is not None else None,
                    seconds=perf_counter() - self._began,
                    log_evidence=self._log_evidence(weights),
                    events=tuple(event for _, event in made if event is not None),
                )
            )
            self._steps += 1
        if self._writer.alternatives is not None:
            for lane, result in results.items():
                if result is not None:
                    places = range(len(drawn[lane]))
                    self._results.append((result, [numbers[lane, place] for place in places]))

    def _alternatives(self) -> Iterator[Alternatives]:
        """What could have come in the place of draws, by their numbers in the file."""
        if (ask := self._writer.alternatives) is None:
            return
        for result, numbers in self._results:
            for each in ask(result):
                if each.draw < len(numbers):  # else it is of the end token
                    yield each._replace(draw=numbers[each.draw])

    def _log_evidence(self, log_weights: list[float]) -> float | None:
        if self._run.temperature == 0:
            return None
        log_evidence = log_mean_exp(log_weights)
        return log_evidence if math.isfinite(log_evidence) else None

    def finished(self, runs: Runs) -> None:
        """Write the last line, and close the file."""
        samples = [
            {
                "text": run.text,
                "tokens": list(run.tokens),
                "weight": weight,
                "log_weight": finite_or_none(run.log_weight),
                "log_probability": finite_or_none(run.log_probability),
                "finish_reason": run.reason,
                "valid": run.satisfied and run.log_weight > -math.inf,
                "events": len(run.events),
            }
            for run, weight in zip(runs.runs, runs.weights, strict=True)
        ]
        summary = {
            "seed": runs.seed,
            "sampler": self._run.sampler,
            "samples": samples,
            "log_evidence": finite_or_none(runs.log_evidence),
            "ess": runs.ess,
            "calls": dict(runs.calls),
            "stats": {"tokens": sum(run.drawn for run in runs.runs), "seconds": runs.seconds},
        }
        self._finish(summary)

    def failed(self, error: ConditError) -> None:
        """Write what the runs failed with, and close the file."""
        self._finish({}, error)

    def _finish(self, summary: Mapping[str, Any], error: ConditError | None = None) -> None:
        found: list[Alternatives] = []
        try:
            found = list(self._alternatives())
        finally:  # whatever goes wrong there, the last line is written
            self._writer.finish(summary, error, found)

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


def _grown(
    index: int, before: Lane, after: Lane, draws: tuple[Drawn, ...]
) -> list[tuple[Drawn, Begun | None]]:
    """What came to a lane in a round: drawn tokens, the shortest text in their place, outcomes."""
    found: Grown = []
    for number, event in enumerate(after.events[len(before.events) :], len(before.events)):
        begun = Begun(index, number, event.name, event.text, event.given, event.seconds)
        drawn = () if event.given else draws
        tokens = _moved(index, before, drawn) if drawn else _given(index, after, event)
        found += zip(tokens, (begun, *(None,) * (len(tokens) - 1)), strict=True)
    if len(after.events) == len(before.events):
        found += [(each, None) for each in _moved(index, before, draws)]  # the run's end
    return found


def _drawn(result: Result | None, before: Lane, after: Lane) -> tuple[Drawn, ...]:
    """The draws of a result; without the end token that closed it, but where it ends the run."""
    if result is None or result.run is None:
        return ()
    draws = tuple(drawn for info in result.trace for drawn in info.draws)
    if len(after.events) == len(before.events):
        return draws
    return draws[: len(result.samples[0].tokens)]


def _moved(index: int, before: Lane, draws: tuple[Drawn, ...]) -> list[Drawn]:
    """Draws as those of a lane that had a weight before them."""
    return [
        each._replace(lane=index, log_weight=before.log_weight + each.log_weight) for each in draws
    ]


def _given(index: int, after: Lane, event: Event) -> list[Drawn]:
    return [Drawn(index, None, each, 0.0, 0.0, after.log_weight, True) for each in event.tokens]


def _ended(index: int, lane: Lane) -> Ended:
    log_weight = lane.log_weight + lane.log_preference
    reached = log_weight > -math.inf
    reason: FinishReason = "stop" if reached else "dead_end"
    tokens = tuple(token for event in lane.events for token in event.tokens)
    return Ended(index, None, tokens, reason, reached, log_weight)
