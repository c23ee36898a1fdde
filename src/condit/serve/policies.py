"""Policies about calls of tools, kept over the whole of a conversation (``condit.policy``).

What was called before is read from the request's messages; which calls may come in the answer, or
whether it is the final text, follows from that. See ``condit.policy`` for the rules themselves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from condit.behave.answers import Answers, Rows, State
from condit.behave.policy import Policy, narrowed_schema, policy
from condit.behave.record import Event
from condit.errors import ArgumentError
from condit.serve.request_errors import invalid
from condit.serve.specification import Specification, all_of
from condit.serve.tools import BEGIN, MOST_CALLS, Choice, Tool

Message = dict[str, Any]
_FIELD = "condit.policy"
_TEXT = "answer"
_Count = Annotated[int, Field(ge=0, strict=True)]


class ToolPolicy(BaseModel):
    """Rules about calls of tools, over all messages; of names of tools."""

    model_config = ConfigDict(extra="forbid")

    calls: dict[str, _Count | tuple[_Count, _Count | None]] | None = Field(
        default=None, description="The most calls of a tool, or the least and the most."
    )
    total: _Count | None = Field(default=None, description="The most calls of all tools.")
    order: list[tuple[str, str]] = Field(
        default=[], description="Pairs: the second is not called before the first."
    )
    exclusive: list[list[str]] = Field(default=[], description="Groups: one of each at most.")
    parallel: list[list[str]] = Field(default=[], description="Groups that are called together.")
    depends: dict[str, str] = Field(
        default={},
        description='Arguments that must be values of earlier results: {"book.id": '
        '"search.flights[*].id"}.',
    )
    answer: dict[str, Any] | None = Field(
        default=None, description="A constraint of the final answer, as in condit.constraint."
    )

    def rules(self, tools: Sequence[str]) -> Policy:
        """The policy.

        Raises:
            RequestError: a rule is about no tool, or says nothing that can be.
        """
        try:
            made = policy(
                calls=self.calls,
                total=self.total,
                order=self.order,
                exclusive=self.exclusive,
                parallel=self.parallel,
                depends=self.depends,
            )
            made.check(tools, tools)
        except ArgumentError as error:
            said = str(error).removeprefix("policy: ")
            raise invalid(f"{_FIELD}: {said}", self._at(said)) from error
        return made

    def _at(self, said: str) -> str:
        """The field that a message is about."""
        fields = ("calls", "total", "order", "exclusive", "parallel", "depends")
        named = [name for name in fields if said.startswith((f"{name}:", f"{name}[", f"{name}="))]
        return f"{_FIELD}.{named[0]}" if named else _FIELD

    def format(self) -> list[Specification]:
        """The constraints of the final answer."""
        return [
            Specification.of(name, value, f"{_FIELD}.answer.{name}")
            for name, value in (self.answer or {}).items()
        ]


@dataclass(frozen=True)
class History:
    """What happened in a conversation, as a policy sees it.

    Attributes:
        events: calls, each with its outcome, and texts.
        places: for each event the field of the message that says it.
        known: for each event the number of the message that says it.
    """

    events: tuple[Event, ...]
    places: tuple[str, ...]
    known: tuple[int, ...]

    @classmethod
    def of(cls, messages: Sequence[Message], places: Sequence[str]) -> History:
        """Of a request's messages; answers of tools belong to calls by id, else in order."""
        events: list[Event] = []
        where: list[str] = []
        known: list[int] = []
        open_calls: list[tuple[object, int]] = []
        for index, (said, place) in enumerate(zip(messages, places, strict=True)):
            if said["role"] == "tool":
                given = said.get("tool_call_id")
                found = [each for each in open_calls if given is not None and each[0] == given]
                found = found or open_calls[:1]
                for each in found:
                    open_calls.remove(each)
                    events[each[1]] = _event("observe", said["content"], given=True)
                    known[each[1]] = index
                continue
            calls = said.get("tool_calls", ())
            for number, call in enumerate(calls):
                name, text = _read(call)
                events += [_event(name, text), _event("timeout", "", given=True)]
                where += [f"{place}.tool_calls[{number}]" if len(calls) > 1 else place] * 2
                known += [index] * 2
                open_calls.append((call.get("id"), len(events) - 1))
            if not calls and said["role"] in ("assistant", "user") and said["content"]:
                open_calls = []
                events.append(_event(f"({said['role']})", said["content"]))
                where.append(place)
                known.append(index)
        return cls(tuple(events), tuple(where), tuple(known))

    def until(self, place: int) -> tuple[Event, ...]:
        """What was known when the message was written that says an event.

        Calls of one message, and those whose answers came later, know nothing of each other.
        """
        now = self.known[place]
        pairs = zip(self.events[:place], self.known[:place], strict=True)
        return tuple(each if at < now else _event("timeout", "") for each, at in pairs)


