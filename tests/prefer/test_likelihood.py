"""The log-likelihood of a text under a second model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import condit
from condit.errors import ArgumentError, PromptTooLongError, UnknownNameError
from condit.model.ngram import NgramModel
from condit.model.transformers import TransformersModel
from condit.prefer.likelihood import Likelihood, likelihood
from condit.prefer.score import prefer


def by_hand(model: NgramModel, prompt: str, text: str, *, end: bool = False) -> float:
    """The same, token by token from the model's rows."""
    tokens = model.encode_prompt(prompt)
    total = 0.0
    for token in [*model.encode(text), *[model.vocabulary.end] * end]:
        row = model.logits(tokens).astype(np.float64)
        total += row[token] - math.log(np.exp(row).sum())
        tokens.append(token)
    return total


def test_fractions_worked_out_on_paper() -> None:
    # One text "ab" over a, b and end, with unigrams only: each has 1 of 3 observations, and one
    # more at a third, so each has 1/3.
    model = NgramModel.train(["ab"], vocabulary=condit.Vocabulary.of("ab"), order=1, smoothing=1.0)
    assert likelihood(model).scores(["ab"]) == pytest.approx([2 * math.log(1 / 3)])
    # Two texts: a 3, b 1, end 2 of 6 observations, and one more at a third.
    model = NgramModel.train(
        ["aa", "ab"], vocabulary=condit.Vocabulary.of("ab"), order=1, smoothing=1.0
    )
    a, b, end = (3 + 1 / 3) / 7, (1 + 1 / 3) / 7, (2 + 1 / 3) / 7
    assert likelihood(model).scores(["aab", "b"]) == pytest.approx(
        [math.log(a * a * b), math.log(b)]
    )
    assert likelihood(model, end=True).scores(["aab", ""]) == pytest.approx(
        [math.log(a * a * b * end), math.log(end)]
    )
    assert likelihood(model, end=True, per_token=True).scores(["aab"]) == pytest.approx(
        [math.log(a * a * b * end) / 4]
    )


@pytest.mark.parametrize("prompt", ["", "a", "bca"])
@pytest.mark.parametrize("end", [False, True])
def test_it_is_the_sum_over_tokens(letters: NgramModel, prompt: str, end: bool) -> None:
    texts = ["abcab", "c", "abcab", "bcc", "a", "", "abcb"]
    expected = [by_hand(letters, prompt, text, end=end) for text in texts]
    scorer = likelihood(letters, prompt, end=end)
    for _ in range(2):
        assert scorer.scores(texts) == pytest.approx(expected, rel=1e-5)


def test_per_token_is_the_mean(letters: NgramModel) -> None:
    # "abc" is the tokens ab and c.
    (total,) = likelihood(letters).scores(["abc"])
    assert likelihood(letters, per_token=True).scores(["abc", ""]) == [total / 2, 0.0]


def test_unfinished_texts_can_be_scored_unless_the_end_counts(letters: NgramModel) -> None:
    assert prefer(likelihood(letters)).partial is True
    assert prefer(likelihood(letters, end=True)).partial is False


def test_prompts_of_all_kinds(letters: NgramModel) -> None:
    expected = [by_hand(letters, "abc", "ca")]
    assert likelihood(letters, letters.encode("abc")).scores(["ca"]) == pytest.approx(expected)
    with pytest.raises(ArgumentError, match="ngram has no chat template"):
        likelihood(letters, [{"role": "user", "content": "a"}])


def test_a_text_without_tokens_for_it_is_impossible(letters: NgramModel) -> None:
    impossible, possible = likelihood(letters).scores(["axa", "aa"])
    assert impossible == -math.inf
    assert possible == pytest.approx(by_hand(letters, "", "aa"))
    assert prefer(likelihood(letters), 2).log_weights(["x"]) == [-math.inf]


def test_several_end_tokens_count_together() -> None:
    vocabulary = condit.Vocabulary([b"a", b"", b""], end=1, ends=frozenset({1, 2}))
    counts = {(): {0: 2, 1: 1, 2: 1}}
    model = NgramModel(vocabulary, 1, counts, smoothing=1e-9)
    assert likelihood(model, end=True).scores(["a"]) == pytest.approx([math.log(1 / 4)])


def test_a_model_by_name() -> None:
    scorer = likelihood("ngram", "The answer is ")
    assert isinstance(scorer, Likelihood)
    assert scorer.name == "likelihood(ngram)"
    yes, other = scorer.scores(["yes.", "xxx."])
    assert yes > other
    with pytest.raises(UnknownNameError, match="no model is called 'ngrm'; did you mean 'ngram'"):
        likelihood("ngrm")


@pytest.mark.parametrize("model", [3, None, ["ngram"]])
def test_what_is_no_model(model: Any) -> None:
    with pytest.raises(
        ArgumentError, match=r"likelihood: .* not a model: give one from condit.load"
    ):
        likelihood(model)


def test_a_path_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(condit.ConditError, match="is not a model directory"):
        likelihood(tmp_path)


def test_prompt_and_text_fit_in_the_context() -> None:
    model = NgramModel.train(["ab"])
    model.context = 8
    scorer = likelihood(model, "abc")
    assert len(scorer.scores(["a" * 5])) == 1
    with pytest.raises(
        PromptTooLongError, match=r"the text 'aaaaaa' there are 9 tokens .* the 8 that ngram"
    ):
        scorer.scores(["a", "a" * 6])
    with pytest.raises(PromptTooLongError, match="shorten the prompt"):
        likelihood(model, "a" * 9)


def test_a_prompt_is_forwarded_once(letters: NgramModel) -> None:
    scorer = likelihood(letters, "abcabc")
    assert isinstance(scorer, Likelihood)
    assert scorer.positions_forwarded == 0
    prompt = len(letters.encode("abcabc"))
    scorer.scores(["cc", ""])
    assert scorer.positions_forwarded == prompt + 1
    scorer.scores(["cca"])
    assert scorer.positions_forwarded == prompt + 2


@pytest.mark.model
def test_smollm2_agrees_with_a_fresh_forward(smollm2_in_32_bits: TransformersModel) -> None:
    import torch

    model = smollm2_in_32_bits
    prompt = "The weather tomorrow will be"

    def fresh(text: str) -> float:
        before, tokens = model.encode_prompt(prompt), model.encode(text)
        with torch.inference_mode():
            logits = model.module(input_ids=torch.tensor([before + tokens])).logits[0]
        rows = logits.double().log_softmax(-1)
        return sum(rows[len(before) - 1 + place, t].item() for place, t in enumerate(tokens))

    scorer = likelihood(model, prompt)
    grown = [" fine", " fine and sunny", " fine and sunny in the south", " fine", " cold: -3 °C 🥶"]
    batches = [[text] for text in grown] + [grown, ["", " fine and dry"]]
    for texts in batches:
        assert scorer.scores(texts) == pytest.approx([fresh(text) for text in texts], abs=1e-3)


@pytest.mark.model
def test_smollm2_finds_sense_likelier_than_nonsense(smollm2: condit.Model) -> None:
    scorer = likelihood(smollm2, "The capital of France is", end=True, per_token=True)
    sense, nonsense = scorer.scores([" Paris.", " banana seventeen."])
    assert sense > nonsense + 1
