"""``scripts/bench wild``: its tasks can be done, and its figures are what they say."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from bench.library.journal import Record
from bench.wild.contestants import MASKING
from bench.wild.curves import Point, at_positions, points
from bench.wild.race import MAKE, call_of, race, references
from bench.wild.reference import halves_of, log_mean, pooled, reference, total_variation
from bench.wild.summary import half_band, rows, totals
from bench.wild.tables import tables
from bench.wild.tasks import FAMILIES, FEW, QUICK, TASKS
from bench.wild.tasks.task import Task, plain

TASK = TASKS["sentiment_label_first"]


def _record(
    seed: int, labels: str, weights: list[float], evidence: float | None, **more: Any
) -> Record:
    names = {"n": "negative", "p": "positive"}
    texts = [json.dumps({"label": names[each], "reason": str(i)}) for i, each in enumerate(labels)]
    return {
        "purpose": "race",
        "seed": seed,
        "task": TASK.name,
        "contestant": "masked",
        "lanes": len(labels),
        "texts": texts,
        "texts_valid": [True] * len(texts),
        "weights": weights,
        "log_evidence": evidence,
        "tokens": 20,
        "seconds": 2.0,
        "compile_seconds": 0.1,
        "positions_beyond_prompt": 30,
        "ess": 1.5,
        "kish_ess": 1.6,
    } | more


def test_there_are_tasks_of_every_kind() -> None:
    assert len(TASKS) == sum(map(len, FAMILIES.values())) >= 24
    assert min(map(len, FAMILIES.values())) >= 4
    for kind in ({task.chat for task in TASKS.values()}, {task.invites for task in TASKS.values()}):
        assert kind == {True, False}
    assert set(QUICK) <= set(TASKS)


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_constraints_compile_and_answers_are_of_fields(task: Task) -> None:
    MAKE[task.kind](task.source)
    assert set(task.answers) <= set(task.fields)
    assert 60 <= task.max_tokens <= 160


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "sql_question",
            "SELECT name FROM employees WHERE city = 'Berlin' AND age > 30;",
        ),
        ("expression", "def area(width, height):\n    return width * height"),
        ("css", ".title {\n  color: red;\n  text-align: center;\n}"),
        ("config", '[server]\nport = 8080\nhost = "a"\ndebug = false\n'),
        ("sql_unasked", "SELECT name, salary FROM customers ORDER BY salary DESC;"),
        ("commit", "fix(login): no crash for empty passwords"),
        ("date", "It was 20 July 1969."),
        ("phone", "Carla Diaz | (555) 123-4567 | 12 Oak Street, Springfield"),
        ("apology", "Dear Mr. Brown,\n\nThe parcel is late.\n\nKind regards,\nAnna"),
        ("address", "Baker and Sons\n221 Baker Street\nLondon NW1 6XE"),
        (
            "choice_of_tool",
            '{"name": "set_alarm", "arguments": {"hour": 7, "minute": 15, "label": "t"}}',
        ),
        (
            "plan_of_calls",
            '[{"name": "get_weather", "arguments": {"city": "Oslo", "unit": "celsius"}}, '
            '{"name": "set_alarm", "arguments": {"hour": 6, "minute": 30, "label": "ski"}}]',
        ),
    ],
)
def test_right_texts_are_accepted_and_have_the_right_fields(name: str, text: str) -> None:
    task = TASKS[name]
    assert MAKE[task.kind](task.source).accepts(text)
    values = task.values(text)
    assert {field: values[field] for field in task.answers} == {
        field: plain(answer) for field, answer in task.answers.items()
    }


def test_a_field_that_is_not_there_is_null() -> None:
    assert TASKS["people"].values('{"people": [{"name": "A.", "role": "b"}]}') == {
        "name": '"a"',
        "second": "null",
    }


def test_means_bands_and_lags() -> None:
    better = [
        _record(seed, "np", [0.5, 0.5], value, contestant="smc")
        for seed, value in enumerate((-1, -3))
    ]
    found = rows([*(_record(seed, "np", [0.75, 0.25], -5.0) for seed in (0, 1)), *better], {})
    masked, smc = found[TASK.name, "masked"], found[TASK.name, "smc"]
    assert (masked.evidence, masked.lag, smc.evidence, smc.lag) == (-5.0, 3.0, -2.0, 0.0)
    # Student's quantile for one degree of freedom is 12.706, the deviation sqrt(2).
    assert smc.half_band == pytest.approx(12.706, abs=1e-3)
    assert masked.right == pytest.approx(0.75)
    masking = found[TASK.name, MASKING]
    assert (masking.right, masking.evidence) == (0.5, None)
    assert totals(found)["masked"].worst == 3.0


def test_a_run_that_found_nothing_makes_the_mean_infinite_and_failures_leave_none() -> None:
    nothing = _record(1, "n", [0.0], None, nothing="DeadEndError")
    found = rows([_record(0, "n", [1.0], -2.0), nothing], {})[TASK.name, "masked"]
    assert found.evidence == -math.inf
    failed = {"purpose": "race", "task": TASK.name, "contestant": "masked", "error": "no"}
    found = rows([_record(0, "n", [1.0], -2.0), failed], {})[TASK.name, "masked"]
    assert (found.evidence, found.failed, found.errors) == (None, 1, ("no",))
    over = _record(1, "n", [1.0], None, over=True)
    assert rows([over], {})[TASK.name, "masked"].evidence is None
    assert "over" in tables([over], {})


def test_runs_are_pooled_by_their_evidence() -> None:
    # Evidence 3 to 1: the law is 3/4 of the first run's and 1/4 of the second's.
    runs = [_record(0, "nn", [0.5, 0.5], math.log(3)), _record(1, "p", [1.0], 0.0)]
    law = pooled(TASK, runs)["label"]
    assert law == pytest.approx({'"negative"': 0.75, '"positive"': 0.25})
    assert log_mean([math.log(3), 0.0]) == pytest.approx(math.log(2))


def test_a_field_is_sure_where_the_halves_agree() -> None:
    same = [_record(s, "np", [0.5, 0.5], -1.0, purpose=str(s)) for s in (0, 1)]
    known = reference(TASK, halves_of(same)[TASK.name])
    assert known is not None
    assert known.sure == ["label"]
    found = rows([_record(0, "np", [0.9, 0.1], -1.0)], {TASK.name: known})
    assert found[TASK.name, "masked"].distance == pytest.approx(0.4)
    assert reference(TASK, halves_of(same[:1])[TASK.name]) is None
    apart = [same[0], _record(1, "np", [0.7, 0.3], -1.0, purpose="1")]
    far = [same[0], _record(1, "np", [0.5, 0.5], -3.0, purpose="1")]
    for records in (apart, far):
        known = reference(TASK, halves_of(records)[TASK.name])
        assert known is not None
        assert known.sure == []


def test_total_variation() -> None:
    assert total_variation({"a": 1.0}, {"b": 1.0}) == 1.0
    assert total_variation({"a": 0.5, "b": 0.5}, {"a": 0.25, "b": 0.75}) == pytest.approx(0.25)
    assert half_band([1.0]) is None


def test_curves_are_interpolated_over_the_logarithm_of_positions() -> None:
    curve = [Point(2, 10, 1.0, -8.0, None), Point(8, 1000, 9.0, -4.0, None)]
    assert at_positions(curve, 100) == pytest.approx(-6.0)
    assert at_positions(curve, 5) is None
    assert at_positions(curve, 2000) is None
    runs = [_record(seed, "np", [0.5, 0.5], -3.0, purpose="curve") for seed in (0, 1)]
    assert points(runs)[TASK.name, "masked"] == [Point(2, 30, 2.0, -3.0, 0.0)]


def test_calls_are_known_by_their_records() -> None:
    calls = race([TASK.name], ["masked", "exact"], 3)
    assert [call.contestant for call in calls] == ["masked", "exact", "masked", "masked"]
    assert call_of(_record(2, "n" * 8, [0.125] * 8, -1.0)) == calls[-1]
    few = race([TASK.name, *FEW], ["masked", "exact"], 1, FEW)
    assert [call.task for call in few if call.contestant == "exact"] == list(FEW)
    halves = [call.purpose for call in references([TASK.name], 2)]
    assert halves == ["0", "0", "1", "1"]
