import re

import pytest
import regex as oracle

from condit.constraint.base import Strength
from condit.constraint.regex import Regex, regex
from condit.errors import (
    ArgumentError,
    CompileError,
    ConstraintTooComplexError,
    UnsatisfiableError,
    UnsupportedConstraintError,
)

PATTERNS = [
    r"",
    r"abc",
    r"(a|bc)*0",
    r"[ab]{2,4}c?",
    r"\d+(?:\.\d{1,2})?",
    r"^\w+ \w+$",
    r"(^a|b)(c$|0)",
    r"\Aab?\Z",
    r"(?i:aB)c",
    r"a(?i)b|C",
    r"(?i)ß+",
    r"[^a-c\n]{1,3}",
    r"[\w--[b-z\d]]+",
    r"[a-z&&[^b]]+",
    r"[a-c~~b-d]+",
    r"[[:alpha:]]{2}[[:^digit:]]",
    r".\n.",
    r"(?s).",
    r"\p{L}\p{^Lu}\P{Lu}[\p{Greek}a]",
    r"(?x) a b  # a comment" + "\n" + r" [ ] \  c",
    r"é\u00e9\xe9\N{LATIN SMALL LETTER E WITH ACUTE}",
    r"a/b\/c",
    r"a{,2}b{2,}c{1}",
    r"a{x}]}",
    r"(?P<name>a)(?<other>b)(?#comment)c",
    r"(?=.*\d)(?!.*ab)[ab\d]{2,5}",
    r"(?<=a|bb)c|[ab]+(?<!ab)c?",
    r"\b\w+\b \b\w+\B.",
    r"(?>a|ab)c|ab(?>b*)",
    r"a*+b?+|(?:ab?)++",
    r"(['\"])[a-c]*\1",
    r"(a)?b(?(1)c|d)",
    r"(?|(a)|(b))\1",
    r"(?m)^a$\n^b$",
    r"(\w)(\w)?\2\1",
    r"\((?R)*\)",
    r"(?<n>a|\[(?&n)(,(?&n))*\])",
    r"(?i)aßc",
    r"\X{1,2}",
    r"(?:abc){e<=1}",
]
"""A pattern of each kind."""


@pytest.mark.parametrize("pattern", PATTERNS)
def test_laws(obeys, pattern):
    obeys(regex(pattern), walks=3, steps=10)


@pytest.mark.parametrize(
    ("pattern", "accepted", "refused"),
    [
        ("abc$", ["abc"], ["abc\n", "ab"]),
        ("^abc", ["abc"], ["\nabc"]),
        (".", ["a", "é", "\r"], ["\n", ""]),
        (r"\d", ["1", "٣"], ["a"]),
        (r"\s", [" ", "\u00a0"], ["\x1f"]),
        ("(?i)ß", ["ß", "ẞ", "ss", "sS"], ["s"]),
        ("(?i)ss", ["SS", "ß"], ["s"]),
        ("[[:alpha:]]", ["a", "é"], ["1"]),
        ("[a||b]", ["a", "b"], ["|", "||"]),
        ("[]a]", ["]", "a"], ["b"]),
        ("[^]a]", ["b"], ["]"]),
        (r"[\b]", ["\b"], ["b"]),
        (r"\<", ["<"], [""]),
        (r"\101\0", ["A\0"], ["A"]),
        ("a{,2}", ["", "aa"], ["aaa", "a{,2}"]),
        ("(?:abc){e<=1}", ["abc", "ab", "axc", "abxc"], ["a", "xbx"]),
        (r"(?=(\w+))\1:", ["ab:"], ["ab"]),
        (r"(?!.*(.)\1)[a-z]+", ["balon"], ["balloon"]),
        (r"\bfoo\b.*", ["foo bar", "foo"], ["food"]),
        (r"(?>a*)ab|b", ["b"], ["aab", "ab"]),
        (r"(.)(.)(.)\3\2\1", ["abccba"], ["abcabc"]),
        (r"(.)-(?!\w)\1", ["---", ",-,"], ["a-a", ",-a"]),
        (r"(a(?1)?b)", ["ab", "aabb"], ["aab", "abab"]),
        (r"(?<!x)y.", ["yx"], ["xy"]),
        (r"(?m)^a$\n^b$", ["a\nb"], ["ab"]),
        ("a*?", ["", "aa"], ["b"]),
        (r"[\p{Greek}&&\p{Lu}]", ["Ω"], ["ω", "A"]),
    ],
)
def test_engine_and_oracle_read_a_pattern_alike(writes, pattern, accepted, refused):
    constraint = regex(pattern)
    for text in accepted:
        assert constraint.accepts(text)
        assert writes(constraint, text)
    for text in refused:
        assert not constraint.accepts(text)
        assert not writes(constraint, text)


