"""What a result says of its samples, beside the samples themselves."""

from __future__ import annotations

import math

import pytest

import condit
from condit.errors import ArgumentError, DeadEndError


def test_without_a_valid_sample_nothing_has_a_share(letters: condit.NgramModel) -> None:
    with pytest.raises(DeadEndError) as caught:
        condit.generate(
            letters, "a", condit.regex("cc"), n=2, max_tokens=4, top_k=1, sampler="masked", seed=0
        )
    result = caught.value.result
    assert isinstance(result, condit.Result)
    assert len(result.marginal()) == len(result.marginal("a.b")) == len(result.agreement()) == 0
    assert str(result.agreement()) == "no sample is valid"
    assert "none of 2 draws is valid" in str(result.report)
    with pytest.raises(ArgumentError, match="no sample is valid"):
        result.draw()


def test_draws_go_by_weight(letters: condit.NgramModel) -> None:
    result = condit.generate(
        letters, "a", condit.regex("[abc]"), n=4, max_tokens=2, sampler="masked", seed=0
    )
    drawn = [result.draw().text for _ in range(4000)]
    for text, share, _ in result.marginal():
        # Hoeffding: off by more with probability under 1e-6.
        assert abs(drawn.count(text) / 4000 - share) < math.sqrt(math.log(2e6) / 8000)
