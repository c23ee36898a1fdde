"""The reader of patterns against ``regex.fullmatch``, by an evaluator that tries everything."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product

import pytest
import regex  # type: ignore[import-untyped]
from evaluate import matches
from patterns import KINDS

from condit.constraint.regular.expression import Backreference, Call, Capture, nodes
from condit.constraint.regular.folding import Letter
from condit.constraint.regular.python_reader import read
from condit.errors import CompileError, UnsupportedConstraintError

_MOST_TEXTS = 250


def _texts(alphabet: str, pattern: str) -> Iterator[str]:
    """All texts while there are few, then random ones, rather of the pattern's own characters."""
    texts: list[str] = []
    for size in range(7):
        if len(alphabet) ** size + len(texts) > _MOST_TEXTS // 2:
            break
        texts += map("".join, product(alphabet, repeat=size))
    yield from texts
    rng = random.Random(pattern)
    own = [character for character in alphabet if character in pattern] * 3 + list(alphabet)
    for _ in range(_MOST_TEXTS - len(texts)):
        yield "".join(rng.choices(own, k=rng.randint(2, 6)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_pattern_means_what_fullmatch_says(kind: str) -> None:
    alphabet, patterns = KINDS[kind]
    wrong = []
    matched = 0
    for pattern in patterns:
        compiled = regex.compile(pattern, regex.V1)
        meaning = read(pattern)
        for text in _texts(alphabet, pattern):
            expected = bool(compiled.fullmatch(text))
            matched += expected
            if matches(meaning, text) != expected:
                wrong.append((pattern, text, expected))
    assert not wrong
    assert matched > 2 * len(patterns)


_PIECES = (
    *("a", "b", ".", "[^a]", "ab", r"\b", r"\B", "^", "$", "", "(?i:A)", r"\1", r"\2", "(?1)"),
    *("{0}{1}", "(?:{0}|{1})", "({0})", "({0}|{1})", "(?={0})", "(?!{0})", "(?<={0})", "(?<!{0})"),
    *(
        "(?:{0})*",
        "(?:{0})+?",
        "(?:{0}){{1,2}}",
        "(?:{0})?+",
        "(?:{0})*+",
        "(?>{0})",
        "(?>{0}|{1})",
    ),
    *("(?(1){0}|{1})", "(?(?={0}){0}|{1})", "(?|({0})|({1}))", "{0}{1}", "(?:{0}|{1})", "({0}){1}"),
)


def _random_pattern(rng: random.Random, depth: int) -> str:
    piece = rng.choice(_PIECES if depth else _PIECES[:11])
    if "{0}" not in piece:
        return piece
    return piece.format(_random_pattern(rng, depth - 1), _random_pattern(rng, depth - 1))


@pytest.mark.slow
def test_random_patterns_mean_what_fullmatch_says() -> None:
    rng = random.Random(13)
    texts = ["".join(each) for size in range(5) for each in product("ab", repeat=size)] + [
        "Ab",
        "A",
    ]
    read_ones, wrong = 0, []
    while read_ones < 150:
        pattern = _random_pattern(rng, rng.choice((2, 3)))
        try:
            compiled = regex.compile(pattern, regex.V1)
            expected = [bool(compiled.fullmatch(text, timeout=1)) for text in texts]
        except (regex.error, TimeoutError, MemoryError):
            continue  # no group of that number, or recursion without end
        read_ones += 1
        meaning = read(pattern)
        wrong += [
            (pattern, text)
            for text, each in zip(texts, expected, strict=True)
            if matches(meaning, text) != each
        ]
    assert not wrong


@pytest.mark.parametrize(
    ("pattern", "position"),
    [("a(b", 3), ("a**", 2), (r"\2(a)", 2), ("(?<n>a)(?&m)", 9), ("[b-a]", 4), ("(?V0)a", None)],
)
def test_what_the_module_refuses_is_refused_in_its_words(
    pattern: str, position: int | None
) -> None:
    with pytest.raises(CompileError, match="does not parse") as caught:
        read(pattern)
    assert caught.value.position == position


@pytest.mark.parametrize("pattern", ["(?L)a", "(?:(?(?=a)b|c)){e<=1}"])
def test_what_no_expression_has_is_refused(pattern: str) -> None:
    with pytest.raises(UnsupportedConstraintError) as caught:
        read(pattern)
    assert caught.value.keywords


def test_only_what_is_referred_to_is_kept() -> None:
    assert not any(isinstance(each, Capture) for each in nodes([read("(a)(b)(c)").root]))
    kept = read(r"(a)(b)\2")
    assert [each.group for each in nodes([kept.root]) if isinstance(each, Capture)] == [2]
    assert not kept.groups
    assert Backreference(2) in set(nodes([kept.root]))


def test_a_call_that_is_no_recursion_is_replaced_by_its_group() -> None:
    plain = read("(?<octet>[0-9]{1,3})(?:[.](?&octet)){3}")
    assert not any(isinstance(each, Call) for each in nodes([plain.root]))
    nested = read(r"(?<list>\[(?:(?&list)(?:,(?&list))*)?\])")
    assert Call(1) in set(nodes([nested.root]))
    assert set(nested.groups) == {1}


def test_no_letter_is_left() -> None:
    for alphabet, patterns in KINDS.values():
        assert alphabet
        for pattern in patterns:
            meaning = read(pattern)
            parts = (meaning.root, *meaning.groups.values())
            assert not any(isinstance(each, Letter) for each in nodes(parts))


def test_named_lists() -> None:
    meaning = read(r"(?i)\L<animals>s", {"animals": ["cat", "Katze"]})
    assert matches(meaning, "KATZES")
    assert matches(meaning, "cats")
    assert not matches(meaning, "dogs")
