"""What a run may do next: the events that leave an end in reach of what it has left.

A lane's budgets stand beside the automaton. An event is offered if, after it and whatever its tool
answers, one of the game's plans fits into what is left; so there is always an end in reach. Nothing
is drawn here.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from condit.behave.game import Cost, Plan, left_over
from condit.behave.lane import CONTEXT, EVENTS, SECONDS, TOKENS, Design, Lane, Limits, timeless
from condit.behave.tools import CUT, OUTCOMES
from condit.constraint.algebra.limits import within
from condit.constraint.algebra.repeated import optional
from condit.constraint.base import Constraint
from condit.errors import (
    BudgetError,
    CompileError,
    PromptTooLongError,
    UnsatisfiableError,
    VocabularyError,
)
from condit.model.base import Model

_NAMES = ("max_events", "max_tokens", "the model's context", "max_seconds")


@dataclass(frozen=True)
class Option:
    """An event that may be drawn, with at most so many tokens."""

    event: str
    most: int
    values: str = ""
    """What tells its text from others of the same event; see ``Offers._text``."""


class Offers:
    """What may come next in the runs of one call.

    Args:
        design: the agent.
        model: what draws.
        limits: of each run.

    Attributes:
        costs: for each event that is drawn the least that it takes of each resource.
        budgets: the calls that the policy counts: the group, the most, and its name.
        deadline: until when, as ``time.monotonic`` counts.
    """

    def __init__(self, design: Design, model: Model, limits: Limits) -> None:
        self.design, self.model, self.limits = design, model, limits
        self.game = design.game
        self.budgets = design.policy.budgets(design.tools)
        self.deadline = math.inf
        self._uncertain = design.policy.uncertain
        self._texts: dict[tuple[str, str], tuple[Constraint, float] | None] = {}
        self.costs = {event: self._cost(event) for event in design.contents}
        self._plans = self.game.plans(self.costs)
        self._unions: dict[tuple[object, ...], Constraint] = {}

    def _cost(self, event: str) -> Cost:
        """The least that an event takes of each resource; of time, the most that its tool takes."""
        try:
            least = self._least(self.design.texts[event])
        except UnsatisfiableError as error:
            raise UnsatisfiableError(
                f"agent: nothing can be said in the event {event!r}: its content cannot be, or "
                f"holds a closing of the event or an opening of an outcome ({error})"
            ) from error
        tool = self.design.tools.get(event)
        counted = tuple(float(event in group) for group, _, _ in self.budgets)
        if tool is None:
            return (1.0, least, least, 0.0, *counted)
        cut = [len(self.encoded(each, CUT)) for each in tool.outcomes]
        return (2.0, least, least + max(cut), tool.seconds, *counted)

    def _text(self, event: str, lane: Lane) -> tuple[Constraint, float, str] | None:
        """An event's text, the least tokens of it, and what tells it from others.

        ``None``: nothing that has happened gives a value that an argument must have.
        """
        if event not in self._uncertain:
            return self.design.texts[event], self.costs[event][TOKENS], ""
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

    def encoded(self, name: str, text: str) -> list[int]:
        """The tokens of an event whose text is this."""
        return self.model.encode(self.design.form.written(name, text))

    def fitting(self, left: Cost, state: int) -> list[Cost]:
        """What would be left at the end, for each plan from a state that fits."""
        rests = [
            left_over(left, plan.needed[state]) for plan in self._plans if state in plan.needed
        ]
        return [rest for rest in rests if min(rest) >= 0]

    def options(self, lane: Lane) -> list[Option]:
        """The events that may be drawn next; none: only the end is left, or nothing in time."""
        left = self._now(lane.left)
        found = []
        for event in self.game.offered(lane.state):
            known = self._text(event, lane)
            if known is None:
                continue
            _, least, values = known
            usual = self.costs[event]
            more = least - usual[TOKENS]
            cost = (usual[EVENTS], least, usual[CONTEXT] + more, *usual[SECONDS:])
            most = self.limits.event_tokens + cost[TOKENS]
            for after in self.game.after[lane.state][event]:
                rests = self.fitting(left_over(left, cost), after)
                room = max((min(rest[TOKENS], rest[CONTEXT]) for rest in rests), default=-1)
                # What is spared by the shortest text may be spent.
                most = min(most, room + cost[TOKENS])
            most = min(most, self.limits.event_tokens)
            if most >= cost[TOKENS]:
                found.append(Option(event, int(most), values))
        return found

    def _now(self, left: Cost) -> Cost:
        seconds = self.deadline - time.monotonic() if self.deadline < math.inf else math.inf
        return (*left[:SECONDS], seconds, *left[SECONDS + 1 :])

    def hurried(self, lane: Lane) -> list[Option]:
        """The next event of the shortest way to an end, as short as can be."""
        ample = timeless(lane.left)
        known = [plan for plan in self._plans if lane.state in plan.choice]
        fitting = [plan for plan in known if min(left_over(ample, plan.needed[lane.state])) >= 0]
        plan: Plan = (fitting or known)[0]
        event = plan.choice[lane.state]
        return [Option(event, int(self.costs[event][TOKENS]))]

    def _known(self, option: Option) -> Constraint:
        found = self._texts.get((option.event, option.values))
        return self.design.texts[option.event] if found is None else found[0]

    def union(self, options: Sequence[Option], may_end: bool) -> tuple[Constraint, int]:
        """What the next draw must satisfy, and its most tokens."""
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

    def check_reachable(self, left: Cost) -> None:
        """Check that what is left at the outset is enough for an end that is sure.

        Raises:
            BudgetError: it is not; the message names the limit.
            PromptTooLongError: the prompt leaves too little of the context.
        """
        if self.fitting(timeless(left), 0):
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
