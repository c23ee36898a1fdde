"""A scorer: a language model as a classifier, by the probability of a label after the text."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence

import numpy as np

from condit.errors import ArgumentError
from condit.model.base import Model, Prompt
from condit.prefer.classifier import check_label
from condit.prefer.likelihood import check_text_fits, model_of
from condit.prefer.scorer import Scorer
from condit.prefer.sequence_likelihood import SequenceLikelihood

_SLOT = "{text}"


def zero_shot(
    model: Model | str | os.PathLike[str],
    template: str | Sequence[Mapping[str, str]],
    labels: Sequence[str],
    label: str,
) -> Scorer:
    """The score ``log P(label | text)`` by asking a language model, to give to ``condit.prefer``.

    The text is filled into the template, and the labels are compared by their likelihood after it,
    ``P(label | text) = p(label | filled) / Σ p(other | filled)``. A label of many tokens or of a
    rare word has a small likelihood whatever the text says: choose labels that are alike, and check
    on a few texts that the answer is right before you rely on it.

    Args:
        model: a model, or what ``condit.load`` takes.
        template: a text with ``{text}`` in it, such as ``"Review: {text}\\nSentiment:"``, or chat
            messages with ``{text}`` in one of them. Other braces stay as they are.
        labels: the texts that may follow, such as ``[" positive", " negative"]``: the space
            belongs to the label where the template does not end in one.
        label: the one whose probability is the score.

    Returns:
        a scorer of natural logarithms. It raises ``PromptTooLongError`` where the filled template
        and a label do not fit in the model's context.

    Raises:
        ArgumentError: there are fewer than two labels, one is empty or there twice, ``label`` is
            none of them, or the template has no ``{text}``.
        VocabularyError: the model cannot spell a label.
        UnknownNameError, ModelError, MissingDependencyError: the model cannot be loaded.
    """
    listed = _checked_labels(labels)
    check_label("zero_shot", label, listed)
    if not _has_slot(template):
        raise ArgumentError(
            f"zero_shot: the template {template!r} has no {_SLOT}: give a text, or chat messages, "
            f"with {_SLOT} where the text goes"
        )
    return ZeroShot(model_of(model, "zero_shot"), template, listed, label)


def _has_slot(template: object) -> bool:
    if isinstance(template, str):
        return _SLOT in template
    if not isinstance(template, Sequence) or not all(isinstance(m, Mapping) for m in template):
        return False
    return any(_SLOT in value for message in template for value in message.values())


def _checked_labels(labels: Sequence[str]) -> list[str]:
    if isinstance(labels, str):
        raise ArgumentError(f"zero_shot: labels must be a list of texts, not the text {labels!r}")
    for each in labels:
        if not isinstance(each, str) or not each:
            raise ArgumentError(f"zero_shot: {each!r} cannot be a label: give a text, not empty")
    if len(set(labels)) < max(2, len(labels)):
        raise ArgumentError(
            f"zero_shot: {list(labels)!r} must be two or more different labels to choose from"
        )
    return list(labels)


class ZeroShot(Scorer):
    """The probability of a label by a language model; made by ``zero_shot``.

    Attributes:
        model: the model that judges.
        labels: the labels that are compared.
        label: the one whose probability is the score.
    """

    def __init__(
        self,
        model: Model,
        template: str | Sequence[Mapping[str, str]],
        labels: Sequence[str],
        label: str,
    ) -> None:
        self.model = model
        self.labels = tuple(labels)
        self.label = label
        self._template = template
        self._spelled = [model.encode(each) for each in self.labels]
        self._sequences = SequenceLikelihood(model)

    @property
    def name(self) -> str:
        """The label, and the model that judges."""
        return f"zero_shot({self.model.name}, {self.label!r})"

    def version(self) -> object:
        """``Model.version``: scores are dropped when it changes."""
        return self.model.version()

    @property
    def positions_forwarded(self) -> int:
        """Token positions that the model has computed so far."""
        return self._sequences.positions_forwarded

    def scores(self, texts: Sequence[str]) -> list[float]:
        """Natural logarithm of ``P(label | text)`` for each text.

        Raises:
            PromptTooLongError: template, text and label do not fit in the model's context.
        """
        place = self.labels.index(self.label)
        return [row[place] for row in self.log_probabilities(texts)]

    def log_probabilities(self, texts: Sequence[str]) -> list[list[float]]:
        """Natural logarithm of ``P(label | text)`` for each text and each label, in order."""
        filled = [tuple(self.model.encode_prompt(self._fill(text))) for text in texts]
        longest = max(map(len, self._spelled))
        for text, tokens in zip(texts, filled, strict=True):
            check_text_fits(self.name, self.model, len(tokens) + longest, text)
        answers = iter(
            self._sequences.log_probabilities(
                [(*tokens, *label) for tokens in filled for label in self._spelled]
            )
        )
        return [
            _normalised([math.fsum(next(answers)[len(tokens) :]) for _ in self.labels])
            for tokens in filled
        ]

    def _fill(self, text: str) -> Prompt:
        if isinstance(self._template, str):
            return self._template.replace(_SLOT, text)
        return [
            {key: value.replace(_SLOT, text) for key, value in message.items()}
            for message in self._template
        ]


def _normalised(log_likelihoods: list[float]) -> list[float]:
    """Log-probabilities that are in proportion to the likelihoods; all ``-inf`` if these are."""
    if max(log_likelihoods) == -math.inf:
        return log_likelihoods
    total = float(np.logaddexp.reduce(log_likelihoods))
    return [value - total for value in log_likelihoods]
