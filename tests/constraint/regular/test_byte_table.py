"""Tables of states against the ``regex`` module, and against a minimisation of their own."""

import itertools
import random
from functools import reduce

import pytest
import regex as oracle

from condit.constraint.regular import byte_table as tables
from condit.constraint.regular.byte_table import byte_table, table_of_texts
from condit.constraint.regular.ecma import read
from condit.constraint.regular.expression import ANYTHING, complement, intersection, word
from condit.errors import ConstraintTooComplexError
from condit.regular.table import table

LETTERS = "aé\u0800\U0001f600"
TEXTS = ["".join(each) for size in range(5) for each in itertools.product(LETTERS, repeat=size)]
PATTERNS = (
    "a*",
    "[^a]+",
    ".{2,3}",
    "(?:aé)*",
    "[aé]?.",
    "[\u0100-\U0002ffff]*a",
    "(?:a|aé|\u0800)+",
)


def random_set(rng, depth):
    """An expression, and whether it has a text, by the oracle."""
    if depth == 0:
        pattern = rng.choice(PATTERNS)
        return read(pattern), oracle.compile(pattern).fullmatch
    one, holds = random_set(rng, depth - 1)
    if rng.random() < 0.3:
        return complement(one), lambda text: not holds(text)
    other, also = random_set(rng, depth - 1)
    return intersection(one, other), lambda text: holds(text) and also(text)


def after(made, text):
    """The state after a text; ``None`` where it is refused."""
    return reduce(lambda at, b: None if at is None else made.next(at, b), text.encode(), 0)


@pytest.mark.parametrize("seed", range(60))
def test_a_table_holds_what_the_expression_says(seed: int) -> None:
    node, holds = random_set(random.Random(seed), 2)
    made = byte_table(node)
    for text in TEXTS:
        assert made.accepts(text.encode()) == bool(holds(text)), text
    # Every state leads to an end, by a shortest ending.
    if made.is_empty:
        assert not any(map(holds, TEXTS))
        return
    for state in range(len(made.rows)):
        here = state
        for byte in made.ending(state):
            here = made.next(here, byte)
        assert made.may_stop(here)
    # No two states have the same futures.
    dead = len(made.rows)
    letters = sorted(made.alphabet)
    least = table(
        0,
        len(letters),
        lambda at, letter: dead if at == dead else made.rows[at].get(letters[letter], dead),
        lambda at: at != dead and made.accepting[at],
    )
    lives = sum(accepts or set(row) != {at} for at, (accepts, row) in enumerate(least))
    assert len(made.rows) == lives


def test_endings_are_the_shortest_and_do_not_depend_on_how_a_table_is_made() -> None:
    one = byte_table(read("(?:[0-9]{3}|z)-|(?:b|a)"))
    other = byte_table(complement(complement(read("a|b|z-|[0-9]{2}[0-9]-"))))
    assert one.ending(0) == other.ending(0) == b"a"
    assert one.ending(after(one, "7")) == other.ending(after(other, "7")) == b"00-"


@pytest.mark.parametrize(
    ("pattern", "longest"), [("a{2,7}", 7), ("é{2}|abc", 4), ("a*", None), ("ab*c", None), ("", 0)]
)
def test_the_longest_text_in_bytes(pattern: str, longest: int | None) -> None:
    assert byte_table(read(pattern)).longest() == longest


def test_counted_repeats_are_told_apart_at_once() -> None:
    assert len(byte_table(read("a{0,2000}")).rows) == 2001


def test_some_texts() -> None:
    made = table_of_texts(["", "é", "eb", "éb", "ebb"])
    texts = ["", "é", "e", "eb", "éb", "ebb", "éa", "b"]
    assert [each for each in texts if made.accepts(each.encode())] == ["", "é", "eb", "éb", "ebb"]


def test_nothing_and_anything() -> None:
    assert byte_table(intersection(word("a"), word("b"))).is_empty
    assert byte_table(ANYTHING).accepts("x\n\U0010ffff".encode())
    assert after(byte_table(ANYTHING), "a") == 0


def test_too_many_states_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_MOST_STATES", 50)
    with pytest.raises(ConstraintTooComplexError, match="more than 50 states"):
        byte_table(read("[01]*1[01]{6}"))
