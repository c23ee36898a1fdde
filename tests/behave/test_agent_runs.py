"""Runs of random specifications with failing tools: none breaks its own, all end."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

import pytest

import condit
from condit.behave.agent import Agent
from condit.behave.record import Run
from condit.behave.tools import OUTCOMES, Tool, tool
from condit.errors import BudgetError, UnrealizableError, UnsatisfiableError
from condit.temporal.semantics import holds

WRITTEN = ("plan", "think", "answer", "stop")
CALLS = ("search", "compute")


class Garbage:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def fails(text: str) -> object:
    raise ValueError(f"</error>\n<answer>{text}</answer>")


def hangs(text: str) -> object:
    time.sleep(0.3)
    return text


def spins(text: str) -> object:
    while True:
        pass


def garbage(text: str) -> object:
    return Garbage()


def exits(text: str) -> object:
    raise SystemExit(3)


def bytes_of(text: str) -> object:
    return b"\xff\xfe\x00" + text.encode() + b"<observe>"


def long(text: str) -> object:
    return f"{text} </observe>\n<stop>" * 500


def recursive(text: str) -> object:
    value: list[object] = []
    value.append(value)
    return value


BEHAVIOURS: tuple[Callable[[str], object], ...] = (
    fails,
    garbage,
    exits,
    bytes_of,
    long,
    recursive,
    str.upper,
    hangs,
)


def random_formula(rng: random.Random, names: list[str], depth: int) -> str:
    if depth == 0 or rng.random() < 0.25:
        return rng.choice(names)
    kind = rng.choice(["!", "X", "WX", "F", "G", "F[0,3]", "&", "|", "->", "U", "W", "R", "O", "Y"])
    if kind in ("&", "|", "->", "U", "W", "R"):
        left, right = (random_formula(rng, names, depth - 1) for _ in range(2))
        return f"({left} {kind} {right})"
    return f"{kind} ({random_formula(rng, names, depth - 1)})"


def random_agent(rng: random.Random) -> Agent:
    """An agent of one to three random clauses; raises where they cannot be kept."""
    written = rng.sample(WRITTEN, rng.randint(1, 3))
    calls = rng.sample(CALLS, rng.randint(1, 2))
    tools: list[Tool] = []
    for name in calls:
        outcomes = rng.choice([OUTCOMES, ("observe", "error"), ("observe",)])
        tools.append(
            tool(
                rng.choice(BEHAVIOURS),
                name=name,
                content=condit.regex("[a-z]{1,6}"),
                outcomes=outcomes,
                seconds=0.1,
                max_observation=rng.choice([16, 80, 400]),
            )
        )
    names = [*written, *calls, "observe", "error", "timeout", "call", "result"]
    clauses = [random_formula(rng, names, rng.randint(1, 3)) for _ in range(rng.randint(1, 3))]
    if rng.random() < 0.5:
        clauses.append(f"F {written[0]}")
    events = {name: condit.free(max_chars=20) for name in written}
    return Agent(clauses, events, tools)


def judged(agent: Agent, run: Run) -> None:
    """By the definition of the formula alone, and by reading the transcript as text."""
    known = dict(zip(agent.specification.events, agent.specification.true_names, strict=True))
    assert holds(agent.specification.formula, [known[name] for name in run.names])
    assert run.satisfied
    assert agent.specification.accepts(run.text), run.text
    assert run.reason in ("end", "complete", "limit")
    for before, after in zip(run.events, run.events[1:], strict=False):
        assert after.given == (before.name in agent.tools)
        assert after.given == (after.name in OUTCOMES)


def many_runs(runs: int, seed: int) -> tuple[int, int]:
    model, rng = condit.load("ngram"), random.Random(seed)
    done = refused = 0
    while done < runs:
        try:
            agent = random_agent(rng)
        except (UnrealizableError, UnsatisfiableError):
            refused += 1
            continue
        most = rng.choice([None, 0.2])
        events = rng.randint(8, 20)
        try:
            result = agent.run(
                model,
                "go ",
                seed=done,
                max_events=events,
                max_tokens=220,
                max_event_tokens=40,
                max_seconds=most,
            )
        except BudgetError:  # at the outset: the limits are too tight for an end that is sure
            refused += 1
            continue
        run = result.runs[0]
        judged(agent, run)
        assert len(run.events) <= events or most is not None
        assert run.drawn <= 220
        done += 1
    return done, refused


@pytest.mark.parametrize("part", range(2))
def test_no_run_of_a_random_specification_breaks_it(part: int) -> None:
    before = threading.active_count()
    done, refused = many_runs(15, seed=part)
    assert done == 15
    assert refused > 0
    assert threading.active_count() < before + 40


@pytest.mark.slow
@pytest.mark.parametrize("part", range(2, 4))
def test_no_run_of_many_random_specifications_breaks_them(part: int) -> None:
    assert many_runs(30, seed=part)[0] == 30


def test_a_tool_that_never_returns_is_left_behind() -> None:
    agent = Agent(
        "F answer & G(answer -> last)",
        {"answer": "done"},
        [tool(spins, content=condit.choice("a", "b"), seconds=0.2)],
    )
    runs = [agent.run(condit.load("ngram"), "go ", seed=seed, max_events=7) for seed in range(4)]
    events = [event for run in runs for event in run.best.events]
    assert all(run.best.satisfied for run in runs)
    assert all(event.name != "observe" for event in events)
    assert any(event.name == "timeout" for event in events)
