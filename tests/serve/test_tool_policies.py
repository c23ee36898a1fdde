"""Policies about calls of tools, kept over the messages of a conversation."""

from __future__ import annotations

import json
import random
from typing import Any

import openai
import pytest

import condit
from condit.behave.answers import Answers, Rows
from condit.serve.messages import chat
from condit.serve.openai.tools import choice_of, tools_of
from condit.serve.policies import ToolPolicy, constrained
from condit.serve.request_errors import RequestError
from condit.serve.tools import read


def tool(name: str, **properties: Any) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {"type": "function", "function": {"name": name, "parameters": schema}}


SEARCH, BOOK = tool("search"), tool("book", id={"type": "string"})
NAMES = ("a", "b", "c")
ASKED = {"role": "user", "content": "Book a flight."}


def turn(*calls: tuple[str, dict[str, Any], str | None]) -> list[dict[str, Any]]:
    """A message that calls tools, and their answers, which come in the other order."""
    made = [
        {
            "id": f"{name}{place}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(given)},
        }
        for place, (name, given, _) in enumerate(calls)
    ]
    answers = [
        {"role": "tool", "tool_call_id": call["id"], "content": said}
        for call, (_, _, said) in zip(made, calls, strict=True)
    ]
    return [{"role": "assistant", "content": None, "tool_calls": made}, *reversed(answers)]


def constraint(
    policy: dict[str, Any],
    tools: list[dict[str, Any]],
    messages: list[dict[str, Any]],
    wanted: Any = None,
    several: bool = True,
) -> condit.Constraint:
    said = chat(messages)
    choice = choice_of(tools_of(tools, "tools"), wanted, several, "tool_choice")
    places = [f"messages[{place}]" for place in range(len(said))]
    made = constrained(choice, ToolPolicy.model_validate(policy), said, places, None)
    assert made is not None
    return made.build()


def written(*calls: tuple[str, dict[str, Any]]) -> str:
    return "\n".join(
        f'<tool_call>\n{{"name": "{name}", "arguments": {json.dumps(given)}}}\n</tool_call>'
        for name, given in calls
    )


FOUND = turn(("search", {}, '{"flights": [{"id": "X1", "gate": "A"}, {"id": "Y2"}]}'))
DEPENDS = {"depends": {"book.id": "search.flights[*].id"}}


def test_an_argument_is_one_of_the_values_at_a_path():
    made = constraint(DEPENDS, [SEARCH, BOOK], [ASKED, *FOUND])
    assert made.accepts(written(("book", {"id": "Y2"})))
    assert not made.accepts(written(("book", {"id": "A"})))
    before = constraint(DEPENDS, [SEARCH, BOOK], [ASKED])
    assert before.accepts(written(("search", {})))
    assert not before.accepts(written(("book", {"id": "Y2"})))


@pytest.mark.parametrize(
    ("policy", "messages", "yes", "no"),
    [
        ({"total": 1}, FOUND, ["done"], [written(("search", {}))]),
        (
            {"calls": {"search": (2, 2)}},
            FOUND,
            [written(("search", {}))],
            ["done", written(("search", {}), ("search", {}))],
        ),
        (
            {"order": [("search", "book")]},
            [],
            [written(("search", {}), ("book", {"id": "x"}))],
            [written(("book", {"id": "x"}))],
        ),
        (
            {"parallel": [["search", "book"]]},
            [],
            [written(("book", {"id": "x"}), ("search", {})), "done"],
            [written(("search", {}))],
        ),
        ({"exclusive": [["search", "book"]]}, FOUND, ["done"], [written(("book", {"id": "x"}))]),
        ({"total": 0, "answer": {"regex": "ok+"}}, [], ["okk"], ["done"]),
    ],
)
def test_each_rule_is_of_all_messages(policy, messages, yes, no):
    made = constraint(policy, [SEARCH, BOOK], [ASKED, *messages])
    assert [made.accepts(each) for each in yes] == [True] * len(yes)
    assert [made.accepts(each) for each in no] == [False] * len(no)


