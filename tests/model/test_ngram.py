from __future__ import annotations

import numpy as np
import pytest

from condit import NgramModel, Vocabulary
from condit.errors import ArgumentError, PromptTooLongError, VocabularyError


def test_probabilities_interpolate_counts_with_the_shorter_context() -> None:
    vocabulary = Vocabulary.of(["a", "b"])
    model = NgramModel.train(["ab", "aa"], vocabulary=vocabulary, order=2, smoothing=1.0)
    # Unigram: a 3, b 1, end 2 of 6 observations, and 1 more at uniform thirds.
    unigram = np.array([3 + 1 / 3, 1 + 1 / 3, 2 + 1 / 3]) / 7
    # After a: b 1, a 1, end 1 of 3 observations, and 1 more by the unigram.
    expected = (np.array([1, 1, 1]) + unigram) / 4
    assert np.allclose(np.exp(model.logits([0])), expected, rtol=1e-6)
    # An unseen context is its suffix.
    assert np.allclose(np.exp(model.logits([1, 0])), expected, rtol=1e-6)


def test_encode_takes_the_longest_token_and_the_first_of_equals() -> None:
    model = NgramModel.train(["ab"], vocabulary=Vocabulary.of(["a", "b", "ab", "ab"]))
    assert model.encode("aab") == [0, 2]


def test_what_no_token_spells_is_an_error() -> None:
    model = NgramModel.train(["a"], vocabulary=Vocabulary.of(["a"]))
    with pytest.raises(VocabularyError, match="spells the start of 'xa'"):
        model.encode("axa")


@pytest.mark.parametrize(("order", "smoothing"), [(0, 1.0), (2, 0.0), (2, -1.0)])
def test_bad_settings_are_refused(order: int, smoothing: float) -> None:
    with pytest.raises(ArgumentError, match="must be"):
        NgramModel.train(["a"], order=order, smoothing=smoothing)


def test_prompts_of_all_kinds(letters: NgramModel) -> None:
    assert letters.encode_prompt("abc") == [3, 2]
    assert letters.encode_prompt([0, 5]) == [0, 5]
    assert letters.encode_prompt("") == [letters.vocabulary.end]
    with pytest.raises(ArgumentError, match="the prompt is empty"):
        letters.encode_prompt([])
    with pytest.raises(ArgumentError, match="prompt token 99 is outside the vocabulary"):
        letters.encode_prompt([0, 99])
    with pytest.raises(ArgumentError, match="ngram has no chat template"):
        letters.encode_prompt([{"role": "user", "content": "a"}])


def test_decode_is_the_text(letters: NgramModel) -> None:
    assert letters.decode([3, 2, letters.vocabulary.end]) == "abc"


def test_a_context_bounds_prompt_and_budget() -> None:
    model = NgramModel.train(["ab"])
    model.check_fits(10**6, 10**6)
    model.context = 8
    model.check_fits(5, 3)
    with pytest.raises(PromptTooLongError, match="set max_tokens to 3 or less"):
        model.check_fits(5, 4)
    with pytest.raises(PromptTooLongError, match="shorten the prompt"):
        model.check_fits(8, 1)


def test_wrong_calls_of_the_decoder_are_typed(letters: NgramModel) -> None:
    decoder = letters.start([0, 1], lanes=2)
    with pytest.raises(ArgumentError, match="1 token lists for 2 lanes"):
        decoder.advance([[0]])
    with pytest.raises(ArgumentError, match="cannot be rewound to 1"):
        decoder.rewind([0, 1])
    with pytest.raises(ArgumentError, match="at least one token"):
        decoder.admit([])


@pytest.mark.parametrize("prompt", ["a\ud800", [{"role": "user", "content": "a\ud800"}]])
def test_a_prompt_with_half_of_a_character_is_refused(prompt: str | list[dict[str, str]]) -> None:
    with pytest.raises(ArgumentError, match="half of a surrogate pair, at character 1"):
        NgramModel.train(["ab"]).encode_prompt(prompt)
