"""How an agent runs: one event of each lane at a time, then its tools, then resampling.

A lane's budgets stand beside the automaton. An event is offered if, after it and whatever its tool
answers, one of the game's plans fits into what is left; so there is always an end in reach.

Each event is drawn by `AWRS` after the tokens of all before it. The end token that closes each
draw is no part of the transcript, so it is taken out of probability and weight; that of a model
which ends its run is part of it. Weights are then those of sequential Monte Carlo over events.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from condit.behave.form import Form
from condit.behave.game import Cost, Game, Plan, left_over
from condit.behave.policy import Policy
from condit.behave.record import Event, Run, Runs
from condit.behave.tools import CUT, OUTCOMES, Outcome, Tool
from condit.constraint.algebra.limits import within
from condit.constraint.algebra.repeated import optional
from condit.constraint.base import Constraint
from condit.errors import (
    ArgumentError,
    BudgetError,
    CompileError,
    GenerationError,
    PromptTooLongError,
    UnsatisfiableError,
    VocabularyError,
)
from condit.generate import generate
from condit.model.base import Model, Prompt
from condit.model.shared import together
from condit.prefer.base import Preference, checked_log_weights
from condit.result import Result
from condit.sampler.awrs import AWRS
from condit.sampler.resampling import ancestors, systematic
from condit.temporal.specification import Ltlf
from condit.weights import effective_sample_size, log_mean_exp

EVENTS, TOKENS, CONTEXT, SECONDS = range(4)
"""The resources, in their order; calls that a policy counts come after them."""
_NAMES = ("max_events", "max_tokens", "the model's context", "max_seconds")
_THRESHOLD = 0.5


@dataclass(frozen=True)
class Limits:
    """What a run may use.

    Attributes:
        events: how many events.
        tokens: how many drawn tokens.
        event_tokens: how many in one event.
        seconds: how much time.
    """

    events: int
    tokens: int
    event_tokens: int
    seconds: float

    @classmethod
    def of(cls, events: int, tokens: int, event_tokens: int, seconds: float | None) -> Limits:
        """Limits, checked.

        Raises:
            ArgumentError: one is not above 0.
        """
        named = {"max_events": events, "max_tokens": tokens, "max_event_tokens": event_tokens}
        for name, each in named.items():
            if not isinstance(each, int) or isinstance(each, bool) or each < 1:
                raise ArgumentError(f"{name}={each!r}: give a whole number of at least 1")
        if seconds is not None and not seconds > 0:
            raise ArgumentError(f"max_seconds={seconds!r}: give a number above 0, or None")
        return cls(events, tokens, event_tokens, math.inf if seconds is None else seconds)


@dataclass(frozen=True)
class Design:
    """What makes an agent: see ``condit.Agent``."""

    specification: Ltlf
    game: Game
    form: Form
    contents: Mapping[str, Constraint]
    texts: Mapping[str, Constraint]
    tools: Mapping[str, Tool]
    policy: Policy


@dataclass(frozen=True)
class _Lane:
    """A run as far as it has come; lanes are never changed, so that copies share what they have."""

    state: int
    left: Cost
    tokens: tuple[int, ...]
    events: tuple[Event, ...] = ()
    log_probability: float = 0.0
    log_weight: float = 0.0
    log_preference: float = 0.0
    lineage: int = 0
    reason: str = ""

    @property
    def text(self) -> str:
        return "".join(event.written for event in self.events)


@dataclass(frozen=True)
class _Option:
    """An event that may be drawn, with at most so many tokens."""

    event: str
    most: int
    values: str = ""
    """What tells its text from others of the same event; see ``Loop._text``."""


class Loop:
    """The runs of one call.

    Args:
        design: the agent.
        model: what draws.
        limits: of each run.
        law: temperature and so on, as ``condit.generate`` takes them.
        prefer: a preference about transcripts.
        on_event: called with each event and the number of its lane.
    """

    def __init__(
        self,
        design: Design,
        model: Model,
        limits: Limits,
        law: Mapping[str, Any],
        prefer: Preference | None,
        on_event: Callable[[Event, int], None] | None,
    ) -> None:
        self.design, self.model, self.limits, self.law = design, model, limits, law
        self.prefer, self.on_event = prefer, on_event
        self.game = design.game
        self._budgets = design.policy.budgets(design.tools)
        self._uncertain = design.policy.uncertain
        self._texts: dict[tuple[str, str], tuple[Constraint, float] | None] = {}
        self._costs = {event: self._cost(event) for event in design.contents}
        self._plans = self.game.plans(self._costs)
        self._unions: dict[tuple[object, ...], Constraint] = {}
        self._answers: dict[tuple[str, str], Outcome] = {}
        self._calls = dict.fromkeys(design.tools, 0)
        self._deadline = math.inf

    # What things cost.

    def _cost(self, event: str) -> Cost:
        """The least that an event takes of each resource; of time, the most that its tool takes."""
        least = self._least(self.design.texts[event])
        tool = self.design.tools.get(event)
        counted = tuple(float(event in group) for group, _, _ in self._budgets)
        if tool is None:
            return (1.0, least, least, 0.0, *counted)
        cut = [len(self._encoded(each, CUT)) for each in tool.outcomes]
        return (2.0, least, least + max(cut), tool.seconds, *counted)

    def _text(self, event: str, lane: _Lane) -> tuple[Constraint, float, str] | None:
        """An event's text, the least tokens of it, and what tells it from others.

        ``None``: nothing that has happened gives a value that an argument must have.
        """
        if event not in self._uncertain:
            return self.design.texts[event], self._costs[event][TOKENS], ""
        policy, form = self.design.policy, self.design.form
        values = policy.values(event, lane.events)
        key = repr(sorted(values.items()))
        if (event, key) not in self._texts:
            made: tuple[Constraint, float] | None = None
            own = self.design.tools[event].content
            further = policy.texts.get(event)
            with suppress(CompileError, VocabularyError):
                content = policy.narrowed(own, values)
                if content is not None:
                    content = content if further is None else content & further
                    text = form.constraint(event, content, OUTCOMES)
                    if (least := self._known_least(text)) is not None:
                        made = text, least
            self._texts[event, key] = made
        found = self._texts[event, key]
        return None if found is None else (*found, key)

    def _known_least(self, text: Constraint) -> float | None:
        found = text.bind(self.model.vocabulary).cost_to_finish()
        return None if found is None else float(found)

    def _least(self, text: Constraint) -> float:
        found = self._known_least(text)
        return float(self.limits.event_tokens) if found is None else found

    def _encoded(self, name: str, text: str) -> list[int]:
        return self.model.encode(self.design.form.written(name, text))

    def _fitting(self, left: Cost, state: int) -> list[Cost]:
        """What would be left at the end, for each plan from a state that fits."""
        rests = [
            left_over(left, plan.needed[state]) for plan in self._plans if state in plan.needed
        ]
        return [rest for rest in rests if min(rest) >= 0]

    # What may come next.

    def _options(self, lane: _Lane) -> list[_Option]:
        left = self._now(lane.left)
        found = []
        for event in self.game.offered(lane.state):
            known = self._text(event, lane)
            if known is None:
                continue
            _, least, values = known
            usual = self._costs[event]
            more = least - usual[TOKENS]
            cost = (usual[EVENTS], least, usual[CONTEXT] + more, *usual[SECONDS:])
            most = self.limits.event_tokens + cost[TOKENS]
            for after in self.game.after[lane.state][event]:
                rests = self._fitting(left_over(left, cost), after)
                room = max((min(rest[TOKENS], rest[CONTEXT]) for rest in rests), default=-1)
                # What is spared by the shortest text may be spent.
                most = min(most, room + cost[TOKENS])
            most = min(most, self.limits.event_tokens)
            if most >= cost[TOKENS]:
                found.append(_Option(event, int(most), values))
        return found

    def _now(self, left: Cost) -> Cost:
        seconds = self._deadline - time.monotonic() if self._deadline < math.inf else math.inf
        return (*left[:SECONDS], seconds, *left[SECONDS + 1 :])

    def _hurried(self, lane: _Lane) -> list[_Option]:
        """The next event of the shortest way to an end, as short as can be."""
        ample = (*lane.left[:SECONDS], math.inf, *lane.left[SECONDS + 1 :])
        known = [plan for plan in self._plans if lane.state in plan.choice]
        fitting = [plan for plan in known if min(left_over(ample, plan.needed[lane.state])) >= 0]
        plan: Plan = (fitting or known)[0]
        event = plan.choice[lane.state]
        return [_Option(event, int(self._costs[event][TOKENS]))]

    def _known(self, option: _Option) -> Constraint:
        found = self._texts.get((option.event, option.values))
        return self.design.texts[option.event] if found is None else found[0]

    def _union(self, options: Sequence[_Option], may_end: bool) -> tuple[Constraint, int]:
        most = max(option.most for option in options)
        key = (tuple(options), may_end)
        found = self._unions.get(key)
        if found is None:
            texts = [self._known(each) for each in options]
            parts = [
                text if each.most == most else within(text, tokens=each.most)
                for text, each in zip(texts, options, strict=True)
            ]
            found = parts[0]
            for part in parts[1:]:
                found = found | part
            found = self._unions[key] = optional(found) if may_end else found
        return found, most

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
        budgets = (float(most) for _, most, _ in self._budgets)
        most = float(self.limits.events), float(self.limits.tokens)
        left: Cost = (*most, room, math.inf, *budgets)
        self._check_reachable(left)
        self._deadline = start + self.limits.seconds
        lanes = [_Lane(0, left, tokens, lineage=lane) for lane in range(n)]
        pure = all(tool.pure for tool in self.design.tools.values())
        resamplings = 0
        while not all(lane.reason for lane in lanes):
            lanes = self._round(lanes, own)
            if n > 1 and pure:
                chosen = self._resampled(lanes, rng)
                if chosen is not None:
                    lanes, resamplings = chosen, resamplings + 1
        return Runs(
            tuple(self._finished(lane) for lane in lanes),
            entropy,
            resamplings,
            time.monotonic() - start,
            dict(self._calls),
        )

    def _check_reachable(self, left: Cost) -> None:
        if self._fitting((*left[:SECONDS], math.inf, *left[SECONDS + 1 :]), 0):
            return
        needed = [plan.needed[0] for plan in self._plans]
        for resource in (EVENTS, TOKENS, CONTEXT):
            least = min(each[resource] for each in needed)
            if least > left[resource]:
                said = f"an end that is sure to be reached may take {least:g}"
                if resource == CONTEXT:
                    raise PromptTooLongError(f"the prompt leaves {left[CONTEXT]:g} tokens: {said}")
                name = _NAMES[resource]
                raise BudgetError(f"{name}={left[resource]:g}: {said}", needed=int(least))
        raise BudgetError("no way to an end fits into all limits together: raise them")

    def _round(self, lanes: list[_Lane], own: list[np.random.Generator]) -> list[_Lane]:
        """One event of each lane that goes on, and the outcome of its tool."""
        drawing: list[tuple[int, list[_Option], bool, int]] = []
        for index, lane in enumerate(lanes):
            if lane.reason:
                continue
            may_end = self.game.may_end(lane.state)
            over = time.monotonic() >= self._deadline
            options = [] if over else self._options(lane)
            if not options and may_end:
                more = self.game.offered(lane.state)
                lanes[index] = self._scored(
                    replace(lane, reason="limit" if more else "complete"), True
                )
                continue
            options = options or self._hurried(lane)
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
        for (index, *_), lane in zip(drawing, drawn, strict=True):
            if not lane.reason:
                self._tell(lane.events[-1], index)
                lane = self._called(lane, index)
            lanes[index] = self._scored(lane, bool(lane.reason))
        return lanes

    def _tell(self, event: Event, lane: int) -> None:
        if self.on_event is not None:
            self.on_event(event, lane)

    def _draw(
        self, model: Model, lane: _Lane, options: list[_Option], may_end: bool, seed: int
    ) -> _Lane:
        start = time.perf_counter()
        constraint, most = self._union(options, may_end)
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
            return self._written(lane, options)
        sample = result.samples[0]
        if not sample.text:
            return replace(
                lane,
                reason="end",
                log_probability=lane.log_probability + sample.log_probability,
                log_weight=lane.log_weight + _finite(sample.log_weight),
            )
        end_probability, end_allowed = _end(result, model)
        event = self._event(
            sample.text,
            [option.event for option in options],
            sample.tokens,
            sample.log_probability - end_probability,
            time.perf_counter() - start,
        )
        return self._after(lane, event, _finite(sample.log_weight - end_allowed))

    def _written(self, lane: _Lane, options: list[_Option]) -> _Lane:
        """The shortest text of the way to an end, where the model gives nothing that is allowed."""
        if self.game.may_end(lane.state):
            return replace(lane, reason="end", log_weight=-math.inf)
        (option,) = self._hurried(lane)
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

    def _after(self, lane: _Lane, event: Event, log_weight: float) -> _Lane:
        """The lane after a drawn event; a call's outcome is still to come."""
        automaton, size = self.game.automaton, float(len(event.tokens))
        cost = (1.0, size, size, 0.0, *self._costs[event.name][SECONDS + 1 :])
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

    def _called(self, lane: _Lane, index: int) -> _Lane:
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

    def _observed(self, lane: _Lane, outcome: Outcome, state: int) -> Event:
        """The outcome as an event, cut so that an end fits into the model's context after it."""
        left = (*lane.left[:SECONDS], math.inf, *lane.left[SECONDS + 1 :])
        spent = left_over(left, (1.0, *(0.0,) * (len(left) - 1)))
        room = max((rest[CONTEXT] for rest in self._fitting(spent, state)), default=0.0)
        names = self.design.specification.events
        text = self.design.form.escaped(outcome.text, names)
        tokens = self._encoded(outcome.event, text)
        while len(tokens) > room and text != CUT:
            text = text[: len(text) // 2].removesuffix(CUT) + CUT if len(text) > 16 else CUT
            tokens = self._encoded(outcome.event, text)
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

    def _scored(self, lane: _Lane, ended: bool) -> _Lane:
        """The lane with its preference; that of a lane which goes on only steers."""
        if self.prefer is None or not (ended or self.prefer.partial):
            return lane
        (value,) = checked_log_weights(self.prefer, [lane.text])
        return replace(lane, log_preference=value)

    def _resampled(self, lanes: list[_Lane], rng: np.random.Generator) -> list[_Lane] | None:
        """Lanes drawn by weight and preference so far; ``None`` where they are even enough."""
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
        return [
            replace(lanes[chosen], log_weight=mean - twists[chosen]) for chosen in ancestors(counts)
        ]

    def _finished(self, lane: _Lane) -> Run:
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