@pytest.mark.parametrize(
    ("policy", "messages", "wanted", "param", "said"),
    [
        ({"total": 0}, FOUND, None, "messages[1]", "at most 0 calls"),
        ({"total": 1}, FOUND, "required", "tool_choice", "at most 1 calls"),
        (
            {"order": [("search", "book")]},
            [],
            {"type": "function", "function": {"name": "book"}},
            "tool_choice",
            "order search before book",
        ),
        ({"calls": {"search": (1, 2)}}, [], "none", "condit.policy", "at least 1 of search"),
        ({"calls": {"find": 1}}, [], None, "condit.policy", "find"),
        ({"depends": {"book.id": "search..id"}}, [], None, "condit.policy.depends", "search..id"),
        ({"depends": {"book.number": "search"}}, FOUND, None, "condit.policy.depends", "number"),
        (
            DEPENDS,
            [*FOUND, *turn(("book", {"id": "Z"}, ""))],
            None,
            "messages[3]",
            "'Z' was not returned before",
        ),
        (
            DEPENDS,
            turn(("search", {}, '{"flights": [{"id": "Q"}]}'), ("book", {"id": "Q"}, "")),
            None,
            "messages[1].tool_calls[1]",
            "'Q' was not returned before",
        ),
    ],
)
def test_what_cannot_be_kept_is_refused(policy, messages, wanted, param, said):
    with pytest.raises(RequestError, match="policy") as caught:
        constraint(policy, [SEARCH, BOOK], [ASKED, *messages], wanted)
    assert caught.value.param == param
    assert said in caught.value.message


def random_policy(rng: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {"answer": {"regex": "[xy]"}, "total": rng.randint(1, 5)}
    if rng.random() < 0.7:
        made["calls"] = {"a": rng.choice([(0, 1), (1, 2), (1, None)])}
    for rule, chance in (("order", 0.5), ("exclusive", 0.3), ("parallel", 0.4)):
        if rng.random() < chance:
            made[rule] = [rng.sample(NAMES, 2)]
    return made


def keeps(policy: dict[str, Any], calls: list[str], ended: bool) -> bool:
    """The rules once more, by counting; groups only at the end."""
    least, most = policy.get("calls", {}).get("a", (0, None))
    kept = len(calls) <= policy["total"] and (most is None or calls.count("a") <= most)
    for first, second in policy.get("order", ()):
        kept &= second not in calls or first in calls[: calls.index(second)]
    for one, other in policy.get("exclusive", ()):
        kept &= not (one in calls and other in calls)
    if ended:
        kept &= calls.count("a") >= least
        for one, other in policy.get("parallel", ()):
            kept &= (one in calls) == (other in calls)
    return kept


def row_of(rng: random.Random, rows: Rows) -> list[str]:
    """A row of calls, drawn at random."""
    place, found = 0, []
    while place not in rows.ends or (rows.steps[place] and rng.random() < 0.5):
        name, place = rng.choice(rows.steps[place])
        found.append(name)
    return found


def test_conversations_by_random_policies_break_no_rule_and_have_an_end():
    rng, ended = random.Random(5), 0
    for _ in range(300):
        given, calls = random_policy(rng), []
        answers = Answers(ToolPolicy.model_validate(given).rules(NAMES), NAMES)
        state, most = answers.start, rng.choice([1, 4])
        if not answers.hopeful(state):
            continue
        for _ in range(8):
            rows = answers.rows(state, NAMES, most)
            if answers.may_end(state) and (not rows.ends or rng.random() < 0.3):
                break
            found = row_of(rng, rows)
            calls += found
            assert keeps(given, calls, ended=False), (given, calls)
            for name in found:
                state = answers.called(state, name)
        assert keeps(given, calls, ended=True), (given, calls)
        ended += 1
    assert ended > 200


def test_what_is_drawn_keeps_to_the_policy():
    policy = {"parallel": [["a", "b"]], "total": 2, "calls": {"a": (1, 1)}, "order": [["b", "a"]]}
    made = constraint(policy, [tool(each) for each in NAMES], [ASKED])
    drawn = condit.generate(condit.load("ngram"), "x", made, sampler="awrs", seed=1, max_tokens=200)
    assert [call.name for call in read(drawn.best.text)[1]] == ["b", "a"]


@pytest.mark.model
def test_openai_s_client_sends_a_policy(served):
    client = served.client()
    options: dict[str, Any] = {"model": "smollm2", "tools": [SEARCH, BOOK], "max_tokens": 60}
    answer = client.chat.completions.create(
        messages=[ASKED, *FOUND],
        extra_body={"condit": {"policy": {"calls": {"book": [1, 1], "search": 1}, **DEPENDS}}},
        seed=1,
        **options,
    )
    (call,) = answer.choices[0].message.tool_calls
    assert call.function.name == "book"
    assert json.loads(call.function.arguments)["id"] in ("X1", "Y2")
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(
            messages=[ASKED, *FOUND], extra_body={"condit": {"policy": {"total": 0}}}, **options
        )
    assert (caught.value.code, caught.value.param) == ("policy_violation", "messages[1]")