def _event(name: str, text: str, *, given: bool = False) -> Event:
    return Event(name, text, text, text, given, ())


def _read(call: Mapping[str, Any]) -> tuple[str, str]:
    about = call[call["type"]]
    text = about["input"] if call["type"] == "custom" else about["arguments"]
    return str(about["name"]), text if isinstance(text, str) else json.dumps(text)


def constrained(
    choice: Choice,
    given: ToolPolicy | None,
    messages: Sequence[Message],
    places: Sequence[str],
    otherwise: Specification | None,
) -> Specification | None:
    """The constraint of an answer: as ``Choice.specification``, and by a policy if there is one.

    Args:
        choice: which tools the request lets be called.
        given: the policy.
        messages: of the request.
        places: what the request calls them.
        otherwise: what a text without calls must satisfy; ``None``: nothing.

    Raises:
        RequestError: the messages break the policy already; or it and the rest of the request
            leave nothing that could be answered.
    """
    if given is None:
        return choice.specification(otherwise)
    tools = {tool.name: tool for tool in choice.declared}
    if not tools:
        raise invalid(f"{_FIELD}: there are no tools", _FIELD)
    rules = given.rules(tuple(tools))
    history = History.of(messages, places)
    answers = Answers(rules, tools)
    state = _state(answers, rules, history)
    offered: dict[str, Tool] = {}
    reasons: dict[str, str] = {}
    for tool in choice.tools:
        bound = _bound(tool, rules, history.events)
        if bound is None:
            reasons[tool.name] = f"what {tool.name} depends on was not returned yet"
            continue
        offered[tool.name] = bound
        if answers.called(state, tool.name) is None:
            reasons[tool.name] = _reason(answers, rules, history, state, tool.name)
    rows = answers.rows(state, tuple(offered), MOST_CALLS if choice.several else 1)
    may_end = answers.may_end(state)
    if choice.required and not rows.ends:
        why = [*reasons.values()] or ["after each call the rules could not be kept"]
        raise invalid(
            f"tool_choice asks for a call, but {_FIELD} allows none: {'; '.join(why)}",
            "tool_choice",
            "policy_contradiction",
        )
    if not rows.ends and not may_end:
        why = [_unfinished(answers, rules, state), *reasons.values()]
        raise invalid(
            f"{_FIELD} allows no final answer yet, and no call: {'; '.join(filter(None, why))}",
            _FIELD,
            "policy_contradiction",
        )
    text = all_of([*([] if otherwise is None else [otherwise]), *given.format()])
    return _specification(rows, offered, text, may_end and not choice.required)


def _state(answers: Answers, rules: Policy, history: History) -> State:
    """Where the rules stand after the conversation.

    Raises:
        RequestError: it breaks one.
    """
    names = [each.name for each in history.events]
    broken = [each for each in rules.explain(names) if each.event is not None]
    if broken and any(each.given for each in history.events):
        place = history.places[broken[0].index - 1]
        raise _violation(place, broken[0].rule, broken[0].event, broken[0].reason)
    state = answers.start
    for index, event in enumerate(history.events):
        if event.name.startswith("("):
            state = answers.said(state)
        elif event.name in answers.tools:
            _check_values(rules, history, index)
            state = answers.called(state, event.name) or state
        elif not event.given:
            counts, total, _ = answers.said(state)
            state = counts, total + (rules.total is not None), answers.start[2]
    return state


