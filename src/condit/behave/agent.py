"""``condit.Agent``: a specification over events, what each event says, and tools.

What is checked here is checked once: that the specification can be kept whatever tools answer. How
a run goes is in ``loop.py``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from typing import Any

from condit.behave.form import Form
from condit.behave.game import Game
from condit.behave.lane import Design, Limits
from condit.behave.loop import Loop
from condit.behave.policy import Policy
from condit.behave.record import Event, Runs
from condit.behave.tools import OUTCOMES, Tool, checked_name, tools_of
from condit.constraint.algebra.labels import wanted
from condit.constraint.algebra.literal import Literal, as_constraint
from condit.constraint.base import Constraint
from condit.errors import ArgumentError, UnrealizableError
from condit.instruct import instructed_prompt
from condit.model.base import Model, Prompt
from condit.model.load import load
from condit.plugins import unknown
from condit.prefer.base import Preference
from condit.temporal.formula import Formula, named
from condit.temporal.ltlf import ltlf
from condit.temporal.specification import Ltlf
from condit.trace import Writer
from condit.vocabulary import Vocabulary

_MOST_STATES = 4096


class Agent:
    """A model that acts by a specification: no event comes that the specification forbids.

    At each step the model draws one event, of those after which the specification can be fulfilled
    *whatever the tools answer*: its kind and its text in one draw. If it is a tool, the tool is
    called, and its outcome is the next event: ``observe`` with the answer, ``error`` if it raised,
    ``timeout`` if it took too long. Where the specification is satisfied the model may end.

    The formula may use the names of events, of tools and of outcomes, and the labels ``call`` (of
    all tools) and ``result`` (of all outcomes). Each call has its outcome right after it.

    Attributes:
        events: what the model writes in events that are no calls.
        tools: the tools, by name.
        specification: all of it, as a `condit.ltlf`: transcripts of this agent satisfy it.
        form: how events are written.
        game: from where the specification can be fulfilled for sure.

    Args:
        formula: temporal logic on finite traces, see ``condit.ltlf``; several must all hold.
        events: for each event a constraint of its text; a string stands for itself.
        tools: functions and tools (``condit.tool``, ``condit.command``), in a row or by name.
        labels: for some events further names that are true of them.
        policy: rules about calls; see ``condit.policy``.
        form: what stands before and after the text of an event; by default tags.
        most_states: how many states of the automaton are looked at.

    Raises:
        CompileError: the formula does not parse.
        UnknownNameError: it names what is no event.
        ArgumentError: names clash, or are no plain words; or there are no events.
        UnsatisfiableError: no row of events satisfies the formula.
        UnrealizableError: some outcomes of tools would keep the agent from ever fulfilling it;
            ``error.counterexample`` shows how.
    """

    def __init__(
        self,
        formula: str | Formula | Sequence[str | Formula],
        events: Mapping[str, Constraint | str] | None = None,
        tools: Any = (),
        *,
        labels: Mapping[str, Iterable[str]] | None = None,
        policy: Policy | None = None,
        form: Form | None = None,
        most_states: int = _MOST_STATES,
    ) -> None:
        self.form = form or Form()
        self.tools: dict[str, Tool] = tools_of(tools)
        self.events: dict[str, Constraint] = {
            checked_name(name): as_constraint(each, f"agent: {name}")
            for name, each in (events or {}).items()
        }
        for name in map(checked_name, self.tools):
            if name in self.events:
                raise ArgumentError(f"agent: {name!r} is an event and a tool: give other names")
        for name in OUTCOMES:
            if self.tools and name in self.events:
                raise ArgumentError(
                    f"agent: {name!r} is what a tool's outcome is called: give the event another "
                    "name"
                )
        contents = {**self.events, **{name: each.content for name, each in self.tools.items()}}
        if not contents:
            raise ArgumentError("agent: give at least one event or tool")
        self.policy = policy or Policy()
        self.policy.check(contents, self.tools)
        for name, further in self.policy.texts.items():
            contents[name] = contents[name] & further
        self.contents = contents
        outcomes = OUTCOMES if self.tools else ()
        self.form.check((*contents, *outcomes))
        self.texts: dict[str, Constraint] = {
            name: self.form.constraint(name, content, outcomes)
            for name, content in contents.items()
        }
        longest = max((each.max_observation for each in self.tools.values()), default=1)
        observed = {
            name: self.form.observed(name, 8 * longest + 100, outcomes) for name in outcomes
        }
        given = (formula,) if isinstance(formula, str | Formula) else tuple(formula)
        self.specification: Ltlf = ltlf(
            (*given, *self.policy.clauses(), *self._structure()),
            {**self.texts, **observed},
            labels=self._labels(labels),
            given=outcomes,
            most_states=most_states,
        )
        self.game = self._game()

    def _labels(self, given: Mapping[str, Iterable[str]] | None) -> dict[str, set[str]]:
        made = {name: set(labels) for name, labels in (given or {}).items()}
        for name in made:
            if name not in self.contents and name not in OUTCOMES:
                raise ArgumentError(f"agent: labels: {unknown('event', name, self.contents)}")
        if not self.tools:
            return made
        taken = set(self.contents).union(*made.values())
        for label, names in (("call", tuple(self.tools)), ("result", OUTCOMES)):
            if label not in taken:
                for name in names:
                    made.setdefault(name, set()).add(label)
        return made

    def _structure(self) -> list[str]:
        """That each call has an outcome of its tool right after it, and none comes otherwise."""
        together: dict[tuple[str, ...], list[str]] = {}
        for name, each in self.tools.items():
            together.setdefault(each.outcomes, []).append(name)
        clauses = [
            f"G(({' | '.join(map(named, names))}) -> X ({' | '.join(outcomes)}))"
            for outcomes, names in together.items()
        ]
        if self.tools:
            calls = " | ".join(map(named, self.tools))
            clauses.append(f"G(({' | '.join(OUTCOMES)}) -> Y ({calls}))")
        return clauses

    def _game(self) -> Game:
        outcomes = {name: each.outcomes for name, each in self.tools.items()}
        uncertain = self.policy.uncertain
        game = Game(self.specification.automaton, outcomes, tuple(self.contents), uncertain)
        if 0 not in game.winning:
            if not self.specification.automaton.live:
                self.specification.bind(Vocabulary.of_bytes())  # raises, and says which clauses
            events, after = game.counterexample()
            raise UnrealizableError(
                "agent: no choice of events is sure to fulfil the specification, for it depends on "
                f"what tools answer. For example: {' '.join(events)}, {after}. Allow another way "
                "in the formula (as in 'F (answer | give_up)'), or leave 'error' and 'timeout' out "
                "of a tool's outcomes=, so that these are told as an 'observe'",
                counterexample=events,
            )
        budgets = self.policy.budgets(self.tools)
        costs = {
            name: tuple(float(name in group) for group, _, _ in budgets) for name in self.contents
        }
        needed = [plan.needed[0] for plan in game.plans(costs)]
        fits = [
            all(a <= most for a, (_, most, _) in zip(each, budgets, strict=True)) for each in needed
        ]
        if not any(fits):
            raise UnrealizableError(
                "agent: the policy allows "
                + ", ".join(rule for _, _, rule in budgets)
                + "; to be sure to fulfil the specification may take more: raise these, or allow "
                "another way in the formula"
            )
        return game

    def describe(self) -> str:
        """The events, their order and the tools, as an instruction to a model.

        The order has an example. Texts have none: small models would copy them.
        """
        lines = [
            "Respond only with events, one right after the other, each written so:",
            self.form.written("name", "its text").rstrip("\n"),
            "These are the events, and what their texts are:",
        ]
        for name in self.contents:
            part = self.policy.texts.get(name)
            own = self.events.get(name) or self.tools[name].content
            said = wanted(own, examples=False)
            said += "" if part is None else f"; and {wanted(part, examples=False)}"
            tool = self.tools.get(name)
            about = "" if tool is None else f" ({(tool.description or 'a tool').rstrip('.')})"
            lines.append(f"- {name}{about}: {said}".replace("\n", "\n  "))
        if self.tools:
            lines.append(
                f"After each {' or '.join(self.tools)} you are given its outcome, which you never "
                f"write yourself: {', '.join(OUTCOMES)}."
            )
        lines.append("The order must satisfy, in linear temporal logic on finite traces:")
        clauses = self.specification.clauses
        lines += [f"- {each}" for each in clauses[: len(clauses) - len(self._structure())]]
        lines += [f"- {rule}" for _, _, rule in self.policy.budgets(self.tools)]
        lines.append(f"For example, they may come in this order: {', '.join(self._example())}.")
        return "\n".join(lines)

    def _example(self) -> tuple[str, ...]:
        """A shortest row of events that satisfies the specification, if possible with a call."""
        automaton, seen = self.specification.automaton, {(0, False)}
        shortest: tuple[str, ...] | None = None
        waiting: deque[tuple[int, bool, tuple[str, ...]]] = deque([(0, False, ())])
        while waiting:
            state, called, row = waiting.popleft()
            if row and self.game.may_end(state):
                shortest = row if shortest is None else shortest
                if called or not self.tools:
                    return row
            for name in self.game.offered(state):
                after, more = automaton.after(state, name), (*row, name)
                if name in self.tools:
                    after, more = automaton.after(after, OUTCOMES[0]), (*more, OUTCOMES[0])
                if (key := (after, called or name in self.tools)) not in seen:
                    seen.add(key)
                    waiting.append((*key, more))
        return shortest or ()

    def run(
        self,
        model: Model | str,
        prompt: Prompt,
        *,
        n: int = 1,
        max_events: int = 64,
        max_tokens: int = 1024,
        max_event_tokens: int = 256,
        max_seconds: float | None = None,
        prefer: Preference | None = None,
        seed: int | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float = 1.0,
        instruct: bool | str = False,
        on_event: Callable[[Event, int], None] | None = None,
        trace: str | PathLike[str] | Writer | None = None,
    ) -> Runs:
        """Let a model act.

        An event is offered only if after it an end can still be reached in what is left of each
        limit, whatever the tools answer. So a limit makes a run shorter, and never cuts it off.

        Args:
            model: a model whose lanes fork, or what ``condit.load`` takes.
            prompt: text, chat messages or token ids: the task.
            n: how many runs. Where all tools are pure their lanes are resampled by weight after
                each event; else they are independent.
            max_events: the most events of a run, outcomes of tools among them.
            max_tokens: the most tokens that are drawn in a run.
            max_event_tokens: the most tokens of one event.
            max_seconds: after this time only the shortest way to an end is taken. What is under
                way is finished: a draw, or a call up to its tool's own limit.
            prefer: a preference about whole transcripts.
            seed: the same seed gives the same runs, if the tools answer the same and no time limit
                strikes.
            temperature: see ``condit.generate``.
            top_k: see ``condit.generate``.
            top_p: see ``condit.generate``.
            instruct: put ``describe()`` into the prompt; see ``condit.generate``.
            on_event: called with each event, and the number of its run. Where lanes are resampled,
                a run may go on from what another one has done.
            trace: a file to write the trace into, event by event; see ``condit.generate``. Each
                run is a lane of it, and what tools answer is ``given``.

        Raises:
            ArgumentError: an argument is out of range.
            BudgetError: an end cannot be reached for sure within a limit; ``error.needed`` says
                how much that takes.
            PromptTooLongError: the prompt leaves no room for an end in the model's context.
        """
        loaded = load(model) if isinstance(model, str) else model
        if not isinstance(loaded, Model):
            raise ArgumentError("agent: give a model whose lanes fork, such as condit.load gives")
        if trace is not None and not isinstance(trace, str | PathLike | Writer):
            raise ArgumentError(
                f"trace is of type {type(trace).__name__}: give a path, or a condit.trace.Writer"
            )
        limits = Limits.of(max_events, max_tokens, max_event_tokens, max_seconds)
        if instruct is not False:
            prompt = instructed_prompt(prompt, _Described(self.describe()), instruct)
        law = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
        design = Design(
            self.specification,
            self.game,
            self.form,
            self.contents,
            self.texts,
            self.tools,
            self.policy,
        )
        loop = Loop(design, loaded, limits, law, prefer, on_event, trace)
        return loop.run(prompt, n, seed)


class _Described(Literal):
    """A description, for ``instructed_prompt``."""

    def describe(self) -> str:
        """The text itself."""
        return self.text
