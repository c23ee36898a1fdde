import time

import pytest

from condit.constraint.base import Strength
from condit.constraint.choice import choice
from condit.errors import ArgumentError, UnsatisfiableError
from condit.vocabulary import Vocabulary


@pytest.mark.parametrize(
    "options",
    [
        ["a", "ab", "abc"],
        ["", "b"],
        ["é", "\\", "a.c", "[b]", "a|b", "10\n", "(", "/"],
    ],
)
def test_laws(obeys, writes, options):
    constraint = choice(options)
    obeys(constraint)
    assert all(writes(constraint, option) for option in options)
    assert not writes(constraint, "axc")


def test_options_one_by_one_or_as_a_list():
    assert choice("a", "b") == choice(["a", "b"]) == choice(iter(["a", "b", "a"]))
    assert choice("ab").options == ("ab",)
    assert len({choice("a", "b"), choice("a", "b")}) == 1


def test_no_option():
    for nothing in [(), ([],)]:
        with pytest.raises(UnsatisfiableError, match="give at least one text"):
            choice(*nothing)


@pytest.mark.parametrize("options", [("a", 3), ([b"a"],), (3,), (["a"], "b")])
def test_options_must_be_texts(options):
    with pytest.raises(ArgumentError, match="not str"):
        choice(*options)


def test_half_a_surrogate_pair_is_no_text():
    with pytest.raises(ArgumentError, match="half of a surrogate pair"):
        choice("a\ud800")


def test_value_and_oracle():
    constraint = choice("yes", "no")
    assert constraint.accepts("yes")
    assert constraint.value("yes") == "yes"
    assert not constraint.accepts("ye")


@pytest.mark.parametrize(
    ("text", "position", "named"),
    [("yess", 3, "the nearest: 'yes'"), ("nope", 2, "'no'"), ("", 0, "'maybe' and 1 more")],
)
def test_violation_names_near_options(text, position, named):
    violation = choice("yes", "no", "maybe", "perhaps").violation(text)
    assert violation.position == position
    assert named in violation.reason


def test_strength_depends_on_the_bytes_of_the_options():
    vocabulary = Vocabulary.of(["a", "b", "ab", "x"])
    assert choice("ab", "ba").bind(vocabulary).strength is Strength.EXACT
    assert choice("ab", "bac").bind(vocabulary).strength is Strength.SOUND


def test_ten_thousand_options_are_quick(by_byte):
    begun = time.process_time()
    constraint = choice(f"option number {number}" for number in range(10_000))
    matcher = constraint.bind(by_byte)
    for value in b"option number 1234":
        matcher.advance(value)
    assert matcher.allows(by_byte.end)
    assert time.process_time() - begun < 5
