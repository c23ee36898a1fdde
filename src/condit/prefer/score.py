"""``condit.prefer``: from a score of texts to a preference. Kinds of scores are other modules."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from numbers import Real

from condit.errors import ArgumentError
from condit.model.base import Model
from condit.prefer.base import Preference
from condit.prefer.number import number
from condit.prefer.scorer import FunctionScorer, Scorer
from condit.prefer.wording import excerpt

_REMEMBERED = 4096
"""Size of the cache of scores: lanes often have equal texts, and finished ones are scored again."""


def prefer(
    score: Callable[[str], float] | Scorer, strength: float = 1.0, *, partial: bool | None = None
) -> Preference:
    """Prefer texts with a high score: each text gets the weight ``exp(strength * score(text))``.

    A score that is a log-likelihood, with strength 1, multiplies the target by that likelihood. To
    add up several preferences, use ``+``.

    Args:
        score: a function from a text to a number that depends on nothing but the text, or a scorer
            such as ``condit.likelihood`` or ``condit.classifier``. ``-inf`` gives weight 0.
        strength: what the score is multiplied with; negative for "less of it", 0 for no effect
            (the score is then not computed).
        partial: whether unfinished texts can be scored, too, so that samplers can use the score as
            the text grows; by default ``scorer.partial``, and false for a function. The target is
            the same either way.

    Returns:
        a preference for ``condit.generate(..., prefer=...)``. It caches the scores of the last few
        thousand texts. Its ``log_weights`` raises ``ArgumentError`` if the score fails or is not a
        number.

    Raises:
        ArgumentError: ``score`` is neither function nor scorer, or ``strength`` is not finite.
    """
    if not isinstance(strength, Real) or not math.isfinite(strength):
        raise ArgumentError(f"strength must be a finite number, not {strength!r}")
    return Scored(_scorer(score), float(strength), partial=partial)


def _scorer(score: object) -> Scorer:
    if isinstance(score, Scorer):
        return score
    kind = type(score).__name__
    if isinstance(score, Preference):
        raise ArgumentError(f"prefer: {kind} is a preference already; combine preferences with +")
    if isinstance(score, Model):
        raise ArgumentError(
            f"prefer: {kind} is a model; to prefer what it finds likely, give "
            "condit.likelihood(model)"
        )
    if hasattr(score, "predict_proba"):
        raise ArgumentError(
            f"prefer: {kind} is a classifier; to prefer one of its labels, give "
            "condit.classifier(it, label)"
        )
    if not callable(score):
        raise ArgumentError(
            f"prefer: {score!r} is a {kind}, not a score: give a function from a text to a number, "
            "or a scorer such as condit.likelihood(model)"
        )
    return FunctionScorer(score)


class Scored(Preference):
    """The weight ``exp(strength * score)``; made by ``prefer``.

    Attributes:
        scorer: where the scores come from.
        strength: what they are multiplied with.
    """

    def __init__(self, scorer: Scorer, strength: float, *, partial: bool | None = None) -> None:
        self.scorer = scorer
        self.strength = strength
        self.partial = scorer.partial if partial is None else partial
        self._remembered: OrderedDict[str, float] = OrderedDict()
        self._version: object = None
        self._lock = threading.Lock()

    def log_weights(self, texts: Sequence[str]) -> list[float]:
        """``strength * score`` for each text; a text that is not in the cache is scored once.

        Raises:
            ArgumentError: the scorer failed, or gave something else than one finite number or
                ``-inf`` for each text, or a weight would be infinite.
        """
        if self.strength == 0:
            return [0.0] * len(texts)
        scores = self._scores(texts)
        return [self._log_weight(text, scores[text]) for text in texts]

    def _scores(self, texts: Sequence[str]) -> dict[str, float]:
        """The score of each different text, from the cache or the scorer."""
        version = self.scorer.version()
        with self._lock:
            if version != self._version:
                self._remembered, self._version = OrderedDict(), version
            remembered = self._remembered
            known = {text: remembered[text] for text in texts if text in remembered}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            answers = list(self.scorer.scores(new))
            if len(answers) != len(new):
                raise ArgumentError(
                    f"score {self.scorer.name} gave {len(answers)} values for {len(new)} texts"
                )
            for text, answer in zip(new, answers, strict=True):
                known[text] = number(answer, f"score {self.scorer.name} for {excerpt(text)}")
        with self._lock:
            for text, score in known.items():
                remembered[text] = score
                remembered.move_to_end(text)
            while len(remembered) > _REMEMBERED:
                remembered.popitem(last=False)
        return known

    def _log_weight(self, text: str, score: float) -> float:
        log_weight = self.strength * score
        if log_weight == math.inf:
            raise ArgumentError(
                f"score {self.scorer.name} for {excerpt(text)} is {score:g}, so with strength "
                f"{self.strength:g} its weight would be infinite: bound the score, "
                "for example by max(score, -20)"
            )
        return log_weight

    def __repr__(self) -> str:
        return f"prefer({self.scorer.name}, strength={self.strength:g})"
