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

from condit.model.reader import Reader
from condit.sampler.base import Findings, Problem, State
from condit.sampler.kernels import Draw
from condit.sampler.local import Kernel, lanes_from, record, weigh_preference
from condit.sampler.twisted import draw_allowed
from condit.sampler.walk import (
    TrieLane,
    Walk,
    begin,
    extend,
    in_vain,
    node_of,
    read_nodes,
    require_temperature,
    standing,
    twisted,
)
from condit.trace import StepInfo


@dataclass
class LearnedState(State[TrieLane]):
    """Lanes along a trie.

    Attributes:
        path: what they walk along.
    """

    path: Walk

    def findings(self) -> Findings:
        """The trie's upper bound on the mass of valid texts."""
        return Findings(log_bound=self.path.trie.log_bound)


@dataclass(frozen=True)
class Learned(Kernel[LearnedState]):
    """Independent lanes, twisted by a trie that they extend as they go."""

    def init(self, problem: Problem, rng: np.random.Generator) -> LearnedState:
        """Lanes at the end of the prompt, which is forwarded here."""
        require_temperature(problem, "learned")
        return self.resume(problem, rng, problem.model.reader(problem.prompt))

    def resume(self, problem: Problem, rng: np.random.Generator, reader: Reader) -> LearnedState:
        """Lanes at the end of the prompt, which ``reader`` has read already."""
        path, root = begin(problem, rng, reader)
        root.log_weight = root.log_assumed = path.trie.log_estimate
        return LearnedState(problem, lanes_from(root, problem, rng), [reader], path)

    def grow(self, state: LearnedState) -> StepInfo:
        """Let every lane that has not ended draw one token, and update its weight."""
        growing = {i: lane for i, lane in enumerate(state.lanes) if lane.finish_reason is None}
        # Masks belong to nodes, which lanes share.
        masks = read_nodes(state.path, list(growing.values()))
        draws = {index: _grow_lane(state.path, lane) for index, lane in growing.items()}
        weigh_preference(state.problem, list(growing.values()))
        return record(state, draws, masks=masks)

    def feed(self, state: LearnedState) -> None:
        """Carry up what was learned; the model is asked when a node is missing."""
        if state.done:
            state.path.trie.back_up()
        state.path.trie.evict([standing(state.path, lane) for lane in state.lanes])

    def fork(self, state: LearnedState, ancestors: Sequence[int]) -> None:
        """Nothing to do: a lane is found in the trie by its text."""


def _grow_lane(path: Walk, lane: TrieLane) -> Draw:
    node = node_of(path, lane)
    assert node is not None
    law = twisted(path, lane, node, estimated=True)
    draw = draw_allowed(law, path.trie, node, lane.matcher, lane.rng)
    if draw.slot is None:
        lane.log_weight = -math.inf
        lane.finish_reason = in_vain(path.trie)
        return Draw(None, -math.inf, draw.checks)
    lane.log_weight += draw.log_mass - lane.log_assumed
    log_mass = float(node.log_masses[draw.slot])
    extend(path, lane, node, draw.slot, float(law.log_factors[draw.slot]))
    token = int(node.tokens[draw.slot])
    return Draw(token, node.log_allowed, draw.checks, log_probability=log_mass)
