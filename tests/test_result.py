"""What a result says of its samples, beside the samples themselves."""

from __future__ import annotations

import math

import pytest
from pydantic import BaseModel

import condit
from condit.errors import DeadEndError


@pytest.fixture
def result(letters: condit.NgramModel) -> condit.Result:
    return condit.generate(letters, "a", condit.regex("[abc]{1,3}"), n=64, max_tokens=4, seed=3)


def test_shares_add_up_the_weights_of_equal_texts(result: condit.Result) -> None:
    shares = result.shares()
    assert len(shares) == result.distinct < len(result.samples)
    assert [each.share for each in shares] == sorted((each.share for each in shares), reverse=True)
    assert math.fsum(each.share for each in shares) == pytest.approx(1)
    for text, share in shares:
        of_text = [
            weight
            for sample, weight in zip(result.samples, result.weights, strict=True)
            if sample.text == text
        ]
        assert share == pytest.approx(math.fsum(of_text))


def test_shares_of_what_a_function_sees_in_the_text(result: condit.Result) -> None:
    shares = dict(result.shares(lambda text: text[0]))
    assert set(shares) <= set("abc")
    for letter, share in shares.items():
        by_hand = [each.share for each in result.shares() if each.value[0] == letter]
        assert share == pytest.approx(math.fsum(by_hand))


class Pair(BaseModel):
    flag: bool
    numbers: list[bool]


def test_shares_of_values_that_cannot_be_hashed(letters: condit.NgramModel) -> None:
    vocabulary = condit.Vocabulary.of_bytes()
    model = condit.NgramModel.train(['{"flag": true}'], vocabulary=vocabulary, order=2)
    result = condit.generate(
        model, "{", condit.json_schema(Pair), n=16, max_tokens=80, seed=0, sampler="masked"
    )
    whole = result.shares(lambda pair: pair)
    assert all(isinstance(each.value, Pair) for each in whole)
    assert math.fsum(each.share for each in whole) == pytest.approx(1)
    assert all(isinstance(each.value, list) for each in result.shares(lambda pair: pair.numbers))
    # 1 and true are equal in Python, and different answers all the same.
    mixed = result.shares(lambda pair: True if pair.flag else 1)
    assert {type(each.value) for each in mixed} <= {bool, int}


def test_without_a_valid_sample_nothing_has_a_share(letters: condit.NgramModel) -> None:
    with pytest.raises(DeadEndError) as caught:
        condit.generate(
            letters, "a", condit.regex("cc"), n=2, max_tokens=4, top_k=1, sampler="masked", seed=0
        )
    assert caught.value.result is not None
    assert caught.value.result.shares() == []
