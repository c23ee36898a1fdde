"""Texts that grow along a trie: find the node of a text, read new nodes, append a token.

Shared by `Learned`, `Exact` and `ASAp`, which differ in how they draw, weigh and reject.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from condit.constraint.base import outlined
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
        slot: index of that token in the parent's arrays.
        log_assumed: natural logarithm of the bound ``θ`` of its text when it was drawn.
        rest_from: if the rest of its node was drawn, and logits are needed to tell which token,
            how many tokens the node kept then; else ``None``.
    """

    parent: Node | None = None
    slot: int = -1
    log_assumed: float = 0.0
    rest_from: int | None = None


@dataclass
class Walk:
    """The trie of a run, and what extends it.

    Attributes:
        problem: what to draw.
        reader: the model after the prompt.
        trie: what was learned, here and in earlier runs of the same problem.
        rows: logits of the last forward, by node.
    """

    problem: Problem
    reader: Reader
    trie: Trie
    rows: dict[Node, Logits] = field(default_factory=dict)


def begin(problem: Problem, rng: np.random.Generator, reader: Reader) -> tuple[Walk, TrieLane]:
    """A walk whose trie has at least its root, and a lane at the empty text to copy others from."""
    walk = Walk(problem, reader, problem.trie if problem.trie is not None else Trie())
    root = TrieLane(problem.bind(), rng)
    read_nodes(walk, [root])  # the prompt has been forwarded: its logits cost nothing
    return walk, root


def require_temperature(problem: Problem, who: str) -> None:
    """Raise `ArgumentError` at temperature 0, where probabilities are not defined."""
    if problem.law.temperature == 0:
        raise ArgumentError(
            f"{who} draws by mass, which temperature 0 does not define: "
            "use masked, awrs or beam for the most probable text, or a temperature over 0"
        )


def node_of(walk: Walk, lane: TrieLane) -> Node | None:
    """The node of the lane's text; ``None`` if it has not been read yet."""
    if lane.parent is None:
        return walk.trie.root
    return lane.parent.children.get(int(lane.parent.tokens[lane.slot]))


def deepest_node(walk: Walk, lane: TrieLane) -> Node | None:
    """The deepest node on the path of the lane's text; ``None`` if the trie is empty."""
    return node_of(walk, lane) or lane.parent


def read_nodes(walk: Walk, lanes: Sequence[TrieLane]) -> int:
    """Add the missing nodes of lanes by one forward for all; returns how many masks it took."""
    missing = [lane for lane in lanes if lane.rest_from is not None or node_of(walk, lane) is None]
    walk.rows.clear()
    if not missing:
        return 0
    masks = 0
    rows = walk.reader.read([tuple(lane.tokens) for lane in missing])
    for lane, logits in zip(missing, rows, strict=True):
        node = node_of(walk, lane)
        if node is None:  # an earlier lane may have the same text
            law, complete, masked = _law(walk, lane, logits, without=None)
            masks += masked
            end = walk.problem.model.vocabulary.end
            node = walk.trie.add(law, lane.parent, lane.slot, complete, end)
        walk.rows[node] = logits
    return masks


def twisted(walk: Walk, lane: TrieLane, node: Node, *, estimated: bool = False) -> TwistedLaw:
    """``p(t|u) θ(ut)`` at the node of ``lane``; ``estimated``: by estimates in place of ``θ``."""

    def rest() -> TokenLaw:
        if node not in walk.rows:
            walk.rows[node] = walk.reader.read([tuple(lane.tokens)])[0]
        return _law(walk, lane, walk.rows[node], without=node)[0]

    walk.trie.use(node)
    return TwistedLaw(walk.trie, node, rest, estimated=estimated)


def extend(
    walk: Walk, lane: TrieLane, node: Node, slot: int, log_assumed: float | None = None
) -> None:
    """Append the token in ``slot``, which is allowed. If its text then fails, sets its bound to 0.

    Args:
        log_assumed: natural logarithm of what was used in the draw, if not its bound.
    """
    token = int(node.tokens[slot])
    lane.log_probability += float(node.log_masses[slot])
    lane.log_assumed = float(node.log_bounds[slot]) if log_assumed is None else log_assumed
    lane.parent, lane.slot = node, slot
    if lane.matcher is not None:
        lane.matcher.advance(token)
    take(lane, token, walk.problem)
    # Not by its weight, which a preference may have made 0: tries do not depend on preferences.
    met_budget = (
        lane.finish_reason == "length" and lane.matcher is not None and not lane.matcher.may_be_cut
    )
    if met_budget or lane.finish_reason == "dead_end":
        walk.trie.refuse(node, slot)
        walk.trie.met_budget |= met_budget


def dead_end_reason(trie: Trie) -> FinishReason:
    """The finish reason of a text with no allowed token: the budget, if any text met that."""
    return "length" if trie.met_budget else "dead_end"


def _law(
    walk: Walk, lane: TrieLane, logits: Logits, without: Node | None
) -> tuple[TokenLaw, bool, bool]:
    """The base law restricted to a superset of the allowed tokens.

    Args:
        without: exclude the tokens that this node keeps one by one, too.

    Returns:
        the law; whether it holds allowed tokens only; and whether a mask was computed.
    """
    law = walk.problem.law.at(logits, walk.problem.model.vocabulary)
    allowed, complete = outlined(lane.matcher)
    masked = allowed is not None
    if without is not None:
        if allowed is None:
            allowed = np.ones(len(walk.problem.model.vocabulary), dtype=np.bool_)
        allowed[without.tokens] = False
    if allowed is not None:
        law.restrict(allowed)
    return law, complete, masked
