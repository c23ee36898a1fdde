"""How far apart two distributions over the same finite set are."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import TypeVar

_Text = TypeVar("_Text", bound=Hashable)


def total_variation(p: Mapping[_Text, float], q: Mapping[_Text, float]) -> float:
    """Half the sum of ``|p(x) - q(x)|``: from 0 (equal) to 1 (nothing in common).

    Args:
        p: probabilities, linear; a key that is missing has probability 0.
        q: likewise.
    """
    return math.fsum(abs(p.get(x, 0.0) - q.get(x, 0.0)) for x in p.keys() | q.keys()) / 2


def kullback_leibler(p: Mapping[_Text, float], q: Mapping[_Text, float]) -> float:
    """``KL(p ‖ q) = Σ p(x) ln(p(x) / q(x))`` in nats.

    Where ``p`` is 0 nothing is added, whatever ``q`` is. Where ``q`` is 0 and ``p`` is not, it is
    infinite.

    Args:
        p: probabilities, linear; a key that is missing has probability 0.
        q: likewise.
    """
    terms = []
    for x, mass in p.items():
        if mass <= 0:
            continue
        other = q.get(x, 0.0)
        if other <= 0:
            return math.inf
        terms.append(mass * math.log(mass / other))
    return math.fsum(terms)
