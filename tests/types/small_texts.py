"""Texts for tests of small types: those a byte matcher allows, and mutations of these."""

from __future__ import annotations

import random

import numpy as np

import condit
from condit.constraint.types.base import SmallType
from condit.testing import check_byte_matcher, check_matcher

LONG = 300
"""Bytes after which a walk finishes the text."""


def walked(constraint: SmallType, rng: random.Random, stopping: float = 0.3) -> str:
    """A text that a random walk through the byte matcher finds."""
    machine, text = constraint.machine, bytearray()
    state = machine.start
    while True:
        ways = sorted(machine.possible(state))
        if machine.may_stop(state) and (not ways or rng.random() < stopping):
            return text.decode()
        if len(text) > LONG:
            return (text + machine.ending(state)).decode()
        text.append(rng.choice(ways))
        state = machine.next(state, text[-1])


def mutated(text: str, characters: str, rng: random.Random) -> str:
    """The text with up to two characters put in, replaced, or left out."""
    letters = list(text)
    for _ in range(rng.choice((1, 1, 2))):
        place = rng.randrange(len(letters) + 1)
        letters[place : place + rng.randrange(2)] = rng.choice(("", rng.choice(characters)))
    return "".join(letters)


def matches(constraint: SmallType, text: str) -> bool:
    """Whether the byte matcher allows the text as a whole."""
    state = constraint.machine.start
    for byte in text.encode():
        state = constraint.machine.next(state, byte)
        if state is None:
            return False
    return bool(constraint.machine.may_stop(state))


def check_agreement(
    constraint: SmallType, characters: str, *, texts: int = 100, stopping: float = 0.3
) -> None:
    """Matcher and oracle agree on texts that the matcher allows, and on mutations of them."""
    rng = random.Random(0)
    longest = constraint.longest()
    for _ in range(texts):
        text = walked(constraint, rng, stopping)
        assert constraint.accepts(text), f"{text!r}: {constraint.explain(text)}"
        assert longest is None or len(text.encode()) <= longest
        other = mutated(text, characters, rng)
        agreed = matches(constraint, other) == constraint.accepts(other)
        assert agreed, f"{other!r}: {constraint.explain(other)}"
        if not constraint.accepts(other):
            found = constraint.violation(other)
            assert found is not None
            assert found.position is not None


def check_laws(constraint: SmallType, tokens: list[str], *, walks: int = 4) -> None:
    """The laws of matchers hold, over the characters of ``tokens`` and these themselves."""
    letters = sorted({letter for token in tokens for letter in token})
    vocabulary = condit.Vocabulary.of(list(dict.fromkeys([*letters, *tokens])))
    check_byte_matcher(constraint.machine, vocabulary, np.random.default_rng(0), walks=walks)
    check_matcher(constraint, vocabulary, np.random.default_rng(0), walks=walks)
