"""Calibration of guesses: how many were accepted lately, beside how many were expected to be."""

from __future__ import annotations

from condit.kept import Kept
from condit.model.base import Model

_FORGETTING = 0.97
"""Factor on the counts at each forward: they cover about the last thirty forwards."""

_PRIOR = 2.0
"""Pseudo-count: expected and accepted tokens both start from it."""


class Trust:
    """The ratio of accepted to expected guesses, with exponential forgetting.

    Where guesses fail the ratio falls until none are made; forgetting raises it again, so that
    some are tried later.
    """

    def __init__(self) -> None:
        self._expected = 0.0
        self._accepted = 0.0

    def expect(self, tokens: float) -> None:
        """Count the guesses of a forward that is about to be made, by their summed probability."""
        self._expected = _FORGETTING * self._expected + tokens
        self._accepted *= _FORGETTING

    def accept(self, tokens: int) -> None:
        """Count guesses that equalled the token drawn."""
        self._accepted += tokens

    @property
    def factor(self) -> float:
        """What probabilities of guesses should be multiplied by; at most 1."""
        return min(1.0, (self._accepted + _PRIOR) / (self._expected + _PRIOR))


def trust_of(model: Model, temperature: float, alone: bool) -> Trust:
    """The record of guesses for this model near this temperature, for one lane or several."""
    key = (round(2 * temperature), alone)
    return _trusts.of(model.computed_by).setdefault(key, Trust())


_trusts: Kept[Model, dict[tuple[int, bool], Trust]] = Kept(lambda model: {})