@pytest.mark.parametrize("pattern", ["a|b", "(ab)*c", "a{2}", r"\w+@\w+", "a$", "(a|)b"])
@pytest.mark.parametrize("text", ["", "a", "b", "ab", "abc", "aa", "c", "a@b", "a\n"])
def test_agreement_with_re(pattern, text):
    assert regex(pattern).accepts(text) == bool(re.fullmatch(pattern.replace("$", r"\Z"), text))


@pytest.mark.parametrize(
    ("pattern", "construct"),
    [
        (r"(?L)a", "L"),
        (r"(?i)(a+)(?<=\1)", "backreference"),
        (r"(?>(?=(a+))b*)\1", "lookahead with a group"),
        (r"(?<=(?:abc){e<=1})d", "fuzzy matching in a lookbehind"),
    ],
)
def test_unsupported_constructs_are_named(pattern, construct):
    with pytest.raises(UnsupportedConstraintError, match=construct) as info:
        regex(pattern)
    assert pattern in str(info.value) or repr(pattern) in str(info.value)


@pytest.mark.parametrize(
    "pattern", ["a(b", "ab)", "a[b", "*a", "a**", "[z-a]", "a\\", r"\N{NO}", "(?", r"\p{Nope}"]
)
def test_what_does_not_parse_is_refused_in_the_words_of_the_module(pattern):
    with pytest.raises(oracle.error) as said:
        oracle.compile(pattern, oracle.V1)
    with pytest.raises(CompileError, match=re.escape(said.value.msg)) as info:
        regex(pattern)
    assert not isinstance(info.value, UnsupportedConstraintError)
    assert info.value.position == said.value.pos


@pytest.mark.parametrize(
    "pattern", ["[a&&b]", "c[a&&b]", "a|[b--b]{2}", "a(?=b)", r"a\bb", "(?>a*)a", r"\Ba"]
)
def test_nothing_matches(pattern):
    if pattern.startswith("a|"):
        assert regex(pattern).accepts("a")
    else:
        with pytest.raises(UnsatisfiableError, match="no text matches"):
            regex(pattern)


def test_the_pattern_must_be_text():
    with pytest.raises(ArgumentError, match="is bytes, not str"):
        regex(b"a")


def test_an_enormous_pattern_is_too_complex():
    with pytest.raises(ConstraintTooComplexError, match="nests too many groups"):
        regex("(" * 1000 + "a" + ")" * 1000)
    with pytest.raises(ConstraintTooComplexError, match="nests too many groups"):
        regex("[" * 2000 + "a" + "]" * 2000)


def test_an_enormous_repeat_does_not_compile():
    with pytest.raises(CompileError, match="repeat count too big"):
        regex("a{4294967296}")


@pytest.mark.parametrize(
    ("text", "position", "reason"),
    [
        ("12:3x", 4, "'x' cannot stand here"),
        ("12:3", 4, "ends before"),
        ("", 0, "ends before"),
        ("12:345", 5, "'5' cannot stand here"),
        ("x", 0, "'x' cannot stand here"),
    ],
)
def test_violation_is_where_the_text_leaves_the_pattern(text, position, reason):
    violation = regex(r"\d\d:\d\d").violation(text)
    assert violation.position == position
    assert reason in violation.reason
    assert regex(r"\d\d:\d\d").explain(text).startswith(f"at character {position}: ")


def test_strength(by_byte, overlapping):
    assert regex("a").bind(by_byte).strength is Strength.EXACT
    assert regex("a").bind(overlapping).strength is Strength.SOUND


def test_a_slow_check_is_cut_off(monkeypatch):
    monkeypatch.setattr("condit.constraint.regex._SECONDS", 0.05)
    with pytest.raises(ConstraintTooComplexError, match="nested repeats"):
        regex(r"(?:a|a|aa)*b[ab]").accepts("a" * 60 + "bab")


def test_a_regex_is_a_value():
    assert regex("a") == regex("a") == Regex("a")
    assert len({regex("a"), regex("a"), regex("b")}) == 2
    assert repr(regex("a")) == "Regex(pattern='a')"
    assert regex("a").value("a") is None


@pytest.mark.slow
def test_a_group_that_calls_itself_first_is_too_complex_to_check():
    pattern = regex("(?:a|(?0)b)")
    with pytest.raises(ConstraintTooComplexError, match="memory"):
        pattern.accepts("ab" * 20)
