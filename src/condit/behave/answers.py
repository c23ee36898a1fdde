"""Which calls of tools one answer may make, by a policy, after those that were made before.

Where a conversation is kept by somebody else, as on a server, an answer is either calls or the
final text. Here is which rows of calls it may hold. How calls are written is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from condit.behave.policy import Policy

State = tuple[tuple[int, ...], int, tuple[frozenset[str], ...]]
"""How often each tool was called, as far as that matters; all calls; the groups that are open."""

_MOST_STATES = 2000


@dataclass(frozen=True)
class Rows:
    """Rows of calls, as an automaton that begins at 0 and has no circles.

    Attributes:
        steps: for each state the tools that may be called there, and the state after that.
        ends: the states at which the row may end.
    """

    steps: tuple[tuple[tuple[str, int], ...], ...]
    ends: frozenset[int]

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools that come in a row."""
        return tuple(dict.fromkeys(name for row in self.steps for name, _ in row))


class Answers:
    """What answers may be by a policy.

    Args:
        policy: the rules.
        tools: all tools that there are.
    """

    def __init__(self, policy: Policy, tools: Iterable[str]) -> None:
        self.policy = policy
        self.tools = tuple(tools)
        asked = {n for each in (*policy.order, *policy.exclusive) for n in each}
        self._clip = tuple(
            max(least, most or 0, int(name in asked))
            for name in self.tools
            for least, most in (policy.calls.get(name, (0, None)),)
        )
        self._place = {name: place for place, name in enumerate(self.tools)}
        self._hope: dict[State, bool] = {}

    @property
    def start(self) -> State:
        """Before all calls."""
        return (0,) * len(self.tools), 0, tuple(frozenset() for _ in self.policy.parallel)

    def called(self, state: State, name: str) -> State | None:
        """The state after a call; ``None``: a rule forbids it."""
        counts, total, groups = state
        rules = self.policy
        place = self._place[name]
        most = rules.calls.get(name, (0, None))[1]
        if most is not None and counts[place] >= most:
            return None
        if rules.total is not None and total >= rules.total:
            return None
        for first, second in rules.order:
            if second == name != first and not self._was(counts, first):
                return None
        for group in rules.exclusive:
            others = (each for each in group if each != name)
            if name in group and any(self._was(counts, each) for each in others):
                return None
        opened = []
        for group, done in zip(rules.parallel, groups, strict=True):
            if name not in group and 0 < len(done) < len(group):
                return None
            opened.append(done | {name} if name in group else frozenset())
        now = min(counts[place] + 1, self._clip[place])
        new = (*counts[:place], now, *counts[place + 1 :])
        return new, total + (rules.total is not None), tuple(opened)

    def _was(self, counts: Sequence[int], name: str) -> bool:
        return name in self._place and counts[self._place[name]] > 0

    def said(self, state: State) -> State:
        """The state after a text that is no call."""
        return state[0], state[1], tuple(frozenset() for _ in state[2])

    def is_open(self, state: State) -> bool:
        """Whether some of a group of calls that go together are missing."""
        groups = zip(self.policy.parallel, state[2], strict=True)
        return any(0 < len(done) < len(group) for group, done in groups)

    def may_end(self, state: State) -> bool:
        """Whether the final answer may come."""
        least = (
            state[0][place] >= self.policy.calls.get(name, (0, None))[0]
            for name, place in self._place.items()
        )
        return not self.is_open(state) and all(least)

    def hopeful(self, state: State) -> bool:
        """Whether further calls can lead to a final answer, if tools return what these need.

        Where that takes too many states to see, it is taken to be so.
        """
        if state not in self._hope:
            seen, waiting = {state}, [state]
            found = False
            while waiting and not found and len(seen) < _MOST_STATES:
                each = waiting.pop()
                found = self.may_end(each) or self._hope.get(each, False)
                for name in self.tools:
                    after = self.called(each, name)
                    if after is not None and after not in seen:
                        seen.add(after)
                        waiting.append(after)
            self._hope[state] = found or len(seen) >= _MOST_STATES
        return self._hope[state]

    def rows(self, state: State, offered: Sequence[str], most: int) -> Rows:
        """The rows of one call or more that an answer may hold.

        Groups that go together are completed in the answer where it may hold enough calls. Where
        the rules have very many states, an answer holds fewer calls.

        Args:
            state: what was before.
            offered: the tools that can be called in this answer.
            most: the most calls of an answer.
        """
        numbers = {(0, state): 0}
        steps: list[list[tuple[str, int]]] = [[]]
        levels = [[state]]
        while len(levels) <= most and levels[-1] and len(numbers) < _MOST_STATES:
            depth = len(levels)
            levels.append([])
            for each in levels[depth - 1]:
                row = steps[numbers[depth - 1, each]]
                for name in offered:
                    after = self.called(each, name)
                    if after is None or not self.hopeful(after):
                        continue
                    if (depth, after) not in numbers:
                        numbers[depth, after] = len(steps)
                        steps.append([])
                        levels[depth].append(after)
                    row.append((name, numbers[depth, after]))
        made = {number: each for (depth, each), number in numbers.items() if depth}
        closed = frozenset(number for number, each in made.items() if not self.is_open(each))
        for ends in (closed, frozenset(made)):
            live = set(ends)
            for number in reversed(range(len(steps))):
                if any(to in live for _, to in steps[number]):
                    live.add(number)
            if 0 in live:
                return _of([[each for each in row if each[1] in live] for row in steps], ends)
        return Rows(((),), frozenset())


def _of(steps: Sequence[Sequence[tuple[str, int]]], ends: frozenset[int]) -> Rows:
    """The rows with those states alone that are reached."""
    kept: dict[int, int] = {0: 0}
    for number, row in enumerate(steps):
        if number in kept:
            for _, to in row:
                kept.setdefault(to, len(kept))
    order = sorted(kept)
    places = {number: place for place, number in enumerate(order)}
    found = (tuple((name, places[to]) for name, to in steps[number]) for number in order)
    return Rows(tuple(found), frozenset(places[each] for each in ends if each in places))
