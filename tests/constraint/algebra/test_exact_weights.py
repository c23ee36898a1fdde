"""Weights of composed constraints on worlds whose every text is known."""

from __future__ import annotations

import pytest

import condit
from condit import AWRS, SMC, Exact, Masked, NgramModel, Vocabulary, free, regex, repeat, then
from condit.constraint.base import Constraint
from condit.sampler.base import Sampler
from condit.testing import World, check_sampler

COMPOSED: dict[str, Constraint] = {
    "several readings": then(regex("a*"), regex("[ab]*"), "c"),
    "both": regex("[abc]{1,4}") & ~regex("a.*") & regex(".*c.*"),
    "free text, then one of two": free(until="b") + (regex("a+") | regex("c?")),
    "repeated": repeat(regex("a|bc"), 1, separator=regex("b?")),
}


def world(constraint: Constraint) -> World:
    vocabulary = Vocabulary.of(["a", "b", "c", "ab", "bc", "a"])
    texts = ["abcab", "bca", "aabbcc", "cab", "abab", "ca", "bab", "a", "aca"]
    model = NgramModel.train(texts, vocabulary=vocabulary, order=3, smoothing=1.5)
    return World(model, constraint, "ab", 3)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", [Exact(), AWRS(), SMC(), Masked()], ids=str)
@pytest.mark.parametrize("name", COMPOSED)
def test_weights_are_exact(name: str, sampler: Sampler) -> None:
    runs = 30 if isinstance(sampler, Exact) else 300
    check_sampler(sampler, world(COMPOSED[name]), runs=runs, lanes=3)


def test_the_evidence_of_a_sequence_is_that_of_one_regular_expression() -> None:
    composed, whole = (
        world(constraint) for constraint in (COMPOSED["several readings"], regex("a*[ab]*c"))
    )
    assert composed.probabilities == whole.probabilities
    result = condit.generate(composed.model, "ab", composed.constraint, n=4, max_tokens=3, seed=0)
    assert all(sample.valid for sample in result.samples)
