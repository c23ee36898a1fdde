"""From scores to weights."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import pytest

import condit
from condit.errors import ArgumentError, PromptTooLongError
from condit.prefer import score as score_module
from condit.prefer.score import prefer
from condit.prefer.scorer import Scorer


class Lengths(Scorer):
    """Lengths of texts, and a record of what was asked."""

    partial = True

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def scores(self, texts: Sequence[str]) -> list[float]:
        self.asked.append(list(texts))
        return [float(len(text)) for text in texts]


def test_the_weight_is_strength_times_score() -> None:
    assert prefer(len).log_weights(["", "abc"]) == [0.0, 3.0]
    assert prefer(len, 0.5).log_weights(["abc", "a"]) == [1.5, 0.5]
    assert prefer(len, -2).log_weights(["abc"]) == [-6.0]
    assert prefer(len).log_weights([]) == []


def test_a_score_may_say_never() -> None:
    def polite(text: str) -> float:
        return 0.0 if "please" in text else -math.inf

    assert prefer(polite, 3).log_weights(["now", "now, please"]) == [-math.inf, 0.0]


def test_strength_0_has_no_effect_and_asks_nothing() -> None:
    scorer = Lengths()
    assert prefer(scorer, 0).log_weights(["a", "bb"]) == [0.0, 0.0]
    assert scorer.asked == []
    assert prefer(lambda text: -math.inf, 0.0).log_weights(["a"]) == [0.0]


def test_equal_texts_are_scored_once_in_one_batch() -> None:
    scorer = Lengths()
    preference = prefer(scorer)
    assert preference.log_weights(["a", "bb", "a", "bb"]) == [1.0, 2.0, 1.0, 2.0]
    assert preference.log_weights(["bb", "ccc", "a"]) == [2.0, 3.0, 1.0]
    assert scorer.asked == [["a", "bb"], ["ccc"]]


def test_only_so_many_scores_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_module, "_REMEMBERED", 2)
    scorer = Lengths()
    preference = prefer(scorer)
    assert preference.log_weights(["a", "bb", "ccc"]) == [1.0, 2.0, 3.0]
    preference.log_weights(["bb"])  # now the one used last
    preference.log_weights(["dddd"])
    preference.log_weights(["bb", "ccc"])
    assert scorer.asked == [["a", "bb", "ccc"], ["dddd"], ["ccc"]]


def test_whether_unfinished_texts_can_be_scored() -> None:
    assert prefer(len).partial is False
    assert prefer(len, partial=True).partial is True
    assert prefer(Lengths()).partial is True
    assert prefer(Lengths(), partial=False).partial is False


def test_a_failing_score_is_named_with_the_text() -> None:
    def tone(text: str) -> float:
        return {"good": 1.0}[text]

    preference = prefer(tone)
    assert preference.log_weights(["good"]) == [1.0]
    with pytest.raises(
        ArgumentError, match=r"score tone failed for 'bad' \(KeyError: 'bad'\)"
    ) as e:
        preference.log_weights(["good", "bad"])
    assert isinstance(e.value.__cause__, KeyError)


def test_long_texts_are_shortened_in_messages() -> None:
    with pytest.raises(ArgumentError, match=r"for 'a{40}' … 'b{40}' is nan") as error:
        prefer(lambda text: math.nan).log_weights(["a" * 1000 + "b" * 1000])
    assert len(str(error.value)) < 250


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (math.nan, r"score <lambda> for 'a' is nan"),
        (math.inf, r"score <lambda> for 'a' is inf"),
        (None, r"score <lambda> for 'a' is None \(is a return missing\?\)"),
        ("1", r"score <lambda> for 'a' is '1' \(str\), not a number"),
    ],
)
def test_a_score_that_is_no_number(value: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        prefer(lambda text: value).log_weights(["a"])


def test_an_infinite_weight_is_an_error() -> None:
    with pytest.raises(ArgumentError, match="is -inf, so with strength -1 its weight would be inf"):
        prefer(lambda text: -math.inf, -1).log_weights(["a"])
    with pytest.raises(ArgumentError, match="bound the score"):
        prefer(lambda text: 1e300, 1e300).log_weights(["a"])
    # The other way round it is just a weight of 0.
    assert prefer(lambda text: -1e300, 1e300).log_weights(["a"]) == [-math.inf]


def test_names_in_messages() -> None:
    class Counter:
        def __call__(self, text: str, letter: str = "a") -> float:
            return text.count(letter)

    assert repr(prefer(Counter(), 2)) == "prefer(Counter, strength=2)"
    assert repr(prefer(functools.partial(Counter.__call__, Counter(), letter="b"))) == (
        "prefer(Counter.__call__, strength=1)"
    )
    assert repr(prefer(Lengths())) == "prefer(Lengths, strength=1)"


def test_a_scorer_with_too_few_answers() -> None:
    class Short(Scorer):
        def scores(self, texts: Sequence[str]) -> list[float]:
            return [0.0]

    with pytest.raises(ArgumentError, match="score Short gave 1 values for 2 texts"):
        prefer(Short()).log_weights(["a", "b"])


def test_errors_of_a_scorer_pass_through() -> None:
    class Long(Scorer):
        def scores(self, texts: Sequence[str]) -> list[float]:
            raise PromptTooLongError("too long")

    with pytest.raises(PromptTooLongError):
        prefer(Long()).log_weights(["a"])


@pytest.mark.parametrize("strength", [math.nan, math.inf, -math.inf, "2", None, 1j])
def test_strength_is_a_finite_number(strength: Any) -> None:
    with pytest.raises(ArgumentError, match="strength must be a finite number, not"):
        prefer(len, strength)


def test_what_is_no_score(letters: condit.NgramModel) -> None:
    class Estimator:
        def predict_proba(self, texts: object) -> object:
            return texts

    cases: list[tuple[Any, str]] = [
        (letters, r"give condit.likelihood\(model\)"),
        (Estimator(), r"Estimator is a classifier; .* condit.classifier\(it, label\)"),
        (prefer(len), "Scored is a preference already; combine preferences with +"),
        (3, "3 is a int, not a score: give a function from a text to a number"),
    ]
    for score, said in cases:
        with pytest.raises(ArgumentError, match=said):
            prefer(score)
