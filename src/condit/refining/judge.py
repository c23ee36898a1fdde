"""Judges: the log-odds that a text follows an instruction, and the preference made of them.

No instruction is enforced here; what a program can check never comes to a judge.
"""

from __future__ import annotations

import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from numbers import Real

import numpy as np
from cachetools import LRUCache

from condit.constraint.user_function import Arguments, UserFunction, WrongAnswerError
from condit.errors import ArgumentError
from condit.model.base import Model
from condit.prefer.base import Preference
from condit.prefer.likelihood import Likelihood
from condit.prefer.zero_shot import ZeroShot
from condit.refining.request import Request

_REMEMBERED = 4096


class Judge(ABC):
    """Log-odds for each instruction that no program checks.

    Attributes:
        name: what it is called.
    """

    name: str

    @abstractmethod
    def log_odds(self, texts: Sequence[str]) -> list[tuple[float, ...]]:
        """For each text, and each instruction in order: natural logarithm of the odds that the text
        follows it. Above 0: rather so than not.
        """

    @property
    def positions_forwarded(self) -> int:
        """Token positions that a model has computed to judge."""
        return 0


class Contrast(Judge):
    """Asks which prompt a text is the likelier answer to: with the instruction, or without it.

    By Bayes' rule, ``log p(text | all instructions) - log p(text | all but this one)`` is the
    model's log-odds that the text was written with the instruction, if both are as likely before
    the text is seen.

    Args:
        model: the model that judges.
        request: what is asked.
        said: all instructions, as the model is told them.
        judged: those that are judged.
        end: whether the end of the text counts; false to judge unfinished texts.
    """

    name = "contrast"

    def __init__(
        self, model: Model, request: Request, said: Sequence[str], judged: Sequence[str], end: bool
    ) -> None:
        prompts = [request.asked(said), *(request.asked(said, without=each) for each in judged)]
        self._likelihoods = [
            Likelihood(model, prompt, per_token=False, end=end) for prompt in prompts
        ]

    def log_odds(self, texts: Sequence[str]) -> list[tuple[float, ...]]:
        """See `Judge`; 0 for a text that has no probability with the instruction or without."""
        scored, *others = [each.scores(texts) for each in self._likelihoods]
        return [
            tuple(0.0 if one == other == -math.inf else one - other for other in rest)
            for one, *rest in zip(scored, *others, strict=True)
        ]

    @property
    def positions_forwarded(self) -> int:
        """Token positions that the model has computed to judge."""
        return sum(each.positions_forwarded for each in self._likelihoods)


class Question(Judge):
    """Asks the model whether the text follows the instruction: the log-odds of yes against no.

    Args:
        model: the model that judges.
        chat: whether it is asked in a message, through its chat template.
        judged: the instructions.
    """

    name = "question"

    def __init__(self, model: Model, chat: bool, judged: Sequence[str]) -> None:
        self._scorers = []
        for each in judged:
            asked = (
                "Text: {text}\n\nDoes the text follow this instruction: "
                f'"{each.replace("{text}", "{ text }")}"? Answer Yes or No.'
            )
            labels = ["Yes", "No"] if chat else [" Yes", " No"]
            template = [{"role": "user", "content": asked}] if chat else f"{asked}\nAnswer:"
            self._scorers.append(ZeroShot(model, template, labels, labels[0]))

    def log_odds(self, texts: Sequence[str]) -> list[tuple[float, ...]]:
        """See `Judge`; 0 for a text after which neither answer has any probability."""
        columns = [each.log_probabilities(texts) for each in self._scorers]
        return [
            tuple(0.0 if yes == no else yes - no for yes, no in row)
            for row in zip(*columns, strict=True)
        ]

    @property
    def positions_forwarded(self) -> int:
        """Token positions that the model has computed to judge."""
        return sum(each.positions_forwarded for each in self._scorers)


class Called(Judge):
    """A function of the user.

    Args:
        function: from a text and an instruction to the log-odds.
        judged: the instructions.
        seconds: the most that a call may take; ``None``: any time.

    Raises:
        ArgumentError: it cannot be called with a text and an instruction.
    """

    def __init__(
        self,
        function: Callable[[str, str], float],
        judged: Sequence[str],
        seconds: float | None,
    ) -> None:
        self._function = UserFunction(function, "refine: judge", _read, seconds)
        self._function.check_takes(Arguments(("", "")), "a text and an instruction")
        self._judged = tuple(judged)
        self.name = self._function.name

    def log_odds(self, texts: Sequence[str]) -> list[tuple[float, ...]]:
        """See `Judge`.

        Raises:
            CheckError: the function raised an error, or returned no number.
            CheckTimeoutError: it did not return in time.
        """
        return [tuple(self._ask(text, each) for each in self._judged) for text in texts]

    def _ask(self, text: str, instruction: str) -> float:
        shown = f"{text!r} and the instruction {instruction!r}"
        return self._function.ask(
            (text, instruction), lambda: Arguments((text, instruction)), shown
        )


class Follows(Preference):
    """The weight of a text: the probability that it follows all judged instructions, to a power.

    With ``s`` the logistic function, ``φ(x) = (Π s(log-odds))^strength``: the judge's answers for
    the single instructions are taken as independent. It is at most 1.

    Attributes:
        judge: where the log-odds come from. Each text is judged once.
        strength: the power.
    """

    def __init__(self, judge: Judge, strength: float, *, partial: bool = False) -> None:
        self.judge = judge
        self.strength = strength
        self.partial = partial
        self._known: LRUCache[str, tuple[float, ...]] = LRUCache(_REMEMBERED)
        self._lock = threading.Lock()

    def log_odds(self, texts: Sequence[str]) -> list[tuple[float, ...]]:
        """What the judge says of each text, for each judged instruction."""
        with self._lock:
            known = {text: self._known[text] for text in texts if text in self._known}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known.update(zip(new, self.judge.log_odds(new), strict=True))
            with self._lock:
                self._known.update((text, known[text]) for text in new)
        return [known[text] for text in texts]

    def log_weights(self, texts: Sequence[str]) -> list[float]:
        """Natural logarithm of ``φ`` for each text."""
        return [self.strength * log_follows(odds) for odds in self.log_odds(texts)]


def log_follows(log_odds: Sequence[float]) -> float:
    """Natural logarithm of the probability of yes to all, as if answers were independent.

    >>> round(log_follows([0.0, 0.0]), 3) == round(math.log(1 / 4), 3)
    True
    """
    logs = [-float(np.logaddexp(0.0, -odds)) for odds in log_odds]
    return math.fsum(logs) if sum(logs) > -math.inf else -math.inf


def judge_of(
    judge: str | Callable[[str, str], float],
    model: Model,
    request: Request,
    said: Sequence[str],
    judged: Sequence[str],
    *,
    partial: bool,
    seconds: float | None,
) -> Judge:
    """The judge of that name, or of that function.

    Raises:
        ArgumentError: it is neither.
    """
    if judge == "contrast":
        return Contrast(model, request, said, judged, end=not partial)
    if judge == "question":
        return Question(model, request.chat, judged)
    if isinstance(judge, str) or not callable(judge):
        raise ArgumentError(
            f"refine: judge is {judge!r}: give 'contrast', 'question', or a function of a text and "
            "an instruction"
        )
    return Called(judge, judged, seconds)


def _read(name: str, answer: object) -> float:
    if isinstance(answer, Real | np.number):
        with suppress(OverflowError):  # of a whole number
            if not math.isnan(odds := float(answer)):
                return odds
    raise WrongAnswerError("return the log-odds as a number: above 0 for rather yes than no")
