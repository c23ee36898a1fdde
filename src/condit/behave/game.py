"""The game of an agent against its tools: from where the specification can be fulfilled for sure.

An agent chooses events; which outcome a tool has is not its choice. On the automaton of the
specification this is a game on a graph with alternatives (the agent's) and conjunctions (the
tools'): the synthesis of LTLf (De Giacomo and Vardi 2015) where it is small. A `Plan` is a strategy
that ends for sure, with the most that it may need of each resource (events, tokens, seconds, calls
of a tool), so that budgets stand beside the automaton and add no states to it. Nothing here knows
models or texts.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from condit.temporal.automaton import Automaton

Cost = tuple[float, ...]
"""An amount of each resource."""

Weight = Callable[[str], float]


@dataclass(frozen=True)
class Plan:
    """A way to a state where the agent may end, whatever its tools answer.

    Attributes:
        choice: for each state where it does not end at once the event that is chosen.
        needed: for each winning state the most that it takes of each resource.
    """

    choice: Mapping[int, str]
    needed: Mapping[int, Cost]


class Game:
    """The states before each choice of an agent, and where its choices lead.

    Args:
        automaton: of the specification.
        outcomes: for each event that calls a tool the events that may answer it.
        events: all events that the agent may choose.
        uncertain: those of them that are not always on offer; no plan relies on them.
    """

    def __init__(
        self,
        automaton: Automaton,
        outcomes: Mapping[str, Sequence[str]],
        events: Sequence[str],
        uncertain: Collection[str] = (),
    ) -> None:
        self.automaton = automaton
        self.outcomes = outcomes
        self.events = tuple(events)
        self.uncertain = frozenset(uncertain)
        self.after: dict[int, dict[str, tuple[int, ...]]] = {}
        waiting = [0]
        while waiting:
            state = waiting.pop()
            if state in self.after:
                continue
            self.after[state] = {event: self._after(state, event) for event in self.events}
            waiting += [to for found in self.after[state].values() for to in found]
        self.winning = frozenset(self.plan(lambda event: 1.0, {}).needed)

    def _after(self, state: int, event: str) -> tuple[int, ...]:
        after = self.automaton.after(state, event)
        answers = self.outcomes.get(event)
        if answers is None:
            return (after,)
        return tuple(dict.fromkeys(self.automaton.after(after, each) for each in answers))

    def may_end(self, state: int) -> bool:
        """Whether the specification is satisfied there."""
        return self.automaton.table[state][0]

    def offered(self, state: int) -> tuple[str, ...]:
        """The events after which the specification can be fulfilled whatever tools answer."""
        found = self.after[state].items()
        return tuple(event for event, after in found if self.winning.issuperset(after))

    def plan(self, weight: Weight, costs: Mapping[str, Cost]) -> Plan:
        """The strategy whose weight is least in the worst case.

        Args:
            weight: of each event, above 0.
            costs: for each event how much it takes of each resource; what is missing costs nothing.
        """
        # Knuth's generalisation of Dijkstra's algorithm: a choice is known as soon as all that it
        # may lead to are.
        left: dict[tuple[int, str], set[int]] = {}
        before: dict[int, list[tuple[int, str]]] = {}
        for state, choices in self.after.items():
            for event, after in choices.items():
                if event not in self.uncertain:
                    left[state, event] = set(after)
                    for to in left[state, event]:
                        before.setdefault(to, []).append((state, event))
        heap = [(0.0, state, "") for state in self.after if self.may_end(state)]
        heapq.heapify(heap)
        choice: dict[int, str] = {}
        needed: dict[int, Cost] = {}
        worth: dict[int, float] = {}
        size = max(map(len, costs.values()), default=0)
        nothing = (0.0,) * size
        while heap:
            value, state, event = heapq.heappop(heap)
            if state in worth:
                continue
            worth[state] = value
            if event:
                choice[state] = event
            needed[state] = nothing
            if event:
                worst = [needed[to] for to in self.after[state][event]]
                needed[state] = added(costs.get(event, nothing), most(worst))
            for earlier, by in before.get(state, ()):
                if earlier in worth:
                    continue
                rest = left[earlier, by]
                rest.discard(state)
                if not rest:
                    furthest = max(worth[to] for to in self.after[earlier][by])
                    heapq.heappush(heap, (weight(by) + furthest, earlier, by))
        return Plan(choice, needed)

    def plans(self, costs: Mapping[str, Cost]) -> tuple[Plan, ...]:
        """Strategies that are sparing with one resource each; the first is sparing with events."""
        size = max(map(len, costs.values()), default=0)
        found: list[Plan] = [self.plan(lambda event: 1.0, costs)]
        for resource in range(size):
            if any(cost[resource] > 0 for cost in costs.values()):
                found.append(self.plan(_sparing(costs, resource), costs))
        distinct: list[Plan] = []
        for plan in found:
            if plan not in distinct:
                distinct.append(plan)
        return tuple(distinct)

    def counterexample(self) -> tuple[tuple[str, ...], str]:
        """Events that show why the agent cannot be sure: it does its best, its tools their worst.

        Returns:
            the events, and what happens after them.
        """
        state, seen = 0, {0}
        events: list[str] = []
        while True:
            completion = self.automaton.completion(state) or ()
            event = next((each for each in completion if each in self.events), None)
            if event is None or completion[0] != event:
                return tuple(events), "and there nothing may come that leads to an end"
            events.append(event)
            if event in self.uncertain:
                return tuple(events), f"but {event!r} is not always possible"
            after = self.automaton.after(state, event)
            for answer in self.outcomes.get(event, ()):
                to = self.automaton.after(after, answer)
                if to not in self.winning:
                    events.append(answer)
                    after = to
                    break
            state = after
            if state not in self.automaton.live:
                return tuple(events), "and after that the specification cannot be fulfilled"
            if state in seen:
                return tuple(events), "and so on without end"
            seen.add(state)


def _sparing(costs: Mapping[str, Cost], resource: int) -> Weight:
    return lambda event: 1e-6 + (costs[event][resource] if event in costs else 0.0)


def added(one: Cost, other: Cost) -> Cost:
    """The sum of two amounts."""
    return tuple(a + b for a, b in zip(one, other, strict=True))


def most(several: Sequence[Cost]) -> Cost:
    """The largest of each resource."""
    return tuple(map(max, zip(*several, strict=True)))


def left_over(have: Cost, cost: Cost) -> Cost:
    """What is left; the difference of two endless amounts is endless."""
    return tuple(math.inf if a == math.inf else a - b for a, b in zip(have, cost, strict=True))
