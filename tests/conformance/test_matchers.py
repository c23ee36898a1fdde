"""Every kind of constraint obeys the laws of matchers, on bytes and on tokens that overlap."""

from __future__ import annotations

import numpy as np
import pytest

import condit
from condit import Constraint, Vocabulary
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


def test_a_refused_token_leaves_the_matcher_as_it_was() -> None:
    matcher = condit.regex("ab").bind(BYTES)
    for token in (ord("b"), BYTES.end, 999, -1):
        with pytest.raises(RefusedTokenError):
            matcher.advance(token)
    matcher.advance(ord("a"))
    matcher.advance(ord("b"))
    matcher.advance(BYTES.end)
