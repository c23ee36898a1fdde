"""Twisted lanes: importance sampling with a look-ahead that is learned in a trie.

At prefix ``u`` draw ``t ∝ p(t|u) ψ(ut)``, where the twisting function ``ψ(u)`` estimates ``h(u)``,
the mass of valid endings after ``u``. The weight of a lane is updated by

    w ← w · Σ_t p(t|u) ψ(ut) / ψ_assumed(u)         from w = ψ(root)

with ``ψ_assumed(u)`` the estimate when ``u`` was drawn. Thus mass that the constraint refuses later
is accounted for before it is reached, and if ``ψ = h`` all weights are equal. Weights are proper
whatever ``ψ`` is, even as it changes, as long as it is above 0 for every prefix of a valid text:
the expectation of ``w h(u) / ψ_assumed(u)`` is the same at every step.

The upper bounds that `Exact` uses would do for ``ψ``, but they are 1 for unknown prefixes and so
attract lanes there; ``condit.sampler.trie`` has the estimates used instead.

Nodes keep the model's probabilities, so a forward is only needed at prefixes that no run of the
same problem has read. `SMC` uses this kernel by default if a memory is given.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from condit.model.reader import Reader
from condit.sampler.base import Findings, Problem
from condit.sampler.kernels import Draw
from condit.sampler.local import Kernel, KernelState, lanes_from, record, weigh_preference
from condit.sampler.twisted import draw_allowed
from condit.sampler.walk import (
    TrieLane,
    Walk,
    begin,
    dead_end_reason,
    deepest_node,
    extend,
    node_of,
    read_nodes,
    require_temperature,
    twisted,
)
from condit.trace import StepInfo


@dataclass
class LearnedState(KernelState[TrieLane]):
    """Lanes that walk a trie.

    Attributes:
        walk: the trie, the model and the problem.
    """

    walk: Walk

    def findings(self) -> Findings:
        """The trie's upper bound on the mass of valid texts."""
        return Findings(log_bound=self.walk.trie.log_bound)


@dataclass(frozen=True)
class Learned(Kernel[LearnedState]):
    """Independent weighted lanes, with the trie's estimates as look-ahead; they extend the trie."""

    def init(self, problem: Problem, rng: np.random.Generator) -> LearnedState:
        """Lanes at the end of the prompt, which is forwarded here."""
        require_temperature(problem, "learned")
        return self.resume(problem, rng, problem.model.reader(problem.prompt))

    def resume(self, problem: Problem, rng: np.random.Generator, reader: Reader) -> LearnedState:
        """As ``init``, with a reader that has the prompt already."""
        walk, root = begin(problem, rng, reader)
        root.log_weight = root.log_assumed = walk.trie.log_estimate
        return LearnedState(problem, lanes_from(root, problem, rng), [reader], walk)

    def grow(self, state: LearnedState) -> StepInfo:
        """Draw one token for every lane that has not ended, and update its weight."""
        growing = {i: lane for i, lane in enumerate(state.lanes) if lane.grows}
        # Masks belong to nodes, which lanes share.
        masks = read_nodes(state.walk, list(growing.values()))
        draws = {index: _grow_lane(state.walk, lane) for index, lane in growing.items()}
        weigh_preference(state.problem, list(growing.values()))
        return record(state, draws, masks=masks)

    def feed(self, state: LearnedState) -> None:
        """Update the trie; the forward happens in ``grow``, where a node is missing."""
        if state.done:
            state.walk.trie.back_up()
        state.walk.trie.evict([deepest_node(state.walk, lane) for lane in state.lanes])

    def fork(self, state: LearnedState, ancestors: Sequence[int]) -> None:
        """Nothing to do: a lane is found in the trie by its text."""


def _grow_lane(walk: Walk, lane: TrieLane) -> Draw:
    node = node_of(walk, lane)
    assert node is not None
    law = twisted(walk, lane, node, estimated=True)
    draw = draw_allowed(law, walk.trie, node, lane.matcher, lane.rng)
    if draw.slot is None:
        lane.log_weight = -math.inf
        lane.finish_reason = dead_end_reason(walk.trie)
        return Draw(None, -math.inf, draw.checks)
    lane.log_weight += draw.log_mass - lane.log_assumed
    log_mass = float(node.log_masses[draw.slot])
    extend(walk, lane, node, draw.slot, float(law.log_factors[draw.slot]))
    token = int(node.tokens[draw.slot])
    return Draw(token, node.log_allowed, draw.checks, log_probability=log_mass)
