"""Texts that end at a word, against their exact law in a world that is listed in whole."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

import condit
from condit import NgramModel
from condit.sampler.law import BaseLaw
from condit.testing.laws import p_values_of_means
from condit.testing.worlds import World

STOPS = ("bc", "aa")
LONGEST = 4
DRAWS = 3000


def law_of_stopped_texts(model: NgramModel) -> dict[tuple[int, ...], float]:
    """``p`` of every token sequence, ended by the end token, by a word, or by the budget."""
    world, vocabulary = World(model, condit.regex("[abc]*"), "ab", LONGEST), model.vocabulary
    found: dict[tuple[int, ...], float] = {}

    def go_on(tokens: tuple[int, ...], mass: float) -> None:
        text = vocabulary.decode(tokens)
        if len(tokens) == LONGEST or any(stop in text for stop in STOPS):
            found[tokens] = found.get(tokens, 0.0) + mass
            return
        for token, probability in enumerate(world.next_token(tokens)):
            if token == vocabulary.end:
                found[tokens] = found.get(tokens, 0.0) + mass * probability
            elif probability:
                go_on((*tokens, token), mass * probability)

    go_on((), 1.0)
    return found


def before_stop(text: str) -> str:
    return min((text.partition(stop)[0] for stop in STOPS), key=len)


@pytest.mark.parametrize(
    "sampler", [condit.Masked(), condit.AWRS(), condit.SMC(), condit.Auto()], ids=repr
)
@pytest.mark.parametrize("drafts", [True, False])
def test_stopped_texts_follow_their_law(
    letters: NgramModel, sampler: condit.Sampler, drafts: bool
) -> None:
    truth = law_of_stopped_texts(letters)
    assert math.fsum(truth.values()) == pytest.approx(1)
    texts = sorted(truth)
    result = condit.generate(
        letters,
        "ab",
        n=DRAWS,
        max_tokens=LONGEST,
        stop=STOPS,
        sampler=sampler,
        drafts=drafts,
        seed=4,
    )
    values = np.zeros((DRAWS, len(texts)))
    for row, sample in enumerate(result.samples):
        assert sample.text == before_stop(letters.decode(sample.tokens))
        values[row, texts.index(sample.tokens)] = 1
    p_values = p_values_of_means(values, np.array([truth[text] for text in texts]))
    assert p_values.min() * len(texts) > 1e-6
    assert result.log_evidence == pytest.approx(0)


def length_of(text: str) -> float:
    return -len(text)


@pytest.mark.parametrize("prefer", [condit.prefer(length_of, strength=1)], ids=["whole texts"])
@pytest.mark.parametrize("sampler", [condit.Masked(), condit.SMC()], ids=repr)
def test_with_a_preference_the_evidence_is_that_of_what_is_kept(
    letters: NgramModel, sampler: condit.Sampler, prefer: condit.Preference
) -> None:
    truth = law_of_stopped_texts(letters)
    phi: Callable[[tuple[int, ...]], float] = lambda tokens: math.exp(  # noqa: E731
        prefer.log_weights([before_stop(letters.decode(tokens))])[0]
    )
    evidence = math.fsum(mass * phi(tokens) for tokens, mass in truth.items())
    seen_whole = math.fsum(
        mass * math.exp(prefer.log_weights([letters.decode(tokens)])[0])
        for tokens, mass in truth.items()
    )
    estimates = np.array(
        [
            [
                math.exp(
                    condit.generate(
                        letters,
                        "ab",
                        n=20,
                        max_tokens=LONGEST,
                        stop=STOPS,
                        prefer=prefer,
                        sampler=sampler,
                        seed=seed,
                    ).log_evidence
                )
            ]
            for seed in range(300)
        ]
    )
    assert p_values_of_means(estimates, np.array([evidence])).min() > 1e-6
    assert p_values_of_means(estimates, np.array([seen_whole])).min() < 1e-6


def test_biases_change_the_base_law(letters: NgramModel) -> None:
    biases = {0: 1.5, 2: -math.inf, letters.vocabulary.end: 0.7}
    constraint = condit.regex("(ab|ba)*|c+")
    world = World(letters, constraint, "ab", LONGEST)

    def biased(prefix: tuple[int, ...]) -> np.ndarray:
        law = world.next_token(prefix)
        for token, added in biases.items():
            law[token] *= math.exp(added)
        return law / law.sum()

    truth = {
        tokens: math.prod(
            float(biased(tokens[:place])[token])
            for place, token in enumerate((*tokens, letters.vocabulary.end))
        )
        for tokens in world.probabilities
    }
    evidence = math.fsum(truth.values())
    for sampler in ("masked", "exact", "smc"):
        result = condit.generate(
            letters,
            "ab",
            constraint,
            n=400,
            max_tokens=LONGEST,
            logit_bias=biases,
            sampler=sampler,
            heal=False,
            seed=1,
        )
        for sample in result.samples:
            assert 2 not in sample.tokens
            if sample.valid:
                expected = math.log(truth[sample.tokens])
                assert sample.log_probability == pytest.approx(expected, abs=1e-4)
        assert result.log_evidence == pytest.approx(math.log(evidence), abs=0.25)
    assert BaseLaw(bias=((1, 0.0),)) != BaseLaw()
