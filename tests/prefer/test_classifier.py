"""The log-probability of a label, by classifiers of three kinds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC

from condit.errors import ArgumentError
from condit.prefer.classifier import classifier
from condit.prefer.score import prefer

SUBJECTS = ["the film", "the book", "this play", "the meal", "our stay", "the show"]
GOOD = ["was wonderful", "was a joy", "made us happy", "was lovely and warm"]
BAD = ["was terrible", "was a bore", "made us angry", "was dull and cold"]
TEXTS = [f"{subject} {said}" for subject in SUBJECTS for said in GOOD + BAD]
LABELS = ["good" if any(said in text for said in GOOD) else "bad" for text in TEXTS]
NEW = ["a lovely film", "a dull book", "we were angry"]


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return make_pipeline(CountVectorizer(), LogisticRegression()).fit(TEXTS, LABELS)


def by_letter(texts: list[str]) -> list[dict[str, float]]:
    """The share of vowels, as a classifier."""
    shares = [sum(letter in "aeiou" for letter in text) / len(text) for text in texts]
    return [{"vowel": share, "consonant": 1 - share} for share in shares]


def test_a_function() -> None:
    assert classifier(by_letter, "vowel").scores(["ab", "aaab"]) == pytest.approx(
        [math.log(0.5), math.log(0.75)]
    )
    assert classifier(by_letter, "consonant").scores(["aaab", "aa"]) == pytest.approx(
        [math.log(0.25), -math.inf]
    )
    assert classifier(by_letter, "vowel").scores([]) == []
    assert classifier(by_letter, "vowel").name == "classifier(by_letter, 'vowel')"


def test_it_becomes_a_preference() -> None:
    preference = prefer(classifier(by_letter, "vowel"), 2)
    assert preference.partial is False
    assert preference.log_weights(["ab", "b"]) == pytest.approx([2 * math.log(0.5), -math.inf])
    with pytest.raises(ArgumentError, match="weight would be infinite: bound the score"):
        prefer(classifier(by_letter, "vowel"), -2).log_weights(["b"])


def test_a_scikit_learn_pipeline(pipeline: Pipeline) -> None:
    good = classifier(pipeline, "good")
    assert good.name == "classifier(Pipeline, 'good')"
    expected = np.log(pipeline.predict_proba(NEW)[:, list(pipeline.classes_).index("good")])
    assert good.scores(NEW) == pytest.approx(expected.tolist())
    likes, dislikes, angry = good.scores(NEW)
    assert likes > math.log(0.5) > max(dislikes, angry)
    assert np.exp(good.scores(NEW)) + np.exp(classifier(pipeline, "bad").scores(NEW)) == (
        pytest.approx(1)
    )
    assert good.scores([]) == []


def test_scikit_learn_labels_that_are_numbers() -> None:
    numbered = make_pipeline(CountVectorizer(), LogisticRegression())
    numbered.fit(TEXTS, np.array([int(label == "good") for label in LABELS]))
    assert classifier(numbered, 1).scores(["lovely"])[0] > math.log(0.5)
    with pytest.raises(ArgumentError, match=r"no label '1'; the labels are 0, 1$"):
        classifier(numbered, "1")


def test_scikit_learn_that_cannot_be_used(pipeline: Pipeline) -> None:
    with pytest.raises(ArgumentError, match="no label 'fine'; the labels are 'bad', 'good'"):
        classifier(pipeline, "fine")
    with pytest.raises(ArgumentError, match="LogisticRegression has no classes_: fit it first"):
        classifier(LogisticRegression(), "good")
    with pytest.raises(ArgumentError, match="Pipeline has no classes_: fit it first"):
        classifier(make_pipeline(CountVectorizer(), LogisticRegression()), "good")
    without = make_pipeline(CountVectorizer(), LinearSVC()).fit(TEXTS, LABELS)
    with pytest.raises(ArgumentError, match=r"Pipeline gives no probabilities .*Calibrated"):
        classifier(without, "good")
    # The way out that the message names.
    calibrated = CalibratedClassifierCV(without, cv=3).fit(np.array(TEXTS), LABELS)
    assert classifier(calibrated, "good").scores(["lovely"])[0] > math.log(0.5)


def test_scikit_learn_on_what_is_no_text() -> None:
    numbers = LogisticRegression().fit([[0.0], [1.0]], ["no", "yes"])
    with pytest.raises(ArgumentError, match="failed for 2 texts, the first of them 'a' "):
        classifier(numbers, "yes").scores(["a", "b"])


def test_scikit_learn_with_several_outputs() -> None:
    several = MultiOutputClassifier(LogisticRegression())
    several.fit([[0.0], [1.0]], [["a", "c"], ["b", "d"]])
    with pytest.raises(ArgumentError, match="MultiOutputClassifier has several outputs"):
        classifier(several, "a")


def test_a_table_of_the_wrong_shape() -> None:
    class Mine:
        classes_ = ("no", "yes")

        def predict_proba(self, texts: list[str]) -> list[list[float]]:
            return [[1.0]] * len(texts)

    with pytest.raises(ArgumentError, match=r"gave an array of shape \(2, 1\), not \(2, 2\)"):
        classifier(Mine(), "yes").scores(["a", "b"])


@pytest.fixture(scope="module")
def bert() -> Any:
    """A text-classification pipeline of transformers, tiny and with random weights."""
    import torch
    import transformers as hf
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = sorted({word for text in TEXTS for word in text.split()})
    ids = {word: number for number, word in enumerate(["[PAD]", "[UNK]", *words])}
    backend = Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = hf.PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="[PAD]", unk_token="[UNK]"
    )
    config = hf.BertConfig(
        vocab_size=len(ids),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        id2label={0: "bad", 1: "fair", 2: "good"},
        label2id={"bad": 0, "fair": 1, "good": 2},
    )
    torch.manual_seed(0)
    model = hf.BertForSequenceClassification(config).eval()

    def make(**options: Any) -> Any:
        return hf.pipeline(
            "text-classification", model=model, tokenizer=tokenizer, device="cpu", **options
        )

    return make


def test_a_transformers_pipeline(bert: Any) -> None:
    pipe = bert(top_k=None)
    by_label = {label: classifier(pipe, label).scores(NEW) for label in ("bad", "fair", "good")}
    assert np.exp(list(by_label.values())).sum(0) == pytest.approx([1, 1, 1], abs=1e-5)
    for text, score in zip(NEW, by_label["fair"], strict=True):
        (entries,) = pipe([text])
        alone = {entry["label"]: entry["score"] for entry in entries}
        assert score == pytest.approx(math.log(alone["fair"]), abs=1e-5)
    assert classifier(pipe, "fair").name == "classifier(TextClassificationPipeline, 'fair')"
    with pytest.raises(ArgumentError, match=r"no label 'fine'; the labels are .*'fair'"):
        classifier(pipe, "fine").scores(NEW)


def test_a_transformers_pipeline_that_gives_one_label_only(bert: Any) -> None:
    with pytest.raises(ArgumentError, match=r"gave only its best label .* with top_k=None"):
        classifier(bert(), "good").scores(NEW)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([{"a": 0.5}], "gave 1 for 2 texts: it must give a list with one"),
        (None, "gave NoneType for 2 texts"),
        (np.ones((2, 2)), "gave ndarray for 2 texts"),
        ([{"b": 1.0}, {"b": 1.0}], "no label 'a'; the labels are 'b'"),
        ([{"a": 1.5}] * 2, "the probability for 'one' is 1.5: probabilities are between 0 and 1"),
        ([{"a": 0.5}, {"a": -0.5}], "the probability for 'two' is -0.5"),
        ([{"a": math.nan}] * 2, "the probability for 'one' is nan"),
        ([{"a": "0.5"}] * 2, r"the probability for 'one' is '0.5' \(str\), not a number"),
        ([0.5, 0.5], "gave 0.5 for 'one': it must give {label: probability}"),
        ([[0.5, 0.5]] * 2, "it must give {label: probability}"),
        ([[{"label": "a"}]] * 2, "it must give {label: probability}"),
    ],
)
def test_answers_that_are_none(answer: Any, said: str) -> None:
    def mine(texts: list[str]) -> Any:
        return answer

    with pytest.raises(ArgumentError, match=said):
        classifier(mine, "a").scores(["one", "two"])


def test_rounding_may_leave_the_unit_interval() -> None:
    scorer = classifier(lambda texts: [{"a": 1.0000001}, {"a": -1e-9}], "a")
    assert scorer.scores(["one", "two"]) == [0.0, -math.inf]


def test_a_failing_function_is_named() -> None:
    def mine(texts: list[str]) -> Any:
        raise RuntimeError("no battery")

    with pytest.raises(
        ArgumentError, match=r"classifier\(mine, 'a'\) failed .*'one' .*no bat"
    ) as e:
        classifier(mine, "a").scores(["one", "two"])
    assert isinstance(e.value.__cause__, RuntimeError)


def test_what_is_no_classifier() -> None:
    with pytest.raises(
        ArgumentError, match="'good' is a str: give a function from a list of texts"
    ):
        classifier("good", "bad")
