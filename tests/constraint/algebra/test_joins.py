"""Parts in a row: tokens over joins, several readings, endings, boundaries."""

from __future__ import annotations

import numpy as np
import pytest

import condit
from condit import Vocabulary, free, optional, regex, repeat, then
from condit.constraint.base import Constraint, unpack
from condit.errors import ConstraintTooComplexError
from condit.testing import check_every_spelling, check_matcher

BYTES = Vocabulary.of_bytes()
# Tokens that end one part and begin the next, that hold a whole part, and that hold three parts.
OVER_JOINS = Vocabulary.of(
    [
        *("1", "2", "}", "{", '{"', '":', '"', "a", ":", "12}", '1}{"', "},", ",", '},{"a', "<"),
        *("a>", "</a>", "}</", ">", ">{", "}<", "/", "1}</a>", "2,1", ",1,", "12,12", "1,,"),
        *("é", "aé", "éa"),
    ]
)
# What follows free text is looked at here, not how long that may be.
pytestmark = pytest.mark.filterwarnings("ignore::condit.errors.UnlimitedTextWarning")

OBJECT = condit.json_schema(
    {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "required": ["a"],
        "additionalProperties": False,
    }
)

COMPOSED: dict[str, tuple[Constraint, str]] = {
    "object and tag": (OBJECT + "</a>", '{"a":12}</a>'),
    "objects": (repeat(OBJECT, 1, separator=","), '{"a":1},{"a":2}'),
    "objects without separator": (OBJECT * (1, 3), '{"a":1}{"a":2}'),
    "free text and object": (free(until="</a>") + OBJECT, '<</a>{"a":1}'),
    "free text in tokens": (free(until=">", max_tokens=3) + OBJECT, 'a>{"a":1}'),
    "integers": (repeat(condit.json_schema({"type": "integer"}), 2, separator=","), "12,12,1"),
    "over three parts": (then(regex("[12]+"), ",", regex("1?"), ",", regex("[12]*")), "2,1,2"),
    "empty parts": (then(optional(","), regex("1*"), optional(","), ","), ",1,,"),
    "in a character": (then(regex("[aé]*"), "é", free(until="a")), "aéaéa"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPOSED)
def test_composed_matchers_obey_the_laws(name: str) -> None:
    constraint, _ = COMPOSED[name]
    for seed, vocabulary in enumerate((BYTES, OVER_JOINS)):
        check_matcher(constraint, vocabulary, np.random.default_rng(seed), walks=4, steps=12)


@pytest.mark.parametrize("name", [name for name in COMPOSED if "tokens" not in name])
def test_every_spelling_is_allowed(name: str) -> None:
    constraint, text = COMPOSED[name]
    check_every_spelling(constraint, OVER_JOINS, text, limit=400)


def test_a_mask_holds_the_tokens_over_joins() -> None:
    matcher = (OBJECT + "</a>").bind(OVER_JOINS)
    for token in OVER_JOINS.tokenize(b'{"a":1'):
        matcher.advance(token)
    mask = matcher.mask()
    assert mask is not None
    allowed = {OVER_JOINS.bytes[t] for t in np.flatnonzero(unpack(mask, len(OVER_JOINS)))}
    assert allowed == {b"1", b"2", b"12}", b"}", b"}<", b"}</", b"1}</a>"}


def test_many_tokens_over_a_join_give_an_outline_that_holds_them_all() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    pairs = [a + b for a in letters for b in letters]
    vocabulary = Vocabulary.of([*letters, *pairs])
    matcher = (regex("[a-m]{1,3}") + regex("[n-z]")).bind(vocabulary)
    mask, exact = matcher.outline()
    assert mask is not None
    allowed = np.array([matcher.allows(token) for token in range(len(vocabulary))])
    assert not exact or (unpack(mask, len(vocabulary)) == allowed).all()
    assert not (allowed & ~unpack(mask, len(vocabulary))).any()


def test_readings_with_equal_futures_are_one() -> None:
    ambiguous = (regex("a*") | regex("a*")) * (0, None)
    matcher = ambiguous.bind(BYTES)
    for _ in range(60):
        matcher.advance(ord("a"))
    assert matcher.allows(256)


@pytest.mark.slow
def test_too_many_readings_are_an_error_and_not_dropped() -> None:
    part = condit.grammar('start: "a"+')
    matcher = then(*[part] * 3, "b").bind(BYTES)
    with pytest.raises(ConstraintTooComplexError, match="ways"):
        matcher.give([ord("a")] * 600)


def test_endings_add_up() -> None:
    matcher = then(free(until="</a>"), OBJECT, regex("[0-9]{2}")).bind(BYTES)
    matcher.advance(ord("<"))
    ending = matcher.ending()
    assert ending is not None
    assert ending.text.startswith(b'/a>{"a":')
    assert matcher.cost_to_finish() == len(ending.text)


def test_forced_text_goes_on_over_joins() -> None:
    matcher = then("ab", "cd", regex("ef?"), "g").bind(BYTES)
    assert matcher.forced_text() == b"abcde"
    assert then("ab", "c").bind(BYTES).forced() == (*b"abc", 256)


def test_boundaries_are_those_of_the_parts_in_order() -> None:
    matcher = then("x", OBJECT, regex("[0-9]"), "y").bind(BYTES)
    places = [matcher.boundary()]
    for byte in b'x{"a": 1}2y':
        matcher.advance(byte)
        places.append(matcher.boundary())
    progress = [place.progress[0] for place in places if place is not None]
    assert progress == [0, *[1] * 8, 2, 3, 5]
    assert len(set(places[1:9])) > 1  # those of the object, too
