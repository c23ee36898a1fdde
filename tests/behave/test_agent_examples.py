"""Each example agent is a short specification, and keeps to it with the embedded model."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from condit.behave.record import Run
from condit.cli_agent_file import read_agent
from condit.model.base import Model
from condit.model.transformers import TransformersModel

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples" / "agents"
FILES = sorted(EXAMPLES.glob("*.yaml"))


@pytest.fixture(scope="module")
def kit() -> dict[str, Any]:
    return runpy.run_path(str(EXAMPLES / "kit.py"))


def test_the_agents_of_the_literature_are_there() -> None:
    assert {
        "react",
        "rewoo",
        "plan_and_solve",
        "reflexion",
        "chain_of_thought",
        "pass",
        "quoting",
    } <= {path.stem for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_specification_is_short(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    assert len(lines) <= 25
    assert read_agent(path).agent.game.winning


def judged(path: Path, model: Model | str, most: int) -> Run:
    read = read_agent(path)
    assert read.task is not None
    run = read.agent.run(model, f"{read.task}\n", seed=0, max_events=16, max_tokens=most).best
    assert run.satisfied
    assert read.agent.specification.accepts(run.text)
    assert read.agent.policy.explain(run) == []
    assert run.drawn <= most
    return run


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_runs(path: Path, kit: dict[str, Any]) -> None:
    run = judged(path, "ngram", 110)
    assert all("</" not in event.text for event in run.events)
    for event in run.events:
        if event.name == "evidence":
            place = event.value.occurrences[0]
            assert kit["DOCUMENTS"][place.document][place.start :].startswith(event.text)


@pytest.mark.model
def test_an_example_runs_with_a_language_model(smollm2: TransformersModel) -> None:
    run = judged(EXAMPLES / "quoting.yaml", smollm2, 120)
    evidence = run.last("evidence")
    assert evidence is not None
    assert evidence.value.occurrences


def test_the_order_is_described_by_an_example() -> None:
    agent = read_agent(EXAMPLES / "rewoo.yaml").agent
    said = agent.describe()
    assert "in this order: plan, look_up, observe, solve, answer." in said
    assert "at most 3 of plan" in said
    assert "Y (look_up" not in said


def test_the_calculator_is_no_interpreter(kit: dict[str, Any]) -> None:
    assert kit["calculate"]("2 * (3 + 4) - -1") == 15
    for text in ("__import__('os')", "2 ** 9", "a", "[1]", "(lambda: 1)()"):
        with pytest.raises(ValueError, match="is no sum"):
            kit["calculate"](text)


def test_the_database_is_read_only(kit: dict[str, Any]) -> None:
    assert kit["query"]("select moons from planets where name = 'Mars'") == [(2,)]
    # Nor does it read other files, as DuckDB would.
    with pytest.raises(Exception, match=r"disabled|no such table"):
        kit["query"]("select * from '/etc/passwd.csv'")
    for text in ("delete from planets", "drop table planets"):
        with pytest.raises(Exception, match=r"read-?only"):
            kit["query"](text)


def test_documents_are_found(kit: dict[str, Any]) -> None:
    assert "Titan" in kit["look_up"]("largest moon of Saturn")
    assert kit["look_up"]("xyzzy") == "nothing is found"
