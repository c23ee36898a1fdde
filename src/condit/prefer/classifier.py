"""A scorer: the log-probability that a classifier gives to a label. It trains nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from condit.errors import ArgumentError
from condit.prefer.number import number
from condit.prefer.scorer import Scorer
from condit.prefer.wording import excerpt, name_of

_ROUNDING = 1e-3
"""How far a probability may be outside [0, 1], as half-precision classifiers round."""


def classifier(predict: Any, label: Hashable) -> Scorer:
    """The score ``log P(label | text)`` by a classifier, to give to ``condit.prefer``.

    With strength 1 the target is then, by Bayes' rule, the model's texts *given* that label.

    Args:
        predict: one of
            - a function from a list of texts to a list of ``{label: probability}``;
            - a scikit-learn classifier or pipeline that takes texts, with ``predict_proba``;
            - a ``transformers`` pipeline for text classification made with ``top_k=None``, or
              another function from texts to lists of ``{"label": ..., "score": ...}``.
        label: the label whose probability is the score.

    Returns:
        a scorer of natural logarithms, ``-inf`` for probability 0. It raises ``ArgumentError``
        where the classifier fails, does not know the label, or gives no probabilities.

    Raises:
        ArgumentError: ``predict`` is none of these, is not fitted, or does not know the label.
    """
    if hasattr(predict, "predict_proba"):
        return _FittedClassifier(predict, label)
    if hasattr(predict, "predict") and hasattr(predict, "fit"):
        raise ArgumentError(
            f"classifier: {name_of(predict)} gives no probabilities (it has no predict_proba): "
            "wrap it in sklearn.calibration.CalibratedClassifierCV"
        )
    if not callable(predict):
        raise ArgumentError(
            f"classifier: {predict!r} is a {type(predict).__name__}: give a function from a list "
            "of texts to a list of {label: probability}, or an object with predict_proba"
        )
    return _FunctionClassifier(predict, label)


class _FittedClassifier(Scorer):
    """A scikit-learn classifier."""

    def __init__(self, predict: Any, label: Hashable) -> None:
        self._predict = predict
        self._label = label
        try:
            classes = predict.classes_
        except AttributeError as error:
            raise ArgumentError(
                f"classifier: {name_of(predict)} has no classes_: fit it first"
            ) from error
        if any(np.ndim(each) for each in classes):
            raise ArgumentError(
                f"classifier: {name_of(predict)} has several outputs, each with its own classes_: "
                "give a classifier with one output"
            )
        # As plain Python values, which messages can show.
        labels = [each.item() if isinstance(each, np.generic) else each for each in classes]
        check_label("classifier", label, labels)
        self._column = labels.index(label)
        self._columns = len(labels)

    @property
    def name(self) -> str:
        """The kind of classifier, and the label."""
        return f"classifier({name_of(self._predict)}, {self._label!r})"

    def scores(self, texts: Sequence[str]) -> list[float]:
        """Natural logarithm of the label's probability for each text."""
        if not texts:
            return []
        table = _called(self.name, self._predict.predict_proba, texts)
        shape = np.shape(table)
        if shape != (len(texts), self._columns):
            raise ArgumentError(
                f"{self.name}: predict_proba gave an array of shape {shape}, not "
                f"{(len(texts), self._columns)}: one row for each text, one column for each class"
            )
        return [
            _log_probability(self.name, row[self._column], text)
            for row, text in zip(table, texts, strict=True)
        ]


class _FunctionClassifier(Scorer):
    """A function of a list of texts."""

    def __init__(self, predict: Callable[[list[str]], Any], label: Hashable) -> None:
        self._predict = predict
        self._label = label

    @property
    def name(self) -> str:
        """The name of the function, and the label."""
        return f"classifier({name_of(self._predict)}, {self._label!r})"

    def scores(self, texts: Sequence[str]) -> list[float]:
        """Natural logarithm of the label's probability for each text."""
        if not texts:
            return []
        answers = _called(self.name, self._predict, texts)
        if not isinstance(answers, Sequence) or len(answers) != len(texts):
            found = len(answers) if isinstance(answers, Sequence) else type(answers).__name__
            raise ArgumentError(
                f"{self.name} gave {found} for {len(texts)} texts: it must give a list with one "
                "{label: probability} for each text"
            )
        scores = []
        for answer, text in zip(answers, texts, strict=True):
            probabilities = self._probabilities(answer, text)
            check_label(self.name, self._label, list(probabilities))
            scores.append(_log_probability(self.name, probabilities[self._label], text))
        return scores

    def _probabilities(self, answer: Any, text: str) -> Mapping[Any, Any]:
        """The answer for one text as ``{label: probability}``."""
        if isinstance(answer, Mapping):
            if set(answer) == {"label", "score"}:
                raise ArgumentError(
                    f"{self.name} gave only its best label ({answer['label']!r}) for "
                    f"{excerpt(text)}: make the pipeline with top_k=None, so that it gives all"
                )
            return answer
        try:
            return {entry["label"]: entry["score"] for entry in answer}
        except (TypeError, KeyError, IndexError) as error:
            raise ArgumentError(
                f"{self.name} gave {answer!r} for {excerpt(text)}: it must give "
                '{label: probability}, or a list of {"label": ..., "score": ...}'
            ) from error


def check_label(what: str, label: object, labels: Sequence[object]) -> None:
    """Raise `ArgumentError` unless the label is one of these."""
    if label not in labels:
        listed = ", ".join(map(repr, labels))
        raise ArgumentError(f"{what}: there is no label {label!r}; the labels are {listed}")


def _called(name: str, predict: Callable[[list[str]], Any], texts: Sequence[str]) -> Any:
    """``predict(texts)``; any error becomes an `ArgumentError`."""
    try:
        return predict(list(texts))
    except Exception as error:
        raise ArgumentError(
            f"{name} failed for {len(texts)} texts, the first of them {excerpt(texts[0])} "
            f"({type(error).__name__}: {error})"
        ) from error


def _log_probability(name: str, value: object, text: str) -> float:
    """Natural logarithm of ``value``, which must be a probability, or `ArgumentError`."""
    what = f"{name}: the probability for {excerpt(text)}"
    probability = number(value, what)
    if not -_ROUNDING <= probability <= 1 + _ROUNDING:
        raise ArgumentError(f"{what} is {probability:g}: probabilities are between 0 and 1")
    return math.log(min(probability, 1.0)) if probability > 0 else -math.inf
