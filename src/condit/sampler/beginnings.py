"""Beginnings of valid texts, read before the first attempt at an exact draw.

Of a choice between a few short options, or of another constraint that allows little, every prefix
in every spelling can be listed by the matcher alone. One forward then reads them all, and the bound
at the root of the trie is the evidence itself: attempts at exact draws are all accepted, and cost
nothing more.

Options of many tokens have too many spellings for that, nearly all of which have hardly any mass.
Of those the heaviest are read, a few at a time, until what is known to be valid is a good share of
the bound: so great a share of attempts is then accepted.

What is read depends on the problem and on no draw.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from condit.errors import ConditError
from condit.sampler.base import Problem
from condit.sampler.local import take
from condit.sampler.node import Node
from condit.sampler.twisted import may_follow
from condit.sampler.walk import TrieLane, Walk, extend, node_of, read_nodes

_TOKENS_EACH = 4
"""So many allowed tokens are looked at for each beginning that may be read, over all of them."""

_TOGETHER = 16
"""Heaviest beginnings that are read in one forward."""

_HEAVIEST = 64
"""Heaviest beginnings that are read at most."""

_KNOWN = 0.5
"""No more are read once this share of the bound is known to be valid."""


@dataclass
class Beginning:
    """A prefix after which a text may go on or end.

    Attributes:
        lane: stands at its end.
        parent: which of the beginnings it is one token longer than; -1 for the empty text.
        token: its last token.
        allowed: the tokens that may come next.
        vain: those of them after which the text is not valid, and cannot become so.
    """

    lane: TrieLane
    parent: int = -1
    token: int = -1
    allowed: list[int] = field(default_factory=list)
    vain: list[int] = field(default_factory=list)


def list_beginnings(root: TrieLane, problem: Problem, most: int) -> list[Beginning] | None:
    """Every beginning of a valid text in the order of their lengths; ``None`` for more than most.

    The model is not asked. ``None``, too, where the matcher has no masks.
    """
    if root.matcher is None:
        return None
    found, seen = [Beginning(root)], 0
    try:
        for index, beginning in enumerate(found):
            matcher = beginning.lane.matcher
            assert matcher is not None
            outline = matcher.outline()
            mask = outline.tokens(len(matcher.vocabulary))
            if mask is None:
                return None
            tokens = np.flatnonzero(mask).tolist()
            seen += len(tokens)
            if seen > _TOKENS_EACH * most:
                return None
            beginning.allowed = [
                token for token in tokens if outline.exact or matcher.allows(token)
            ]
            for token in beginning.allowed:
                longer = beginning.lane.copy_to(beginning.lane.rng)
                assert longer.matcher is not None
                longer.matcher.advance(token)
                take(longer, token, problem)
                if longer.finish_reason is None:
                    found.append(Beginning(longer, index, token))
                elif longer.finish_reason != "stop":
                    beginning.vain.append(token)
            if len(found) > most:
                return None
    except ConditError:
        # The engine met a limit. An attempt that comes there will say so.
        return None
    return found


def read_beginnings(walk: Walk, root: TrieLane, most: int) -> None:
    """Read every beginning of a valid text, if there are ``most`` at most; else the heaviest.

    These only of constraints whose texts cannot be long, and all this only where nothing but the
    empty text has been read before.
    """
    if walk.trie.nodes > 1:
        return
    found = list_beginnings(root, walk.problem, most)
    constraint = walk.problem.constraint
    if found is not None:
        _read_all(walk, found)
    elif constraint is not None and constraint.longest() is not None:
        _read_heaviest(walk, root)


def _read_all(walk: Walk, found: list[Beginning]) -> None:
    problem, trie = walk.problem, walk.trie
    vocabulary = problem.model.vocabulary
    rows = walk.reader.read([tuple(beginning.lane.tokens) for beginning in found])
    trie.clear()
    nodes: list[Node | None] = []
    for beginning, logits in zip(found, rows, strict=True):
        parent = nodes[beginning.parent] if beginning.parent >= 0 else None
        slot = parent.find(beginning.token) if parent is not None else -1
        if slot < 0 <= beginning.parent:
            nodes.append(None)  # the model never comes here
            continue
        law = problem.law.at(logits, vocabulary)
        allowed = np.zeros(len(vocabulary), dtype=np.bool_)
        allowed[beginning.allowed] = True
        law.restrict(allowed)
        node = trie.add(law, parent, slot, complete=True, end=vocabulary.end, whole=True)
        nodes.append(node)
        for token in beginning.vain:
            vain = node.find(token)
            if vain >= 0:
                trie.refuse(node, vain)
    trie.back_up()


def _read_heaviest(walk: Walk, root: TrieLane) -> None:
    """Best first, by the model's own mass."""
    trie, order = walk.trie, count()
    waiting: list[tuple[float, int, TrieLane, Node, int]] = []

    def offer(lane: TrieLane) -> None:
        node = node_of(walk, lane)
        assert node is not None
        for slot, log_mass in enumerate(node.log_masses.tolist()):
            entry = (-lane.log_probability - log_mass, next(order), lane, node, slot)
            heapq.heappush(waiting, entry)

    offer(root)
    read, log_known = 0, -math.inf
    while waiting and read < _HEAVIEST and log_known - trie.log_bound < math.log(_KNOWN):
        lanes: list[TrieLane] = []
        while waiting and len(lanes) < _TOGETHER:
            _, _, lane, node, slot = heapq.heappop(waiting)
            if not may_follow(trie, node, slot, lane.matcher):
                continue
            longer = lane.copy_to(lane.rng)
            extend(walk, longer, node, slot)
            if longer.finish_reason is None:
                lanes.append(longer)
            elif longer.finish_reason == "stop":
                log_known = float(np.logaddexp(log_known, longer.log_probability))
        read_nodes(walk, lanes)
        read += len(lanes)
        for lane in lanes:
            offer(lane)
        trie.back_up()
