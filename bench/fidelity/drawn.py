"""What one run of a contestant leaves behind."""

from __future__ import annotations

import math
from dataclasses import dataclass

from condit.sampler.base import State
from condit.weights import log_mean_exp

Text = tuple[int, ...]


@dataclass(frozen=True)
class Drawn:
    """The law of the draw that a run would give, its evidence, and what it cost.

    Attributes:
        weights: normalised weight of each text, as token ids; empty where the run found none.
        log_evidence: natural logarithm of the estimate of ``Z``; ``None`` where it makes none.
        positions: token positions forwarded beyond the prompt; for a contestant with a memory, by
            all calls so far.
        shipped: the same as the contestant's own backend forwards them, where that differs.
        seconds: likewise; of use only where the model itself is at work.
        crashes: how many runs broke off before this one, which was made instead.
    """

    weights: dict[Text, float]
    log_evidence: float | None
    positions: float
    shipped: float | None = None
    seconds: float = 0.0
    crashes: int = 0


def drawn_of(state: State, positions: float, seconds: float, *, weighted: bool = True) -> Drawn:
    """Read a state whose lanes have all ended.

    Args:
        state: the state.
        positions: as in `Drawn`.
        seconds: as in `Drawn`.
        weighted: whether to use the weights; else every valid lane counts alike, and there is no
            evidence.
    """
    log_weights = [lane.log_weight + state.log_evidence for lane in state.lanes]
    highest = max(log_weights)
    weights: dict[Text, float] = {}
    if highest > -math.inf:
        for lane, log_weight in zip(state.lanes, log_weights, strict=True):
            weight = math.exp(log_weight - highest) if weighted else float(log_weight > -math.inf)
            if weight > 0:
                tokens = tuple(lane.tokens)
                weights[tokens] = weights.get(tokens, 0.0) + weight
    log_evidence = log_mean_exp(log_weights) if weighted else None
    return Drawn(normalised(weights), log_evidence, positions, seconds=seconds)


def normalised(weights: dict[Text, float]) -> dict[Text, float]:
    """Weights divided by their sum."""
    total = math.fsum(weights.values())
    return {tokens: weight / total for tokens, weight in weights.items()}
