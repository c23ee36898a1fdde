"""The protocol of a scorer: a number for each text, the higher the better."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from condit.errors import ArgumentError
from condit.prefer.wording import excerpt, name_of


class Scorer(ABC):
    """Numbers for a batch of texts; ``condit.prefer`` turns them into weights.

    Attributes:
        partial: whether its scores are meaningful for unfinished texts.
        name: how messages call it.
    """

    partial: bool = False

    @property
    def name(self) -> str:
        """How messages call it."""
        return name_of(self)

    def version(self) -> object:
        """A value that changes when scores may change; cached scores are then dropped."""
        return None

    @abstractmethod
    def scores(self, texts: Sequence[str]) -> list[float]:
        """The score of each text, in order; ``-inf`` for weight 0."""


class FunctionScorer(Scorer):
    """A Python function of one text.

    Args:
        function: gives the score of a text.
    """

    def __init__(self, function: Callable[[str], float]) -> None:
        self._function = function

    @property
    def name(self) -> str:
        """The name of the function."""
        return name_of(self._function)

    def scores(self, texts: Sequence[str]) -> list[float]:
        """What the function gives for each text, in order.

        Raises:
            ArgumentError: the function raised an error, which is the cause of this one.
        """
        return [self._score(text) for text in texts]

    def _score(self, text: str) -> float:
        try:
            return self._function(text)
        except Exception as error:
            raise ArgumentError(
                f"score {self.name} failed for {excerpt(text)} "
                f"({type(error).__name__}: {error}): it must give a number for every text"
            ) from error
