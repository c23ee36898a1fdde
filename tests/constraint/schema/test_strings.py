import json

import jsonschema_rs
import pytest

from condit.constraint.regular.characters import EVERY, Characters
from condit.constraint.regular.expression import ANYTHING, NOTHING
from condit.constraint.schema.json_characters import can_escape, spelled
from condit.constraint.schema.patterns import matching
from condit.constraint.schema.spelling import escapes
from condit.constraint.schema.strings import (
    Language,
    literal,
    names_texts,
    string_texts,
    words,
)
from condit.constraint.schema.texts import Texts, both, either, without

DRAFT_7 = "http://json-schema.org/draft-07/schema#"
WORDS = [
    "",
    "a",
    "b",
    "ab",
    "abc",
    "é",
    "éa",
    "中文",
    "😀",
    "😀😀😀",
    '"',
    "\\",
    "\n",
    "\x01",
    "\x7f",
]
WORDS += ["foo", "foobar", "bar", "1", "12", "2020-02-29", "2021-02-29", "a/b", "x" * 20, "aé"]
SCHEMAS = [
    True,
    False,
    {"type": "string"},
    {"type": "integer"},
    {"type": ["string", "null"]},
    {"minLength": 1},
    {"minLength": 2, "maxLength": 3},
    {"maxLength": 0},
    {"maxLength": 1, "pattern": "a|😀"},
    {"const": "é"},
    {"const": 3},
    {"enum": ["a", "é", 3, None]},
    {"not": {"const": "é"}},
    {"not": {"enum": ["a", "b", "\n"]}},
    {"not": {"pattern": "^a"}},
    {"not": {"pattern": r"^\p{L}+$"}},
    {"not": {"type": "string", "maxLength": 2}},
    {"not": {"format": "date"}},
    {"format": "date"},
    {"format": "no such format"},
    {"format": "date", "pattern": "9$", "minLength": 3},
    {"allOf": [{"pattern": "a"}, {"pattern": "b"}, {"not": {"pattern": "c"}}]},
    {"anyOf": [{"const": "foo"}, {"maxLength": 1}, {"type": "number"}]},
    {"oneOf": [{"pattern": "^f"}, {"pattern": "r$"}]},
    {"oneOf": [{"const": "a"}, {"type": "object"}]},
    {"if": {"pattern": "^a"}, "then": {"minLength": 2}, "else": {"maxLength": 2}},
    {"$ref": "#/$defs/short", "$defs": {"short": {"maxLength": 2}}},
    {"$defs": {"a": {"anyOf": [{"const": "a"}, {"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"},
    {"patternProperties": {"^a": {}}, "pattern": "foo"},
    {"allOf": [{"pattern": f"[{letter}]|^.$"} for letter in "abcdefghijkl"]},
    {"pattern": r"^(.)\1$"},
    {"not": {"pattern": r"^(.)\1$"}},
]


def canonical(schema):
    return jsonschema_rs.canonicalize(schema, validate_formats=True)


@pytest.mark.parametrize("schema", SCHEMAS, ids=json.dumps)
def test_names_are_those_that_the_oracle_accepts(schema, terminal):
    node = canonical(schema)
    texts = names_texts(node)
    holds = terminal(texts)
    oracle = jsonschema_rs.validator_for(schema, validate_formats=True)
    for word in WORDS:
        plain, escaped = json.dumps(word, ensure_ascii=False), json.dumps(word)
        if oracle.is_valid(word):
            assert holds(plain)
            assert holds(escaped) or not escapes(texts.node)
        elif texts.exact:
            assert not holds(plain)
            assert not holds(escaped)


@pytest.mark.parametrize(
    ("schema", "relaxed"),
    [
        ({"pattern": r"^(.)\1$"}, ("pattern",)),
        ({"not": {"pattern": r"^(.)\1$"}}, ("pattern",)),
        ({"format": "email"}, ("format",)),
        ({"not": {"format": "email"}}, ("format",)),
        ({"type": "string", "minLength": 3}, ()),
        ({"type": "string", "contentMediaType": "application/json"}, ()),
    ],
)
def test_what_is_left_out_is_named(schema, relaxed):
    node = canonical({"type": "string", **schema})
    texts = names_texts(node)
    assert texts.relaxed == relaxed
    assert texts.exact == (not relaxed)


def test_draft_7_checks_what_a_string_encodes(terminal):
    schema = {"$schema": DRAFT_7, "type": "string", "contentMediaType": "application/json"}
    node = canonical(schema)
    texts = names_texts(node)
    assert not texts.exact
    assert terminal(texts)('"{}"')


def test_any_string_holds_all_spellings_but_halves_of_pairs(terminal):
    holds = terminal(Texts(ANYTHING))
    for text in [r'"a\/\u0061\u00E9\b"', '"é😀\x7f"', r'"\ud83d\ude00"', r'"\uD83D\uDE00"', '""']:
        assert holds(text)
        json.loads(text)
    for text in [r'"\ud83d"', r'"\ude00"', r'"\ud83d\ud83d\ude00"', '"\n"', r'"\x"', '"', '"a"b"']:
        assert not holds(text)


@pytest.mark.parametrize(
    "word", [*WORDS, "".join(map(chr, range(0x100))), "\u2028\ufeff\U0010ffff"]
)
def test_a_literal_is_spelled_as_json_dumps_does(word, terminal):
    holds = terminal(literal(word))
    assert holds(json.dumps(word, ensure_ascii=False))
    assert holds(json.dumps(word))
    assert not holds(json.dumps(word + "a"))
    assert not holds(json.dumps(word)[:-1])
    if word == "a":
        assert not holds(r'"\u0061"')


def test_half_a_surrogate_pair_is_no_text():
    assert literal("a\ud800").is_nothing


def test_lengths_count_characters_not_escapes(terminal):
    for schema in ({"minLength": 2, "maxLength": 2}, {"pattern": "^.{2}$"}):
        node = canonical({"type": "string", **schema})
        holds = terminal(string_texts(node.view(), node.draft))
        assert holds(r'"\ud83d\ude00\u00e9"')
        assert holds('"😀é"')
        assert holds(r'"\n\""') == ("minLength" in schema)
        assert not holds(r'"\ud83d\ude00"')


def test_combinations_are_those_of_sets(terminal):
    a, b = matching("^[a-cé]*$"), matching("b")
    rare = matching(r"\p{Lu}|b")
    cases = [
        (both(a, b), lambda word: set(word) <= set("abcé") and "b" in word),
        (both(a, Texts(ANYTHING)), lambda word: set(word) <= set("abcé")),
        (either(a, b), lambda word: set(word) <= set("abcé") or "b" in word),
        (either(a, Texts(ANYTHING), b), lambda word: True),
        (without(Texts(ANYTHING), b), lambda word: "b" not in word),
        (without(a, b), lambda word: set(word) <= set("acé")),
        (without(a, rare), lambda word: set(word) <= set("acé")),
        (without(Texts(ANYTHING), words("a", "é")), lambda w: w not in ("a", "é")),
        (both(a, Texts(NOTHING)), lambda word: False),
        (either(Texts(NOTHING), b), lambda word: "b" in word),
        (without(b, Texts(NOTHING)), lambda word: "b" in word),
        (both(), lambda word: True),
        (either(), lambda word: False),
    ]
    for texts, wanted in cases:
        assert texts.exact
        holds = terminal(texts)
        for word in WORDS:
            assert holds(json.dumps(word, ensure_ascii=False)) == wanted(word)
            if escapes(texts.node):
                assert holds(json.dumps(word)) == wanted(word)


def test_a_removed_string_is_gone_in_every_spelling(terminal):
    holds = terminal(without(Texts(ANYTHING), words("é")))
    for text in ['"é"', r'"\u00e9"', r'"\u00E9"']:
        assert not holds(text)


def test_nothing_is_removed_that_may_belong():
    superset = Texts(ANYTHING, ("pattern",))
    left = without(words("a"), superset)
    assert left.node == words("a").node
    assert (left.exact, left.relaxed) == (False, ("pattern",))


def test_sets_of_characters():
    letters, digits = Characters.of([(97, 122)]), Characters.of([(48, 57)])
    assert Characters.of([(97, 100), (101, 122), (99, 99)]) == letters
    assert letters.complement().complement() == letters
    assert letters.union(digits).intersection(digits) == digits
    assert letters.intersection(digits).is_empty
    assert EVERY.complement().is_empty
    assert Characters.of([(0, 0x10FFFF)]) == EVERY
    greek = Characters((), r"\p{Greek}")
    assert greek.intersection(letters).is_empty
    assert 97 in greek.complement()
    assert not can_escape(greek)


@pytest.mark.parametrize(
    "ranges",
    [
        [(0x80, 0x80)],
        [(0x3F, 0x2FF)],
        [(0xFFFE, 0x10001)],
        [(0x103FF, 0x10400)],
        [(0x10400, 0x10BFF)],
        [(0x7F, 0xD7FF), (0xE000, 0x10FFFF)],
        [(0xD000, 0xE100)],
        [(0x109, 0x1A5), (0x1F600, 0x1F64F)],
    ],
)
def test_escapes_of_a_range_are_those_of_its_members(ranges, terminal):
    characters = Characters.of(ranges)
    holds = terminal(Language(f'/"{spelled(characters, True)}"/'))
    plainly = terminal(Language(f'/"{spelled(characters, False)}"/'))
    edges = {
        edge + by for part in ranges for edge in part for by in (-1024, -16, -1, 0, 1, 16, 1024)
    }
    for point in edges:
        if 0 <= point <= 0x10FFFF and not 0xD800 <= point <= 0xDFFF:
            belongs = any(low <= point <= high for low, high in ranges)
            assert holds(json.dumps(chr(point))) == belongs
            assert holds(json.dumps(chr(point), ensure_ascii=False)) == belongs
            assert plainly(json.dumps(chr(point), ensure_ascii=False)) == belongs
            assert plainly(json.dumps(chr(point))) == (belongs and point < 0x7F)


def test_very_long_strings_are_asked_for_only_so_far(terminal):
    for schema, length in (
        ({"minLength": 10**7}, 20_000),
        ({"pattern": "a", "minLength": 5000}, 1000),
    ):
        node = canonical({"type": "string", **schema})
        texts = names_texts(node)
        assert texts.relaxed == ("minLength",)
        holds = terminal(texts)
        assert holds(json.dumps("a" * length))
        assert not holds(json.dumps("a" * (length - 1)))
