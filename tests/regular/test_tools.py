"""Tools for regular languages against brute force: all short texts over two letters."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from itertools import product

import pytest
import regex as oracle  # type: ignore[import-untyped]

import condit
from condit.errors import (
    ArgumentError,
    CompileError,
    ConstraintTooComplexError,
    UnsatisfiableError,
    UnsupportedConstraintError,
)
from condit.regular import (
    count,
    difference,
    equivalent,
    includes,
    is_empty,
    random_text,
    witness,
)

LONGEST = 6
TEXTS = ["".join(letters) for size in range(LONGEST + 1) for letters in product("ab", repeat=size)]
REPEATS = ("*", "+", "?", "{2}", "{1,2}", "*?", "*+", "?+")


def make(rng: random.Random, depth: int) -> str:
    """A random pattern, all of whose texts are of the letters a and b."""
    kind = rng.random()

    def more() -> str:
        return make(rng, depth - 1)

    if depth == 0 or kind < 0.25:
        return rng.choice(("a", "b", "[ab]", "a", "b"))
    if kind < 0.5:
        return more() + more()
    if kind < 0.65:
        return f"(?:{more()}|{more()})"
    if kind < 0.85:
        return f"(?:{more()}){rng.choice(REPEATS)}"
    if kind < 0.9:
        return f"(?>{more()})"
    if kind < 0.97:
        return rng.choice(["(?=", "(?!", "(?<=", "(?<!"]) + more() + ")"
    return f"(?|({more()}))\\1"


def patterns(seed: int, number: int) -> Iterator[tuple[str, set[str]]]:
    """Random patterns, each with its short texts."""
    rng = random.Random(seed)
    while number:
        pattern = make(rng, 3)
        try:
            compiled = oracle.compile(pattern, oracle.V1)
            found = {text for text in TEXTS if compiled.fullmatch(text, timeout=1)}
            is_empty(pattern)
        except (oracle.error, TimeoutError, ConstraintTooComplexError, UnsupportedConstraintError):
            continue  # a group that is not there, or of any length
        number -= 1
        yield pattern, found


@pytest.mark.slow
def test_count_and_witness_are_those_of_all_short_texts() -> None:
    for pattern, texts in patterns(1, 250):
        lengths = Counter(map(len, texts))
        for length in range(LONGEST + 1):
            assert count(pattern, length) == lengths[length], (pattern, length)
        found = witness(pattern)
        assert is_empty(pattern) == (found is None)
        if texts:
            assert found in texts, pattern
            assert len(found) == min(map(len, texts)), pattern
        elif found is not None:
            assert len(found) > LONGEST, pattern


@pytest.mark.slow
def test_comparisons_are_those_of_the_sets() -> None:
    rng = random.Random(5)
    made = list(patterns(2, 120))
    alike = 0
    for first, texts in made:
        for second, others in [*rng.sample(made, 6), (f"(?:{first})|(?!)", texts)]:
            try:
                same, over = equivalent(first, second), includes(first, second)
            except ConstraintTooComplexError:
                assert texts == others  # no difference was found, which is all that is claimed
                continue
            alike += same
            found = difference(first, second)
            for mine, theirs, shown in (
                (texts, others, found.only_first),
                (others, texts, found.only_second),
            ):
                short = [text for text in shown if len(text) <= LONGEST]
                assert all(text in mine - theirs for text in short), (first, second, short)
                assert bool(short) == bool(mine - theirs), (first, second)
                if shown and short:
                    assert len(shown[0]) == min(map(len, mine - theirs))
            assert same == (not found.only_first and not found.only_second), (first, second)
            assert over == (not found.only_second), (first, second)
    assert 120 <= alike < 600


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (r"(?:\w+\.)*\w+@\w+", r"\w+(?:\.\w+)*@\w+", True),
        (r"[a-z&&[^aeiou]]+", r"[[a-z]--[aeiou]]+", True),
        (r"(['\"])x\1", "'x'|\"x\"", True),
        (r"(\w)\1", r"(\w)(?=\1)\w", True),
        (r"(\w)\w", r"(\w)(?!\1)\w", False),
        (r"(\w)(\w)\1\2", r"(\w)(\w)(?=\1)\w\2", True),
        (r"(\w)(\w)(?=\1)\2", r"(\w)\1\1", True),
        (r"(?i)(ab|c)\1", r"(?i)abab|cc", True),
        ("(?i)ss", "(?i)ß", True),
        (r"a(?R)?b", "ab|aabb", False),
        (r"\d", "[0-9]", False),
        (".", "(?s).", False),
        ("(?:a|b)*a[ab]{6}", "[ab]*a[ab]{6}", True),
        ("(?:a|b)*a[ab]{6}", "[ab]*a[ab]{5}a", False),
    ],
)
def test_equivalence(first: str, second: str, expected: bool) -> None:
    assert equivalent(first, second) == expected
    assert (difference(first, second) == difference("", "")) == expected


def test_count_tells_all_characters_apart() -> None:
    assert count(r"(?s).", 1) == 0x110000 - 0x800
    words = len(oracle.findall(r"\w", "".join(map(chr, range(0x110000)))))
    assert count(r"(\w)\w", 2) == words**2
    assert count(r"(\w)\1", 2) == words
    assert count(r"(\w)(?!\1)\w", 2) == words * (words - 1)
    assert count(r"(\w)(\w)(?=\1)\2", 3) == words
    assert count(r"(?i)([a-d])-\1", 3) == 4 * 2**2
    # What is captured is told apart by what is asked of it later.
    assert count(r"(.)-(?=\w)\1", 3) == words
    assert witness(r"(.)-(?!\w)(?!-)\1") == " - "


@pytest.mark.slow
def test_random_texts_are_uniform() -> None:
    # 4 standard deviations would be exceeded by chance once in 16,000; here it is 6: 2e-9 a cell.
    for pattern, longest in ((r"(?:ab|[ab]b?)*", 4), (r"([a-e])[a-f]\1", 3), ("a{0,3}|b", 3)):
        compiled = oracle.compile(pattern, oracle.V1)
        letters = "abcdef" if "f" in pattern else "ab"
        texts = [
            "".join(each)
            for size in range(longest + 1)
            for each in product(letters, repeat=size)
            if compiled.fullmatch("".join(each))
        ]
        rng = random.Random(3)
        draws = 60 * len(texts)
        found = Counter(random_text(pattern, rng, longest=longest) for _ in range(draws))
        assert set(found) <= set(texts)
        for text in texts:
            assert abs(found[text] - 60) < 6 * 60**0.5, (pattern, text)


def test_random_texts_of_characters_that_are_alike_match() -> None:
    rng = random.Random(4)
    for pattern in (r"(\w)(.)\2\1", r"(\w{1,2})-(?!\1)\w\w", r"(?i)([a-f]+)-\1", r"\p{Greek}+"):
        pattern = pattern.replace("[a-f]+", "[a-f]")
        for _ in range(50):
            assert oracle.fullmatch(pattern, random_text(pattern, rng), oracle.V1)
    assert random_text("[a-z]{5}", 7) == random_text(condit.regex("[a-z]{5}"), 7)
    assert len(random_text(r"\w+", 1, length=300)) == 300


def test_composed_constraints_are_patterns() -> None:
    composed = condit.regex("[ab]+") & ~condit.regex(".*aa.*")
    assert equivalent(composed, "(?!.*aa)[ab]+")
    assert [count(composed, length) for length in range(5)] == [0, 2, 3, 5, 8]
    with pytest.raises(ArgumentError, match="Choice"):
        witness(condit.choice("a", "b"))


def test_what_cannot_be_answered_says_so() -> None:
    endless = r"(a+)b\1"
    with pytest.raises(ConstraintTooComplexError, match="no end of states"):
        equivalent(endless, r"(a+)b\1(?!b)")
    assert equivalent(endless, endless)
    assert count(endless, 5) == 1
    assert witness(r"(?=.{4})a(?R)?b") == "aaabbb"
    with pytest.raises(ConstraintTooComplexError):
        count(r"([ab]+)c\1", 41)
    assert count(r"([ab]+)c\1", 5) == 2**2
    with pytest.raises(ConstraintTooComplexError, match="too many to tell"):
        count(r"(?i)(\w)\1", 2)
    with pytest.raises(UnsatisfiableError):
        random_text("ab", length=3)
    with pytest.raises(UnsatisfiableError):
        random_text("(?!)")
    with pytest.raises(UnsupportedConstraintError):
        witness(r"(?>(?=(a+))b*)\1")
    with pytest.raises(CompileError):
        witness("(")
    for wrong in (
        lambda: count("a", -1),
        lambda: random_text("a", length=1, longest=1),
        lambda: random_text("a", longest=-1),
        lambda: difference("a", "b", most=0),
        lambda: witness(3),  # type: ignore[arg-type]
    ):
        with pytest.raises(ArgumentError):
            wrong()
