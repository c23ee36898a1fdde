"""The preference ``word_length``: words of a certain length on average."""

from collections.abc import Sequence

import condit
from condit.errors import ArgumentError
from condit.prefer.source import PreferenceSource


class WordLength(condit.Preference):
    """The further the mean length of words is from ``wanted`` letters, the less weight."""

    def __init__(self, wanted: float | str, strength: float = 1.0) -> None:
        """Take what users write, which may be no number."""
        try:
            self.wanted, self.strength = float(wanted), float(strength)
        except (TypeError, ValueError):
            raise ArgumentError(
                f"word_length: {wanted!r} and {strength!r} must be numbers"
            ) from None

    def log_weights(self, texts: Sequence[str]) -> list[float]:
        """The natural logarithm of the weight of each text."""
        return [-self.strength * abs(self._mean(text) - self.wanted) for text in texts]

    def _mean(self, text: str) -> float:
        words = text.split()
        return sum(map(len, words)) / len(words) if words else 0.0


WORD_LENGTH = PreferenceSource(
    name="word_length", description="a number: letters that words have on average", make=WordLength
)
