"""Minimal and synthesized patterns against all patterns of small sizes, as the module sees them."""

from __future__ import annotations

import importlib
import random
from functools import cache
from itertools import product

import pytest
import regex as oracle  # type: ignore[import-untyped]

from condit.errors import ArgumentError, ConstraintTooComplexError
from condit.regular import equivalent, minimal, synthesize

# The module, which its function hides.
synthesizing = importlib.import_module("condit.regular.synthesize")
TEXTS = ["".join(letters) for size in range(7) for letters in product("ab", repeat=size)]


@cache
def trees(size: int) -> list[str]:
    """All patterns of a size, each in its own parentheses."""
    if size == 1:
        return ["a", "b", "[ab]"]
    found = [f"(?:{part}){repeat}" for part in trees(size - 1) for repeat in "*+?"]
    for left in range(1, size - 1):
        for one, other in product(trees(left), trees(size - 1 - left)):
            found += [one + other, f"(?:{one}|{other})"]
    return found


@cache
def short_texts(pattern: str) -> frozenset[str]:
    compiled = oracle.compile(pattern, oracle.V1)
    return frozenset(text for text in TEXTS if compiled.fullmatch(text))


def size_of(pattern: str) -> int:
    """By its characters: with n of them there are n - 1 places where parts join or part."""
    plain = pattern.replace("(?:", "(")
    for written, letter in ((r"\{\d+\}", "*"), (r"\[A-Za-z\]|\\w", "2"), (r"(?<!\\)\.", "4")):
        plain = oracle.sub(written, letter, plain)
    plain = oracle.sub(r"\[[^\]]*\]|\\.", "x", plain)
    leaves = [int(each) if each in "24" else 1 for each in plain if each not in "()|*+?"]
    return sum(leaves) + len(leaves) - 1 + sum(each in "*+?" for each in plain)


@cache
def least_sizes() -> dict[frozenset[str], int]:
    """For each set of short texts how small its patterns get."""
    least: dict[frozenset[str], int] = {}
    for size in range(1, 5):
        for pattern in trees(size):
            least.setdefault(short_texts(pattern), size)
    return least


def test_nothing_smaller_is_equivalent() -> None:
    rng = random.Random(1)
    for pattern in rng.sample([each for size in range(1, 5) for each in trees(size)], 150):
        found = minimal(pattern)
        assert found is not None
        assert equivalent(found, pattern), pattern
        # Texts of up to 6 letters tell all patterns as small as these apart.
        assert size_of(found) == least_sizes()[short_texts(pattern)], (pattern, found)
        assert minimal(pattern, size_of(found) - 1) is None if size_of(found) > 1 else True


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", ""),
        ("(?=a)b", "(?!)"),
        ("a|b|c", "[a-c]"),
        ("[0-9][0-9]*", "[0-9]+"),
        (r"\d|\D", "(?s:.)"),
        (r"[^\n]", "."),
        ("a(?=b)b*", "ab+"),
        ("(?:a*b*)*", "[ab]*"),
        (r"(?:([ab])\1)?", "(?:aa|bb)?"),
        (r"[\]\-^]", r"[\-\]\^]"),
        (r"[^a-z\]]\.", r"[^\]a-z]\."),
        ("yes|no|yo", None),
    ],
)
def test_minimal(pattern: str, expected: str | None) -> None:
    found = minimal(pattern, 8)
    assert found == expected
    assert found is None or equivalent(found, pattern)


