"""How far guesses have come true lately: what sources claim is corrected by what happened."""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

from condit.model.base import Model

_FORGETTING = 0.97
"""What a forward leaves of the counts before it: about the last thirty are remembered."""

_PRIOR = 2.0
"""Accepted tokens that the claims are believed for without evidence."""


class Trust:
    """Accepted guesses over expected ones, remembered for a while.

    Where guesses have failed none are made; as that is forgotten, they are tried again.
    """

    def __init__(self) -> None:
        self._expected = 0.0
        self._accepted = 0.0

    def expect(self, tokens: float) -> None:
        """A forward is about to be made, and so many guesses should come true."""
        self._expected = _FORGETTING * self._expected + tokens
        self._accepted *= _FORGETTING

    def accept(self, tokens: int) -> None:
        """So many did."""
        self._accepted += tokens

    @property
    def factor(self) -> float:
        """What claimed probabilities should be multiplied by; at most 1."""
        return min(1.0, (self._accepted + _PRIOR) / (self._expected + _PRIOR))


def trust_of(model: Model, temperature: float, alone: bool) -> Trust:
    """What is known of guesses for this model near this temperature, for one lane or several."""
    with _making:
        return _trusts.setdefault(model.computed_by, {}).setdefault(
            (round(2 * temperature), alone), Trust()
        )


_making = threading.Lock()
_trusts: WeakKeyDictionary[Model, dict[tuple[int, bool], Trust]] = WeakKeyDictionary()
