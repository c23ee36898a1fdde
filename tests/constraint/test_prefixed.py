"""A constraint behind a given beginning: the laws of matchers, and what tokens may straddle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from machines import AtMost, Quoted

import condit
from condit.constraint.anything import Anything
from condit.constraint.base import Constraint, Matcher, Strength, Violation, unpack
from condit.constraint.budgeted import Budgeted
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.lifted import LiftedMatcher
from condit.constraint.prefixed import Prefixed, unwrapped
from condit.errors import RefusedTokenError
from condit.testing import check_every_spelling, check_matcher
from condit.vocabulary import Vocabulary

ALL = Vocabulary.of(["a", "b", "c", "ab", "bc", "ca", "abc", "bca", "a", '"', '"a', 'b"'])
FEW = Vocabulary.of(["a", "b", "ab", "bcc", "acca", "cc", '"', 'a"'])
"""No token is a single c."""


@dataclass(frozen=True)
class Machine(Constraint):
    """A byte matcher, judged by itself over single bytes."""

    machine: ByteMatcher[int]

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        return LiftedMatcher.bind(self.machine, vocabulary)

    def violation(self, text: str) -> Violation | None:
        state: int | None = self.machine.start
        for byte in text.encode():
            state = None if state is None else self.machine.next(state, byte)
        valid = state is not None and self.machine.may_stop(state)
        return None if valid else Violation("the machine does not stop there")


@dataclass(frozen=True)
class Behind(Constraint):
    """Texts of a constraint behind a beginning."""

    prefix: str
    rest: Constraint | None

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        bind = None if self.rest is None else self.rest.bind
        return Prefixed.bind(bind, vocabulary, self.prefix.encode())

    def violation(self, text: str) -> Violation | None:
        if not text.startswith(self.prefix):
            return Violation("it does not begin so")
        return self.rest.violation(text[len(self.prefix) :]) if self.rest is not None else None


CASES = {
    "regex": Behind("ab", condit.regex("c?(ab|bc)*")),
    "choice": Behind("a", condit.choice("b", "bca", "c", "")),
    "bytes": Behind("ca", Machine(Quoted())),
    "count": Behind("ab", Machine(AtMost(3))),
    "grammar": Behind("b", condit.grammar('start: "c" start "a" | "b"')),
    "nothing more": Behind("ab", None),
}


@pytest.mark.parametrize("vocabulary", [ALL, FEW], ids=["all", "few"])
@pytest.mark.parametrize("name", CASES)
def test_the_laws_of_matchers_hold(name: str, vocabulary: Vocabulary) -> None:
    check_matcher(CASES[name], vocabulary, np.random.default_rng(0), walks=12, steps=8)


@pytest.mark.parametrize("text", ["abcab", "abc", "abbcab", "ab"])
def test_every_spelling_of_a_text_is_allowed(text: str) -> None:
    check_every_spelling(CASES["regex"], ALL, text)


def allowed(matcher: Matcher) -> set[bytes]:
    vocabulary = matcher.vocabulary
    return {each for token, each in enumerate(vocabulary.bytes) if matcher.allows(token)}


def test_a_token_straddles_where_its_tail_is_allowed() -> None:
    matcher = Behind("b", condit.regex("c(a|b)?")).bind(ALL)
    assert allowed(matcher) == {b"b", b"bc", b"bca"}
    assert matcher.forced_text() == b"bc"
    matcher.advance(ALL.first_token[b"bca"])
    assert allowed(matcher) == {b""}  # the end
    assert isinstance(unwrapped(matcher), type(condit.regex("c").bind(ALL)))


def test_a_tail_that_no_tokens_spell_is_walked_all_the_same() -> None:
    matcher = Behind("bc", condit.regex("c(cc|a)*")).bind(FEW)
    assert matcher.strength is Strength.SOUND
    assert allowed(matcher) == {b"b", b"bcc"}
    assert matcher.count_allowed([3, 5, 0, FEW.end]) == 4
    matcher.advance(3)
    assert unwrapped(matcher) is matcher  # it still hides the bytes that are no tokens
    mask = matcher.mask()
    assert mask is not None
    assert set(np.flatnonzero(unpack(mask, len(FEW))).tolist()) == {0, 4, 5, FEW.end}
    assert allowed(matcher) == {b"a", b"acca", b"cc", b""}
    ending = matcher.ending()
    assert ending is not None
    assert ending.text == b""


def test_where_no_tokens_lead_to_the_end_nothing_is_begun() -> None:
    # After "a" the prefix needs a single c, or a token "cb...": there is none.
    vocabulary = Vocabulary.of(["a", "acb", "ac", "b", "bb"])
    matcher = Behind("acb", condit.regex("b")).bind(vocabulary)
    assert allowed(matcher) == {b"acb", b"ac"}


def test_tokens_are_whole_for_a_constraint_that_counts_them() -> None:
    class WholeTokens(LiftedMatcher[int]):
        any_spelling = False

    matcher = Prefixed.bind(lambda vocabulary: WholeTokens.bind(AtMost(2), vocabulary), ALL, b"ab")
    assert allowed(matcher) == {b"a", b"ab"}
    matcher.advance(ALL.first_token[b"ab"])
    assert b"abc" not in allowed(matcher)
    assert b"bc" in allowed(matcher)


def test_a_constraint_without_masks_has_an_outline_as_far_as_the_prefix_goes() -> None:
    class NoMasks(LiftedMatcher[int]):
        def mask(self) -> None:
            return

    matcher = Prefixed.bind(lambda vocabulary: NoMasks.bind(AtMost(2), vocabulary), ALL, b"b")
    assert matcher.mask() is None
    outline, exact = matcher.outline()
    assert outline is not None
    assert not exact
    found = np.flatnonzero(unpack(outline, len(ALL)))
    assert {ALL.bytes[token] for token in found} == {b"b", b"bc", b"bca", b'b"'}
    assert not Budgeted(matcher, 5).has_masks
    assert Budgeted(CASES["regex"].bind(ALL), 5).has_masks


def test_without_a_constraint_any_token_may_follow() -> None:
    matcher = Behind("ab", None).bind(ALL)
    assert allowed(matcher) == {b"a", b"ab", b"abc"}
    matcher.advance(ALL.first_token[b"abc"])
    free = unwrapped(matcher)
    assert isinstance(free, Anything)
    assert all(free.allows(token) for token in range(len(ALL)))
    free.advance(ALL.end)
    assert not allowed(free)
    with pytest.raises(RefusedTokenError, match="has ended"):
        free.advance(0)


def test_a_character_may_be_cut_by_the_end_of_a_token() -> None:
    vocabulary = Vocabulary.of([bytes([byte]) for byte in "é€x".encode()] + ["é", "€x"])
    check_matcher(Behind("é€", condit.regex("x?")), vocabulary, np.random.default_rng(1))


def test_a_refusal_says_what_must_come_first() -> None:
    matcher = Behind("ab", condit.regex("a+")).bind(ALL)
    assert "'ab' must be written first" in matcher.explain(ALL.first_token[b"c"])
    assert "'c' cannot follow" in matcher.explain(ALL.first_token[b"abc"])
    assert "must be written first" in matcher.explain(ALL.end)
    assert matcher.explain(ALL.first_token[b"a"]) == ""
    assert "outside the vocabulary" in matcher.explain(99)
    with pytest.raises(RefusedTokenError, match="must be written first"):
        matcher.advance(ALL.end)
    matcher.advance(ALL.first_token[b"ab"])
    with pytest.raises(RefusedTokenError):
        matcher.advance(ALL.first_token[b"b"])
