"""The protocol of a preference: a weight for each text, and sums of preferences."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

from condit.errors import ArgumentError
from condit.prefer.number import number
from condit.prefer.wording import excerpt


class Preference(ABC):
    """A weight ``φ(x)`` of texts: the target becomes proportional to ``p(x | C) φ(x)``.

    ``a + b`` is the preference whose weight is the product of both.

    Attributes:
        partial: whether unfinished texts have a weight, too. Samplers may then resample by it as
            texts grow. The target is the same either way: only the finished text's weight counts.
    """

    partial: bool = False

    @abstractmethod
    def log_weights(self, texts: Sequence[str]) -> list[float]:
        """Natural logarithm of ``φ`` for each text, in order; ``-inf`` for weight 0.

        It must depend on the text alone. ``φ`` need not be normalised or bounded by 1.
        """

    def __add__(self, other: Preference) -> Combined:
        if not isinstance(other, Preference):
            return NotImplemented
        return Combined((self, other))


class Combined(Preference):
    """The product of several weights: the sum of their logarithms.

    Args:
        parts: the preferences; the parts of a `Combined` are listed one by one.

    Raises:
        ArgumentError: there is none, or one is not a preference.
    """

    def __init__(self, parts: Sequence[Preference]) -> None:
        flat: list[Preference] = []
        for part in parts:
            if not isinstance(part, Preference):
                raise ArgumentError(
                    f"{part!r} is a {type(part).__name__}, not a preference: "
                    "make one with condit.prefer"
                )
            flat += part.parts if isinstance(part, Combined) else [part]
        if not flat:
            raise ArgumentError("there is no preference to combine: give at least one")
        self.parts: tuple[Preference, ...] = tuple(flat)
        self.partial = all(part.partial for part in self.parts)

    def log_weights(self, texts: Sequence[str]) -> list[float]:
        """Natural logarithm of the product for each text; ``-inf`` where any part has it.

        Raises:
            ArgumentError: a part gave something else than a number below ``+inf`` for each text.
        """
        columns = [checked_log_weights(part, texts) for part in self.parts]
        return [sum(row) for row in zip(*columns, strict=True)]

    def __repr__(self) -> str:
        return " + ".join(map(repr, self.parts))


def checked_log_weights(preference: Preference, texts: Sequence[str]) -> list[float]:
    """``preference.log_weights(texts)``, checked to be one number below ``+inf`` for each text.

    Raises:
        ArgumentError: the preference gave something else; the message names it and the text.
    """
    name, returned = type(preference).__name__, preference.log_weights(texts)
    if not isinstance(returned, Iterable):
        raise ArgumentError(f"{name}: log_weights gave {returned!r}, not a number for each text")
    answers = list(returned)
    if len(answers) != len(texts):
        raise ArgumentError(
            f"{name}: log_weights gave {len(answers)} values for {len(texts)} texts"
        )
    return [
        number(answer, f"{name}: the log weight of {excerpt(text)}")
        for answer, text in zip(answers, texts, strict=True)
    ]
