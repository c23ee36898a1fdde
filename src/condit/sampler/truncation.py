"""Top-k and top-p without sorting the vocabulary: a threshold first, then only what exceeds it.

Pure functions of one row of logits; ``law.py`` applies them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_GROUP = 64
_FIRST_GUESS = 256
"""How many of the most probable tokens ``nucleus`` tries before it sorts into bins."""

_BINS = 4096
_BINS_A_NAT = 128


def most_probable(logits: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """The ``count`` tokens with the highest logits and their ties, in ascending order.

    The row is cut into more than ``count`` groups. The ``count``-th highest of the group maxima is
    at most the ``count``-th highest logit, so it is a safe threshold, and few tokens exceed it.

    Args:
        logits: shape ``(n,)``.
        count: at least 1.
    """
    size = len(logits)
    if count >= size:
        return np.arange(size)
    group = min(_GROUP, size // (2 * count))
    if group < 2:
        return np.flatnonzero(logits >= np.partition(logits, -count)[-count])
    groups = size // group
    highest = logits[: group * groups].reshape(group, groups).max(axis=0)
    found = np.flatnonzero(logits >= np.partition(highest, -count)[-count])
    some = logits[found]
    tokens: NDArray[np.intp] = found[some >= np.partition(some, -count)[-count]]
    return tokens


def nucleus(logits: NDArray[np.float32], top_p: float) -> NDArray[np.intp]:
    """The fewest most probable tokens whose mass reaches ``top_p``, in ascending order.

    Of tokens with the same logit, those that come first are taken first. Masses have 32 bits.

    Args:
        logits: shape ``(n,)``, the highest of them finite.
        top_p: linear, over 0 and at most 1.
    """
    centred = logits - logits.max()
    weights = np.exp(centred)
    goal = top_p * float(weights.sum(dtype=np.float64))
    found = most_probable(logits, min(_FIRST_GUESS, len(logits)))
    above, held = found[:0], 0.0
    if weights[found].sum(dtype=np.float64) < goal:
        above, found, held = _crossing(centred, weights, goal)
    order = found[np.argsort(-logits[found], kind="stable")]
    upto = held + weights[order].cumsum(dtype=np.float64)
    return np.sort(np.concatenate([above, order[: int(upto.searchsorted(goal)) + 1]]))


def _crossing(
    centred: NDArray[np.float32], weights: NDArray[np.float32], goal: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], float]:
    """Sort tokens into bins by their logits, and find the one where the mass reaches ``goal``.

    Returns:
        the tokens above that bin, those in it, and the mass of those above.
    """
    bins = np.minimum(centred * np.float32(-_BINS_A_NAT), _BINS - 1).astype(np.intp)
    upto = np.bincount(bins, weights, minlength=_BINS).cumsum()
    crossed = min(int(upto.searchsorted(goal)), int(bins.max()))
    held = float(upto[crossed - 1]) if crossed else 0.0
    return np.flatnonzero(bins < crossed), np.flatnonzero(bins == crossed), held
