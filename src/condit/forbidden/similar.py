"""The constraint of texts with no sentence that a scorer finds too similar to something.

What is similar is said by the scorer alone: an embedding, a classifier, any function.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from numbers import Real
from typing import ClassVar, Literal, get_args

import numpy as np

from condit.constraint.base import Constraint, Matcher, Violation
from condit.constraint.checked import Checked
from condit.constraint.schema.plan import Enforcement
from condit.constraint.user_function import (
    Arguments,
    UserFunction,
    WrongAnswerError,
    shortened,
    signature_of,
)
from condit.corpus.passages import spans
from condit.errors import ArgumentError

Part = Literal["sentence", "text"]

_WHO = "forbid.similar"

_MARK = re.compile("[.!?\u2026\u061f\u0964\u3002\uff01\uff1f\n]")
"""What may end a sentence."""


def similar(
    texts: str | Iterable[str],
    scorer: Callable[..., float],
    threshold: float,
    *,
    each: Part = "sentence",
    of: Constraint | None = None,
    seconds: float | None = 1.0,
) -> WithoutSimilar:
    """Texts with no sentence whose score reaches a threshold.

    The score is asked for wherever a sentence may end, that is behind each of ``. ! ? …`` and line
    break, and where the text stops; a token that would reach the threshold is refused. So a
    sentence is never finished that scores too high, and neither is the text. What is written of a
    sentence before its end is not judged, and of meanings the scorer sees what it sees: of two
    sentences that are harmless alone nothing is known, unless ``each="text"``.

    >>> import condit
    >>> def shared(text: str, texts: tuple[str, ...]) -> float:
    ...     words = set(text.lower().strip(".").split())
    ...     return max(len(words & set(other.split())) / len(words) for other in texts)
    >>> guard = condit.forbid.similar(["sell your shares now"], shared, 0.7)
    >>> guard.accepts("Hold on. Sell the shares now."), guard.accepts("Keep your shares.")
    (False, True)

    Args:
        texts: what must not be said, for a scorer of two arguments; may be empty for others.
        scorer: ``scorer(text)`` or ``scorer(text, texts)`` gives a number that depends on nothing
            else, or several, of which the largest counts; the latter where it needs two
            arguments. Answers are cached.
        threshold: scores of this or more are refused.
        each: what is scored: each ``"sentence"`` alone; or all of the ``"text"`` up to there.
        of: the constraint that texts must satisfy as well; without it, any text.
        seconds: time limit of a call, which is made in a thread of its own; ``None``: no limit.

    Returns:
        one constraint; ``SOUND``. Drawing with it raises ``CheckError`` if the scorer fails, and
        ``CheckTimeoutError`` if it does not answer in time.

    Raises:
        ArgumentError: it is no function that can be called so, a text is none, or the threshold is
            no finite number.
    """
    given = (texts,) if isinstance(texts, str) else tuple(texts)
    if not all(isinstance(text, str) for text in given):
        raise ArgumentError(f"{_WHO}: texts={texts!r}: give texts")
    if isinstance(threshold, bool) or not isinstance(threshold, Real) or math.isnan(threshold):
        raise ArgumentError(f"{_WHO}: threshold={threshold!r} must be a number")
    if each not in get_args(Part):
        raise ArgumentError(f"{_WHO}: each={each!r}: use 'sentence' or 'text'")
    if of is not None and not isinstance(of, Constraint):
        raise ArgumentError(f"{_WHO}: of={of!r} is a {type(of).__name__}, not a constraint")
    return WithoutSimilar(given, scorer, float(threshold), each, typed=of, seconds=seconds)


@dataclass(frozen=True)
class WithoutSimilar(Checked):
    """Texts with no sentence that scores too high; made by ``condit.forbid.similar``.

    Attributes:
        texts: what must not be said.
        scorer: gives the scores.
        threshold: the least score that is refused.
        each: what is scored.
    """

    texts: tuple[str, ...]
    scorer: Callable[..., float]
    threshold: float
    each: Part = "sentence"
    _asked: UserFunction[float] = field(init=False, repr=False, compare=False)
    _with_texts: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        asked = UserFunction(self.scorer, _WHO, _read, self.seconds)
        object.__setattr__(self, "_with_texts", _needs_two(self.scorer))
        asked.check_takes(self._arguments(""), "a text" + " and the texts" * self._with_texts)
        if self._with_texts and not self.texts:
            raise ArgumentError(f"{_WHO}: {asked.name} compares with texts: give at least one")
        object.__setattr__(self, "_asked", asked)

    def _arguments(self, text: str) -> Arguments:
        return Arguments((text, self.texts) if self._with_texts else (text,))

    @property
    def enforcement(self) -> Enforcement:
        """Where a sentence may end."""
        return Enforcement("", f"{_WHO} {self._asked.name}", "token", self.summary)

    @property
    def summary(self) -> str:
        """The first line of the scorer's docstring; empty without one."""
        return self._asked.summary

    def reading(self) -> _Sentences:
        """The reading of the empty text."""
        return _Sentences(self)

    def score(self, text: str) -> float:
        """What the scorer gives for one sentence, or text.

        Raises:
            CheckError: it failed.
        """
        return self._asked.ask(text, lambda: self._arguments(text), repr(text))

    def objection(self, text: str) -> Violation | None:
        """The first sentence that scores too high."""
        return self.fault(text, 0) or self.judged(text)

    def fault(self, text: str, start: int) -> Violation | None:
        """The same of the places from ``start`` on where a sentence may end."""
        ends = (found.end() for found in _MARK.finditer(text, start))
        return next((fault for end in ends if (fault := self.judged(text[:end]))), None)

    def judged(self, text: str) -> Violation | None:
        """The last sentence of a text, if it scores too high; or all of it."""
        start, end = next(self._parts(text), (0, 0))
        part = text[start:end]
        if not part:
            return None
        score = self.score(part)
        if score < self.threshold:
            return None
        said = f"{self._asked.name} gives {shortened(repr(part))} a score of {score:.3g}"
        return Violation(f"{said}, and refused is {self.threshold:.3g} or more", start)

    def _parts(self, text: str) -> Iterator[tuple[int, int]]:
        if self.each == "sentence":
            yield from [*spans(text, "sentence")][-1:]
        elif text.strip():
            yield 0, len(text)

    def describe(self) -> str:
        """What is not to be said, as an instruction to a model."""
        if self.typed is None and self.texts:
            said = "\n".join(f"- {text}" for text in self.texts)
            return f"Respond with a text that says nothing like this:\n{said}"
        return super().describe()


