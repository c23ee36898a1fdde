"""The right answers about pairs of patterns, which the ``regex`` module has borne out."""

from __future__ import annotations

import random

import regex

import condit
from condit import regular

_TEXTS = 20
_LONGEST = 6
"""Characters of a text: with nested repeats the module takes time that doubles with each."""
_ASCII = condit.regex(r"[\x00-\x7f]*")


def truth(question: str, first: str, second: str) -> tuple[bool, bool]:
    """The answer about all texts, and about texts of ASCII alone.

    Raises:
        AssertionError: the module says otherwise of some text.
    """
    one, other = condit.regex(first), condit.regex(second)
    found = _answer(question, one, other)
    rng = random.Random(0)
    texts = [
        regular.random_text(each, rng, longest=_LONGEST)
        for each in (one, other)
        if len(regular.witness(each) or "") <= _LONGEST
        for _ in range(_TEXTS)
    ]
    if (text := _example(question, one, other)) is not None:
        texts.append(text)
    said = [tuple(_matches(each, text) for each in (first, second)) for text in texts]
    wrong = {
        "equivalent": [(True, False), (False, True)],
        "includes": [(False, True)],
        "disjoint": [(True, True)],
    }[question]
    denied = any(each in wrong for each in said)
    if denied == found:
        raise AssertionError(f"{question} {first!r} {second!r}: {found}, and yet {said}")
    return found, _answer(question, one & _ASCII, other & _ASCII)


def _matches(pattern: str, text: str) -> bool:
    return regex.fullmatch(pattern, text, regex.VERSION1) is not None


def _answer(question: str, one: condit.Constraint, other: condit.Constraint) -> bool:
    if question == "equivalent":
        return regular.equivalent(one, other)
    if question == "includes":
        return regular.includes(one, other)
    return regular.is_empty(one & other)


def _example(question: str, one: condit.Constraint, other: condit.Constraint) -> str | None:
    """A text that speaks against it."""
    if question == "disjoint":
        return regular.witness(one & other)
    found = regular.difference(one, other, most=1)
    only = found.only_second if question == "includes" else found.only_first + found.only_second
    return only[0] if only else None
