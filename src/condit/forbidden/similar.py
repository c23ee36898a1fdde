"""``condit.forbid.similar``: texts that a user's function finds unlike some texts in meaning.

The scorer is the user's: an embedding, a classifier, or any function. It is asked as
``condit.where`` and ``condit.where_prefix`` ask, with their time limit and errors.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from numbers import Real

from condit.constraint.base import Constraint, Violation
from condit.constraint.where import where
from condit.constraint.where_prefix import Answer, where_prefix
from condit.errors import ArgumentError
from condit.forbidden.strings import checked_strings

Scorer = Callable[[str, tuple[str, ...]], object]
"""Of a text and those it must not be like: how like they are, as a number or one for each."""

_MOST_SCORES = 4096

_BORDER = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True)
class Unlike:
    """The check, by which no text scores above a threshold.

    Attributes:
        texts: what a text must not be like.
        scorer: says how like it is.
        threshold: the highest score that is allowed.
    """

    texts: tuple[str, ...]
    scorer: Scorer
    threshold: float
    _known: dict[str, float] = field(default_factory=dict, repr=False, compare=False)

    def at_border(self, text: str) -> Answer:
        """No beginning of a text up to the end of a sentence scores higher."""
        borders = (found.start() for found in _BORDER.finditer(text))
        above = any(self._score(text[:border]) > self.threshold for border in borders)
        return "no" if above else "yes"

    def whole(self, text: str) -> bool | Violation:
        """No beginning up to the end of a sentence scores higher, nor the whole text."""
        ends = [found.start() for found in _BORDER.finditer(text)]
        for end in (*ends, len(text)):
            score = self._score(text[:end])
            if score > self.threshold:
                return Violation(
                    f"up to here it scores {score:.3g}, above {self.threshold:g}: it is too like "
                    "the forbidden texts",
                    end,
                )
        return True

    def _score(self, text: str) -> float:
        if not text.strip():
            return -math.inf
        if text in self._known:
            return self._known[text]
        found = self.scorer(text, self.texts)
        scores = [found] if isinstance(found, Real) else list(found)  # type: ignore[call-overload]
        score = max(map(float, scores))
        if math.isnan(score):
            raise ValueError("the scorer gave no number (nan)")
        if len(self._known) >= _MOST_SCORES:
            self._known.clear()
        self._known[text] = score
        return score


def similar(
    texts: str | Iterable[str],
    scorer: Scorer,
    threshold: float,
    *,
    of: Constraint | None = None,
    seconds: float | None = 1.0,
) -> Constraint:
    """Texts that are not too like some texts, by a scorer of yours.

    It is asked where a sentence or a line has ended, about all that was written up to there, and
    about the finished text; a text is given up at the first of these that scores above the
    threshold. So no text comes out that scores higher, as a whole or up to the end of a sentence.
    Nothing else is guaranteed: what the scorer does not notice stays.

    >>> def shared(text: str, texts: tuple[str, ...]) -> list[float]:
    ...     words = set(text.lower().split())
    ...     return [len(words & set(each.split())) / len(each.split()) for each in texts]
    >>> mild = similar(["mix the two liquids"], shared, 0.7)
    >>> mild.accepts("Mix the eggs."), mild.accepts("Now mix the two liquids")
    (True, False)

    Args:
        texts: what must not be said.
        scorer: of a text and all of ``texts``, how like they are: a number, or one for each, of
            which the largest counts. It must depend on these alone. Answers are cached.
        threshold: the highest score that is allowed.
        of: the constraint that texts must satisfy as well; without it, any text.
        seconds: time limit of a call; see ``condit.where``.

    Returns:
        one constraint; ``SOUND``. Drawing with it raises ``CheckError`` if the scorer fails.

    Raises:
        ArgumentError: there are no texts, one is empty, the scorer cannot be called, or the
            threshold is no number.
    """
    given = checked_strings([texts] if isinstance(texts, str) else texts)
    if not given:
        raise ArgumentError("forbid.similar: give at least one text")
    if not callable(scorer):
        raise ArgumentError(f"forbid.similar: scorer={scorer!r} is not a function")
    if isinstance(threshold, bool) or not isinstance(threshold, Real) or math.isnan(threshold):
        raise ArgumentError(f"forbid.similar: threshold={threshold!r} is no number")
    check = Unlike(given, scorer, float(threshold))
    # Within the other, so that of a finished text this one says where it scores too high.
    whole = where(check.whole, of=of, seconds=seconds)
    return where_prefix(check.at_border, of=whole, seconds=seconds)
