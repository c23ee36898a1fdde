"""At the edge of the budget one answer serves the many tokens that are alike there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

import condit
from condit import Vocabulary
from condit.constraint.alike import Alike
from condit.constraint.base import Matcher, unpack
from condit.constraint.budgeted import Budgeted
from condit.constraint.steering import Steering
from condit.sampler.kernels import draw_by_rejection, draw_masked
from condit.sampler.law import TokenLaw


def words() -> Vocabulary:
    """Bytes, and thousands of words: some end strings, some are cut within a character."""
    some = ["".join(pair) for pair in product("abcdefghijklmnopqrstuvwxyz", repeat=2)]
    shapes = [word + end for word in some for end in ("", "ly", '"', '",', ";", " ", " a")]
    starts = [start + word for word in some for start in (" ", " T", "A", ',"', "é", "1")]
    cut = [word.encode() + b"\xe2\x82" for word in some]
    closers = ['"}', '","', '":"', '":', '"]', "]}", "}}", '"},{"']
    return Vocabulary.of(
        [*(bytes((byte,)) for byte in range(256)), *shapes, *starts, *cut, *closers]
    )


WORDS = words()


def record(**properties: object) -> condit.Constraint:
    return condit.json_schema(
        {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
    )


STRING = {"type": "string"}
CONSTRAINTS: dict[str, condit.Constraint] = {
    "free strings": record(a=STRING, b={"type": "integer"}, c=STRING),
    "nested": record(a={"type": "array", "items": {"type": "object"}, "minItems": 2}, b=STRING),
    "least lengths": record(a={"type": "string", "minLength": 14, "maxLength": 40}),
    "names": record(a={"type": "string", "pattern": "^[A-Z][a-z]+( [A-Z][a-z]+)*$"}, b=STRING),
    "a count": condit.regex("[a-z]{30}"),
    "at least": condit.regex("[a-z]{12,}!"),
    "a sentence": condit.regex("([a-z]+ ){4}end"),
    "brackets": condit.grammar('start: "(" start* ")" | /[a-z]+;/'),
}


class Counting(Matcher):
    """A matcher that counts what it is asked, with all its copies."""

    def __init__(self, inner: Matcher, asked: list[int]) -> None:
        self.vocabulary, self.strength = inner.vocabulary, inner.strength
        self.inner, self.asked = inner, asked

    def _ask(self) -> Matcher:
        self.asked[0] += 1
        return self.inner

    def allows(self, token: int) -> bool:
        return self._ask().allows(token)

    def mask(self) -> NDArray[np.uint32] | None:
        return self._ask().mask()

    def advance(self, token: int) -> None:
        self._ask().advance(token)

    def copy(self) -> Counting:
        return Counting(self.inner.copy(), self.asked)

    def forced_text(self) -> bytes:
        return self._ask().forced_text()

    def count_allowed(self, tokens: Sequence[int]) -> int:
        return self._ask().count_allowed(tokens)

    def explain(self, token: int) -> str:
        return self.inner.explain(token)


def flat(rng: np.random.Generator) -> TokenLaw:
    """A law without a clear opinion; it would rather not end."""
    logits = rng.normal(size=len(WORDS)).astype(np.float32)
    logits[WORDS.end] = -20
    return TokenLaw(logits)


@pytest.mark.slow
@pytest.mark.parametrize("name", CONSTRAINTS)
@pytest.mark.parametrize("more", [0, 2])
def test_no_step_asks_for_every_token(name: str, more: int) -> None:
    rng, asked = np.random.default_rng(more), [0]
    within = Counting(CONSTRAINTS[name].bind(WORDS), asked)
    cost = within.cost_to_finish()
    assert cost is not None
    matcher = Budgeted.of(within, cost + more)
    for _ in range(cost + more):
        asked[0] = 0
        draw = draw_masked(flat(rng), matcher, rng)
        assert draw.token is not None
        # One by one it would be up to 25 questions for each of the 9,000 tokens.
        assert asked[0] < 2 * len(WORDS)
        assert draw.checks <= 64
        matcher.advance(draw.token)
        if draw.token == WORDS.end:
            break


@pytest.mark.slow
@pytest.mark.parametrize("name", CONSTRAINTS)
def test_what_is_allowed_is_the_same_as_one_by_one(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alike = Steering._alike_here

    def unless_alone(steering: Steering, within: Matcher) -> Alike | None:
        return None if within is alone.within else alike(steering, within)

    monkeypatch.setattr(Steering, "_alike_here", unless_alone)
    rng = np.random.default_rng(1)
    within = CONSTRAINTS[name].bind(WORDS)
    cost = within.cost_to_finish()
    assert cost is not None
    together = Budgeted.of(within.copy(), cost + 1)
    alone = Budgeted.of(within, cost + 1)
    for _ in range(cost + 1):
        inside = together.outline().tokens(len(WORDS))
        assert inside is not None
        offered = np.flatnonzero(unpack(together.within.mask(), len(WORDS)))
        for token in rng.permutation(offered)[:100].tolist():
            allowed = together.allows(token)
            assert allowed == alone.allows(token), WORDS.bytes[token]
            assert inside[token] or not allowed
        drawn = draw_by_rejection(flat(rng), together, rng).token
        assert drawn is not None
        together.advance(drawn)
        alone.advance(drawn)
        if drawn == WORDS.end or not together.steers:
            break


def at_the_edge(constraint: condit.Constraint, vocabulary: Vocabulary, text: bytes) -> Budgeted:
    """After ``text``, with as many tokens left as the ending that is known takes."""
    within = constraint.bind(vocabulary)
    for byte in text:
        within.advance(byte)
    cost = within.cost_to_finish()
    assert cost is not None
    return Budgeted.of(within, cost)


def test_what_is_allowed_does_not_depend_on_what_was_asked_before() -> None:
    one, other = (at_the_edge(CONSTRAINTS["names"], WORDS, b'{"a":"Ann') for _ in range(2))
    forwards = [one.allows(token) for token in range(len(WORDS))]
    other.outline()
    backwards = [other.allows(token) for token in reversed(range(len(WORDS)))]
    assert forwards == backwards[::-1]
    assert 0 < sum(forwards) < 100


def test_tokens_of_the_same_bytes_are_allowed_alike() -> None:
    vocabulary = Vocabulary.of([*WORDS.bytes[:-1], '"}', '"}'])
    matcher = at_the_edge(record(a=STRING), vocabulary, b'{"a":"b')
    inside = matcher.outline().tokens(len(vocabulary))
    assert inside is not None
    same = [token for token in range(len(vocabulary)) if vocabulary.bytes[token] == b'"}']
    assert len(same) == 3
    assert all(inside[token] and matcher.allows(token) for token in same)
    assert sum(matcher.allows(token) for token in range(len(vocabulary))) == 3
