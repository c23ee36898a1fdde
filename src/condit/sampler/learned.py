"""Lanes twisted by what was learned: the trie of exact sampling as proposal and as look-ahead.

At prefix ``u`` draw ``t ∝ p(t|u) ψ(ut)``, where ``ψ`` estimates the mass of what can still become
valid. A lane's weight counts on what the texts it may become are thought to be worth,

    w ← w · Σ_t p(t|u) ψ(ut) / ψ_assumed(u)         from w = ψ(root)

with ``ψ_assumed(u)`` the estimate when ``u`` was drawn. So the mass that the constraint refuses
further on is seen before it is reached, and where all is known every weight is the same. The weight
is proper whatever the estimates are, as long as they are above 0 on the way to every valid text,
even while they are being learned: with ``h(u)`` the mass of valid endings, the mean of
``w h(u) / ψ_assumed(u)`` does not change from step to step.

The bounds of exact sampling would do for ``ψ``, but they are 1 wherever no run has been, and so
send lanes there. See ``condit.sampler.trie`` for what is used in their place.

As known nodes keep the model's law, the model is only asked where no run of the same problem has
been before. `SMC` resamples this kernel by default where a memory is given.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from condit.model.reader import PrefixReader
from condit.sampler.base import Lane, Problem, State, StepInfo
from condit.sampler.kernels import Draw
from condit.sampler.local import Kernel, lanes_from, record, weigh_preference
from condit.sampler.twisted import draw_allowed
from condit.sampler.walk import (
    TrieLane,
    TrieState,
    begin,
    extend,
    in_vain,
    node_of,
    read_nodes,
    require_temperature,
    standing,
    twisted,
)


@dataclass(frozen=True)
class Learned(Kernel):
    """Independent lanes, twisted by a trie that they extend as they go."""

    def init(self, problem: Problem, rng: np.random.Generator) -> TrieState:
        """Lanes at the end of the prompt, which is forwarded here."""
        require_temperature(problem, "learned")
        return self.resume(problem, rng, problem.model.reader(problem.prompt))

    def resume(self, problem: Problem, rng: np.random.Generator, reader: PrefixReader) -> TrieState:
        """Lanes at the end of the prompt, which ``reader`` has read already."""
        state, root = begin(problem, rng, reader)
        root.log_weight = root.log_assumed = state.trie.log_estimate
        state.lanes += lanes_from(root, problem, rng)
        return state

    def grow(self, state: State) -> StepInfo:
        """Let every lane that has not ended draw one token, and update its weight."""
        assert isinstance(state, TrieState)
        growing = [lane for lane in state.lanes if lane.finish_reason is None]
        masks = read_nodes(state, _trie_lanes(growing))
        draws = [
            _grow_lane(state, lane)
            if lane.finish_reason is None and isinstance(lane, TrieLane)
            else Draw(None, 0.0)
            for lane in state.lanes
        ]
        # Masks belong to nodes, which lanes share: they are all counted with the first lane.
        draws[0] = draws[0]._replace(masks=masks)
        weigh_preference(state.problem, growing)
        return record(state, draws)

    def feed(self, state: State) -> None:
        """Carry up what was learned; the model is asked when a node is missing."""
        assert isinstance(state, TrieState)
        if state.done:
            state.trie.back_up()
        state.trie.evict([standing(state, lane) for lane in _trie_lanes(state.lanes)])

    def fork(self, state: State, ancestors: Sequence[int]) -> None:
        """Nothing to do: a lane is found in the trie by its text."""


def _trie_lanes(lanes: Sequence[Lane]) -> list[TrieLane]:
    return [lane for lane in lanes if isinstance(lane, TrieLane)]


def _grow_lane(state: TrieState, lane: TrieLane) -> Draw:
    node = node_of(state, lane)
    assert node is not None
    law = twisted(state, lane, node, estimated=True)
    draw = draw_allowed(law, state.trie, node, lane.matcher, lane.rng)
    if draw.slot is None:
        lane.log_weight = -math.inf
        lane.finish_reason = in_vain(state.trie)
        return Draw(None, -math.inf, draw.checks)
    lane.log_weight += draw.log_mass - lane.log_assumed
    extend(state, lane, node, draw.slot, float(law.log_factors[draw.slot]))
    return Draw(int(node.tokens[draw.slot]), node.log_allowed, draw.checks)
