"""Bounds that only come down, sparse nodes that lose no mass, and memory that is kept."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

from condit.sampler.law import TokenLaw
from condit.sampler.node import Node
from condit.sampler.trie import Trie
from condit.sampler.twisted import TwistedLaw
from condit.weights import log_mean_exp

END = 10**6  # a token that these laws do not have


def law_of(probabilities: list[float]) -> TokenLaw:
    with np.errstate(divide="ignore"):
        return TokenLaw(np.log(np.array(probabilities, dtype=np.float32)))


def add(trie: Trie, parent: Node | None, token: int, probabilities: list[float]) -> Node:
    slot = -1 if parent is None else parent.find(token)
    return trie.add(law_of(probabilities), parent, slot, complete=True, end=END)


def test_bounds_are_carried_to_the_root() -> None:
    trie = Trie()
    assert trie.log_bound == 0
    root = add(trie, None, -1, [0.5, 0.3, 0.2])
    below = add(trie, root, 0, [0.1, 0.9, 0.0])
    trie.refuse(below, below.find(1))
    trie.back_up()
    assert math.exp(trie.log_bound) == pytest.approx(0.5 * 0.1 + 0.3 + 0.2)
    trie.refuse(root, root.find(2))
    trie.back_up()
    assert math.exp(trie.log_bound) == pytest.approx(0.5 * 0.1 + 0.3)


def test_masses_far_too_small_for_linear_numbers() -> None:
    trie = Trie()
    node: Node | None = None
    for _ in range(40):
        law = TokenLaw(np.array([-60.0, 0.0], dtype=np.float32))
        law.restrict(np.array([True, False]))
        node = trie.add(law, node, -1 if node is None else node.find(0), complete=True, end=END)
    trie.back_up()
    assert trie.log_bound == pytest.approx(-60.0 * 40)


def test_a_sparse_node_keeps_all_the_mass(rng: np.random.Generator) -> None:
    logits = rng.normal(0, 1, 50_000).astype(np.float32)
    node = Node(TokenLaw(logits), None, -1, 0, complete=True, end=END)
    assert len(node.tokens) == 1024
    assert math.exp(node.log_bound()) == pytest.approx(1, abs=1e-9)
    probabilities = np.exp(logits.astype(float)) / np.exp(logits.astype(float)).sum()
    assert np.exp(node.log_masses) == pytest.approx(probabilities[node.tokens], rel=1e-5)
    assert probabilities[node.tokens].min() >= np.delete(probabilities, node.tokens).max()
    assert math.exp(node.log_rest) == pytest.approx(np.delete(probabilities, node.tokens).sum())


def test_the_rest_is_drawn_by_its_mass(rng: np.random.Generator) -> None:
    """Tokens that are not kept one by one come as often as they should (z-test at 1e-6)."""
    size = 3000
    logits = np.zeros(size, dtype=np.float32)
    logits[:3] = math.log(1000)
    trie, drawn, draws = Trie(), np.zeros(size), 6000
    node = trie.add(TokenLaw(logits), None, -1, complete=True, end=END)
    asked = 0

    def rest() -> TokenLaw:
        nonlocal asked
        asked += 1
        law = TokenLaw(logits)
        allowed = np.ones(size, dtype=np.bool_)
        allowed[node.tokens] = False
        law.restrict(allowed)
        return law

    kept = set(node.tokens.tolist())
    for _ in range(draws):
        slot = TwistedLaw(trie, node, rest).draw(rng)
        assert slot is not None
        drawn[node.tokens[slot]] += 1
    assert asked > 100
    assert math.exp(node.log_bound()) == pytest.approx(1, abs=1e-9)
    share = (size - len(kept)) / (3 * 1000 + size - 3)
    outside = drawn.sum() - drawn[sorted(kept)].sum()
    assert abs(outside - draws * share) < 4.9 * math.sqrt(draws * share * (1 - share))


def test_ten_thousand_nodes_at_128k_take_less_than_a_gibibyte(rng: np.random.Generator) -> None:
    """Flat laws, which need the most tokens; and the trie knows what it takes."""
    logits = rng.normal(0, 1, 128_000).astype(np.float32)
    tracemalloc.start()
    trie = Trie(most_bytes=2**40)
    root = trie.add(TokenLaw(logits), None, -1, complete=True, end=END)
    measured = tracemalloc.get_traced_memory()[0]
    parent = root
    for count in range(1, 500):
        slot = count % 1024
        if slot == 0:
            parent = next(iter(parent.children.values()))
        trie.add(TokenLaw(logits), parent, slot, complete=True, end=END)
    grown = (tracemalloc.get_traced_memory()[0] - measured) / 499
    tracemalloc.stop()
    assert 10_000 * grown < 2**30
    assert grown <= trie.bytes / trie.nodes <= 1.5 * grown


def test_eviction_keeps_the_memory_and_never_promises_too_much() -> None:
    trie = Trie(most_bytes=20_000)
    root = add(trie, None, -1, [0.25] * 4)
    for token in range(4):
        node = add(trie, root, token, [0.1, 0.4, 0.5, 0.0])
        for further in range(3):
            deep = add(trie, node, further, [0.5, 0.5])
            trie.refuse(deep, 0)
    trie.back_up()
    assert math.exp(trie.log_bound) == pytest.approx(0.5)
    nodes = trie.nodes
    trie.most_bytes = trie.bytes // 2
    dropped = trie.evict()
    assert dropped > 0
    assert trie.nodes == nodes - dropped
    assert trie.bytes <= trie.most_bytes
    assert trie.root is root
    assert 0.5 < math.exp(trie.log_bound) <= 1
    # The bound is what the nodes that are left say.
    sums = [child.log_bound() if child else 0.0 for child in map(root.children.get, range(4))]
    assert trie.log_bound == pytest.approx(log_mean_exp(sums))


def test_what_an_attempt_counts_on_is_not_evicted() -> None:
    trie = Trie(most_bytes=1)
    root = add(trie, None, -1, [0.5, 0.5])
    kept = add(trie, root, 0, [0.5, 0.5])
    deep = add(trie, kept, 1, [0.5, 0.5])
    add(trie, root, 1, [0.5, 0.5])
    assert trie.evict(in_use=[kept]) == 1
    assert root.children == {0: kept}
    assert kept.children == {1: deep}
    assert trie.evict() == 3
    assert trie.root is None
    assert trie.bytes == 0
