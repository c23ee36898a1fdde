from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pytest
from machines import MACHINES, AtMost, Counter, Quoted, Twice, Without

import condit
from condit import Strength, Vocabulary
from condit.constraint import state_cache
from condit.constraint.base import unpack
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.byte_transitions import ByteTransitions
from condit.constraint.lifted import LiftedMatcher
from condit.constraint.state_cache import StateCache, walked
from condit.constraint.trie_walk import text_mask
from condit.constraint.vocabulary_trie import VocabularyTrie
from condit.errors import ArgumentError, RefusedTokenError, VocabularyError
from condit.testing import check_matcher

# A regular expression over a, b, c and 0 is a nested tuple; its derivatives are a machine's states.
NOTHING, EMPTY = ("nothing",), ("empty",)


def then(left, right):
    if NOTHING in (left, right):
        return NOTHING
    return right if left == EMPTY else left if right == EMPTY else ("then", left, right)


def either(left, right):
    parts = {part for each in (left, right) for part in (each[1] if each[0] == "or" else {each})}
    parts.discard(NOTHING)
    return ("or", frozenset(parts)) if len(parts) > 1 else next(iter(parts), NOTHING)


def nullable(node):
    kind = node[0]
    if kind == "then":
        return nullable(node[1]) and nullable(node[2])
    return any(map(nullable, node[1])) if kind == "or" else kind in {"empty", "star"}


def derivative(node, byte):
    kind = node[0]
    if kind == "set":
        return EMPTY if byte in node[1] else NOTHING
    if kind == "then":
        first = then(derivative(node[1], byte), node[2])
        return either(first, derivative(node[2], byte)) if nullable(node[1]) else first
    if kind == "or":
        return reduce(either, [derivative(part, byte) for part in node[1]])
    return then(derivative(node[1], byte), node) if kind == "star" else NOTHING


@dataclass(frozen=True)
class Derivatives(ByteMatcher[tuple]):
    """Brzozowski's derivatives: no part of a state is impossible, so that it is EXACT."""

    start: tuple
    strength = Strength.EXACT

    def next(self, state, byte):
        after = derivative(state, byte)
        return None if after == NOTHING else after

    def may_stop(self, state):
        return nullable(state)


def some_regex(rng, depth):
    """A node, and the pattern that means the same."""
    kind = rng.choice(["set", "then", "or", "star"]) if depth else "set"
    if kind == "set":
        letters = "".join(sorted(rng.choice(list("abc0"), size=rng.integers(1, 4), replace=False)))
        return ("set", frozenset(letters.encode())), f"[{letters}]"
    left, left_pattern = some_regex(rng, depth - 1)
    if kind == "star":
        return ("star", left), f"(?:{left_pattern})*"
    right, right_pattern = some_regex(rng, depth - 1)
    if kind == "then":
        return then(left, right), left_pattern + right_pattern
    return either(left, right), f"(?:{left_pattern}|{right_pattern})"


@pytest.mark.slow
def test_random_regexes_have_the_masks_of_the_engine(overlapping):
    rng = np.random.default_rng(3)
    for _ in range(60):
        node, pattern = some_regex(rng, 4)
        mine = LiftedMatcher.bind(Derivatives(node), overlapping)
        engine = condit.regex(pattern).bind(overlapping)
        for _ in range(12):
            np.testing.assert_array_equal(mine.mask(), engine.mask(), pattern)
            assert mine.forced_text() == engine.forced_text()
            assert mine.forced() == engine.forced()
            allowed = np.flatnonzero(unpack(mine.mask(), len(overlapping)))
            allowed = allowed[allowed != overlapping.end]
            if not len(allowed):
                break
            token = int(rng.choice(allowed))
            mine.advance(token)
            engine.advance(token)


def many_tokens(rng):
    """Tokens of all kinds: single bytes, runs of one byte, words with common beginnings, noise."""
    words = [b"hello", b'say "', b'": "', b"\\n", b"ababab", "größe".encode(), b"\n\n"]
    pieces = [word[:size] for word in words for size in range(1, len(word) + 1)]
    tokens = [bytes([byte]) for byte in range(256)] + [b" " * size for size in range(1, 60)]
    for _ in range(4000):
        chosen = rng.choice(len(pieces), size=rng.integers(1, 4))
        tokens.append(b"".join(pieces[place] for place in chosen))
        tokens.append(bytes(rng.integers(32, 256, size=rng.integers(2, 5)).tolist()))
    return Vocabulary.of([*tokens, b"", b""])


