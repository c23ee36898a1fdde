"""The matcher with checks at the close: it obeys the laws, and is sound and early on real cases."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

import jsonschema_rs
import numpy as np
import pytest

from condit.constraint.base import Constraint, Strength, Violation, unpack
from condit.constraint.engine import HEADER, EngineMatcher
from condit.constraint.json_positions import NotJsonError, read_json
from condit.constraint.schema.closing import ClosingMatcher
from condit.errors import RefusedTokenError, VocabularyError
from condit.testing import check_every_spelling, check_matcher
from condit.vocabulary import Vocabulary

BYTES = Vocabulary.of_bytes()
# Tokens that open, close and separate several things at once, and cut characters and escapes.
PIECES = Vocabulary.of(
    [
        *(bytes([byte]) for byte in b'{}[],:" 0123.-e\\abcdklrstuvxnfg'),
        *('",', '","', '": ', '":', '"}', '"]', '"}]', '{"', '["', '[["', '":{"', '":["', ', "'),
        *("],", "]}", "}}", "1,", "2]", ", 1", '"a"', '"a":', '{"a":', '"a":1,"a', '1,"a":2,"b'),
        *('"b', "ab", "abc", "true", "null", "false", "lse,", "re", "red", 'd"', '"r', "gr", "gre"),
        *("\\u0061", "\\u00", "61", "[]", "{}", "[[]", '""', '"",""', "12", "1.0", "]]", "\\\\"),
        *(b"\xc3", b"\xa9", "é"),
    ]
)
ANY_JSON = HEADER + (
    'start: %json {"x-guidance": {"whitespace_flexible": false, '
    '"item_separator": ", ?", "key_separator": ": ?"}}'
)


@dataclass(frozen=True)
class Checked(Constraint):
    """Any JSON by grammar, and all of a schema by checks."""

    schema: str

    def bind(self, vocabulary: Vocabulary) -> ClosingMatcher:
        root = jsonschema_rs.canonicalize(json.loads(self.schema), validate_formats=True)
        engine = EngineMatcher.bind(ANY_JSON, vocabulary, exact_over=None, objection=self.violation)
        return ClosingMatcher(engine, root)

    def violation(self, text: str) -> Violation | None:
        try:
            value = read_json(text)
        except NotJsonError as error:
            return error.violation
        if json.loads(text, object_pairs_hook=list) != json.loads(text, object_pairs_hook=unique):
            return Violation("a key comes twice")
        validator = jsonschema_rs.validator_for(json.loads(self.schema), validate_formats=True)
        return None if validator.is_valid(value) else Violation("not valid")


def unique(pairs: list[tuple[str, object]]) -> object:
    return pairs if len(dict(pairs)) == len(pairs) else "a key comes twice"


def checked(schema: object) -> Checked:
    return Checked(json.dumps(schema))


def read(constraint: Constraint, text: str, vocabulary: Vocabulary = BYTES):
    matcher = constraint.bind(vocabulary)
    for token in vocabulary.tokenize(text.encode()):
        matcher.advance(token)
    return matcher


UNIQUE = {"type": "array", "uniqueItems": True}
COLOURS = {**UNIQUE, "items": {"enum": ["red", "green", "grey"]}}
TREE = {
    "$defs": {
        "tree": {
            "type": "object",
            "properties": {"k": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
            "propertyNames": {"maxLength": 1},
            "minProperties": 1,
        }
    },
    "$ref": "#/$defs/tree",
}
# A schema, values that satisfy it, and values that do not.
CASES: list[tuple[object, list[object], list[object]]] = [
    (True, [1, {"a": {"a": 1}}, [], "x", None], []),
    (UNIQUE, [[], [1, 2, "1", True, [1]], [[1], [2]]], [[1, 1], [1, 1.0], [{"a": 1}, {"a": 1}]]),
    (COLOURS, [["grey", "red", "green"], []], [["red", "red"], ["blue"], ["red", 1]]),
    ({**UNIQUE, "items": {"enum": [1, 12, 2]}}, [[1, 12, 2], [12, 1]], [[1, 1], [2, 12, 2]]),
    ({**UNIQUE, "minItems": 2}, [[1, 2]], [[1], [1, 1]]),
    ({"not": {"uniqueItems": True}, "type": "array"}, [[1, 1], [1, 2, 1]], [[], [1], [1, 2]]),
    ({"contains": {"const": 1}, "type": "array"}, [[1], [2, 1]], [[], [2], [[1]]]),
    (
        {"contains": {"const": 1}, "minContains": 2, "maxContains": 3, "maxItems": 4},
        [[1, 1], [1, 2, 1], [1, 1, 1, 5], "x"],
        [[1], [1, 1, 1, 1], [2, 2, 2, 2], [1, 2, 3, 4]],
    ),
    ({"contains": {"const": 1}, "minContains": 0, "type": "array"}, [[], [2]], [{}]),
    ({"not": {"const": 1}}, [2, "1", [1], {}], [1, 1.0]),
    ({"not": {"type": ["object", "string"]}}, [1, [], None], [{}, "x"]),
    ({"not": {"required": ["a"]}, "type": "object"}, [{}, {"b": 1}], [{"a": 1}, {"b": 1, "a": 2}]),
    (
        {"oneOf": [{"required": ["a"]}, {"required": ["b"]}], "type": "object"},
        [{"a": 1}, {"b": 1, "c": 2}],
        [{}, {"a": 1, "b": 1}],
    ),
    (
        {"oneOf": [{"multipleOf": 3}, {"multipleOf": 2}], "type": "number"},
        [3, 2, 9],
        [6, 5, 12, [1], "abc"],
    ),
    (
        {"oneOf": [{"pattern": "a"}, {"pattern": "b"}], "type": "string"},
        ["a", "b", "xax"],
        ["", "ab", "c"],
    ),
    ({"propertyNames": {"maxLength": 2}, "type": "object"}, [{"ab": 1}, {"é": 1}], [{"abc": 1}]),
    ({"propertyNames": {"pattern": "^(?!a)"}}, [{"b": 1}, []], [{"a": 1}, {"b": 1, "ab": 2}]),
    ({"propertyNames": {"enum": ["a", "b"]}}, [{"b": 1, "a": 2}, 3], [{"c": 1}]),
    ({"minProperties": 2, "type": "object"}, [{"a": 1, "b": 2}], [{}, {"a": 1}]),
    ({"maxProperties": 1, "type": "object"}, [{}, {"a": [1, 2]}], [{"a": 1, "b": 2}]),
    (
        {"maxProperties": 2, "required": ["a"], "type": "object"},
        [{"b": 1, "a": 1}, {"a": 1}],
        [{"b": 1, "c": 1}, {"b": 1}],
    ),
    (
        {"patternProperties": {"^a": {"type": "integer"}, "b$": {"minimum": 2}}},
        [{"ab": 2, "a": 1, "b": "x"}, {}],
        [{"ab": 1}, {"a": "x"}, {"b": 1}],
    ),
    (
        {
            "properties": {"a": True},
            "patternProperties": {"^b": True},
            "additionalProperties": False,
        },
        [{"a": 1, "bc": 2}, 3],
        [{"c": 1}, {"a": 1, "cb": 2}],
    ),
    ({"additionalProperties": {"type": "null"}}, [{"a": None}], [{"a": 1}]),
    ({"multipleOf": 0.01, "type": "number"}, [1.25, 3, 0.07], [0.001, "x"]),
    ({"multipleOf": 12345678901, "minimum": 1}, [24691357802, "x"], [24691357801, 0]),
    (
        {"const": {"a": [1, {"b": None}], "c": ""}},
        [{"c": "", "a": [1, {"b": None}]}],
        [{}, {"a": 1}],
    ),
    (
        {"enum": [1, "a", [1], {"a": 1}, None, 1.5, False]},
        [1.0, [1], {"a": 1}, False],
        [0, True, {}],
    ),
    ({"items": {"enum": ["ab", "abc"]}}, [["ab", "abc", "ab"]], [["a"], ["abcd"]]),
    ({"dependentRequired": {"a": ["b"]}}, [{"a": 1, "b": 1}, {"b": 1}], [{"a": 1}]),
    (
        {"if": {"properties": {"k": {"const": 1}}}, "then": {"required": ["x"]}, "else": COLOURS},
        [{"k": 1, "x": 1}, ["red"]],
        [{"k": 1}, {"k": 2}],
    ),
    (
        {
            "$ref": "#/$defs/a",
            "$defs": {"a": {"required": ["b"]}},
            "unevaluatedProperties": False,
            "properties": {"b": True},
        },
        [{"b": 1}],
        [{"b": 1, "c": 1}],
    ),
    (TREE, [{"k": [{"k": []}, {"x": 1}]}], [{}, {"k": [{}]}, {"k": [{"k": [{"kk": 1}]}]}]),
    (
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "items": [{"type": "string"}, UNIQUE],
            "additionalItems": False,
        },
        [["a", [1, 2]], []],
        [["a", [1, 1]], [1], ["a", [], 1]],
    ),
    ({"$schema": "http://json-schema.org/draft-04/schema#", "type": "integer"}, [1], [1.0, 1.5]),
    ({"type": "array", "items": {"format": "date"}}, [["2024-02-29"], [1]], [["2023-02-29"]]),
]


@pytest.mark.parametrize(("schema", "valid", "invalid"), CASES, ids=lambda x: json.dumps(x)[:40])
def test_valid_texts_pass_in_every_spelling_and_invalid_ones_never_end(schema, valid, invalid):
    constraint = checked(schema)
    for value in valid:
        loose = json.dumps(value, ensure_ascii=False)
        tight = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        for text in (loose, tight):
            assert constraint.accepts(text)
            assert read(constraint, text).allows(BYTES.end)
        if len(tight) < 14 and is_spelled(tight):
            check_every_spelling(constraint, PIECES, tight)
    for value in invalid:
        text = json.dumps(value)
        assert not constraint.accepts(text)
        matcher = constraint.bind(BYTES)
        refused_at = len(text)
        for place, byte in enumerate(text.encode()):
            if not matcher.allows(byte):
                refused_at = place
                break
            matcher.advance(byte)
        else:
            assert not matcher.allows(BYTES.end)
        # A root number may always go on; everything else is decided where it closes.
        assert refused_at < len(text) or text[-1] in "0123456789"


def is_spelled(text: str) -> bool:
    try:
        return bool(PIECES.tokenize(text.encode()))
    except VocabularyError:
        return False


@pytest.mark.parametrize("schema", [case[0] for case in CASES[:32:3]], ids=lambda x: str(x)[:40])
def test_laws(schema):
    constraint = checked(schema)
    check_matcher(constraint, PIECES, np.random.default_rng(1), walks=3, steps=10)


@pytest.mark.parametrize(
    ("schema", "text", "piece", "reason"),
    [
        (True, '{"a": 1, "a', '"', 'the key "a" is written already'),
        (True, '{"a": 1, ', '"a":', 'the key "a" is written already'),
        (True, "[", '{"a":1,"a":', 'the key "a" is written already'),
        (UNIQUE, "[1, 2, 1", "]", "items must be distinct: 1 comes twice"),
        (COLOURS, '["red", ', '"r', "all that are listed are used"),
        (COLOURS, '["red", "', "re", "all that are listed are used"),
        ({"type": "object", "maxProperties": 1}, '{"a": 1', ",", "at most 1 members"),
        ({"items": {"multipleOf": 2}}, "[2, 3", ",", "3 is not a multiple of 2"),
        ({"properties": {"a": UNIQUE}}, '{"a": [[], ', "[]", 'under the key "a": items must be'),
    ],
)
def test_it_says_why_at_the_first_token_that_decides(schema, text, piece, reason):
    vocabulary = Vocabulary.of(
        [*BYTES.bytes[:256], piece * (len(piece) > 1) or "unused", '"g", "gr']
    )
    constraint = checked(schema)
    if not reason:
        return
    matcher = read(constraint, text, vocabulary)
    token = vocabulary.first_token[piece.encode()]
    assert not matcher.allows(token)
    assert not unpack(matcher.mask(), len(vocabulary))[token]
    assert reason in matcher.explain(token)
    with pytest.raises(RefusedTokenError, match="cannot come here"):
        matcher.advance(token)


def test_without_a_schema_only_keys_that_come_twice_are_refused():
    engine = EngineMatcher.bind(ANY_JSON, BYTES, exact_over=None)
    matcher = ClosingMatcher(engine, None)
    for byte in b'[1, 1, {"a": 1, "b": {"a": 1}, "a':
        matcher.advance(byte)
    assert not matcher.allows(ord('"'))
    assert matcher.allows(ord("b"))
    assert matcher.strength is Strength.SOUND
    inner = matcher.copy()
    for byte in b'b": 2}]':
        inner.advance(byte)
    assert inner.allows(BYTES.end)


def test_the_engine_s_mask_comes_through_where_nothing_is_relaxed():
    root = jsonschema_rs.canonicalize(COLOURS)
    engine = EngineMatcher.bind(ANY_JSON, PIECES, exact_over=None)
    matcher = ClosingMatcher(engine.copy(), root, lambda _: False)
    for token in PIECES.tokenize(b'["red", "red"'):
        engine.advance(token)
        matcher.advance(token)
        assert (matcher.mask() == engine.mask()).all()


def test_copies_are_independent():
    matcher = read(checked(UNIQUE), "[1, 2, ")
    twin = matcher.copy()
    twin.advance(ord("3"))
    twin.advance(ord(","))
    for byte in b"3,":
        matcher.advance(byte)
    for byte in b"4":
        matcher.advance(byte)
    assert matcher.allows(ord("]"))
    twin.advance(ord("1"))
    assert not twin.allows(ord("]"))


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({**UNIQUE, "minItems": 3}, "[0, "),
        ({"type": "object", "minProperties": 2}, '{"a": 1'),
        ({"contains": {"const": [0]}, "type": "array"}, "[1"),
        ({"properties": {"a": {"maxItems": 1}}}, '{"a": [0'),
    ],
)
def test_the_known_ending_satisfies_the_schema(schema, text):
    constraint = checked(schema)
    matcher = read(constraint, text)
    ending = matcher.ending()
    assert ending.text
    assert constraint.accepts(text + ending.text.decode())
    assert matcher.cost_to_finish() <= len(ending.text)
    assert read(constraint, text + ending.text.decode()).cost_to_finish() == 0


def test_an_ending_is_found_where_the_vocabulary_lacks_bytes():
    vocabulary = Vocabulary.of(["[", "1", ", ", "12", "]", "1]", "2]"])
    matcher = read(checked({**UNIQUE, "minItems": 2}), "[1, ", vocabulary)
    assert matcher.ending() is not None
    assert checked({**UNIQUE, "minItems": 2}).accepts("[1, " + matcher.ending().text.decode())


def test_allowed_tokens_in_a_row_are_counted():
    matcher = read(checked(UNIQUE), "[1, 2, ")
    tokens = [*b"3, 1]", BYTES.end]
    assert matcher.count_allowed(tokens) == 4
    assert matcher.count_allowed(tokens[:3]) == 3
    assert matcher.count_allowed([*b"3, 4]", BYTES.end, 65]) == 6
    assert matcher.count_allowed([ord("]")]) == 0
    assert matcher.count_allowed([]) == 0


def test_forced_text_ends_where_a_check_refuses_it():
    grammar = HEADER + 'start: "[" /[0-9]/ ",7,7]"'
    root = jsonschema_rs.canonicalize(UNIQUE)
    matcher = ClosingMatcher(EngineMatcher.bind(grammar, BYTES, exact_over=None), root)
    for byte in b"[1":
        matcher.advance(byte)
    assert matcher.forced_text() == b",7,7"
    assert bytes(matcher.forced()) == b",7,7"
    for byte in b",7,7":
        matcher.advance(byte)
    assert not matcher.mask().any()
    assert "7 comes twice" in matcher.explain(ord("]"))


def test_a_long_array_of_distinct_items_is_no_burden():
    matcher = checked(UNIQUE).bind(BYTES)
    for byte in json.dumps(list(range(600))).encode():
        matcher.advance(byte)
    assert matcher.allows(BYTES.end)


def test_a_schema_that_branches_into_itself_takes_no_exponential_time():
    here = {"$ref": "#/$defs/n"}
    branches = [
        {"items": here, "minItems": 1},
        {"items": here, "contains": here},
        {"not": here, "type": "array"},
    ]
    matcher = checked({"$defs": {"n": {"oneOf": branches}}, **here}).bind(BYTES)
    start = time.process_time()
    for byte in b"[" * 40:
        matcher.advance(byte)
    assert time.process_time() - start < 5  # without care, three to the power of forty steps


@pytest.mark.slow
def test_a_long_list_of_distinct_values_is_no_burden():
    values = [f"k{i}" for i in range(5000)]
    matcher = checked({**UNIQUE, "items": {"enum": values}}).bind(BYTES)
    start = time.process_time()
    for byte in json.dumps(values[:100])[:-1].encode():
        matcher.advance(byte)
    assert time.process_time() - start < 5
    assert matcher.allows(ord("]"))


@pytest.mark.model
def test_mask_and_single_answers_agree_over_a_real_vocabulary(smollm2, rng):
    vocabulary = smollm2.vocabulary
    text = '{"colours": ["grey", "red"], "k": [{"a": 1, "é": "x"}, {"a": 2}]}'
    schema = {"properties": {"colours": COLOURS, "k": UNIQUE}, "maxProperties": 2}
    matcher = checked(schema).bind(vocabulary)
    for token in vocabulary.tokenize(text.encode()):
        allowed = unpack(matcher.mask(), len(vocabulary))
        for each in (
            rng.choice(len(vocabulary), size=100).tolist() + allowed.nonzero()[0][:50].tolist()
        ):
            assert matcher.allows(each) == allowed[each]
        matcher.advance(token)
    assert matcher.allows(vocabulary.end)
