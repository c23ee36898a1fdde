"""Walking a trie: where a text stands in it, new nodes from the model, one token further.

What `Learned` (weights), `Exact` (refusals) and `ASAp` (neither) share.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from condit.errors import ArgumentError
from condit.model.base import Logits
from condit.model.reader import PrefixReader
from condit.sampler.base import FinishReason, Lane, Problem, State
from condit.sampler.budget import outlined
from condit.sampler.law import TokenLaw
from condit.sampler.local import bind, take
from condit.sampler.node import Node
from condit.sampler.trie import Trie
from condit.sampler.twisted import TwistedLaw


@dataclass
class TrieLane(Lane):
    """A text that grows along a trie.

    Attributes:
        parent: the node of its text without the last token; ``None`` at the beginning.
        slot: where the parent keeps that token.
        log_assumed: natural logarithm of the bound ``θ`` of its text when it was drawn.
        resting: how many tokens its node kept when it drew one of the others, and began to wait
            for the model to say which; ``None`` where it does not.
    """

    parent: Node | None = None
    slot: int = -1
    log_assumed: float = 0.0
    resting: int | None = None


@dataclass
class TrieState(State):
    """A run that learns.

    Attributes:
        reader: the model.
        trie: what was learned, here and in earlier runs of the same problem.
        rows: logits of the last forward, by node.
        kept: exact draws that were made before these lanes took over.
        log_evidence_kept: natural logarithm of the evidence by the attempts that made them.
    """

    reader: PrefixReader
    trie: Trie
    rows: dict[Node, Logits] = field(default_factory=dict, kw_only=True)
    kept: list[Lane] = field(default_factory=list, kw_only=True)
    log_evidence_kept: float = field(default=-math.inf, kw_only=True)

    @property
    def positions_forwarded(self) -> int:
        """Token positions that the model has computed so far, the prompt included."""
        return self.reader.positions_forwarded

    @property
    def forwards(self) -> int:
        """How many times the model has been called for them."""
        return self.reader.forwards

    @property
    def log_bound(self) -> float:
        """Natural logarithm of the trie's upper bound on the mass of valid texts."""
        return self.trie.log_bound


def begin(
    problem: Problem, rng: np.random.Generator, reader: PrefixReader
) -> tuple[TrieState, TrieLane]:
    """A state without lanes, and a lane at the empty text to copy them from."""
    matcher = bind(problem)
    trie = problem.trie if problem.trie is not None else Trie()
    state = TrieState(problem, [], reader, trie)
    root = TrieLane(matcher=matcher, rng=rng)
    read_nodes(state, [root])  # the prompt has been forwarded: its logits cost nothing
    return state, root


def require_temperature(problem: Problem, who: str) -> None:
    """Raise `ArgumentError` at temperature 0, where the law has nothing to be faithful to."""
    if problem.law.temperature == 0:
        raise ArgumentError(
            f"{who} draws by mass, which temperature 0 does not define: "
            "use masked, awrs or beam for the most probable text, or a temperature over 0"
        )


def node_of(state: TrieState, lane: TrieLane) -> Node | None:
    """The node where ``lane`` stands; ``None`` where the model has not been read yet."""
    if lane.parent is None:
        return state.trie.root
    return lane.parent.children.get(int(lane.parent.tokens[lane.slot]))


def standing(state: TrieState, lane: TrieLane) -> Node | None:
    """The deepest node on whose bound ``lane`` counts; ``None`` at the beginning."""
    return node_of(state, lane) or lane.parent


def read_nodes(state: TrieState, lanes: Sequence[TrieLane]) -> int:
    """Give each lane that stands at no node one, by one forward for all; returns masks computed."""
    missing = [lane for lane in lanes if lane.resting is not None or node_of(state, lane) is None]
    state.rows.clear()
    if not missing:
        return 0
    masks = 0
    rows = state.reader.read([tuple(lane.tokens) for lane in missing])
    for lane, logits in zip(missing, rows, strict=True):
        node = node_of(state, lane)
        if node is None:  # another lane may have come to the same place
            law, complete, masked = _law(state, lane, logits, without=None)
            masks += masked
            end = state.problem.model.vocabulary.end
            node = state.trie.add(law, lane.parent, lane.slot, complete, end)
        state.rows[node] = logits
    return masks


def twisted(state: TrieState, lane: TrieLane, node: Node, *, estimated: bool = False) -> TwistedLaw:
    """``p(t|u) θ(ut)`` where ``lane`` stands; with estimates in the place of ``θ`` if asked."""

    def rest() -> TokenLaw:
        if node not in state.rows:
            state.rows[node] = state.reader.read([tuple(lane.tokens)])[0]
        return _law(state, lane, state.rows[node], without=node)[0]

    state.trie.use(node)
    return TwistedLaw(state.trie, node, rest, estimated=estimated)


def extend(
    state: TrieState, lane: TrieLane, node: Node, slot: int, log_assumed: float | None = None
) -> None:
    """Append the token in ``slot``: it is allowed. What ends in vain is noted in the trie.

    Args:
        log_assumed: what was assumed of the token, if not its bound; natural logarithm.
    """
    token = int(node.tokens[slot])
    lane.log_probability += float(node.log_masses[slot])
    lane.log_assumed = float(node.log_bounds[slot]) if log_assumed is None else log_assumed
    lane.parent, lane.slot = node, slot
    if lane.matcher is not None:
        lane.matcher.advance(token)
    take(lane, token, state.problem)
    # Not by its weight: a preference may have made that 0, of which the trie must know nothing.
    met_budget = lane.finish_reason == "length" and lane.matcher is not None
    if met_budget or lane.finish_reason == "dead_end":
        state.trie.refuse(node, slot)
        state.trie.met_budget |= met_budget


def in_vain(trie: Trie) -> FinishReason:
    """Why a text ends where nothing has any mass: some of what went on from here met the budget."""
    return "length" if trie.met_budget else "dead_end"


def _law(
    state: TrieState, lane: TrieLane, logits: Logits, without: Node | None
) -> tuple[TokenLaw, bool, bool]:
    """The law of the next token without what is known to be refused.

    Args:
        without: leave out the tokens that this node keeps one by one, too.

    Returns:
        the law; whether all that is left is allowed; and whether a mask was computed for it.
    """
    law = state.problem.law.at(logits, state.problem.model.vocabulary)
    matcher = lane.matcher
    allowed, complete = (None, True) if matcher is None else outlined(matcher)
    masked = allowed is not None
    if without is not None:
        if allowed is None:
            allowed = np.ones(len(state.problem.model.vocabulary), dtype=np.bool_)
        allowed[without.tokens] = False
    if allowed is not None:
        law.restrict(allowed)
    return law, complete, masked