STATES = {
    Quoted(): [0, 1, 2, 3],
    AtMost(300): [0, 1, 250, 290, 299, 300],
    Counter(300): [0, 1, 100, 250, 290, 299, 300],
    Without(b"aba"): [0, 1, 2],
    Twice(): [(b"", None), (b"ab", b"bab"), (b"ab", b"")],
}


@pytest.mark.parametrize("machine", STATES, ids=repr)
def test_masks_are_what_bytes_say(machine):
    vocabulary = many_tokens(np.random.default_rng(4))
    for state in STATES[machine]:
        matcher = LiftedMatcher(machine, vocabulary)
        matcher._stand_at(state)
        mask = matcher.mask()
        expected = [
            bool(text) and walked(machine, state, text) is not None for text in vocabulary.bytes
        ]
        expected[vocabulary.end] = machine.may_stop(state)
        if mask is None:
            assert state == (b"", None)  # each of thousands of words is another state
        else:
            np.testing.assert_array_equal(unpack(mask, len(vocabulary)), expected)
        mask_or_none = matcher.mask()
        assert (mask is None) == (mask_or_none is None)


def test_whether_a_mask_is_dear_does_not_depend_on_what_was_asked_before():
    vocabulary = many_tokens(np.random.default_rng(4))
    states = [(b"", None), (b"x", None), (b"hello", b"hello"), (b"a", b"")]
    alone = [LiftedMatcher(Twice(), vocabulary) for _ in states]
    for matcher, state in zip(alone, states, strict=True):
        fresh = StateCache(vocabulary)
        matcher._cache, matcher._known = fresh, fresh.at(state)
    expected = [matcher.mask() is None for matcher in alone]
    assert expected == [True, True, False, False]
    for state in [*states[::-1], *states]:
        matcher = LiftedMatcher(Twice(), vocabulary)
        matcher._stand_at(state)
        assert (matcher.mask() is None) == expected[states.index(state)]


def test_few_states_are_kept_and_that_shows_in_no_answer():
    rng = np.random.default_rng(6)
    words = [bytes(rng.choice(list(b"abc"), size=rng.integers(1, 5)).tolist()) for _ in range(60)]
    trie = VocabularyTrie.of(Vocabulary.of([*{*words}, b"\n", b"a\n"]))
    states = [(bytes(rng.choice(list(b"abc"), size=3).tolist()), None) for _ in range(20)]
    states += [(word, word[1:]) for word, _ in states] + [(b"", None)]
    dear = []
    for most in (4, 20, 30, 40, 60, 200):
        kept = ByteTransitions(most)
        for place in rng.integers(len(states), size=80).tolist():
            mask = text_mask(Twice(), states[place], trie, kept)
            fresh = text_mask(Twice(), states[place], trie, ByteTransitions(most))
            np.testing.assert_equal(mask, fresh)
            assert len(kept._states) * 256 <= kept._room
            dear.append(mask is None)
    assert 0.1 < np.mean(dear) < 0.9


def test_a_walk_of_very_many_states_one_by_one_is_broken_off():
    trie = VocabularyTrie.of(Vocabulary.of(["ab" * size for size in range(1, 200)]))
    kept = ByteTransitions(50)
    assert text_mask(Twice(), (b"", None), trie, kept) is None
    assert text_mask(Twice(), (b"", b"ab" * 10), trie, kept) is not None
    assert text_mask(Twice(), (b"", b"ab" * 100), trie, kept) is None


@dataclass(frozen=True)
class ByDerivatives(condit.Constraint):
    machine: Derivatives
    pattern: str

    def bind(self, vocabulary):
        return LiftedMatcher.bind(self.machine, vocabulary)

    def violation(self, text):
        return condit.regex(self.pattern).violation(text)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["masked", "awrs", "smc", "exact"])
def test_draws_are_those_under_the_engine(sampler, letters):
    rng = np.random.default_rng(7)
    for _ in range(4):
        node, pattern = some_regex(rng, 3)
        constraints = ByDerivatives(Derivatives(node), pattern), condit.regex(pattern)
        check_matcher(constraints[0], letters.vocabulary, rng, walks=3, steps=8)
        one, other = (
            condit.generate(letters, "ab", each, n=5, max_tokens=9, sampler=sampler, seed=1)
            for each in constraints
        )
        assert [each.tokens for each in one.samples] == [each.tokens for each in other.samples]
        assert one.log_evidence == other.log_evidence


