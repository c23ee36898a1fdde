"""Draws under Python checks against enumerated worlds: weights and exact draws stay right.

Every check is a bet that is fair if the sampler is right (see ``condit.testing.laws``): a correct
sampler fails with a chance of at most 1e-6 a test.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import pytest

import condit
from condit import AWRS, SMC, Exact, Masked, NgramModel, Vocabulary
from condit.constraint.base import Constraint
from condit.sampler.base import Problem, Sampler
from condit.testing import World, check_sampler

SAMPLERS: list[Sampler] = [
    Masked(),
    AWRS(),
    AWRS(looks=1, mask_after=None),
    SMC(),
    Exact(width=2),
]


@dataclass(frozen=True)
class Finishing(World):
    """A world in which tokens are refused after which no text is known to fit."""

    def problem(self, lanes: int) -> Problem:
        """With ``finish``, as ``condit.generate`` asks."""
        return replace(super().problem(lanes), finish=True)


def letters(constraint: Constraint, world: type[World]) -> World:
    vocabulary = Vocabulary.of(["a", "b", "c", "ab", "bc", "a"])
    texts = ["abcab", "bca", "aabbcc", "cab", "abab", "ca", "bab", "a", "aca"]
    model = NgramModel.train(texts, vocabulary=vocabulary, order=3, smoothing=1.5)
    return world(model, constraint, "ab", 4)


def objects(constraint: Constraint, world: type[World]) -> World:
    tokens = ['{"a":', "1", "2", ',"b":', "}", "1}", '2,"b":', "0", "-"]
    texts = ['{"a":1,"b":2}', '{"a":2,"b":21}', '{"a":1}', '{"a":2,"b":1}', '{"a":12,"b":12}']
    model = NgramModel.train(texts, vocabulary=Vocabulary.of(tokens), order=3, smoothing=0.8)
    return world(model, constraint, '{"a":', 5)


SCHEMA = condit.json_schema(
    {
        "type": "object",
        "properties": {
            "a": {"type": "integer", "minimum": 1, "maximum": 22},
            "b": {"type": "integer", "minimum": 1, "maximum": 22},
        },
        "required": ["a"],
        "additionalProperties": False,
    }
)


def few_b(text: str) -> str:
    if text.count("b") > 1:
        return "no"
    return "yes" if text.endswith("a") else "not yet"


CHECKS = {
    "a value": lambda world: letters(
        condit.where(lambda text: text.count("a") == 1, of=condit.regex("(ab|ba|c)*")), world
    ),
    "any text": lambda world: letters(condit.where(lambda text: "ca" in text), world),
    "a text in writing": lambda world: letters(
        condit.where_prefix(few_b, of=condit.regex("[abc]{1,4}")), world
    ),
    "fields": lambda world: objects(condit.where("b", lambda b, a: b <= a, of=SCHEMA), world),
    "fields without a look ahead": lambda world: objects(
        condit.where("b", lambda b, a: b == a, ahead=0, of=SCHEMA), world
    ),
    "a field and all": lambda world: objects(
        condit.where(
            lambda value: len(value) == 2, of=condit.where("a", lambda a: a != 1, of=SCHEMA)
        ),
        world,
    ),
}


@cache
def world_of(name: str, world: type[World]) -> World:
    """Enumerated once for all samplers."""
    return CHECKS[name](world)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
@pytest.mark.parametrize("name", CHECKS)
def test_draws_have_the_weights_of_the_enumerated_texts(name, sampler) -> None:
    runs = 60 if isinstance(sampler, Exact) else 120
    check_sampler(sampler, world_of(name, Finishing), runs=runs)


@pytest.mark.parametrize("name", ["a value", "fields"])
def test_so_they_have_where_nothing_is_refused_for_the_budget(name) -> None:
    check_sampler(AWRS(), world_of(name, World), runs=200)


def test_worlds_are_not_trivial() -> None:
    for name in CHECKS:
        texts = world_of(name, World).probabilities
        assert len(texts) > 3
        assert world_of(name, World).evidence < 0.9
