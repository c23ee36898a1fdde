"""Every part is found by name, and obeys the laws that parts of Condit must obey."""

import numpy as np
import pytest
from condit_example.constraint import Roman, numeral
from condit_example.sampler import Hopeful

import condit
from condit.errors import ArgumentError
from condit.testing import (
    World,
    check_decoder,
    check_every_spelling,
    check_matcher,
    check_sampler,
)

SMALL = condit.Vocabulary.of(["I", "V", "X", "IX", "II", "a"])


def test_the_constraint() -> None:
    roman = condit.make_constraint("roman", [1, 12])
    assert roman == condit.make_constraint("roman", "1,12") == Roman(1, 12)
    accepted = [number for number in range(1, 4000) if roman.accepts(numeral(number))]
    assert accepted == list(range(1, 13))
    assert roman.value("IX") == 9
    assert roman.explain("IIX") == "it is no Roman numeral"
    check_matcher(roman, SMALL, np.random.default_rng(0))
    check_every_spelling(roman, SMALL, "IX")
    for value in ("0,5", "a,b", "7", {"lo": 1}):
        with pytest.raises(ArgumentError, match="roman"):
            condit.make_constraint("roman", value)


def test_the_preference() -> None:
    made = condit.make_preference("word_length", "4", strength=2)
    assert made.log_weights(["good word", "a b", ""]) == [0.0, -6.0, -8.0]


def test_the_sampler() -> None:
    model = condit.NgramModel.train(["XIV", "IX", "II"], vocabulary=SMALL)
    world = World(model, Roman(1, 9), prompt="X", max_tokens=4)
    check_sampler(condit.SMC(kernel=Hopeful()), world, runs=200)
    found = condit.generate(model, "X", Roman(1, 9), n=4, max_tokens=4, sampler="hopeful", seed=0)
    assert any(sample.valid for sample in found.samples)


def test_the_model() -> None:
    check_decoder(condit.load("echo"), np.random.default_rng(0))
