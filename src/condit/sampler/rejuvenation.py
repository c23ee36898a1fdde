"""Rejuvenation: copies made by resampling redraw their last piece, and the evidence stays unbiased.

A *piece* is what a lane has drawn between two boundaries. Resampling was, and is, done by
``smc.py``; here the copies (not the lane that keeps its slot) go back to the boundary before, draw
another piece by the same kernel, and take it by a Metropolis-Hastings test.

**Why the test is not** ``min(1, w_new / w_old)``. That leaves ``q(s) w(s)`` invariant, with ``q``
the law of a piece ``s`` and ``w`` its weight; but the lanes that are moved do not follow that law,
for a heavy piece is copied more often than a light one. (``q`` uniform on two pieces of weight 1
and 3, two lanes, every copy moved: the first piece has mass 0.5, and would get 0.5417.)
Take a group of ``n`` lanes, one of weight ``w``, and hold the others fixed. Their mean weight is
``W = (w + rest) / n``. Systematic resampling gives the lane ``N`` places, ``E[N] = w / W``, and
``N`` is one of the two whole numbers around that. All but one are moved, each with weight ``W``:

    g(w) = W E[max(N - 1, 0)] = max(w - W, 0)   if weights are uneven enough to resample, else 0.

So the moved lanes have the law ``q(s) g(w(s))``, and with proposals from ``q`` the test

    accept with probability min(1, g(w_new) / g(w_old))

leaves it invariant. Each of the later estimates is linear in every lane's contribution, so ``E[Ẑ]``
and the mean weight of every text are what they were without moves. Where weights are estimates the
same holds of pairs of a piece and its estimate; hence the old estimate is kept, not drawn again
(Andrieu and Roberts 2009). A piece that ends, dies or comes to another boundary has ``g = 0``, and
a lane that has ended is not moved.

All copies grow in the same forwards. One that is refused is a copy of its ancestor again, which
costs nothing. Only for kernels whose law of a piece does not change within a run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from condit.sampler.base import Lane
from condit.sampler.local import LocalSampler, LocalState
from condit.sampler.meeting import Meeting
from condit.trace import Drawn, StepInfo
from condit.weights import effective_sample_size


class Group(NamedTuple):
    """Lanes that have been resampled among themselves.

    Attributes:
        lanes: their indices.
        log_weights: natural logarithm of each one's weight before that, in the same order.
    """

    lanes: list[int]
    log_weights: list[float]


def uneven(log_weights: Sequence[float], threshold: float) -> bool:
    """Whether lanes of these weights (natural logarithms) are to be resampled."""
    share = effective_sample_size(log_weights) / len(log_weights)
    return len(set(log_weights)) > 1 and 0 < share < threshold


def log_moved(log_weights: Sequence[float], lane: int, threshold: float) -> float:
    """Natural logarithm of the expected weight of a lane's moved copies: ``g`` above."""
    if not uneven(log_weights, threshold):
        return -math.inf
    top = max(log_weights)
    weights = np.exp(np.array(log_weights) - top)
    excess = float(weights[lane] - weights.mean())
    return top + math.log(excess) if excess > 0 else -math.inf


def remember(lanes: Sequence[Lane]) -> None:
    """Keep of each lane how it leaves the boundary where it stands."""
    for lane in lanes:
        lane.before = replace(lane.copy_to(lane.rng), before=None)


def rejuvenate(
    kernel: LocalSampler,
    state: LocalState,
    chosen: Sequence[int],
    groups: Sequence[Group],
    meeting: Meeting,
    threshold: float,
) -> StepInfo | None:
    """Move every copy once. Called when lanes were resampled, and all of them still wait.

    Args:
        kernel: draws the pieces.
        state: the lanes, copies among them; modified.
        chosen: for each lane the index of the lane that it was copied from.
        groups: the lanes that were resampled.
        meeting: says where pieces end.
        threshold: the one that resampling went by.

    Returns:
        the checks and masks that it took, with the tokens that are new; ``None`` if
        there was no copy to move.
    """
    old = list(state.lanes)
    copies = [
        index
        for index, ancestor in enumerate(chosen)
        if index != ancestor and old[index].waits and old[index].before is not None
    ]
    if not copies:
        return None
    lengths = list(state.decoder.lengths)
    for index in copies:
        before = old[index].before
        if before is not None:
            state.lanes[index] = replace(before.copy_to(old[index].rng), waits=False)
            # Its last token is forwarded again, for the logits after it.
            lengths[index] = max(0, len(before.tokens) - 1)
    state.decoder.rewind(lengths)
    steps, ahead, forced = state.steps, state.ahead, state.forced
    state.ahead = None
    checks = masks = 0
    redrawn: dict[int, list[Drawn]] = {index: [] for index in copies}
    while any(state.lanes[index].grows for index in copies):
        kernel.feed(state)
        info = kernel.grow(state)
        checks, masks = checks + info.checks, masks + info.masks
        for drawn in info.draws:
            if drawn.lane in redrawn:
                redrawn[drawn.lane].append(drawn)
        meeting.arrive(state.lanes)
    state.steps, state.ahead, state.forced = steps, ahead, forced
    notes: list[str] = []
    redraws: list[Drawn] = []
    slots = list(range(len(state.lanes)))
    for index in copies:
        group = next(group for group in groups if index in group.lanes)
        new, same = state.lanes[index], old[index]
        if _accepts(new, same, group, group.lanes.index(chosen[index]), threshold):
            start = len(same.before.tokens) if same.before is not None else 0
            notes.append(f"lane {index} from {start}: {' '.join(map(str, new.tokens[start:]))}")
            first, *others = redrawn[index]
            redraws += [first._replace(kept=start), *others]
            # Resampling made the weights of the group equal, and the move keeps them so.
            new.log_weight, new.before = same.log_weight, same.before
            if ahead is not None:
                ahead.leads[index].own.clear()
        else:
            state.lanes[index], slots[index] = same, chosen[index]
    kernel.fork(state, slots)
    state.notes["rejuvenation_tried"] = state.notes.get("rejuvenation_tried", 0) + len(copies)
    state.notes["rejuvenated"] = state.notes.get("rejuvenated", 0) + len(notes)
    note = f"rejuvenated {len(notes)} of {len(copies)} copies" + "".join(
        f"; {each}" for each in notes
    )
    return StepInfo(steps, checks=checks, masks=masks, note=note, redraws=tuple(redraws))


def _accepts(new: Lane, same: Lane, group: Group, ancestor: int, threshold: float) -> bool:
    chance = float(same.rng.random())
    if new.finish_reason is not None or new.boundary != same.boundary:
        return False
    changed = list(group.log_weights)
    changed[ancestor] = new.log_weight
    log_new = log_moved(changed, ancestor, threshold)
    log_old = log_moved(group.log_weights, ancestor, threshold)
    # Rounding may leave the old one without excess weight: then nothing is lighter.
    return log_new > -math.inf and (log_new >= log_old or chance < math.exp(log_new - log_old))
