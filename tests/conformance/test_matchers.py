"""Every kind of constraint obeys the laws of matchers, on bytes and on tokens that overlap."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import condit
from condit import Constraint, Vocabulary
from condit.constraint.boundary import Boundary
from condit.constraint.budgeted import Budgeted
from condit.errors import RefusedTokenError
from condit.testing import BrokenLawError, check_every_spelling, check_matcher

BYTES = Vocabulary.of_bytes()
OVERLAPPING = Vocabulary.of(
    [*(bytes([value]) for value in range(32, 127)), "ab", "a", '":', '{"', '"}', "12", "1", '{"a":']
)
SCHEMA = {
    "type": "object",
    "properties": {
        "a": {"type": "integer", "minimum": 3, "maximum": 250},
        "day": {"type": "string", "format": "date"},
    },
    "required": ["a"],
    "additionalProperties": False,
}
CONSTRAINTS: dict[str, tuple[Constraint, str]] = {
    "regex": (condit.regex(r"(ab|ba|é)*\d{1,3}"), "abba12"),
    "choice": (condit.choice("a", "ab", "abba", "b a"), "abba"),
    "grammar": (
        condit.grammar('start: "a" start "b" | "ab" | DIGIT\n%import common.DIGIT'),
        "aabb",
    ),
    "gbnf": (condit.grammar('root ::= "a" root | [0-9]{1,2}'), "aa12"),
    "schema": (condit.json_schema(SCHEMA), '{"a":12}'),
    "type": (condit.json_schema(list[bool] | None), "[true,false]"),
}


@pytest.mark.parametrize("name", CONSTRAINTS)
@pytest.mark.parametrize("vocabulary", [BYTES, OVERLAPPING], ids=["bytes", "overlapping"])
def test_constraints_obey(name: str, vocabulary: Vocabulary, rng: np.random.Generator) -> None:
    constraint, valid = CONSTRAINTS[name]
    check_matcher(constraint, vocabulary, rng, walks=6, steps=25)
    check_every_spelling(constraint, vocabulary, valid)


class Canonical(condit.Constraint):
    """Steers by a mask that keeps one token where bytes are forced: a broken law."""

    def bind(self, vocabulary: Vocabulary) -> condit.Matcher:
        matcher = condit.regex("abab").bind(vocabulary)
        double = vocabulary.bytes.index(b"ab")
        allows = matcher.allows
        matcher.allows = lambda token: token == double and allows(token)  # type: ignore[method-assign]
        return matcher

    def violation(self, text: str) -> condit.Violation | None:
        return condit.regex("abab").violation(text)


def test_the_laws_can_be_broken(rng: np.random.Generator) -> None:
    with pytest.raises(BrokenLawError, match="mask and single answers differ"):
        check_matcher(Canonical(), OVERLAPPING, rng)
    with pytest.raises(BrokenLawError, match="is refused after"):
        check_every_spelling(Canonical(), OVERLAPPING, "abab")
    with pytest.raises(BrokenLawError, match="is not valid"):
        check_every_spelling(condit.regex("a"), BYTES, "b")


class Marked(condit.Constraint):
    """A pattern with boundaries that a function gives for a matcher and the length of its text."""

    def __init__(self, boundary: Callable[[condit.Matcher, int], Boundary | None]) -> None:
        self.boundary, self.pattern = boundary, condit.regex("[ab]{6}")

    def bind(self, vocabulary: Vocabulary) -> condit.Matcher:
        return MarkedMatcher(self.pattern.bind(vocabulary), 9, None, self.boundary)

    def violation(self, text: str) -> condit.Violation | None:
        return self.pattern.violation(text)


class MarkedMatcher(Budgeted):
    def __init__(
        self,
        within: condit.Matcher,
        left: int,
        steering: None,
        marks: Callable[[condit.Matcher, int], Boundary | None],
    ) -> None:
        super().__init__(within, left, steering)
        self.marks = marks

    def copy(self) -> MarkedMatcher:
        return MarkedMatcher(self.within.copy(), self._left, None, self.marks)

    def boundary(self) -> Boundary | None:
        return self.marks(self, 9 - self._left)


@pytest.mark.parametrize(
    ("boundary", "law"),
    [
        (lambda matcher, length: Boundary((-length,)), "the progress decreases after 'a|b'"),
        (lambda matcher, length: Boundary((id(matcher),)), "depends on more than the tokens"),
        (lambda matcher, length: Boundary() if length < 3 else None, "no boundary after"),
        (lambda matcher, length: Boundary() if length else None, "there is a boundary after"),
    ],
)
def test_the_laws_of_boundaries_can_be_broken(
    boundary: Callable[[condit.Matcher, int], Boundary | None], law: str, rng: np.random.Generator
) -> None:
    vocabulary = Vocabulary.of(["a", "b"])
    check_matcher(Marked(lambda matcher, length: Boundary((length // 2,))), vocabulary, rng)
    with pytest.raises(BrokenLawError, match=law):
        check_matcher(Marked(boundary), vocabulary, rng)


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_a_budget_hands_boundaries_on(name: str, rng: np.random.Generator) -> None:
    matcher = CONSTRAINTS[name][0].bind(BYTES)
    budgeted = Budgeted.of(matcher.copy(), 30)
    for _ in range(20):
        assert budgeted.boundary() == matcher.boundary()
        assert (matcher.boundary() is None) == (name not in {"schema", "type"})
        allowed = [token for token in range(256) if budgeted.allows(token)]
        if not allowed:
            break
        token = int(rng.choice(allowed))
        matcher.advance(token)
        budgeted.advance(token)


def test_a_refused_token_leaves_the_matcher_as_it_was() -> None:
    matcher = condit.regex("ab").bind(BYTES)
    for token in (ord("b"), BYTES.end, 999, -1):
        with pytest.raises(RefusedTokenError):
            matcher.advance(token)
    matcher.advance(ord("a"))
    matcher.advance(ord("b"))
    matcher.advance(BYTES.end)
