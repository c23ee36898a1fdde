"""Which sampler is picked, and that it is said why."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

import condit
from condit import AWRS, SMC, Exact, Masked, Memory, NgramModel
from condit.constraint.base import Constraint, Matcher, Strength, Violation
from condit.prefer.score import prefer
from condit.vocabulary import Vocabulary

LONG = condit.regex("[abc]{3,90}")
SHORT = condit.regex("[ab]{2,6}")


def picked(model: NgramModel, constraint: Constraint | None, **settings: object) -> condit.Result:
    arguments = {"n": 4, "max_tokens": 100, "seed": 0} | settings
    return condit.generate(model, "ab", constraint, **arguments)  # type: ignore[arg-type]


def test_without_a_constraint_there_is_nothing_to_correct(letters: NgramModel) -> None:
    result = picked(letters, None, max_tokens=5)
    assert result.sampler == repr(Masked())
    assert "without a constraint" in result.reason
    assert result.trace[0].note == f"{result.sampler}: {result.reason}"


def test_greedy(letters: NgramModel) -> None:
    assert picked(letters, SHORT, temperature=0).sampler == repr(AWRS())


def test_short_texts_are_drawn_exactly(letters: NgramModel) -> None:
    result = picked(letters, condit.regex("[abc]{1,9}"), max_tokens=9)
    assert result.sampler.startswith("Exact(")
    assert "at most 9 tokens" in result.reason
    options = picked(letters, condit.choice("ab", "a", "b", "c", "ca", "bc"))
    assert options.sampler.startswith("Exact(")
    assert "at most 2 tokens" in options.reason


def test_where_few_attempts_are_accepted_lanes_take_over(letters: NgramModel) -> None:
    result = picked(letters, condit.regex("([ab]{8}c){3}"), max_tokens=30)
    assert result.sampler == repr(SMC(kernel="learned"))
    assert "attempts at exact draws were accepted" in result.reason
    assert result.report.attempts > 0
    assert any(sample.valid for sample in result.samples)
    assert result.trace[-1].note == ""
    assert sum("lanes go on" in info.note for info in result.trace) == 1


@pytest.mark.slow
@pytest.mark.parametrize("survive", [0.95, 0.4], ids=["easy", "hard"])
def test_one_draw_costs_about_one_lane(survive: float) -> None:
    """Positions that the model computes for one text, by the mean over runs."""
    vocabulary = Vocabulary.of(["a", "b", "#"])

    class Chain(NgramModel):
        def logits(self, tokens: Sequence[int]) -> NDArray[np.float32]:
            end = len(tokens) > 12
            row = np.array([0, 0, 0, 1] if end else [survive / 2, survive / 2, 1 - survive, 0])
            with np.errstate(divide="ignore"):
                return np.log(row).astype(np.float32)

    model = Chain(vocabulary, 99, {}, 1.0)
    pattern = condit.regex("[ab]{12}")

    def positions(sampler: str | condit.Sampler) -> float:
        return float(
            np.mean(
                [
                    condit.generate(
                        model, "", pattern, max_tokens=12, sampler=sampler, seed=seed, drafts=False
                    ).stats.positions_forwarded
                    for seed in range(40)
                ]
            )
        )

    lane, auto = positions("masked"), positions("auto")
    if survive > 0.9:  # 54 % of attempts are accepted, two of which go on side by side
        assert auto < 2.5 * lane
        assert auto < 0.4 * positions(Exact())
    else:  # attempts end where they begin, and then eight lanes go on
        assert auto < 8.7 * lane


def test_few_options_are_read_at_once(letters: NgramModel) -> None:
    result = picked(letters, condit.choice("ab", "a", "ca"), n=1)
    assert result.report.guarantee is condit.Guarantee.EXACT
    assert result.report.acceptance == 1
    assert result.stats.forwards == 2


def test_long_texts_are_resampled(letters: NgramModel) -> None:
    result = picked(letters, LONG)
    assert result.sampler == repr(SMC(kernel="awrs"))
    assert "boundaries" in result.reason
    assert "runner-up: awrs, never resampled" in result.reason


@pytest.mark.slow
def test_one_text_is_drawn_by_weight_from_several(letters: NgramModel) -> None:
    """Its law is near the target's, as a single lane's is not; its weight is unbiased for ``Z``."""
    endings = condit.regex("(a[abc]{32}|[bc][ab]{32})")
    singles = [picked(letters, endings, n=1, seed=seed) for seed in range(40)]
    assert all(len(run.samples) == 1 for run in singles)
    assert "of 8 lanes one is drawn by weight" in singles[0].reason
    lanes = picked(letters, endings, n=1000, sampler="masked")
    weights = np.exp(lanes.log_weights)
    begins = np.array([sample.text[0] == "a" for sample in lanes.samples])
    share = float((weights * begins).sum() / weights.sum())
    drawn = np.array([run.samples[0].text[0] == "a" for run in singles])
    # The chance that 40 coins of this share miss it by 5 standard errors is below 1e-6. What 8
    # lanes leave of the bias, and the error of the 1000, are far below the 0.1 added.
    assert abs(drawn.mean() - share) < 5 * math.sqrt(share * (1 - share) / 40) + 0.1
    evidence = np.exp([run.log_evidence for run in singles])
    error = math.hypot(evidence.std() / math.sqrt(40), weights.std() / math.sqrt(1000))
    assert abs(evidence.mean() - weights.mean()) < 5 * error


def test_what_a_memory_has_learned_counts(letters: NgramModel) -> None:
    memory = Memory()
    first = picked(letters, LONG, memory=memory)
    assert first.sampler == repr(SMC(kernel="learned"))
    easy = condit.regex("[abc]*")
    picked(letters, easy, memory=memory)
    later = picked(letters, easy, memory=memory)
    assert later.sampler.startswith("Exact(")
    assert "what the memory knows" in later.reason


def test_preferences_are_resampled_for(letters: NgramModel) -> None:
    partial = prefer(lambda text: text.count("a"), partial=True)
    result = picked(letters, LONG, prefer=partial)
    assert result.sampler == repr(SMC(kernel="awrs"))
    assert "preference" in result.reason
    # What only finished texts have cannot steer: the constraint decides.
    assert picked(letters, condit.choice("ab", "ba"), prefer=prefer(len)).sampler.startswith("Exa")
    assert picked(letters, None, max_tokens=5, prefer=prefer(len)).sampler == repr(Masked())


class EndsInC(Constraint):
    """Only the finished text is judged."""

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        return Anything(vocabulary)

    def violation(self, text: str) -> Violation | None:
        return None if text.endswith("c") else Violation("it does not end in c", len(text))


class Anything(Matcher):
    strength = Strength.FINAL

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    def allows(self, token: int) -> bool:
        is_token = 0 <= token < len(self.vocabulary)
        return is_token and (token == self.vocabulary.end or bool(self.vocabulary.bytes[token]))

    def mask(self) -> None:
        return None

    def advance(self, token: int) -> None:
        pass

    def copy(self) -> Matcher:
        return self

    def explain(self, token: int) -> str:
        return "" if self.allows(token) else "not a token"


def test_a_check_of_the_finished_text_alone(letters: NgramModel) -> None:
    result = picked(letters, EndsInC(), max_tokens=20)
    assert isinstance(result.sampler, str)
    assert result.sampler == repr(Exact())
    assert all(sample.text.endswith("c") for sample in result.samples)
    assert result.report.guarantee is condit.Guarantee.EXACT


def test_without_a_mask_none_is_asked_for(letters: NgramModel) -> None:
    class Steered(EndsInC):
        def bind(self, vocabulary: Vocabulary) -> Matcher:
            matcher = Anything(vocabulary)
            matcher.strength = Strength.SOUND
            return matcher

    result = picked(letters, Steered(), n=40)
    assert result.sampler == repr(SMC(kernel=AWRS(mask_after=None)))
    assert result.stats.masks == 0


@pytest.mark.parametrize("constraint", [SHORT, LONG, None])
def test_the_same_seed_gives_the_same_draws(
    letters: NgramModel, constraint: Constraint | None
) -> None:
    assert picked(letters, constraint).samples == picked(letters, constraint).samples
