"""A scorer: the log-likelihood of a text under a second model. The model is not trained."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

from condit.errors import ArgumentError, PromptTooLongError, VocabularyError
from condit.model.base import Model, Prompt
from condit.model.load import load
from condit.prefer.base import Preference
from condit.prefer.score import prefer
from condit.prefer.scorer import Scorer
from condit.prefer.sequence_likelihood import SequenceLikelihood
from condit.prefer.source import PreferenceSource
from condit.prefer.wording import excerpt


def likelihood(
    model: Model | str | os.PathLike[str],
    prompt: Prompt = "",
    *,
    per_token: bool = False,
    end: bool = False,
) -> Scorer:
    """The score ``log p(text | prompt)`` under a model, to give to ``condit.prefer``.

    With strength 1 the target becomes a product of experts (Hinton 2002): texts that both models
    find likely. The text is scored in the tokenization of the model's own tokenizer; others are not
    summed over. The prompt is forwarded once; prefixes that texts share with each other, or with
    texts of the last call, are not forwarded again.

    Args:
        model: a model, or what ``condit.load`` takes.
        prompt: what comes before the text: text, chat messages, or token ids.
        per_token: use the mean over tokens in place of the sum, which favours short texts.
        end: whether the probability that the text ends where it does counts too, as one more
            token. Then texts that are not finished cannot be scored (``partial`` is false).

    Returns:
        a scorer. Its scores are natural logarithms; 0 for an empty text without ``end``, and
        ``-inf`` for a text that the model has no tokens for. It raises ``PromptTooLongError``
        where prompt and text do not fit in the model's context.

    Raises:
        ArgumentError: ``model`` is no model, or the prompt cannot be used.
        PromptTooLongError: the prompt alone does not fit in the model's context.
        UnknownNameError, ModelError, MissingDependencyError: the model cannot be loaded.
    """
    return Likelihood(model_of(model, "likelihood"), prompt, per_token=per_token, end=end)


class Likelihood(Scorer):
    """The log-likelihood of texts after one prompt; made by ``likelihood``.

    Attributes:
        model: the model that judges.
        per_token: whether scores are means over tokens.
        end: whether the end of the text counts.
    """

    def __init__(self, model: Model, prompt: Prompt, *, per_token: bool, end: bool) -> None:
        self.model = model
        self.per_token = per_token
        self.end = end
        self.partial = not end
        self._prompt = tuple(model.encode_prompt(prompt))
        model.check_fits(len(self._prompt), 0)
        self._sequences = SequenceLikelihood(model, self._prompt)

    @property
    def name(self) -> str:
        """How messages call it, with the name of the model."""
        return f"likelihood({self.model.name})"

    def version(self) -> object:
        """``Model.version``: scores are dropped when it changes."""
        return self.model.version()

    @property
    def positions_forwarded(self) -> int:
        """Token positions that the model has computed so far, the prompt included."""
        return self._sequences.positions_forwarded

    def scores(self, texts: Sequence[str]) -> list[float]:
        """Natural logarithm of the likelihood of each text, or its mean over tokens.

        Raises:
            PromptTooLongError: prompt and text do not fit in the model's context.
        """
        spelled = [self._spell(text) for text in texts]
        sequences = [(*self._prompt, *tokens) for tokens in spelled if tokens]
        answers = iter(self._sequences.log_probabilities(sequences))
        scores = []
        for tokens in spelled:
            if tokens is None:
                scores.append(-math.inf)
            elif not tokens:
                scores.append(0.0)
            else:
                total = math.fsum(next(answers)[len(self._prompt) :])
                scores.append(total / len(tokens) if self.per_token else total)
        return scores

    def _spell(self, text: str) -> list[int] | None:
        """The tokens to score; ``None`` if the model cannot spell the text."""
        try:
            tokens = self.model.encode(text)
        except VocabularyError:
            return None
        check_text_fits(self.name, self.model, len(self._prompt) + len(tokens), text)
        return [*tokens, self.model.vocabulary.end] if self.end else tokens


def model_of(model: object, what: str) -> Model:
    """The model itself, or the one of that name.

    Raises:
        ArgumentError: it is neither.
    """
    if isinstance(model, Model):
        return model
    if not isinstance(model, str | os.PathLike):
        raise ArgumentError(
            f"{what}: {model!r} is a {type(model).__name__}, not a model: give one from "
            "condit.load, or its name"
        )
    return load(model)


def check_text_fits(what: str, model: Model, length: int, text: str) -> None:
    """Raise `PromptTooLongError` unless ``length`` tokens, of which ``text`` is part, fit."""
    if model.context is not None and length > model.context:
        raise PromptTooLongError(
            f"{what}: with the text {excerpt(text)} there are {length} tokens to read, more than "
            f"the {model.context} that {model.name} can see: draw shorter texts (max_tokens), or "
            "shorten what stands around them"
        )


def _likely(
    prompt: Prompt,
    *,
    model: Model | str = "smollm2",
    strength: float = 1.0,
    per_token: bool = False,
    end: bool = False,
) -> Preference:
    return prefer(likelihood(model, prompt, per_token=per_token, end=end), strength)


LIKELIHOOD = PreferenceSource(
    name="likelihood",
    description="a prompt: texts that a model (smollm2) finds likely after it",
    make=_likely,
)
