"""Results made of texts that another engine has drawn."""

from __future__ import annotations

import math

import pytest

from condit.integrations.draws import result_of_draws
from condit.result import Result, Sample


def result(*log_weights: float, greedy: bool = False) -> Result:
    samples = [
        Sample(
            text="ab"[place % 2],
            tokens=(place % 2,),
            log_weight=log_weight,
            log_probability=math.log(0.1),
            finish_reason="stop" if log_weight > -math.inf else "length",
            lineage=place,
        )
        for place, log_weight in enumerate(log_weights)
    ]
    return result_of_draws(
        samples,
        [math.log(0.5), 0.0],
        sampler="elsewhere",
        seed=3,
        prompt_tokens=4,
        seconds=1.0,
        greedy=greedy,
    )


def test_texts_that_were_cut_count_for_the_evidence_and_are_not_valid() -> None:
    made = result(math.log(0.4), math.log(0.2), -math.inf, -math.inf)
    assert made.log_evidence == pytest.approx(math.log(0.15))
    assert made.report.log_evidence == made.log_evidence
    assert made.report.valid == made.report.distinct == 2
    assert made.report.masked_mass == pytest.approx(0.25)
    assert made.report.log_lower_bound == pytest.approx(math.log(0.2))
    assert made.weights == pytest.approx((2 / 3, 1 / 3, 0, 0))
    assert made.draw().valid
    assert made.to_dict()["report"]["draws"] == 4


def test_without_a_valid_text_the_evidence_is_none() -> None:
    made = result(-math.inf)
    assert made.log_evidence == -math.inf
    assert made.report.kl_to_model is None
    assert made.ess == 0


def test_greedily_there_is_no_evidence() -> None:
    made = result(0.0, greedy=True)
    assert math.isnan(made.log_evidence)
    assert made.report.masked_mass is None
    assert "search" in made.report.guarantee.value