def test_synthesized_patterns_agree_and_are_smallest() -> None:
    rng = random.Random(2)
    for _ in range(60):
        texts = rng.sample(TEXTS[:31], rng.randint(2, 6))
        yes, no = texts[: len(texts) // 2], texts[len(texts) // 2 :]
        found = synthesize(yes, no, 5)
        agreeing = (
            size
            for size in range(1, 5)
            for each in trees(size)
            if set(yes) <= short_texts(each) and not set(no) & short_texts(each)
        )
        least = next(agreeing, None)
        if found is None:
            assert least is None, texts
            continue
        for pattern in found.patterns:
            assert all(oracle.fullmatch(pattern, text) for text in yes), (texts, pattern)
            assert not any(oracle.fullmatch(pattern, text) for text in no), (texts, pattern)
        sizes = (
            {size_of(pattern) for pattern in found.patterns} if any(yes) and yes != [""] else {1}
        )
        assert len(sizes) == 1
        # Classes may do with less than the letters alone.
        assert least is None or sizes.pop() <= least, texts
        if found.distinguishing is not None:
            first, second, *_ = (
                bool(oracle.fullmatch(pattern, found.distinguishing)) for pattern in found.patterns
            )
            assert first != second
        else:
            assert len(found.patterns) == 1


def test_examples_that_leave_one_pattern_and_those_that_leave_none() -> None:
    found = synthesize(["aa"], ["a", "", "aaa", "ab", "ba"], 3)
    assert found is not None
    assert found.patterns[0] == "a{2}"
    assert synthesize(["a1"], ["b1", "a2"], 2) is None
    only = synthesize([""], ["a"])
    assert only is not None
    assert (only.patterns, only.distinguishing) == (("",), None)


@pytest.mark.parametrize(
    ("yes", "no", "expected"),
    [
        (
            ["2024-01-31", "1999-12-01", "2026-11-28", "2000-02-29"],
            ["2024-1-31", "24-01-31", "2024/01/31", "hello", "2024-01-31T00"],
            "[0-9]{4}-[0-9]{2}-[0-9]{2}",
        ),
        (
            ["+49 30 1234567", "+1 212 5550100", "+44 20 79460000", "+33 1 42000000"],
            ["49 30 1234567", "+49-30-1234567", "+49 30", "phone"],
            r"\+[0-9]+ [0-9]+ [0-9]+",
        ),
        (
            ["B-AB 123", "M-X 9", "HH-ZZ 4711"],
            ["BAB 123", "B-AB", "b-ab 12"],
            "[A-Z]+-[A-Z]+ [0-9]+",
        ),
        (["$1.99", "$10.00", "$250.50"], ["1.99", "$1", "$1.999"], r"\$[0-9]+\.[0-9]{2}"),
    ],
)
def test_examples_of_usual_formats(yes: list[str], no: list[str], expected: str) -> None:
    found = synthesize(yes, no)
    assert found is not None
    assert expected in found.patterns
    assert not found.complete
    for pattern in found.patterns:
        assert all(oracle.fullmatch(pattern, text) for text in yes), pattern
        assert not any(oracle.fullmatch(pattern, text) for text in no), pattern
    assert len({size_of(pattern) for pattern in found.patterns}) == 1
    assert found.distinguishing is not None
    first, second = (oracle.fullmatch(each, found.distinguishing) for each in found.patterns[:2])
    assert bool(first) != bool(second)


def test_rows_are_as_small_as_patterns_get() -> None:
    """Rows of all small parts, where these hold some smallest pattern, against all patterns."""
    rng = random.Random(3)
    compared = 0
    for _ in range(40):
        texts = rng.sample(TEXTS[:63], 6)
        yes, no = texts[:3], texts[3:]
        if not all(yes) or (whole := synthesize(yes, no, 6)) is None:
            continue
        with pytest.MonkeyPatch.context() as patch:
            # Not even characters are tried as a whole: only level 1 to 2 serve as parts.
            patch.setattr(synthesizing, "_MOST_TRIED", 25)
            rows = synthesize(yes, no, 8)
        if rows is None or rows.complete:
            continue
        compared += 1
        assert size_of(rows.patterns[0]) >= size_of(whole.patterns[0]), texts
        if not oracle.search(r"\(|\|", whole.patterns[0]):  # itself a row of such parts
            assert size_of(rows.patterns[0]) == size_of(whole.patterns[0]), texts
        for pattern in rows.patterns:
            assert all(oracle.fullmatch(pattern, text) for text in yes), (texts, pattern)
            assert not any(oracle.fullmatch(pattern, text) for text in no), (texts, pattern)
    assert compared >= 5


def test_what_cannot_be_answered_says_so() -> None:
    with pytest.raises(ConstraintTooComplexError):
        minimal(r"(\w)\1")
    with pytest.raises(ConstraintTooComplexError, match="no end of states"):
        minimal(r"([ab]+)c\1")
    with pytest.raises(ConstraintTooComplexError, match="kinds of characters"):
        minimal("abcdefghi")
    for wrong in (
        lambda: minimal("a", 0),
        lambda: synthesize([]),
        lambda: synthesize(["a"], ["a"]),
        lambda: synthesize(["a"], size=0),
    ):
        with pytest.raises(ArgumentError):
            wrong()
