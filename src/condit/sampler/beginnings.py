"""All beginnings of valid texts, where they are few: read at once, so that the trie knows it all.

Of a choice between a few short options, or of another constraint that allows little, every prefix
in every spelling can be listed by the matcher alone. One forward then reads them all, and the bound
at the root of the trie is the evidence itself: attempts at exact draws are all accepted, and cost
nothing more. What is read depends on the problem and on no draw.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from condit.errors import ConditError
from condit.sampler.base import Problem
from condit.sampler.budget import outlined
from condit.sampler.local import take
from condit.sampler.trie import Node
from condit.sampler.walk import TrieLane, TrieState

_TOKENS_EACH = 4
"""So many allowed tokens are looked at for each beginning that may be read, over all of them."""


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
            mask, whole = outlined(matcher)
            if mask is None:
                return None
            tokens = np.flatnonzero(mask).tolist()
            seen += len(tokens)
            if seen > _TOKENS_EACH * most:
                return None
            beginning.allowed = [token for token in tokens if whole or matcher.allows(token)]
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


def read_beginnings(state: TrieState, root: TrieLane, most: int) -> bool:
    """Read every beginning of a valid text, if there are ``most`` at most; returns whether it did.

    Only where nothing but the empty text has been read before.
    """
    problem, trie = state.problem, state.trie
    if trie.nodes > 1:
        return False
    found = list_beginnings(root, problem, most)
    if found is None:
        return False
    vocabulary = problem.model.vocabulary
    rows = state.reader.read([tuple(beginning.lane.tokens) for beginning in found])
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
    return True
