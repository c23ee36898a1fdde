"""How an agent runs: one event of each lane at a time, then its tools, then resampling.

What may come is up to ``offers.py``.

Each event is drawn by `AWRS` after the tokens of all before it. The end token that closes each
draw is no part of the transcript, so it is taken out of probability and weight; that of a model
which ends its run is part of it. Weights are then those of sequential Monte Carlo over events.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np

from condit.behave.game import Cost, left_over
from condit.behave.lane import CONTEXT, SECONDS, Design, Lane, Limits, timeless
from condit.behave.offers import Offers, Option
from condit.behave.record import Event, Run, Runs
from condit.behave.recorder import Recorder
from condit.behave.tools import CUT, Outcome
from condit.errors import (
    ArgumentError,
    BudgetError,
    ConditError,
    GenerationError,
    UnsatisfiableError,
)
from condit.generate import generate
from condit.model.base import Model, Prompt
from condit.model.shared import together
from condit.prefer.base import Preference, checked_log_weights
from condit.result import Result
from condit.sampler.awrs import AWRS
from condit.sampler.resampling import ancestors, systematic
from condit.trace import RunInfo, Writer
from condit.weights import effective_sample_size, log_mean_exp

_THRESHOLD = 0.5


class Loop:
    """The runs of one call.

    Args:
        design: the agent.
        model: what draws.
        limits: of each run.
        law: temperature and so on, as ``condit.generate`` takes them.
        prefer: a preference about transcripts.
        on_event: called with each event and the number of its lane.
        trace: the file that the trace is written to, if any.
    """

    def __init__(
        self,
        design: Design,
        model: Model,
        limits: Limits,
        law: Mapping[str, Any],
        prefer: Preference | None,
        on_event: Callable[[Event, int], None] | None,
        trace: str | PathLike[str] | Writer | None = None,
    ) -> None:
        self.design, self.model, self.limits, self.law = design, model, limits, law
        self.prefer, self.on_event, self.trace = prefer, on_event, trace
        self.game = design.game
        self._offers = Offers(design, model, limits)
        self._answers: dict[tuple[str, str], Outcome] = {}
        self._calls = dict.fromkeys(design.tools, 0)

    # Drawing.

    def run(self, prompt: Prompt, n: int, seed: int | None) -> Runs:
        """Let lanes run to their ends; see ``condit.Agent.run``."""
        if not isinstance(n, int) or isinstance(n, bool) or n < 1:
            raise ArgumentError(f"n={n!r}: give a whole number of at least 1")
        if seed is not None and (not isinstance(seed, int) or seed < 0):
            raise ArgumentError(f"seed={seed!r}: give a whole number of at least 0")
        start = time.monotonic()
        tokens = tuple(self.model.encode_prompt(prompt))
        sequence = np.random.SeedSequence(seed)
        entropy = int(sequence.entropy)  # type: ignore[arg-type]
        seeds = sequence.spawn(n + 1)
        rng = np.random.default_rng(seeds[0])
        own = [np.random.default_rng(each) for each in seeds[1:]]
        context = self.model.context
        room = math.inf if context is None else float(context - len(tokens))
        budgets = (float(most) for _, most, _ in self._offers.budgets)
        most = float(self.limits.events), float(self.limits.tokens)
        left: Cost = (*most, room, math.inf, *budgets)
        self._offers.check_reachable(left)
        self._offers.deadline = start + self.limits.seconds
        lanes = [Lane(0, left, tokens, lineage=lane) for lane in range(n)]
        pure = all(tool.pure for tool in self.design.tools.values())
        resamplings = 0
        recorder = None
        if self.trace is not None:
            recorder = Recorder(self.trace, self._asked(prompt, tokens, n, entropy))
        try:
            while not all(lane.reason for lane in lanes):
                before = list(lanes)
                lanes, results = self._round(lanes, own)
                chosen = self._resampled(lanes, rng) if n > 1 and pure else None
                after, lanes = lanes, lanes if chosen is None else chosen[0]
                resamplings += chosen is not None
                if recorder is not None:
                    recorder.round(before, after, results, chosen and chosen[1], lanes)
            runs = Runs(
                tuple(self._finished(lane) for lane in lanes),
                entropy,
                resamplings,
                time.monotonic() - start,
                dict(self._calls),
            )
        except ConditError as error:
            if recorder is not None:
                recorder.failed(error)
            raise
        else:
            if recorder is not None:
                recorder.finished(runs)
        finally:
            if recorder is not None:
                recorder.close()
        return runs

    def _asked(self, prompt: Prompt, tokens: tuple[int, ...], n: int, seed: int) -> RunInfo:
        model = self.model
        return RunInfo(
            model=model.name,
            prompt=prompt if isinstance(prompt, str) else model.decode(tokens),
            prompt_tokens=tokens,
            sampler=f"Agent({AWRS()!r})",
            n=n,
            max_tokens=self.limits.tokens,
            seed=seed,
            constraint="events: " + " & ".join(map(str, self.design.specification.clauses)),
            preference=self.prefer,
            spelled=model.vocabulary.bytes,
            end=model.vocabulary.end,
            **self.law,
        )

    def _round(
        self, lanes: list[Lane], own: list[np.random.Generator]
    ) -> tuple[list[Lane], dict[int, Result | None]]:
        """One event of each lane that goes on, and the outcome of its tool.

        Returns:
            the lanes, and for each that has drawn the result; ``None`` where no draw succeeded.
        """
        lanes = list(lanes)
        drawing: list[tuple[int, list[Option], bool, int]] = []
        for index, lane in enumerate(lanes):
            if lane.reason:
                continue
            may_end = self.game.may_end(lane.state)
            over = time.monotonic() >= self._offers.deadline
            options = [] if over else self._offers.options(lane)
            if not options and may_end:
                more = self.game.offered(lane.state)
                lanes[index] = self._scored(
                    replace(lane, reason="limit" if more else "complete"), True
                )
                continue
            options = options or self._offers.hurried(lane)
            drawing.append((index, options, may_end, int(own[index].integers(2**63))))
        calls = [
            lambda model, lane=lanes[index], o=options, e=may_end, s=seed: self._draw(
                model, lane, o, e, s
            )
            for index, options, may_end, seed in drawing
        ]
        if len(calls) == 1:
            drawn = [calls[0](self.model)]
        else:
            drawn = [future.result() for future in together(self.model, calls)]
        results: dict[int, Result | None] = {}
        for (index, *_), (lane, results[index]) in zip(drawing, drawn, strict=True):
            if not lane.reason:
                self._tell(lane.events[-1], index)
                lane = self._called(lane, index)
            lanes[index] = self._scored(lane, bool(lane.reason))
        return lanes, results

    def _tell(self, event: Event, lane: int) -> None:
        if self.on_event is not None:
            self.on_event(event, lane)

    def _draw(
        self, model: Model, lane: Lane, options: list[Option], may_end: bool, seed: int
    ) -> tuple[Lane, Result | None]:
        """The lane after its next event, and the result; ``None`` if no draw succeeded."""
        start = time.perf_counter()
        constraint, most = self._offers.union(options, may_end)
        try:
            result = generate(
                model,
                lane.tokens,
                constraint,
                max_tokens=most,
                sampler=AWRS(),
                seed=seed,
                heal=False,
                **self.law,
            )
        except (GenerationError, UnsatisfiableError):
            return self._written(lane, options), None
        sample = result.samples[0]
        if not sample.text:
            ended = replace(
                lane,
                reason="end",
                log_probability=lane.log_probability + sample.log_probability,
                log_weight=lane.log_weight + _finite(sample.log_weight),
            )
            return ended, result
        end_probability, end_allowed = _end(result, model)
        event = self._event(
            sample.text,
            [option.event for option in options],
            sample.tokens,
            sample.log_probability - end_probability,
            time.perf_counter() - start,
        )
        return self._after(lane, event, _finite(sample.log_weight - end_allowed)), result

    def _written(self, lane: Lane, options: list[Option]) -> Lane:
        """The shortest text of the way to an end, where the model gives nothing that is allowed."""
        if self.game.may_end(lane.state):
            return replace(lane, reason="end", log_weight=-math.inf)
        (option,) = self._offers.hurried(lane)
        text = self.design.texts[option.event]
        ending = text.bind(self.model.vocabulary).ending(thorough=True)
        written = "" if ending is None else ending.text.decode()
        if not text.accepts(written):
            raise BudgetError(
                f"no text of the event {option.event!r} is found that its constraint accepts: make "
                "it simpler, or give max_event_tokens more room"
            )
        tokens = tuple(self.model.vocabulary.tokenize(written.encode()))
        event = self._event(written, [option.event], tokens, math.nan, 0.0)
        return self._after(lane, event, -math.inf)

    def _event(
        self,
        written: str,
        names: Sequence[str],
        tokens: tuple[int, ...],
        log_probability: float,
        seconds: float,
    ) -> Event:
        form = self.design.form
        fitting = [name for name in names if written.startswith(form.opened(name))]
        if len(fitting) > 1:
            fitting = [name for name in fitting if self.design.texts[name].accepts(written)]
        name = fitting[0]
        text = written[len(form.opened(name)) : len(written) - len(form.closed(name))]
        value = self.design.contents[name].value(text)
        value = text if value is None else value
        return Event(name, text, written, value, False, tokens, log_probability, seconds)

    def _after(self, lane: Lane, event: Event, log_weight: float) -> Lane:
        """The lane after a drawn event; a call's outcome is still to come."""
        automaton, size = self.game.automaton, float(len(event.tokens))
        cost = (1.0, size, size, 0.0, *self._offers.costs[event.name][SECONDS + 1 :])
        return replace(
            lane,
            state=automaton.after(lane.state, event.name),
            left=left_over(lane.left, cost),
            tokens=(*lane.tokens, *event.tokens),
            events=(*lane.events, event),
            log_probability=lane.log_probability + event.log_probability,
            log_weight=lane.log_weight + log_weight,
        )

    # Tools.

    def _called(self, lane: Lane, index: int) -> Lane:
        """The lane after the outcome of its last event, if that is a call."""
        call = lane.events[-1]
        tool = self.design.tools.get(call.name)
        if tool is None:
            return lane
        outcome = self._answers.get((tool.name, call.text)) if tool.pure else None
        if outcome is None:
            self._calls[tool.name] += 1
            outcome = tool.call(call.text)
            if tool.pure:
                self._answers[tool.name, call.text] = outcome
        state = self.game.automaton.after(lane.state, outcome.event)
        event = self._observed(lane, outcome, state)
        size = float(len(event.tokens))
        nothing = (0.0,) * (len(lane.left) - SECONDS - 1)
        self._tell(event, index)
        return replace(
            lane,
            state=state,
            left=left_over(lane.left, (1.0, 0.0, size, 0.0, *nothing)),
            tokens=(*lane.tokens, *event.tokens),
            events=(*lane.events, event),
        )

    def _observed(self, lane: Lane, outcome: Outcome, state: int) -> Event:
        """The outcome as an event, cut so that an end fits into the model's context after it."""
        left = timeless(lane.left)
        spent = left_over(left, (1.0, *(0.0,) * (len(left) - 1)))
        room = max((rest[CONTEXT] for rest in self._offers.fitting(spent, state)), default=0.0)
        names = self.design.specification.events
        text = self.design.form.escaped(outcome.text, names)
        tokens = self._offers.encoded(outcome.event, text)
        while len(tokens) > room and text != CUT:
            text = text[: len(text) // 2].removesuffix(CUT) + CUT if len(text) > 16 else CUT
            tokens = self._offers.encoded(outcome.event, text)
        written = self.design.form.written(outcome.event, text)
        return Event(
            outcome.event,
            text,
            written,
            outcome.value,
            True,
            tuple(tokens),
            seconds=outcome.seconds,
        )

    # Weights.

    def _scored(self, lane: Lane, ended: bool) -> Lane:
        """The lane with its preference; that of a lane which goes on only steers."""
        if self.prefer is None or not (ended or self.prefer.partial):
            return lane
        (value,) = checked_log_weights(self.prefer, [lane.text])
        return replace(lane, log_preference=value)

    def _resampled(
        self, lanes: list[Lane], rng: np.random.Generator
    ) -> tuple[list[Lane], tuple[int, ...]] | None:
        """Lanes drawn by weight and preference so far, and which lane each is a copy of.

        ``None`` where they are even enough.
        """
        shared = self.prefer is not None and (
            self.prefer.partial or all(lane.reason for lane in lanes)
        )
        twists = [lane.log_preference if shared else 0.0 for lane in lanes]
        logs = [lane.log_weight + twist for lane, twist in zip(lanes, twists, strict=True)]
        if all(lane.reason for lane in lanes) or max(logs) == -math.inf:
            return None
        if effective_sample_size(logs) >= _THRESHOLD * len(lanes):
            return None
        weights = np.exp(np.array(logs) - max(logs))
        counts = systematic(rng, weights / weights.sum())
        mean = log_mean_exp(logs)
        drawn = tuple(int(each) for each in ancestors(counts))
        return [replace(lanes[each], log_weight=mean - twists[each]) for each in drawn], drawn

    def _finished(self, lane: Lane) -> Run:
        validation = self.design.specification.validate([each.name for each in lane.events])
        return Run(
            lane.events,
            validation,
            lane.reason,
            lane.log_probability,
            lane.log_weight + lane.log_preference,
            lane.log_preference,
            lane.lineage,
        )


def _end(result: Result, model: Model) -> tuple[float, float]:
    """Of the end token that closed a draw: its probability, and the mass allowed with it."""
    for info in reversed(result.trace):
        for drawn in info.draws:
            if drawn.token in model.vocabulary.ends:
                return drawn.log_probability, drawn.log_allowed
    return 0.0, 0.0


def _finite(value: float) -> float:
    """A weight; at temperature 0 there is none."""
    return 0.0 if math.isnan(value) else value
