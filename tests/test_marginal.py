"""Marginals and agreement: what they count, and that their errors mean what they say."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel

import condit
from condit import ABSENT, SMC
from condit.errors import ArgumentError
from condit.marginal import marginal_of
from condit.testing import World
from condit.testing.laws import p_values_of_means
from condit.testing.worlds import remembering


@pytest.fixture
def result(letters: condit.NgramModel) -> condit.Result:
    return condit.generate(letters, "a", condit.regex("[abc]{1,3}"), n=64, max_tokens=4, seed=3)


def with_samples(
    result: condit.Result,
    values: Sequence[Any],
    weights: Sequence[float],
    lineages: Sequence[int],
) -> condit.Result:
    """``result`` with other samples; strings are texts without a value."""
    samples = [
        condit.Sample(
            text=value if isinstance(value, str) else repr(value),
            tokens=(),
            log_weight=math.log(weight) if weight else -math.inf,
            log_probability=0.0,
            finish_reason="stop",
            value=None if isinstance(value, str) else value,
            lineage=lineage,
        )
        for value, weight, lineage in zip(values, weights, lineages, strict=True)
    ]
    return dataclasses.replace(result, samples=tuple(samples))


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.slow
def test_without_an_argument_texts_are_counted(result: condit.Result) -> None:
    marginal = result.marginal()
    assert len(marginal) == result.distinct == len(marginal.shares) < len(result.samples)
    shares = [each.share for each in marginal]
    assert shares == sorted(shares, reverse=True)
    assert math.fsum(shares) == pytest.approx(1)
    for text, share, _ in marginal:
        of_text = [
            weight
            for sample, weight in zip(result.samples, result.weights, strict=True)
            if sample.text == text
        ]
        assert share == pytest.approx(math.fsum(of_text))
    assert marginal.agreement == pytest.approx(math.fsum(share**2 for share in shares))
    assert marginal[:2] == marginal.shares[:2]


def test_a_function_sees_the_text_where_there_is_no_value(result: condit.Result) -> None:
    def first(text: str) -> str:
        return text[0]

    marginal = result.marginal(first)
    assert marginal.of == "first"
    for letter, share, _ in marginal:
        by_hand = [each.share for each in result.marginal() if each.value[0] == letter]
        assert share == pytest.approx(math.fsum(by_hand))


class Pair(BaseModel):
    flag: bool
    numbers: list[bool]


@pytest.mark.slow
def test_values_of_a_type(letters: condit.NgramModel) -> None:
    model = condit.NgramModel.train(
        ['{"flag": true}'], vocabulary=condit.Vocabulary.of_bytes(), order=2
    )
    drawn = condit.generate(
        model, "{", condit.json_schema(Pair), n=16, max_tokens=80, seed=0, sampler="masked"
    )
    whole = drawn.marginal("")
    assert all(isinstance(each.value, Pair) for each in whole)
    assert math.fsum(each.share for each in whole) == pytest.approx(1)
    assert all(isinstance(each.value, list) for each in drawn.marginal("numbers"))
    assert drawn.marginal("flag") == dataclasses.replace(
        drawn.marginal(lambda pair: pair.flag), of="flag"
    )
    json.dumps(whole.to_dict(), allow_nan=False)
    # 1 and true are equal in Python, and different values all the same.
    mixed = with_samples(drawn, [[1], [True], [1.0]], [1, 1, 1], [0, 1, 2]).marginal("[0]")
    assert [type(each.value) for each in mixed] == [int, bool, float]


def test_samples_without_the_field(result: condit.Result) -> None:
    texts = ['{"a": [{"b": 3}]}', '{"a": []}', '{"a": [{"b": 4}]}', "{}"]
    few = with_samples(result, texts, [4, 1, 2, 0], [0, 1, 2, 3])
    marginal = few.marginal("a[0].b")
    assert [each.value for each in marginal] == [3, 4, ABSENT]
    assert [each.share for each in marginal] == pytest.approx([4 / 7, 2 / 7, 1 / 7])
    assert marginal.mean is None
    assert [each.get("value") for each in marginal.to_dict()["shares"]] == [3, 4, None]
    assert "value" not in marginal.to_dict()["shares"][2]
    assert "(absent)" in str(marginal)
    # The last sample has no weight, and does not count: what only it has is not there.
    with pytest.raises(
        ArgumentError, match=r"no sample has 'a\[0\]\.c': there is no 'c' in a\[0\]"
    ):
        few.marginal("a[0].c")
    with pytest.raises(ArgumentError, match="at character 1"):
        few.marginal("a[")


def test_the_error_by_hand(result: condit.Result) -> None:
    # Lineages 0, 1, 2 have the shares 1/2, 1/4, 1/4 of the weight.
    few = with_samples(result, ["x", "y", "x", "y"], [1, 1, 1, 1], [0, 0, 1, 2])
    off = np.array([1 / 4 - 1 / 2 * 1 / 2, 1 / 4 - 1 / 4 * 1 / 2, 0 - 1 / 4 * 1 / 2])
    size = 1 / (1 / 4 + 2 / 16)
    expected = math.sqrt(size / (size - 1) * float((off**2).sum()))
    assert [each.error for each in few.marginal()] == pytest.approx([expected] * 2)
    numbers = with_samples(result, ["[1]", "[3]", "[1]", "[3]"], [1, 1, 1, 1], [0, 0, 1, 2])
    marginal = numbers.marginal("[0]")
    assert marginal.mean == 2
    assert marginal.mean_error == pytest.approx(2 * expected)


def test_of_even_weights_it_is_that_of_a_mean(result: condit.Result) -> None:
    even = with_samples(result, ["x", "y", "x", "x", "y"], [1] * 5, range(5))
    expected = np.array([1, 0, 1, 1, 0]).std(ddof=1) / math.sqrt(5)
    assert [each.error for each in even.marginal()] == pytest.approx([expected] * 2)
    mean = with_samples(result, [[1], [0], [1], [1], [0]], [1] * 5, range(5)).marginal("[0]")
    assert (mean.mean, mean.mean_error) == pytest.approx((0.6, expected))
    # A lineage without weight tells nothing.
    heavy = with_samples(result, ["x", "y"], [1, 1e-300], [0, 1])
    assert {each.error for each in heavy.marginal()} == {None}


def test_what_error_is_known(result: condit.Result, letters: condit.NgramModel) -> None:
    one = with_samples(result, ["x", "y", "x"], [1, 2, 3], [4, 4, 4])
    assert [each.error for each in one.marginal()] == [None, None]
    same = with_samples(result, ["x", "x", "x"], [1, 2, 3], [0, 1, 2])
    assert [each.error for each in same.marginal()] == [0]
    # Copies agree, whatever the model thinks: print says that this tells little.
    for table, known in ((one, False), (same, True)):
        for said in (str(table.marginal()), str(table.agreement())):
            assert ("standard errors unknown" in said) is not known
    assert "two draws agree" in str(same.agreement())
    assert "two draws agree" not in str(one.agreement())
    beam = condit.generate(letters, "a", condit.regex("[ab]"), n=2, max_tokens=2, sampler="beam")
    assert {each.error for each in beam.marginal()} == {None}


@pytest.mark.parametrize(("count", "shown"), [(2, False), (4, False), (5, True)])
def test_few_draws_are_shown_without_errors(result: condit.Result, count: int, shown: bool) -> None:
    few = with_samples(result, [[i] for i in range(count)], [1] * count, range(count))
    assert few.marginal("[0]").ess == pytest.approx(count)
    for said in (str(few.marginal("[0]")), str(few.agreement())):
        assert ("±" in said) is shown
        warned = f"worth about {count:.1f} independent draws: too few" in said
        assert warned is not shown
    assert all(each.error is not None for each in few.marginal("[0]"))


def test_a_long_table_counts_what_it_leaves_out(result: condit.Result) -> None:
    for count, last in ((20, "'t19'"), (21, "1 other value"), (22, "2 other values")):
        texts = [f"t{i}" for i in range(count)]
        many = with_samples(result, texts, [1] * count, range(count))
        assert str(many.marginal()).splitlines()[-1].endswith(f"  {last}")


def test_agreement_goes_field_by_field(result: condit.Result) -> None:
    texts = [
        '{"name": "Anna", "jobs": [{"at": "x"}], "odd key": 1}',
        '{"name": "Anna", "jobs": [], "odd key": 2}',
        '{"name": "Ben", "jobs": [{"at": "x"}, {"at": "y"}], "odd key": 1}',
    ]
    few = with_samples(result, texts, [2, 1, 1], [0, 1, 2])
    found = few.agreement()
    paths = [field.of for field in found]
    assert paths == ["name", "jobs", "jobs[0].at", "jobs[1].at", '["odd key"]']
    for field in found:
        assert field == few.marginal(field.of)
    name, jobs, first, second, odd = (field.agreement for field in found)
    assert (name, first, second, odd) == pytest.approx((10 / 16,) * 4)
    assert jobs == pytest.approx(6 / 16)
    absent = (1 / 4) ** 2, (3 / 4) ** 2
    same = name + jobs + odd + first - absent[0] + second - absent[1]
    assert found.overall == pytest.approx(same / (5 - sum(absent)))
    lines = str(found).splitlines()
    assert len(lines) == 8  # with a caveat: these are few draws
    assert len({line.index("'Anna'") for line in lines if "Anna" in line}) == 1
    json.dumps(found.to_dict(), allow_nan=False)


def test_texts_without_structure_are_one_field(result: condit.Result) -> None:
    (field,) = result.agreement()
    assert field.shares == result.marginal().shares
    assert result.agreement().overall == pytest.approx(field.agreement)


PATTERN = remembering(condit.regex("(ab|ba|c)*"))


@pytest.mark.slow
@pytest.mark.parametrize("lanes", [4, 16])
@pytest.mark.parametrize("sampler", ["masked", "exact", SMC(threshold=0.9, compare_at="token")])
def test_errors_are_about_right(letters: condit.NgramModel, sampler: Any, lanes: int) -> None:
    """Their mean square over runs is the mean squared distance from the exact marginal.

    A normal test over 250 runs with a false-alarm rate of 1e-6, beside what the formula leaves
    out, terms of higher order in the number of lanes.
    """
    world = World(letters, PATTERN, "ab", 4)
    truth: dict[str, float] = {}
    for tokens, mass in world.probabilities.items():
        first = world.model.decode(tokens)[:1]
        truth[first] = truth.get(first, 0.0) + mass / world.evidence
    off, said, shares = np.zeros(250), np.zeros(250), np.zeros((250, len(truth)))
    for seed in range(250):
        run = condit.generate(
            letters, "ab", PATTERN, n=lanes, max_tokens=4, sampler=sampler, seed=seed
        )
        found = {each.value: each for each in run.marginal(lambda text: text[:1])}
        for column, (first, share) in enumerate(truth.items()):
            _, estimate, error = found.get(first, ("", 0.0, 0.0))
            shares[seed, column] = estimate
            off[seed] += (estimate - share) ** 2
            said[seed] += (error or 0.0) ** 2
    noise = 4.9 * float((said - off).std()) / math.sqrt(250)
    assert abs(float((said - off).mean())) < noise + float(off.mean()) / lanes
    assert noise < off.mean()
    if sampler == "exact":  # the only one whose shares are unbiased, and not just consistent
        assert p_values_of_means(shares, np.array(list(truth.values()))).min() > 1e-6 / len(truth)


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ([math.nan, float("nan"), 1.0], [2, 1]),
        ([math.inf, -math.inf], [1, 1]),
        ([10**400, 1], [1, 1]),
        ([Decimal("sNaN"), Decimal("sNaN"), 1], [2, 1]),
        ([[1], [True], [1]], [2, 1]),
        ([{"a": [math.nan]}, {"a": [float("nan")]}], [2]),
        ([b"\xff", b"\xff", b"a"], [2, 1]),
        ([nested(5000), 1], [1, 1]),
    ],
    ids=["nan", "infinite", "huge", "signaling", "lists", "dicts", "bytes", "deep"],
)
def test_odd_values_are_counted_and_written(values: list[Any], classes: list[int]) -> None:
    size = len(values)
    marginal = marginal_of("x", values, [1 / size] * size, range(size))
    assert [round(each.share * size) for each in marginal] == classes
    assert marginal.mean is None
    assert str(marginal)
    json.dumps(marginal.to_dict(), allow_nan=False)


def test_what_cannot_be_a_marginal_is_said(result: condit.Result) -> None:
    with pytest.raises(ArgumentError, match="5 is of type int: give a path"):
        result.marginal(5)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="ndarray cannot be compared"):
        result.marginal(lambda text: np.arange(3))


@pytest.mark.slow
def test_long_lists_take_time_in_proportion(result: condit.Result) -> None:
    values = [list(range(10_000)) for _ in range(4)]
    began = time.process_time()
    assert len(with_samples(result, values, [1, 1, 1, 1], range(4)).agreement()) == 10_000
    assert time.process_time() - began < 10  # about 1; 20 with a copy of the list for each item
