"""AWRS and SMC against worlds whose exact posterior is known by enumeration.

Every check is a bet that is fair if the sampler is right (see ``condit.testing.laws``), so the
chance that a correct sampler fails is at most 1e-6 a test, whatever the distribution of weights.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

import condit
from condit import AWRS, SMC, Masked, NgramModel, Vocabulary
from condit.constraint.base import Constraint, Matcher
from condit.sampler.base import Sampler
from condit.sampler.kernels import Draw
from condit.sampler.law import BaseLaw, TokenLaw
from condit.testing import BrokenLawError, World, check_sampler
from condit.testing.samplers import run_to_the_end
from condit.weights import log_mean_exp

SAMPLERS: list[Sampler] = [
    Masked(),
    AWRS(),
    AWRS(looks=3, mask_after=None),
    AWRS(mask_after=1),
    SMC(),
    SMC(kernel="masked", threshold=1.0),
    SMC(kernel=AWRS(mask_after=None), resampling="residual", threshold=0.9),
]

RESAMPLING: list[Sampler] = [
    SMC(resampling="multinomial", threshold=0.7),
    SMC(resampling="stratified", threshold=1.0),
]
"""They differ from the others in what knows of weights alone, not of texts: a world will do."""

RUNS = 250
"""Runs of each sampler in each world: as many as show dropped weights in a test below."""

JSON_TOKENS = ["{", "}", '"', "a", ":", "1", "2", '{"a":', '"a"', "true", "1}"]

GRAMMAR = """
start: item ("c" item)*
item: "a" | "b" item "b"
"""


def letters_world(
    constraint: Constraint, law: BaseLaw | None = None, smoothing: float = 1.5
) -> World:
    vocabulary = Vocabulary.of(["a", "b", "c", "ab", "bc", "a"])
    texts = ["abcab", "bca", "aabbcc", "cab", "abab", "ca", "bab", "a", "aca"]
    model = NgramModel.train(texts, vocabulary=vocabulary, order=3, smoothing=smoothing)
    return World(model, constraint, "ab", 4, law or BaseLaw())


def json_world() -> World:
    texts = ['{"a":1}', '{"a":2}', '{"a":true}', "12", '{"a":1}', '"a"']
    model = NgramModel.train(texts, vocabulary=Vocabulary.of(JSON_TOKENS), order=3, smoothing=0.8)
    schema = {
        "type": "object",
        "properties": {"a": {"enum": [1, 2, 12, True]}},
        "required": ["a"],
        "additionalProperties": False,
    }
    return World(model, condit.json_schema(schema), '{"a":', 5)


WORLDS = {
    "regex with several spellings": lambda: letters_world(condit.regex("(ab|ba|c)*")),
    "regex of low mass": lambda: letters_world(condit.regex("a[abc]{1,3}")),
    "regex with temperature, top-k and top-p": lambda: letters_world(
        condit.regex("[^a]*|a+b?"), BaseLaw(temperature=0.8)
    ),
    "grammar": lambda: letters_world(condit.grammar(GRAMMAR)),
    "schema": json_world,
}


@cache
def world_of(name: str) -> World:
    """Enumerated once for all samplers."""
    return WORLDS[name]()


@pytest.mark.parametrize(
    ("sampler", "name"),
    [
        *itertools.product(SAMPLERS, WORLDS),
        *((sampler, "regex of low mass") for sampler in RESAMPLING),
    ],
    ids=str,
)
def test_evidence_and_frequencies_are_unbiased(sampler: Sampler, name: str) -> None:
    world = world_of(name)
    assert 0.001 < world.evidence < 0.999
    assert len(world.probabilities) >= 4
    check_sampler(sampler, world, runs=RUNS, lanes=4, false_alarm=1e-6)


@dataclass(frozen=True)
class Unweighted(Masked):
    """What everyone else calls constrained decoding."""

    def draw(self, law: TokenLaw, matcher: Matcher, rng: np.random.Generator) -> Draw:
        draw = super().draw(law, matcher, rng)
        return draw if draw.token is None else draw._replace(log_weight=0.0)


@dataclass(frozen=True)
class CanonicalOnly(Masked):
    """Allows only the longest token that fits, as masks with forced tokens do."""

    def draw(self, law: TokenLaw, matcher: Matcher, rng: np.random.Generator) -> Draw:
        vocabulary = matcher.vocabulary
        allowed = np.array([matcher.allows(token) for token in range(len(vocabulary))])
        for token in np.flatnonzero(allowed):
            spelled = vocabulary.bytes[token]
            longer = [
                other
                for other in np.flatnonzero(allowed)
                if other != token and vocabulary.bytes[other].startswith(spelled) and spelled
            ]
            if longer:
                allowed[token] = False
        mass = law.restrict(allowed)
        return Draw(law.draw(rng), math.log(mass), masks=1)


def test_the_check_notices_dropped_weights() -> None:
    with pytest.raises(BrokenLawError, match="the evidence should weigh"):
        check_sampler(Unweighted(), world_of("regex with several spellings"), runs=RUNS)


def test_a_canonical_only_mask_is_biased_and_ours_is_not() -> None:
    """Where one text has several spellings, a mask that allows one of them loses their mass."""
    # Little training: the model spreads its mass over all spellings of a text.
    world = letters_world(condit.regex("(ab)+"), smoothing=100)
    spellings = [tokens for tokens in world.probabilities if world.model.decode(tokens) == "ab"]
    assert len(spellings) == 3  # ab, a+b, and a+b with the other token that spells a

    def standard_errors_off(sampler: Sampler) -> float:
        evidences = []
        for run in range(500):
            state = run_to_the_end(sampler, world, 4, run)
            evidences.append(math.exp(log_mean_exp(state.log_weights)))
        return (np.mean(evidences) - world.evidence) / (np.std(evidences) / 500**0.5)

    assert standard_errors_off(CanonicalOnly()) < -10
    # Within 4.9 standard errors: 1e-6, in the normal approximation.
    assert abs(standard_errors_off(Masked())) < 4.9
    assert abs(standard_errors_off(AWRS())) < 4.9


def test_masking_is_biased_and_weights_undo_it() -> None:
    """Total variation to the posterior: large without weights, small with them."""
    world = world_of("regex of low mass")
    truth = {tokens: p / world.evidence for tokens, p in world.probabilities.items()}
    result = condit.generate(
        world.model, "ab", world.constraint, n=4000, max_tokens=4, sampler="masked", seed=0
    )

    def distance(weights: list[float]) -> float:
        found = dict.fromkeys(truth, 0.0)
        for sample, weight in zip(result.samples, weights, strict=True):
            if sample.valid:
                found[sample.tokens] += weight
        total = sum(found.values())
        return sum(abs(found[tokens] / total - truth[tokens]) for tokens in truth) / 2

    assert distance([1.0] * 4000) > 0.2
    assert distance(list(result.weights)) < 0.05
    assert result.log_evidence == pytest.approx(math.log(world.evidence), abs=0.05)
