"""Small types as parts of larger constraints: one regular expression, and the types' values."""

from __future__ import annotations

import datetime
import itertools
import random
from collections.abc import Callable

import numpy as np
import pytest

import condit
from condit import Vocabulary, then
from condit.constraint.algebra.alternatives import Alternative
from condit.constraint.base import Constraint, Matcher
from condit.errors import UnsatisfiableError, VocabularyError
from condit.testing import check_matcher

BYTES = Vocabulary.of_bytes()


def writes(start: Matcher, text: str) -> bool:
    matcher = start.copy()
    for byte in text.encode():
        if not matcher.allows(byte):
            return False
        matcher.advance(byte)
    return matcher.allows(BYTES.end)


@pytest.mark.parametrize(
    "make",
    [
        lambda: condit.integer(0, 10) & condit.integer(20, 30),
        lambda: condit.integer(0, 10) & condit.integer(3) & ~condit.integer(3, 99),
        lambda: condit.date() & condit.integer(0, 3),
        lambda: condit.date("2024-01-01") & condit.date(None, "2023-12-31"),
        lambda: condit.date("2024-01-30", "2024-03-01") & ~condit.date(),
        lambda: condit.date() & condit.datetime(),
        lambda: condit.uuid(4) & condit.uuid(7),
        lambda: condit.number(0, 1, digits=2) & condit.number(1.01, 9),
        lambda: condit.time("09:00", "10:00") & condit.time("10:00:00.5"),
        lambda: condit.sentence(20) & condit.integer(),
        lambda: condit.line(3) & condit.uuid(),
        lambda: condit.url() & condit.line() & ~condit.line(),
    ],
)
def test_types_that_exclude_each_other_are_refused(make: Callable[[], Constraint]) -> None:
    with pytest.raises(UnsatisfiableError):
        make().bind(BYTES)
    with pytest.raises(UnsatisfiableError):
        then("a: ", make()).bind(BYTES)


def test_phone_numbers_exclude_each_other() -> None:
    pytest.importorskip("phonenumbers")
    with pytest.raises(UnsatisfiableError):
        (condit.phone("GB") & condit.phone("US")).bind(BYTES)
    both = condit.phone("US") | condit.phone("GB")
    assert writes(both.bind(BYTES), "+442079460958")
    assert not writes((~both).bind(BYTES), "+442079460958")
    assert writes((~both).bind(BYTES), "+44207946095")


NUMBERS = [
    *(condit.integer(0, 12), condit.integer(-1, 1), condit.integer(), condit.integer(9, 110)),
    *(condit.number(0, 1, digits=1), condit.number(-0.5, 10, digits=(1, 2)), condit.number(0.9)),
]
TIMES = [
    *(condit.time(format="%H:%M"), condit.time("01:10", "11:01", format="%H:%M")),
    *(condit.date(format="%d%m%y"), condit.time(format="%M:%H"), condit.integer(0, 111111)),
]
TEXTS = [
    *(condit.line(), condit.line(2), condit.sentence(), condit.sentence(3)),
    *(condit.integer(0, 1), condit.number(0, 1)),
]


def short_texts(letters: str, longest: int) -> list[str]:
    sizes = range(longest + 1)
    return ["".join(each) for size in sizes for each in itertools.product(letters, repeat=size)]


def composed(
    bases: list[Constraint], rng: random.Random, depth: int
) -> tuple[Constraint, Callable[[str], bool]]:
    """A constraint, and whether a text is one of it, by the oracles of its types."""
    if depth == 0:
        base = rng.choice(bases)
        return base, base.accepts
    one, holds = composed(bases, rng, depth - 1)
    kind = rng.randrange(4)
    if kind == 0:
        return ~one, lambda text: not holds(text)
    other, also = composed(bases, rng, depth - 1)
    if kind == 1:
        return one & other, lambda text: holds(text) and also(text)
    if kind == 2:
        return one | other, lambda text: holds(text) or also(text)

    def in_a_row(text: str) -> bool:
        return any(holds(text[:at]) and also(text[at:]) for at in range(len(text) + 1))

    return one + other, in_a_row


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize(
    ("bases", "letters", "longest"),
    [(NUMBERS, "019.-", 4), (TIMES, "01:", 6), (TEXTS, "1É! \n", 3)],
    ids=["numbers", "times", "texts"],
)
def test_what_is_made_of_types_is_exact(
    bases: list[Constraint], letters: str, longest: int, seed: int
) -> None:
    rng = random.Random(seed)
    constraint, holds = composed(bases, rng, rng.randint(1, 2))
    texts = short_texts(letters, longest)
    try:
        start = constraint.bind(BYTES)
    except UnsatisfiableError:
        assert not any(map(holds, texts)), constraint
        return
    for text in texts:
        assert writes(start, text) == holds(text) == constraint.accepts(text), (constraint, text)


@pytest.mark.parametrize("seed", range(8))
def test_the_laws_of_matchers_hold(seed: int) -> None:
    rng = random.Random(seed)
    constraint, _ = composed(NUMBERS, rng, 2)
    vocabulary = Vocabulary.of([*"0123456789.-", "12", "-1", "0.", "100"])
    try:
        constraint.bind(vocabulary)
    except (UnsatisfiableError, VocabularyError):
        return
    check_matcher(constraint, vocabulary, np.random.default_rng(seed), walks=3)


def test_parts_are_one_expression_and_keep_their_values_and_reasons() -> None:
    either = condit.integer(0, 9) | condit.date()
    assert either.plan[0].where == "automaton"
    assert either.value("2024-02-29") == Alternative(1, "date", datetime.date(2024, 2, 29))
    both = condit.integer(0, 99) & condit.integer(20)
    assert both.value("42") == 42
    assert "less than 20" in both.explain("3")
    row = then("on ", condit.date("2024-01-01"), ", ", condit.number(0, 1, digits=2))
    assert row.value("on 2024-02-29, 0.25") == (datetime.date(2024, 2, 29), 0.25)
    assert "before 2024-01-01" in (condit.date("2024-01-01") & condit.line()).explain("2023-02-28")


def test_tools_of_regular_languages_take_types() -> None:
    assert condit.regular.equivalent(condit.integer(0, 9), "[0-9]")
    assert condit.regular.includes(condit.number(), condit.integer(0, 130))
    assert condit.regular.count(condit.integer(0, 130), 3) == 31
    assert condit.regular.count(condit.date("2023-01-01", "2024-12-31"), 10) == 731