@dataclass(frozen=True)
class _Sentences:
    """The bytes so far; the scorer is asked where they may end a sentence."""

    check: WithoutSimilar
    text: bytes = b""
    known: int = 0
    asks_next: ClassVar[bool] = True
    asks_end: ClassVar[bool] = True

    @property
    def refusal(self) -> Violation | None:
        # What is known was judged before. A character that is not complete yet is left out.
        text = self.text.decode(errors="ignore")
        return self.check.fault(text, len(self.text[: self.known].decode(errors="ignore")))

    def after(self, piece: bytes) -> _Sentences:
        return _Sentences(self.check, self.text + piece, len(self.text))

    def end_refusal(self) -> Violation | None:
        try:
            text = self.text.decode()
        except UnicodeDecodeError:
            return Violation("it breaks off inside a character")
        return self.check.judged(text)

    def dead_end(self, matcher: Callable[[], Matcher]) -> None:
        return None


def _needs_two(scorer: object) -> bool:
    signature = signature_of(scorer) if callable(scorer) else None
    if signature is None:
        return False
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [
        each
        for each in signature.parameters.values()
        if each.kind in kinds and each.default is inspect.Parameter.empty
    ]
    return len(needed) == 2


def _read(name: str, answer: object) -> float:
    try:
        scores: list[float] = np.asarray(answer, dtype=np.float64).ravel().tolist()
    except (TypeError, ValueError):
        scores = []
    if not scores or any(map(math.isnan, scores)) or isinstance(answer, bool | str | None):
        raise WrongAnswerError("return the score as a number, or one for each text")
    return max(scores)
