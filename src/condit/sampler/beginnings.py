"""Fills the trie of `Exact` before its first attempt with the prefixes of valid texts.

If a constraint allows few texts (a choice between short options), the matcher lists all prefixes in
all tokenizations, one forward reads them, and the bound at the root of the trie equals the evidence
``Z``: every attempt is accepted, without any more forwards.

If there are too many, but texts cannot be long, only the most probable prefixes are read, a few at
a time, until the mass of the valid texts found is half of the bound; as great a share of attempts
is then accepted. What is read depends on the problem alone, not on any draw.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from condit.constraint.base import outlined
from condit.errors import ConditError
from condit.sampler.base import Problem
from condit.sampler.local import take
from condit.sampler.node import Node
from condit.sampler.twisted import may_follow
from condit.sampler.walk import TrieLane, Walk, extend, node_of, read_nodes

_TOKENS_EACH = 4
"""The most allowed tokens that are listed for each prefix that may be read, on average."""

_TOGETHER = 16
"""Most probable prefixes that are read in one forward."""

_HEAVIEST = 64
"""Most probable prefixes that are read in all."""

_KNOWN = 0.5
"""Stop reading when known valid texts have this share of the bound."""


@dataclass
class Beginning:
    """A prefix of a valid text.

    Attributes:
        lane: a lane with this prefix as its text.
        parent: index of the prefix without its last token; -1 for the empty text.
        token: its last token.
        allowed: the tokens that may come next.
        dead: those of them that end the text unfinished (budget) or invalid (oracle).
    """

    lane: TrieLane
    parent: int = -1
    token: int = -1
    allowed: list[int] = field(default_factory=list)
    dead: list[int] = field(default_factory=list)


def list_beginnings(root: TrieLane, problem: Problem, most: int) -> list[Beginning] | None:
    """All prefixes of valid texts by length, without the model.

    ``None`` if there are more than ``most``, or the matcher has no masks.
    """
    if root.matcher is None or problem.constraint is None:
        return None
    found, seen = [Beginning(root)], 0
    try:
        for index, beginning in enumerate(found):
            matcher = beginning.lane.matcher
            assert matcher is not None
            mask, exact = outlined(matcher)
            if mask is None:
                return None
            tokens = np.flatnonzero(mask).tolist()
            seen += len(tokens)
            if seen > _TOKENS_EACH * most:
                return None
            beginning.allowed = [token for token in tokens if exact or matcher.allows(token)]
            for token in beginning.allowed:
                longer = beginning.lane.copy_to(beginning.lane.rng)
                assert longer.matcher is not None
                longer.matcher.advance(token)
                take(longer, token, problem)
                if longer.finish_reason is None:
                    found.append(Beginning(longer, index, token))
                elif longer.finish_reason != "stop":
                    beginning.dead.append(token)
            if len(found) > most:
                return None
    except ConditError:
        # The engine met a limit; an attempt that meets it raises the error.
        return None
    return found


def read_beginnings(walk: Walk, root: TrieLane, most: int) -> None:
    """Read all prefixes of valid texts if there are at most ``most``, else the most probable.

    The latter only if the constraint bounds the length of texts. Does nothing if the trie has more
    than its root.
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
            nodes.append(None)  # the model gives this token no mass
            continue
        law = problem.law.at(logits, vocabulary)
        allowed = np.zeros(len(vocabulary), dtype=np.bool_)
        allowed[beginning.allowed] = True
        law.restrict(allowed)
        node = trie.add(law, parent, slot, complete=True, end=vocabulary.end, whole=True)
        nodes.append(node)
        for token in beginning.dead:
            dead = node.find(token)
            if dead >= 0:
                trie.refuse(node, dead)
    trie.back_up()


def _read_heaviest(walk: Walk, root: TrieLane) -> None:
    """Best-first search by the model's probability of the prefix."""
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
