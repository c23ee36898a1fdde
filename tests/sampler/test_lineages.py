"""Copies count as one draw, in every figure that is shown."""

from __future__ import annotations

import math

import numpy as np
import pytest
from typer.testing import CliRunner

import condit
from condit import SMC, NgramModel
from condit.cli import app
from condit.weights import effective_groups, effective_sample_size, relative_error

HARD = condit.regex("([ab]{8}c){3}")


def test_eight_copies_are_one_draw() -> None:
    assert effective_groups([0.0] * 8, [3] * 8) == pytest.approx(1)
    assert effective_groups([0.0, -0.1, 0.2, -5], [0] * 4) == pytest.approx(1)


def test_without_copies_it_is_the_size_of_kish(rng: np.random.Generator) -> None:
    log_weights = rng.normal(0, 2, 20).tolist()
    expected = effective_sample_size(log_weights)
    assert effective_groups(log_weights, range(20)) == pytest.approx(expected)
    assert effective_groups([0.0] * 20, range(20)) == pytest.approx(20)


def test_lineages_count_by_the_weight_they_have() -> None:
    # Shares 1/2, 1/4, 1/4.
    log_weights = [0.0, 0.0, 0.0, math.log(0.5), math.log(0.5)]
    assert effective_groups(log_weights, [0, 0, 1, 2, 2]) == pytest.approx(1 / 0.375)
    assert effective_groups([-math.inf, 0.0, -800.0], [0, 1, 2]) == pytest.approx(1)
    assert effective_groups([-math.inf] * 3, [0, 1, 2]) == 0


def test_the_error_without_resampling_is_that_of_a_mean(rng: np.random.Generator) -> None:
    weights = rng.exponential(size=12)
    error = relative_error(np.log(weights).tolist(), range(12), 0)
    expected = weights.std(ddof=1) / math.sqrt(12) / weights.mean()
    assert error == pytest.approx(expected)
    assert relative_error([0.0], [0], 0) is None
    assert relative_error([-math.inf] * 2, [0, 1], 0) is None
    assert relative_error([0.0] * 6, range(6)) == pytest.approx(0, abs=1e-7)


def test_the_error_is_unknown_where_resampling_has_left_too_little() -> None:
    # One lineage, whatever the weights; even weights of copies, of which the estimate is negative.
    assert relative_error([0.0] * 6, [1] * 6, 3) is None
    assert relative_error([0.0, 1.0, 2.0], [1] * 3, 1) is None
    assert relative_error([0.0] * 6, [1, 1, 1, 2, 2, 2], 8) is None
    assert relative_error([0.0] * 6, range(6), 1) is None
    assert relative_error([0.0] * 6, [1, 1, 1, 2, 2, 2], 1) == pytest.approx(
        math.sqrt(1 - (6 / 5) ** 2 / 2)
    )


def collapsed(model: NgramModel) -> condit.Result:
    """A run all of whose lanes are one text: one in thirty, and these seeds soon come to it."""
    for seed in range(36, 236):
        result = condit.generate(
            model,
            "ab",
            HARD,
            n=8,
            max_tokens=27,
            sampler=SMC(kernel="awrs", threshold=1.0, compare_at="token"),
            seed=seed,
        )
        if result.distinct == 1 and result.report.lineages == 1 and result.kish_ess > 7:
            return result
    raise AssertionError("no run collapsed")


def test_a_run_that_collapsed_reads_as_one(letters: NgramModel) -> None:
    result = collapsed(letters)
    assert len({sample.text for sample in result.samples}) == 1
    assert len({sample.lineage for sample in result.samples}) == 1
    assert result.ess == result.report.ess == pytest.approx(1)
    assert result.kish_ess == result.report.kish_ess > 7
    said = str(result.report)
    assert "\none text, 8 times of 8, from 1 of 8 initial lanes; effective" in said
    assert f"size 1.00 by lineages, {result.kish_ess:.2f} by weights" in said
    assert result.report.log_evidence_error is None
    assert "its error unknown (draw with other seeds to see the spread)" in said
    sent = result.to_dict()
    assert sent["ess"] == sent["report"]["ess"] == pytest.approx(1)
    assert sent["kish_ess"] == sent["report"]["kish_ess"] > 7
    assert {sample["lineage"] for sample in sent["samples"]} == {result.samples[0].lineage}


@pytest.mark.parametrize("sampler", ["smc", "learned", "masked", "exact", "mcmc", "best_of"])
def test_it_is_between_one_and_the_number_of_lineages(letters: NgramModel, sampler: str) -> None:
    for seed in range(5):
        result = condit.generate(
            letters, "ab", condit.regex("(ab|c)*"), n=8, max_tokens=8, sampler=sampler, seed=seed
        )
        report = result.report
        assert report.lineages == len({s.lineage for s in result.samples if s.valid})
        assert 1 <= report.ess <= report.lineages + 1e-9
        assert report.ess <= report.kish_ess + 1e-9
        if sampler != "smc":  # nothing is resampled: as many lineages as draws
            assert report.lineages == report.valid
            assert report.ess == pytest.approx(report.kish_ess)


def test_equal_texts_that_were_drawn_one_by_one_are_no_copies(letters: NgramModel) -> None:
    result = condit.generate(
        letters, "ab", condit.choice("a", "b"), n=40, max_tokens=4, sampler="exact", seed=0
    )
    assert result.distinct == 2
    assert result.ess == pytest.approx(40)
    assert "by weights" not in str(result.report)


def test_at_temperature_zero_nothing_is_drawn_again(letters: NgramModel) -> None:
    result = condit.generate(
        letters, "ab", HARD, n=5, max_tokens=27, temperature=0, sampler="masked", seed=0
    )
    assert result.distinct == 1
    assert result.ess == pytest.approx(1)
    assert result.kish_ess == pytest.approx(5)


def test_the_table_leads_with_different_texts() -> None:
    """From the shell: no effective sample size stands alone above a few different texts."""
    pattern = "[yn][a-z]{2,5}, or [a-z]{2,5}"
    arguments = ["generate", "-m", "ngram", "-p", "The answer is ", "--regex", pattern]
    arguments += ["-n", "8", "--max-tokens", "40", "--sampler", "smc", "--seed", "1"]
    arguments.append("--agreement")
    shown = CliRunner().invoke(app, arguments)
    assert shown.exit_code == 0, shown.output
    result = condit.generate(
        condit.load("ngram"),
        "The answer is ",
        condit.regex(pattern),
        n=8,
        max_tokens=40,
        sampler="smc",
        seed=1,
    )
    report = result.report
    assert shown.output.endswith(f"\n\n{result.agreement()}\n")
    assert report.spread_in_words in shown.output.splitlines()
    assert report.evidence_in_words in shown.output
    assert report.spread_in_words.startswith(f"{report.distinct} different texts of 8 (weight as")


@pytest.mark.model
def test_lanes_of_the_embedded_model(smollm2: condit.Model) -> None:
    """Resampled often, so that lanes are copies; no figure may say otherwise."""
    result = condit.generate(
        smollm2,
        "A person as JSON: ",
        condit.regex(r'\{"name": "[A-Z][a-z]{2,8}", "age": [1-9][0-9]\}'),
        n=8,
        max_tokens=40,
        sampler=SMC(threshold=1.0, compare_at="token"),
        seed=0,
    )
    report = result.report
    assert report.lineages < 8
    assert 1 <= result.ess <= report.lineages + 1e-9
    assert result.ess <= result.kish_ess
    assert f"from {report.lineages} of 8 initial lanes" in str(report)