def _check_values(rules: Policy, history: History, index: int) -> None:
    event = history.events[index]
    for argument, allowed in rules.values(event.name, history.until(index)).items():
        value: Any = event.text
        if argument:
            try:
                said = json.loads(event.text)
            except ValueError:
                said = None
            value = said.get(argument) if isinstance(said, Mapping) else None
        if value not in (allowed if argument else [_plain(each) for each in allowed]):
            key = f"{event.name}.{argument}" if argument else event.name
            rule = f"{key} from {rules.depends[key]}"
            raise _violation(
                history.places[index], rule, event.name, f"{value!r} was not returned before"
            )


def _violation(place: str, rule: str, event: str | None, reason: str) -> Exception:
    said = f"{place} breaks {_FIELD} already: {rule} fails at {event}: {reason}"
    return invalid(said, place, "policy_violation")


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _bound(tool: Tool, rules: Policy, events: Sequence[Event]) -> Tool | None:
    """The tool with arguments that were returned before; ``None``: there are none."""
    values = rules.values(tool.name, events)
    if not all(values.values()):
        return None
    if not values:
        return tool
    try:
        if tool.parameters is not None:
            return replace(tool, parameters=narrowed_schema(tool.parameters, values))
    except ArgumentError as error:
        said = str(error).removeprefix("policy: ")
        raise invalid(f"{_FIELD}: {said}", f"{_FIELD}.depends") from error
    if set(values) != {""}:
        raise invalid(f"{_FIELD}: depends: {tool.name} has no arguments", f"{_FIELD}.depends")
    own = tool.specification
    whole = None if own is None else own.build()
    texts = [_plain(each) for each in values[""]]
    fitting = [each for each in texts if whole is None or whole.accepts(each)]
    return replace(tool, input=("choice", fitting)) if fitting else None


def _reason(answers: Answers, rules: Policy, history: History, state: State, name: str) -> str:
    """Which rule forbids a call now."""
    if answers.is_open(state):
        return f"{name}: {_unfinished(answers, rules, state)}"
    events = [*history.events, _event(name, ""), _event("observe", "", given=True)]
    names = [each.name for each in events]
    last = len(history.events) + 1
    found = [f"{each.rule}: {each.reason}" for each in rules.explain(names) if each.index == last]
    return "; ".join(found) or f"{name} is not allowed now"


def _unfinished(answers: Answers, rules: Policy, state: State) -> str:
    """Which rule forbids the final answer now."""
    for group, done in zip(rules.parallel, state[2], strict=True):
        if 0 < len(done) < len(group):
            missing = next(each for each in group if each not in done)
            return f"together {', '.join(group)}: {missing} is to come"
    for name, (least, _) in rules.calls.items():
        if state[0][answers.tools.index(name)] < least:
            return f"at least {least} of {name}"
    return ""


def _specification(
    rows: Rows, offered: Mapping[str, Tool], text: Specification | None, may_end: bool
) -> Specification:
    """Calls in the order of the rows, or a text."""
    ways: list[list[Any]] = []
    called = [offered[name] for name in rows.tools]
    if rows.ends:
        numbers = {tool.name: number for number, tool in enumerate(called)}
        # Behind the states of the rows stands one for each, before the line that separates calls.
        steps: list[list[tuple[int, int]]] = []
        for state, row in enumerate(rows.steps):
            calls = [(numbers[name], 2 * to) for name, to in row]
            if state:
                steps.append([(len(called), 2 * state + 1)] if calls else [])
            else:
                steps.append(calls)
            steps.append(calls if state else [])
        parts = [["then", [BEGIN, ["then", tool.parts]]] for tool in called]
        given = {
            "parts": [*parts, ["literal", "\n"]],
            "steps": steps,
            "ends": sorted(2 * each for each in rows.ends),
        }
        ways.append(["in_order", given])
    if may_end:
        ways.append(["lacks", BEGIN] if text is None else [text.kind, json.loads(text.given)])
    kind, whole = ways[0] if len(ways) == 1 else ("one_of", ways)
    made = [part for tool in called if (part := tool.specification) is not None]
    made += [text] if may_end and text is not None else []
    return replace(Specification.of(kind, whole, _FIELD), parts=tuple(made))
