"""Walking a trie: where a text stands in it, new nodes from the model, one token further.

What `Learned` (weights), `Exact` (refusals) and `ASAp` (neither) share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from condit.errors import ArgumentError
from condit.model.base import Logits
from condit.model.reader import Reader
from condit.sampler.base import Lane, Problem
from condit.sampler.law import TokenLaw
from condit.sampler.local import take
from condit.sampler.node import Node
from condit.sampler.trie import Trie
from condit.sampler.twisted import TwistedLaw
from condit.trace import FinishReason


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
class Walk:
    """What texts walk along.

    Attributes:
        problem: what is asked.
        reader: the model.
        trie: what was learned, here and in earlier runs of the same problem.
        rows: logits of the last forward, by node.
    """

    problem: Problem
    reader: Reader
    trie: Trie
    rows: dict[Node, Logits] = field(default_factory=dict)


def begin(problem: Problem, rng: np.random.Generator, reader: Reader) -> tuple[Walk, TrieLane]:
    """A walk, and a lane at the empty text to copy others from."""
    walk = Walk(problem, reader, problem.trie if problem.trie is not None else Trie())
    root = TrieLane(problem.bind(), rng)
    read_nodes(walk, [root])  # the prompt has been forwarded: its logits cost nothing
    return walk, root


def require_temperature(problem: Problem, who: str) -> None:
    """Raise `ArgumentError` at temperature 0, where the law has nothing to be faithful to."""
    if problem.law.temperature == 0:
        raise ArgumentError(
            f"{who} draws by mass, which temperature 0 does not define: "
            "use masked, awrs or beam for the most probable text, or a temperature over 0"
        )


def node_of(walk: Walk, lane: TrieLane) -> Node | None:
    """The node where ``lane`` stands; ``None`` where the model has not been read yet."""
    if lane.parent is None:
        return walk.trie.root
    return lane.parent.children.get(int(lane.parent.tokens[lane.slot]))


def standing(walk: Walk, lane: TrieLane) -> Node | None:
    """The deepest node on whose bound ``lane`` counts; ``None`` at the beginning."""
    return node_of(walk, lane) or lane.parent


def read_nodes(walk: Walk, lanes: Sequence[TrieLane]) -> int:
    """Give each lane that stands at no node one, by one forward for all; returns masks computed."""
    missing = [lane for lane in lanes if lane.resting is not None or node_of(walk, lane) is None]
    walk.rows.clear()
    if not missing:
        return 0
    masks = 0
    rows = walk.reader.read([tuple(lane.tokens) for lane in missing])
    for lane, logits in zip(missing, rows, strict=True):
        node = node_of(walk, lane)
        if node is None:  # another lane may have come to the same place
            law, complete, masked = _law(walk, lane, logits, without=None)
            masks += masked
            end = walk.problem.model.vocabulary.end
            node = walk.trie.add(law, lane.parent, lane.slot, complete, end)
        walk.rows[node] = logits
    return masks


def twisted(walk: Walk, lane: TrieLane, node: Node, *, estimated: bool = False) -> TwistedLaw:
    """``p(t|u) θ(ut)`` where ``lane`` stands; with estimates in the place of ``θ`` if asked."""

    def rest() -> TokenLaw:
        if node not in walk.rows:
            walk.rows[node] = walk.reader.read([tuple(lane.tokens)])[0]
        return _law(walk, lane, walk.rows[node], without=node)[0]

    walk.trie.use(node)
    return TwistedLaw(walk.trie, node, rest, estimated=estimated)


def extend(
    walk: Walk, lane: TrieLane, node: Node, slot: int, log_assumed: float | None = None
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
    take(lane, token, walk.problem)
    # Not by its weight: a preference may have made that 0, of which the trie must know nothing.
    met_budget = lane.finish_reason == "length" and lane.matcher is not None
    if met_budget or lane.finish_reason == "dead_end":
        walk.trie.refuse(node, slot)
        walk.trie.met_budget |= met_budget


def in_vain(trie: Trie) -> FinishReason:
    """Why a text ends where nothing has any mass: some of what went on from here met the budget."""
    return "length" if trie.met_budget else "dead_end"


def _law(
    walk: Walk, lane: TrieLane, logits: Logits, without: Node | None
) -> tuple[TokenLaw, bool, bool]:
    """The law of the next token without what is known to be refused.

    Args:
        without: leave out the tokens that this node keeps one by one, too.

    Returns:
        the law; whether all that is left is allowed; and whether a mask was computed for it.
    """
    law = walk.problem.law.at(logits, walk.problem.model.vocabulary)
    matcher = lane.matcher
    allowed, complete = None, True
    if matcher is not None:
        outline = matcher.outline()
        allowed, complete = outline.tokens(len(matcher.vocabulary)), outline.exact
    masked = allowed is not None
    if without is not None:
        if allowed is None:
            allowed = np.ones(len(walk.problem.model.vocabulary), dtype=np.bool_)
        allowed[without.tokens] = False
    if allowed is not None:
        law.restrict(allowed)
    return law, complete, masked
