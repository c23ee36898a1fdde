"""Healed prompts against worlds whose law of texts is known by summing over all spellings.

The truth is summed here token by token, with no matcher and none of the code that heals. Each check
of draws is a bet that is fair if the sampler is right (see ``condit.testing.laws``): a correct one
fails it with a chance of at most 1e-6.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np
import pytest

import condit
from condit import (
    AWRS,
    MCMC,
    SMC,
    ASAp,
    Beam,
    BestOf,
    Exact,
    Learned,
    Masked,
    NgramModel,
    Rejection,
    Vocabulary,
)
from condit.sampler.base import Problem, Sampler
from condit.sampler.law import BaseLaw
from condit.sampler.seam import seam_of
from condit.testing import World, check_sampler
from condit.testing.laws import p_values_of_means

ALL = ["a", "b", "c", "ab", "bc", "ca", "abc", "bca", "a"]
"""Each text has many spellings, and one token is there twice."""

FEW = ["a", "b", "ab", "bcc", "acca", "cc"]
"""No token is a single c: tails that begin with one are spelled by no tokens."""


@dataclass(frozen=True)
class HealedWorld(World):
    """A world whose prompt is healed; texts are those of the prompt's end and what follows."""

    def problem(self, lanes: int) -> Problem:
        """The problem that ``condit.generate`` makes."""
        kept, seam = seam_of(
            self.model, self.prompt, self.model.encode_prompt(self.prompt), self.law
        )
        assert seam is not None
        whole = super().problem(lanes)
        return replace(
            whole, prompt=tuple(kept), max_tokens=self.max_tokens + seam.tokens, seam=seam
        )

    @cached_property
    def end(self) -> str:
        """The end of the prompt that is taken back."""
        seam = self.problem(1).seam
        assert seam is not None
        return seam.text.decode()

    @property
    def kept(self) -> HealedWorld:
        """The world at what is kept of the prompt."""
        return replace(self, prompt=self.prompt[: len(self.prompt) - len(self.end)])

    @cached_property
    def probabilities(self) -> dict[tuple[int, ...], float]:
        """``p`` of every token sequence that spells the end and a valid text, by their texts."""
        found, vocabulary, kept = {}, self.model.vocabulary, self.kept
        text_tokens = [token for token, spelled in enumerate(vocabulary.bytes) if spelled]
        for length in range(self.problem(1).max_tokens + 1):
            for tokens in product(text_tokens, repeat=length):
                text = vocabulary.decode(tokens)
                if text.startswith(self.end) and self.constraint.accepts(
                    text.removeprefix(self.end)
                ):
                    found[tokens] = kept._probability(tokens)
        return {tokens: mass for tokens, mass in found.items() if mass > 0}

    def next_token(self, prefix: tuple[int, ...]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """As in any world, after top-k."""
        row = super().next_token(prefix)
        if self.law.top_k is not None:
            row[row < 0.9999 * np.sort(row)[-self.law.top_k]] = 0  # ties are kept
        return row / row.sum()

    @cached_property
    def mass_of_end(self) -> float:
        """The mass of all token sequences that write the end, by each first moment at which it is
        written."""
        vocabulary, kept, mass = self.model.vocabulary, self.kept, 0.0
        waiting: list[tuple[tuple[int, ...], float]] = [((), 1.0)]
        while waiting:
            tokens, before = waiting.pop()
            row = kept.next_token(tokens)
            for token, spelled in enumerate(vocabulary.bytes):
                text = vocabulary.decode([*tokens, token])
                if spelled and text.startswith(self.end):
                    mass += before * float(row[token])
                elif spelled and self.end.startswith(text):
                    waiting.append(((*tokens, token), before * float(row[token])))
        return mass

    @cached_property
    def texts(self) -> dict[str, float]:
        """The law of texts after the prompt's text: all spellings of each together."""
        masses: Counter[str] = Counter()
        for tokens, mass in self.probabilities.items():
            masses[self.model.decode(tokens).removeprefix(self.end)] += mass
        return {text: mass / self.evidence for text, mass in masses.items()}


def world(
    tokens: list[str], pattern: str, prompt: str, max_tokens: int, law: BaseLaw | None = None
) -> HealedWorld:
    vocabulary = Vocabulary.of(tokens)
    texts = ["abab", "abccab", "ccab", "abcc", "aabcc", "accacc", "ab"]
    if tokens is ALL:
        texts += ["abcab", "bca", "aabbcc", "cab", "ca", "aca"]
    model = NgramModel.train(texts, vocabulary=vocabulary, order=3, smoothing=6)
    return HealedWorld(model, condit.regex(pattern), prompt, max_tokens, law or BaseLaw())


WORLDS = {
    "one token taken back": world(ALL, "[ab]?c?a?b?", "cab", 3),
    "several taken back": world(ALL, "c?(ab|bc)?", "aab", 3, BaseLaw(temperature=1.5)),
    "top-k": world(ALL, "[abc]{0,2}", "cab", 3, BaseLaw(top_k=6)),
    "tails without tokens": world(FEW, "(cc|b|cca)(cc)?", "ba", 3),
}
SAMPLERS: list[Sampler] = [
    Masked(),
    AWRS(),
    AWRS(looks=2, mask_after=None),
    SMC(),
    SMC(kernel="learned", threshold=0.9),
    Learned(),
    Exact(),
    Exact(beginnings=0),
    ASAp(),
    Rejection(attempts=5000),
    Beam(width=4),
    MCMC(moves=2),
]


EVERYWHERE = ("several taken back", "tails without tokens")
"""Worlds for every sampler; in the others there is one of each kind."""
OF_EACH_KIND = (SAMPLERS[0], SAMPLERS[4], SAMPLERS[7], SAMPLERS[-1])


@pytest.mark.parametrize(
    ("sampler", "name"),
    [
        (sampler, name)
        for sampler in SAMPLERS
        for name in WORLDS
        if name in EVERYWHERE or sampler in OF_EACH_KIND
    ],
    ids=str,
)
def test_every_sampler_draws_the_end_and_the_text_by_their_law(sampler: Sampler, name: str) -> None:
    known = WORLDS[name]
    assert len(known.texts) >= 4
    assert len(known.probabilities) > len(known.texts)
    check_sampler(sampler, known, runs=50 if isinstance(sampler, Rejection) else 200)


@pytest.mark.parametrize("name", WORLDS)
def test_the_mass_of_the_end_is_the_sum_over_all_that_cover_it(name: str) -> None:
    seam = WORLDS[name].problem(1).seam
    assert seam is not None
    assert seam.unread <= 1e-4
    assert seam.log_mass == pytest.approx(math.log(WORLDS[name].mass_of_end), abs=2e-4)


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("sampler", ["exact", "auto", "rejection"])
def test_texts_come_by_their_law_given_the_text_of_the_prompt(sampler: str, name: str) -> None:
    known = WORLDS[name]
    law = known.law
    result = condit.generate(
        known.model,
        known.prompt,
        known.constraint,
        n=400 if sampler == "rejection" else 1500,
        max_tokens=known.max_tokens,
        sampler=Rejection(attempts=1000) if sampler == "rejection" else sampler,
        temperature=law.temperature,
        top_k=law.top_k,
        heal=True,
        seed=5,
    )
    assert result.healed == known.end
    texts = list(known.texts)
    drawn = np.array([[sample.text == text for text in texts] for sample in result.samples])
    assert result.report.guarantee is condit.Guarantee.EXACT
    p_values = p_values_of_means(drawn.astype(float), np.array(list(known.texts.values())))
    assert p_values.min() > 1e-6 / len(texts)
    # Within 5.5 standard errors: a chance of less than 1e-7, in the normal approximation.
    error = result.report.log_evidence_error or 0.0
    truth = math.log(known.evidence / known.mass_of_end)
    assert abs(result.log_evidence - truth) <= 5.5 * error + 2e-4
    for sample in result.samples[:50]:
        mass = known.probabilities[sample.tokens] / known.mass_of_end
        assert sample.log_probability == pytest.approx(math.log(mass), abs=3e-4)


def test_best_of_tries_texts_until_one_writes_the_end_and_is_valid() -> None:
    known = WORLDS["one token taken back"]
    texts = list(known.texts)
    drawn = []
    for seed in range(8):
        result = condit.generate(
            known.model,
            known.prompt,
            known.constraint,
            n=40,
            max_tokens=known.max_tokens,
            sampler=BestOf(of=60),
            heal=True,
            seed=seed,
        )
        drawn += [[each.text == text for text in texts] for each in result.samples if each.valid]
    p_values = p_values_of_means(np.array(drawn, dtype=float), np.array(list(known.texts.values())))
    assert len(drawn) > 200
    assert p_values.min() > 1e-6 / len(texts)


def test_without_a_constraint_texts_are_cut_and_weigh_the_mass_of_the_end() -> None:
    """Each text that was cut, or ended, comes by its weight; the mean weight is 1 in all."""
    known = WORLDS["several taken back"]
    result = condit.generate(
        known.model, known.prompt, n=4000, max_tokens=1, sampler="masked", heal=True, seed=1
    )
    assert {sample.finish_reason for sample in result.samples} == {"stop", "length"}
    weights = np.exp([sample.log_weight for sample in result.samples])
    # Within 5.5 standard errors of 1, as all texts are valid.
    assert abs(weights.mean() - 1) < 5.5 * weights.std() / len(weights) ** 0.5 + 2e-4
    for sample in result.samples:
        assert result.healed + sample.text == known.model.decode(sample.tokens)


def test_healing_matters_here() -> None:
    """The law of texts without healing is another one: only the prompt's own spelling counts."""
    known = WORLDS["one token taken back"]
    plain = World(known.model, known.constraint, known.prompt, known.max_tokens)
    masses: Counter[str] = Counter()
    for tokens, mass in plain.probabilities.items():
        masses[known.model.decode(tokens)] += mass / plain.evidence
    assert sum(abs(masses[text] - known.texts[text]) for text in known.texts) / 2 > 0.03
