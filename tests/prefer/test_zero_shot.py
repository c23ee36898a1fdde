"""A language model as a classifier."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import condit
from condit.errors import ArgumentError, PromptTooLongError, VocabularyError
from condit.model.ngram import NgramModel
from condit.prefer.likelihood import likelihood
from condit.prefer.score import prefer
from condit.prefer.zero_shot import ZeroShot, zero_shot

SENTIMENTS = [" positive", " negative"]
PRAISE = ["A wonderful film. I loved every minute of it.", "Brilliant, funny and moving!"]
BLAME = ["Terrible. Boring and badly acted, a waste of time.", "I hated this awful film."]


@pytest.mark.parametrize("template", ["{text}", "b{text}", "{text}c{text}", "ab{text}bc"])
def test_it_compares_likelihoods_of_labels(letters: NgramModel, template: str) -> None:
    labels = ["a", "bc", "cab"]
    texts = ["abc", "a", "cc", "abc", "ab"]
    for text in texts:
        filled = template.replace("{text}", text)
        parts = [math.exp(likelihood(letters, filled).scores([label])[0]) for label in labels]
        for label, part in zip(labels, parts, strict=True):
            scorer = zero_shot(letters, template, labels, label)
            # In one batch and in two, for the model reads on from where it was.
            for _ in range(2):
                found = dict(zip(texts, scorer.scores(texts), strict=True))
                assert found[text] == pytest.approx(math.log(part / sum(parts)), abs=1e-5)


def test_labels_share_one(letters: NgramModel) -> None:
    scorer = zero_shot(letters, "{text}", ["a", "b", "c"], "b")
    assert isinstance(scorer, ZeroShot)
    table = np.exp(scorer.log_probabilities(["ab", "c"]))
    assert table.shape == (2, 3)
    assert table.sum(1) == pytest.approx([1, 1])
    assert scorer.scores(["ab", "c"]) == pytest.approx(np.log(table[:, 1]).tolist())
    assert scorer.scores([]) == []
    assert scorer.name == "zero_shot(ngram, 'b')"
    assert prefer(scorer).partial is False


def test_other_braces_stay_as_they_are() -> None:
    model = NgramModel.train(['{"is": "a", "good": yes}'], order=8)
    template = '{"is": "{text}", "good": '
    yes, no = (zero_shot(model, template, ["yes", "no"], label) for label in ("yes", "no"))
    assert yes.scores(["a"])[0] > math.log(0.9)
    assert no.scores(["a"])[0] < math.log(0.1)


def test_labels_without_any_mass_have_none() -> None:
    class Certain(NgramModel):
        def logits(self, tokens: Any) -> Any:
            row = np.full(len(self.vocabulary), -np.inf, dtype=np.float32)
            row[ord("x")] = 0.0
            return row

    model = Certain(condit.Vocabulary.of_bytes(), 2, {}, 1.0)
    assert zero_shot(model, "{text}", ["x", "b"], "x").scores(["a"]) == [0.0]
    assert zero_shot(model, "{text}", ["x", "b"], "b").scores(["a"]) == [-math.inf]
    assert zero_shot(model, "{text}", ["a", "b"], "b").scores(["a"]) == [-math.inf]


@pytest.mark.parametrize(
    ("template", "labels", "label", "said"),
    [
        ("{text}", ["a", "b"], "c", "zero_shot: there is no label 'c'; the labels are 'a', 'b'"),
        ("{text}", ["a"], "a", "two or more different labels"),
        ("{text}", [], "a", "two or more different labels"),
        ("{text}", ["a", "b", "a"], "a", "two or more different labels"),
        ("{text}", ["a", ""], "a", "'' cannot be a label"),
        ("{text}", ["a", 3], "a", "3 cannot be a label"),
        ("{text}", "ab", "a", "labels must be a list of texts, not the text 'ab'"),
        ("text", ["a", "b"], "a", "the template 'text' has no {text}"),
        ("", ["a", "b"], "a", "has no {text}"),
        ([{"role": "user", "content": "?"}], ["a", "b"], "a", "has no {text}"),
        (["{text}"], ["a", "b"], "a", "give a text, or chat messages"),
        (3, ["a", "b"], "a", "the template 3 has no {text}"),
    ],
)
def test_bad_arguments(
    letters: NgramModel, template: Any, labels: Any, label: str, said: str
) -> None:
    with pytest.raises(ArgumentError, match=said):
        zero_shot(letters, template, labels, label)


def test_models_that_cannot_be_used(letters: NgramModel) -> None:
    with pytest.raises(ArgumentError, match="zero_shot: 3 is a int, not a model"):
        zero_shot(3, "{text}", ["a", "b"], "a")  # type: ignore[arg-type]
    with pytest.raises(VocabularyError, match="spells the start of 'x'"):
        zero_shot(letters, "{text}", ["a", "x"], "a")
    with pytest.raises(VocabularyError, match="spells the start of 'x'"):
        zero_shot(letters, "{text}", ["a", "b"], "a").scores(["x"])
    with pytest.raises(ArgumentError, match="ngram has no chat template"):
        zero_shot(letters, [{"role": "user", "content": "{text}"}], ["a", "b"], "a").scores(["a"])


def test_it_all_fits_in_the_context() -> None:
    model = NgramModel.train(["ab"])
    model.context = 8
    scorer = zero_shot(model, "a{text}", ["b", "bb"], "b")
    assert len(scorer.scores(["a" * 5])) == 1
    with pytest.raises(
        PromptTooLongError, match=r"the text 'aaaaaa' there are 9 tokens .* the 8 that ngram"
    ):
        scorer.scores(["a" * 6])


@pytest.mark.model
def test_smollm2_tells_praise_from_blame(smollm2: condit.Model) -> None:
    positive = zero_shot(smollm2, "Review: {text}\nSentiment:", SENTIMENTS, " positive")
    scores = positive.scores(PRAISE + BLAME)
    assert min(scores[:2]) > math.log(0.5) > max(scores[2:])


@pytest.mark.model
def test_smollm2_can_be_asked_in_a_chat(smollm2: condit.Model) -> None:
    template = [
        {"role": "system", "content": "Answer with one word."},
        {"role": "user", "content": "Is this film review positive or negative?\n\n{text}"},
    ]
    positive = zero_shot(smollm2, template, ["Positive", "Negative"], "Positive")
    praise, blame = positive.scores([PRAISE[0], BLAME[0]])
    assert praise > blame