def test_the_trie_spells_every_token(overlapping):
    for vocabulary in (overlapping, Vocabulary.of([]), many_tokens(np.random.default_rng(5))):
        trie = VocabularyTrie.of(vocabulary)
        assert trie is VocabularyTrie.of(vocabulary)
        for token, text in enumerate(vocabulary.bytes):
            node, spelled = int(trie.node_of_tokens[token]), b""
            while node:
                spelled = bytes([trie.last_bytes[node]]) + spelled
                assert trie.first_bytes[node] == text[0]
                parent = int(trie.parents[node])
                assert trie.children[parent] <= node < trie.children[parent + 1]
                node = parent
            assert spelled == text
        assert trie.below[0] == trie.levels[-1] - 1 == len(trie.parents) - 1
        assert trie.height[0] == vocabulary.longest


def test_what_is_kept_is_bounded(monkeypatch, overlapping):
    monkeypatch.setattr(state_cache, "MEMORY", 20_000)
    machine = Without(b"abcabcabcabc")
    matcher = LiftedMatcher(AtMost(400), overlapping)
    cache = matcher._cache
    for _ in range(400):
        for token in range(10):
            matcher.allows(token)
        matcher.mask()
        matcher.advance(0)
        assert cache.size <= 20_000 + 4_000
        assert len(cache._states) < 20
    assert not matcher.allows(0)
    assert LiftedMatcher(machine, overlapping)._cache is not cache
    assert LiftedMatcher(AtMost(400), overlapping)._cache is cache


def test_states_that_are_near_share_a_mask(by_byte):
    class Stops(Counter):
        def may_stop(self, state):
            return state % 2 == 0

    cache = StateCache(by_byte)
    machine = Stops(9)
    masks = [cache.mask(machine, cache.at(state)) for state in range(9)]
    for state, mask in enumerate(masks):
        assert unpack(mask, len(by_byte))[by_byte.end] == (state % 2 == 0)
        assert np.count_nonzero(unpack(mask, len(by_byte))[:256]) == 224
    assert masks[0] is masks[8]


def test_threads_may_use_copies_at_once():
    vocabulary = many_tokens(np.random.default_rng(4))
    root = LiftedMatcher(Quoted(), vocabulary)

    def draw(seed):
        rng, matcher, seen = np.random.default_rng(seed), root.copy(), []
        for _ in range(60):
            mask = unpack(matcher.mask(), len(vocabulary))
            seen.append(mask.tobytes())
            token = int(rng.choice(np.flatnonzero(mask)))
            assert matcher.allows(token)
            if token == vocabulary.end:
                break
            matcher.advance(token)
        return seen

    expected = [draw(seed) for seed in range(8)]
    root._cache = StateCache(vocabulary)
    root._known = root._cache.at(0)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(draw, range(8))) == expected


def test_boundaries_are_those_of_the_machine(by_byte, overlapping):
    matcher = LiftedMatcher(Twice(), by_byte)
    assert matcher.boundary() == ((0,), "word")
    for byte in b"a\n":
        matcher.advance(byte)
    assert matcher.boundary() == ((1,), "repetition")
    assert LiftedMatcher(Quoted(), overlapping).boundary() is None


def test_endings(by_byte, overlapping):
    matcher = LiftedMatcher(Quoted(), by_byte)
    assert matcher.ending().text == b'""'
    for byte in b'"x':
        matcher.advance(byte)
    assert matcher.ending().tokens() == matcher.ending(thorough=True).tokens() == (34,)
    assert matcher.cost_to_finish() == 1
    matcher.advance(34)
    assert matcher.ending().text == b""
    matcher.advance(by_byte.end)
    assert matcher.ending() is None
    twice = LiftedMatcher(Twice(), by_byte)
    twice.advance(97)
    assert twice.ending().text == b"\na"
    # The quotation mark is no token by itself.
    assert LiftedMatcher(Quoted(), Vocabulary.of(['"a', 'b"'])).ending().text == b'""'


def test_what_is_kept_goes_with_the_machine_and_with_the_vocabulary(by_byte):
    machine, vocabulary = Without(b"never"), Vocabulary.of(["a", "b"])
    for tokens in (vocabulary, by_byte):
        matcher = LiftedMatcher(machine, tokens)
        assert matcher.allows(0)
        matcher.mask()
        matcher.ending()
        matcher.forced()
    gone = [weakref.ref(machine), weakref.ref(matcher._cache), weakref.ref(vocabulary)]
    del matcher, machine, vocabulary, tokens
    gc.collect()
    assert [each() for each in gone] == [None] * 3


