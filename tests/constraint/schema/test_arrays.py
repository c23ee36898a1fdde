"""Arrays: every small array against the oracle, and what is refused before the end."""

import json
from itertools import product

import pytest

from condit import json_schema
from condit.errors import UnsatisfiableError

ITEMS = [1, 2, "a", None]
NUMBER, TEXT = {"type": "number"}, {"type": "string"}
DRAFT7 = "http://json-schema.org/draft-07/schema#"
SCHEMAS = [
    {"minItems": 2},
    {"maxItems": 1},
    {"minItems": 1, "maxItems": 2, "items": NUMBER},
    {"prefixItems": [NUMBER, TEXT]},
    {"prefixItems": [NUMBER, TEXT], "items": False},
    {"prefixItems": [NUMBER, TEXT], "items": {"type": "null"}, "minItems": 2},
    {"prefixItems": [NUMBER, False]},
    {"prefixItems": [NUMBER, NUMBER, NUMBER], "minItems": 1, "maxItems": 2},
    {"prefixItems": [NUMBER], "unevaluatedItems": False},
    {"prefixItems": [NUMBER], "contains": TEXT, "unevaluatedItems": False},
    {"items": False},
    {"uniqueItems": True},
    {"uniqueItems": True, "items": {"enum": [1, "a"]}},
    {"uniqueItems": True, "prefixItems": [{}, NUMBER]},
    {"contains": NUMBER},
    {"contains": {"const": 1}, "minContains": 2},
    {"contains": NUMBER, "minContains": 0, "maxContains": 1},
    {"contains": {"const": "a"}, "maxContains": 1, "items": {"not": {"type": "null"}}},
    {"allOf": [{"contains": {"const": 1}}, {"contains": {"const": 2}}], "maxItems": 2},
    {"not": {"contains": TEXT}},
    {"not": {"uniqueItems": True}},
    {"enum": [[], [1, 2], ["a", None, 1]]},
    {"oneOf": [{"maxItems": 1}, {"items": NUMBER}]},
    {"if": {"contains": {"const": 1}}, "then": {"minItems": 3}, "else": {"maxItems": 2}},
    {"$schema": DRAFT7, "items": [NUMBER, TEXT], "additionalItems": {"type": "null"}},
    {"$schema": DRAFT7, "items": [NUMBER], "additionalItems": False},
    {"$schema": DRAFT7, "items": [TEXT]},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=json.dumps)
def test_every_small_array(by_byte, schema):
    constraint = json_schema({"type": "array", **schema})
    start = constraint.bind(by_byte)
    for size in range(4):
        for items in product(ITEMS, repeat=size):
            text = json.dumps(items)
            written = start.count_allowed([*text.encode(), by_byte.end]) == len(text) + 1
            assert written == constraint.accepts(text), text


def refused_at(constraint, vocabulary, text):
    """The first byte that is refused: the text's length where only the end is."""
    return constraint.bind(vocabulary).count_allowed([*text.encode(), vocabulary.end])


@pytest.mark.parametrize(
    ("schema", "text", "place"),
    [
        ({"minItems": 2}, "[1]", 2),
        ({"maxItems": 1}, "[1,1]", 2),
        ({"items": NUMBER}, '[1,"', 3),
        ({"prefixItems": [NUMBER], "items": False}, "[1,2]", 2),
        ({"uniqueItems": True}, '["a","a"]', 7),
        ({"uniqueItems": True}, "[[1],[1.0]]", 9),
        ({"contains": {"const": 1}}, "[2,3]", 4),
        ({"contains": NUMBER, "maxContains": 1}, "[2,3]", 4),
        ({"contains": {"const": {"a": 1}}}, '{"k":', 0),
    ],
    ids=str,
)
def test_where_an_array_is_refused(by_byte, schema, text, place):
    constraint = json_schema({"type": "array", **schema})
    assert refused_at(constraint, by_byte, text) <= place


def test_what_is_relaxed_inside_is_checked_inside(by_byte):
    inner = {"type": "array", "uniqueItems": True}
    constraint = json_schema({"type": "array", "items": inner})
    text = "[[1,2],[3,3],[4]]"
    assert refused_at(constraint, by_byte, text) <= text.index("],[4")
    assert refused_at(constraint, by_byte, "[[1,2],[1,2]]") == 14


@pytest.mark.parametrize("count", [1, 30, 1999, 2000])
def test_counts_of_items(by_byte, count):
    constraint = json_schema({"type": "array", "items": {"const": 1}, "maxItems": count})
    start = constraint.bind(by_byte)
    for size, fits in ((count, True), (count + 1, False)):
        text = json.dumps([1] * size, separators=(",", ":"))
        written = start.count_allowed([*text.encode(), by_byte.end]) == len(text) + 1
        assert written is fits


@pytest.mark.parametrize("keyword", ["minItems", "maxItems"])
def test_more_items_than_the_grammar_counts(keyword):
    constraint = json_schema({"type": "array", keyword: 5000})
    assert {each.keyword: each.where for each in constraint.plan}[keyword] == "close"


def test_tuples_are_written_as_far_as_they_are_needed(writes):
    constraint = json_schema({"type": "array", "prefixItems": [NUMBER] * 3, "minItems": 1})
    for text, fits in {"[]": False, "[1]": True, "[1, 2, 3]": True, '[1, 2, 3, "x"]': True}.items():
        assert writes(constraint, text) is fits


@pytest.mark.parametrize(
    "schema",
    [
        {"minItems": 2, "maxItems": 1},
        {"minItems": 1, "items": False},
        {"prefixItems": [NUMBER, False], "minItems": 2},
        {"uniqueItems": True, "items": {"enum": [1, 2]}, "minItems": 3},
        {"contains": TEXT, "items": NUMBER},
    ],
    ids=json.dumps,
)
def test_no_array_at_all(schema):
    with pytest.raises(UnsatisfiableError):
        json_schema({"type": "array", **schema})
