"""Policies: enforced while drawing, and judged by rules that share nothing with that."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest

import condit
from condit.behave.agent import Agent
from condit.behave.policy import Policy, policy
from condit.behave.record import Event
from condit.behave.returned import returned
from condit.behave.tools import tool
from condit.errors import ArgumentError, BudgetError, UnrealizableError, UnsatisfiableError

WORD = condit.regex("[a-z]{1,4}")


def answers(text: str) -> str:
    if text[0] < "f":
        raise ValueError("no")
    return f"re-{text}"


def agent_of(rules: Policy, formula: str = "F answer & G(answer -> last)") -> Agent:
    tools = [tool(answers, name=name, content=WORD, seconds=5) for name in ("a", "b", "c")]
    return Agent(formula, {"answer": condit.regex("[0-9]{1,9}")}, tools, policy=rules)


def random_policy(rng: random.Random) -> Policy:
    names = ["a", "b", "c"]
    rules: dict[str, object] = {}
    if rng.random() < 0.7:
        rules["calls"] = {
            name: rng.choice([0, 1, 2, (1, 2), (1, None), (2, 3)])
            for name in rng.sample(names, rng.randint(1, 2))
        }
    if rng.random() < 0.4:
        rules["total"] = rng.randint(1, 6)
    if rng.random() < 0.4:
        rules["order"] = [tuple(rng.sample(names, 2))]
    if rng.random() < 0.3:
        rules["exclusive"] = [rng.sample(names, 2)]
    if rng.random() < 0.3:
        rules["parallel"] = [rng.sample(names, rng.randint(2, 3))]
    if rng.random() < 0.3:
        rules["texts"] = {"answer": condit.regex("[0-9]{2,3}"), "a": condit.regex("[aeiou]+")}
    if rng.random() < 0.3:
        one, other = rng.sample(names, 2)
        rules["depends"] = {one: other}
    return policy(**rules)  # type: ignore[arg-type]


def test_no_run_breaks_a_random_policy() -> None:
    model, rng, done = condit.load("ngram"), random.Random(1), 0
    while done < 40:
        rules = random_policy(rng)
        try:
            agent = agent_of(rules)
            run = agent.run(
                model, "go ", seed=done, max_events=24, max_tokens=300, max_event_tokens=30
            ).best
        except (UnrealizableError, UnsatisfiableError, BudgetError):
            continue
        assert run.satisfied
        assert rules.explain(run) == [], rules.explain(run)
        done += 1


def judged(rules: Policy, names: str) -> list[str]:
    return [str(each) for each in rules.explain(names.split())]


def test_what_is_broken_is_told() -> None:
    assert judged(policy(calls={"a": 1}), "a observe a observe answer") == [
        "at most 1 of a fails at event 3, a: this is number 2"
    ]
    assert judged(policy(calls={"a": (2, None)}), "a observe answer") == [
        "at least 2 of a fails at the end: there were 1"
    ]
    assert judged(policy(total=1), "a observe answer b error") == [
        "at most 1 calls fails at event 4, b: this is call 2"
    ]
    assert judged(policy(order=[("a", "b")]), "b observe a observe") == [
        "order a before b fails at event 1, b: a was not called before"
    ]
    assert judged(policy(exclusive=[("a", "b")]), "b observe a observe") == [
        "one of a, b fails at event 3, a: b was called before"
    ]
    assert judged(policy(parallel=[("a", "b")]), "b observe a error answer b observe") == [
        "together a, b fails at the end: a is not called before"
    ]
    assert judged(policy(parallel=[("a", "b")]), "b observe answer") == [
        "together a, b fails at event 3, answer: a is not called before"
    ]


def test_the_clauses_of_a_policy_mean_what_it_explains() -> None:
    rng = random.Random(2)
    names = ["a", "b", "c", "answer"]
    compared = broken = 0
    for _ in range(60):
        rules = random_policy(rng)
        bare = policy(
            calls={name: (least, None) for name, (least, _) in rules.calls.items()},
            order=rules.order,
            exclusive=rules.exclusive,
            parallel=rules.parallel,
        )
        spec = condit.ltlf(
            bare.clauses() or ["true"],
            {name: name for name in (*names, "observe", "error", "timeout")},
        )
        for _ in range(20):
            row: list[str] = []
            for _ in range(rng.randint(1, 6)):
                name = rng.choice(names)
                row += [name] if name == "answer" else [name, rng.choice(["observe", "error"])]
            assert bool(spec.validate(row)) == (not bare.explain(row)), (rules, row)
            compared += 1
            broken += not spec.validate(row)
    assert compared == 1200
    assert 200 < broken < 1100


def test_a_budget_of_many_calls_adds_no_states() -> None:
    small, large = agent_of(policy(calls={"a": 1})), agent_of(policy(calls={"a": 50, "b": 70}))
    assert len(small.game.after) == len(large.game.after)
    run = large.run(condit.load("ngram"), "go ", seed=1, max_events=30, max_tokens=200).best
    assert run.names.count("a") <= 50


def test_a_policy_that_a_failing_tool_could_use_up_is_refused() -> None:
    with pytest.raises(UnrealizableError, match="at most 0 of a"):
        agent_of(policy(calls={"a": 0}), "F a")


def flights(city: str) -> list[dict[str, object]]:
    """Flights to a city."""
    return [{"id": "X12", "price": 80}, {"id": "Y7", "price": 95}]


def book(flight: str, seats: int) -> str:
    """Book a flight."""
    return f"booked {flight}"


def test_an_argument_must_be_a_result() -> None:
    rules = policy(depends={"book.flight": "flights"}, calls={"book": 1, "flights": 2})
    agent = Agent(
        "F answer & G(answer -> last) & G(answer -> O(book | flights)) ",
        {"answer": "done"},
        [flights, book],
        policy=rules,
    )
    model, booked = condit.load("ngram"), 0
    for seed in range(4):
        run = agent.run(model, "go ", seed=seed, max_events=12, max_event_tokens=60).best
        assert rules.explain(run) == []
        calls = [json.loads(each.text) for each in run.events if each.name == "book"]
        assert all(each["flight"] in ("X12", "Y7") for each in calls)
        booked += len(calls)
    assert booked > 0
    forged = [
        Event("flights", '{"city": "a"}', "", {}, False, ()),
        Event("observe", "", "", flights("a"), True, ()),
        Event("book", '{"flight": "Z1", "seats": 1}', "", {}, False, ()),
        Event("observe", "", "", "", True, ()),
    ]
    assert [each.index for each in rules.explain(forged)] == [3]


def test_which_tools_may_be_called_next() -> None:
    rules = policy(calls={"a": 1}, total=3, order=[("a", "b")], exclusive=[("b", "c")])
    tools = ("a", "b", "c")
    assert rules.callable_after([], tools) == ("a", "c")
    assert rules.callable_after(["a"], tools) == ("b", "c")
    assert rules.callable_after(["a", "b"], tools) == ("b",)
    assert rules.callable_after(["a", "b", "b"], tools) == ()


@pytest.mark.parametrize(
    "make",
    [
        lambda: policy(calls={"a": -1}),
        lambda: policy(calls={"a": (3, 1)}),
        lambda: policy(total=-1),
        lambda: policy(order=[("a",)]),  # type: ignore[list-item]
        lambda: policy(exclusive=[("a",)]),
        lambda: agent_of(policy(calls={"z": 1})),
        lambda: agent_of(policy(depends={"answer": "a"})),
    ],
)
def test_rules_that_say_nothing_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ArgumentError, match="policy"):
        make()


@pytest.mark.parametrize(
    ("source", "values"),
    [
        ("search", ["X1", 3, "Y2"]),
        ("search.flights[*].id", ["X1", "Y2"]),
        ("search.flights[-1].id", ["Y2"]),
        ("search.flights[7].id", []),
        ("search.flights", []),
        ("search[*]", []),
    ],
)
def test_values_are_those_at_a_path(source, values):
    said = {"flights": [{"id": "X1", "seats": 3}, {"id": "Y2"}]}
    for value in (said, json.dumps(said)):
        events = [
            Event("search", "{}", "", None, False, ()),
            Event("observe", "", "", value, True, ()),
        ]
        found = returned(source, events)
        assert [each for each in found if each != value] == values


@pytest.mark.parametrize("source", ["search..id", "search[x]", "", "[*]", "search.id]"])
def test_what_is_no_path_is_refused(source):
    with pytest.raises(ArgumentError, match="no source"):
        condit.policy(depends={"book.id": source})


FOUND = {"orders": [{"id": 7, "by": "Ann"}, {"id": 9, "by": "Bob"}], "next page": "z"}


def search(name: str) -> dict[str, object]:
    """Orders of a customer."""
    if name.startswith("a"):
        raise ValueError("no such customer")
    return FOUND


def refund(order_id: int) -> str:
    """Refund an order."""
    return f"refunded {order_id}"


def test_all_kinds_of_rules_hold_together() -> None:
    rules = policy(
        calls={"search": (1, 2), "refund": 1},
        total=3,
        order=[("search", "refund")],
        exclusive=[("refund", "answers")],
        depends={"refund.order_id": "search.orders[*].id"},
        texts={"answer": condit.regex("[a-z]{2}[0-9]?")},
    )
    tools = [tool(search, content=condit.regex("[a-d]")), refund, tool(answers, content=WORD)]
    agent = Agent(
        "F answer & G(answer -> last) & F(call & X F call)",
        {"answer": condit.regex("[a-z0-9]{1,5}")},
        tools,
        policy=rules,
    )
    for seed in (1, 2):
        run = agent.run(condit.load("ngram"), "go ", seed=seed, max_events=12).best
        calls = [name for name in run.names if name in ("search", "refund", "answers")]
        assert 2 <= len(calls) <= 3
        assert 1 <= calls.count("search") <= 2
        assert not {"refund", "answers"} <= set(calls)
        if "refund" in calls:
            assert "search" in calls[: calls.index("refund")]
            assert calls.count("refund") == 1
        for place, event in enumerate(run.events):
            if event.name == "refund":
                assert json.loads(event.text)["order_id"] in (7, 9)
                assert any(each.value == FOUND for each in run.events[:place])
        last = run.events[-1]
        assert last.name == "answer"
        assert last.text[:2].isalpha()
        assert len(last.text) <= 3