def test_forced_text_and_tokens(overlapping, by_byte):
    matcher = LiftedMatcher(Twice(), by_byte)
    assert matcher.forced_text() == b""
    for byte in b"abc\n":
        matcher.advance(byte)
    assert matcher.forced_text() == b"abc"
    assert matcher.forced() == (*b"abc", by_byte.end)
    matcher.advance(97)
    assert matcher.forced() == (*b"bc", by_byte.end)
    # Two tokens spell "ab".
    other = LiftedMatcher(Twice(), overlapping)
    other._stand_at((b"ab", b"ab"))
    assert other.forced_text() == b"ab"
    assert other.forced() == ()


def test_count_allowed(overlapping):
    matcher = LiftedMatcher(AtMost(3), overlapping)
    ab, a, end = 3, 0, overlapping.end
    assert matcher.count_allowed([ab, a, end]) == 3
    assert matcher.count_allowed([ab, ab, end]) == 1
    assert matcher.count_allowed([a, end, a]) == 2
    assert matcher.count_allowed([a, -1]) == matcher.count_allowed([a, 99]) == 1
    matcher.advance(end)
    assert matcher.count_allowed([end]) == 0
    assert not matcher.mask().any()
    assert matcher.forced() == ()


def test_explanations_say_where_and_what_may_come(by_byte, overlapping):
    matcher = LiftedMatcher(Quoted(), overlapping)
    assert matcher.explain(0) == (
        "'a' cannot follow the empty text; here the text may continue with '\"'"
    )
    matcher.advance(13)  # "a
    assert matcher.explain(0) == ""
    assert matcher.explain(overlapping.end).startswith("the text cannot stop after '\"a'; here")
    assert matcher.explain(14).startswith(
        "':' in '\":' cannot follow '\"a\"'; here the text can on"
    )
    assert "another end token" in matcher.explain(43)
    assert "special" in matcher.explain(8)
    assert "outside the vocabulary of 45" in matcher.explain(99)
    twice = LiftedMatcher(Twice(), by_byte)
    for byte in b"ab\n":
        twice.advance(byte)
    assert twice.explain(98) == (
        "'b' cannot follow 'ab\\n': the word must be repeated; here the text may continue with 'a'"
    )
    twice.advance(97)
    twice.advance(98)
    twice.advance(by_byte.end)
    assert "has ended" in twice.explain(97)


def test_a_refused_token_changes_nothing(overlapping):
    matcher = LiftedMatcher(Quoted(), overlapping)
    for token in (0, 8, 43, overlapping.end, -1, 99):
        assert not matcher.allows(token)
        with pytest.raises(RefusedTokenError):
            matcher.advance(token)
        assert matcher.state == 0


def test_strength_is_that_of_the_machine_where_its_bytes_are_tokens(by_byte, overlapping):
    assert LiftedMatcher(Quoted(), by_byte).strength is Strength.EXACT
    assert LiftedMatcher(Quoted(), overlapping).strength is Strength.SOUND
    assert LiftedMatcher(Twice(), by_byte).strength is Strength.SOUND


def test_what_cannot_be_bound():
    with pytest.raises(VocabularyError, match="it may begin with '\"'"):
        LiftedMatcher.bind(Quoted(), Vocabulary.of(["a", "b"]))

    class Mutable(Quoted):
        __hash__ = None

    with pytest.raises(ArgumentError, match="Mutable is not hashable"):
        LiftedMatcher.bind(Mutable(), Vocabulary.of(['"']))
    with pytest.raises(ArgumentError, match="is not a ByteMatcher"):
        LiftedMatcher.bind(Quoted, Vocabulary.of(['"']))


@dataclass(frozen=True)
class Lists(ByteMatcher[list]):
    """States that cannot be hashed, from that many bytes on."""

    after: int
    start = ()

    def next(self, state, byte):
        longer = (*state, byte)
        return longer if len(longer) < self.after else list(longer)

    def may_stop(self, state):
        return len(state) > 2


@pytest.mark.parametrize("after", range(1, 5))
def test_states_that_are_not_hashable_are_named(after):
    def run():
        matcher = LiftedMatcher.bind(Lists(after), Vocabulary.of(["a", "b"]))
        for _ in range(after):
            matcher.advance(0)

    with pytest.raises(ArgumentError, match="a state of a ByteMatcher is a list"):
        run()

    class Listed(Quoted):
        start = [0]  # noqa: RUF012

    with pytest.raises(ArgumentError, match=r"Listed.start, \[0\], is not hashable"):
        LiftedMatcher.bind(Listed(), Vocabulary.of(['"']))


def test_every_machine_can_begin(by_byte):
    for machine in MACHINES:
        assert LiftedMatcher.bind(machine, by_byte).state == machine.start
