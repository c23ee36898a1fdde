"""Numerals against the oracle, by enumeration."""

import json
import re
from decimal import Decimal
from functools import partial

import pytest

import condit
from condit.constraint.schema.numbers import at_least, at_most
from condit.errors import ArgumentError, UnsatisfiableError

# Every spelling that JSON Schema takes: of what is canonical, tests are at the end.
json_schema = partial(condit.json_schema, numbers="any")

BOUNDS = [None, 0, 1, 10, 100, -10, 0.5, 1.25, -1.5, 0.001]
PLAIN = [
    *("0", "-0", "0.0", "-0.0", "1", "-1", "1.0", "2", "5", "9", "10", "11", "-10", "-9", "-11"),
    *("99", "100", "101", "98.9", "99.0", "99.01", "100.0", "100.001", "999", "1000", "1001"),
    *("0.5", "0.50", "0.49", "0.51", "0.001", "0.0010", "0.0009", "0.00100001", "1.25", "1.250"),
    *("1.2499", "1.2501", "1.24", "1.3", "-1.5", "-1.49", "-1.51", "-1.6", "-0.5", "-99", "-100"),
    *("123456789012345678901234567890", "-123456789012345678901234567890"),
]
POWERS = ["1e0", "5e1", "1E+2", "1e-1", "-1e-3", "1e5", "-1.5e2", "1.5e+300", "1e-99", "2.5e1"]
NOT_NUMERALS = ["01", "+1", "1.", ".5", "--1", "1e", "1e+", "0x1", "1_0", "-", "", "NaN", "1.e3"]


def bounded():
    for kind in ("integer", "number"):
        for low in BOUNDS:
            for high in BOUNDS:
                for minimum, maximum in (
                    ("minimum", "maximum"),
                    ("exclusiveMinimum", "exclusiveMaximum"),
                ):
                    schema = {"type": kind}
                    if low is not None:
                        schema[minimum] = low
                    if high is not None:
                        schema[maximum] = high
                    if low is None or high is None or low < high - 1:
                        yield schema


def test_bounds_hold_for_every_plain_numeral(by_byte):
    wrong, asked = [], 0
    for schema in bounded():
        constraint = json_schema(schema)
        start = constraint.bind(by_byte)
        for text in PLAIN:
            written = start.count_allowed([*text.encode(), by_byte.end]) == len(text) + 1
            asked += 1
            if written != constraint.accepts(text):
                wrong.append((schema, text, written))
    assert asked > 8_000
    assert wrong == []


def test_the_grammar_of_bounds_needs_no_oracle(by_byte):
    # All bounds are in the tokens: nothing is led astray, to be held back at the end.
    for schema in list(bounded())[::5]:
        assert {each.where for each in json_schema(schema).plan} == {"token"}


def test_numerals_with_exponents_are_never_wrong(by_byte):
    wrong = []
    for schema in list(bounded())[::5]:
        constraint = json_schema(schema)
        start = constraint.bind(by_byte)
        for text in POWERS:
            written = start.count_allowed([*text.encode(), by_byte.end]) == len(text) + 1
            if written and not constraint.accepts(text):
                wrong.append((schema, text))
    assert wrong == []


@pytest.mark.parametrize(
    ("schema", "texts"),
    [
        ({"type": "number"}, ["1e5", "1E+5", "-1.5e300", "1e-9", "0e0", "1e307", "2e-99"]),
        ({"type": "integer"}, ["1e5", "1E+22", "-3e2", "1.0", "-0", "-0.0", "7.0"]),
        ({"type": "number", "minimum": 3}, ["1e20", "3e5", "1.5e300"]),
        ({"type": "number", "maximum": -3}, ["-1e20", "-2.5e+30"]),
        ({"type": "number", "exclusiveMinimum": 0}, ["1e-7", "2.5e-10", "1e9"]),
        ({"type": "integer", "minimum": 10**30}, ["1" + "0" * 30, "1e31", "9e99"]),
        ({"const": 1e21}, ["1000000000000000000000", "1e21", "1e+21"]),
        ({"const": 1.5e-7}, ["0.00000015", "1.5e-7", "1.5e-07"]),
    ],
    ids=str,
)
def test_exponents_where_a_writer_of_json_would_use_them(writes, schema, texts):
    constraint = json_schema(schema)
    for text in texts:
        assert constraint.accepts(text)
        assert writes(constraint, text), text


@pytest.mark.parametrize("kind", ["integer", "number"])
def test_what_is_no_numeral_is_refused(writes, kind):
    for text in NOT_NUMERALS:
        assert not writes(json_schema({"type": kind}), text), text


def test_what_no_float_holds_is_not_written(writes):
    for text in ("1e309", "-1e400", "1" + "0" * 20 + "e300"):
        assert not writes(json_schema({"type": "number"}), text)
    assert writes(json_schema({"type": "number"}), "1" + "0" * 200)


MULTIPLES = [1, 2, 3, 7, 10, 100, 360, 0.5, 0.25, 0.1, 0.01, 0.125, 2.5, 3.7, 1e-8, 1e20, 10**25]
NEAR = [
    *("0", "-0", "0.0", "1", "2", "3", "-3", "7", "7.0", "-14", "10", "12", "20", "100", "250"),
    *("300", "360", "361", "720", "0.5", "1.5", "0.25", "0.75", "0.1", "0.3", "0.30", "0.35"),
    *("0.01", "0.07", "19.99", "19.999", "4.35", "0.125", "0.375", "0.13", "2.5", "5", "7.5"),
    *("3.7", "7.4", "37", "3.8", "0.00000001", "0.000000015", "100000000000000000000"),
    *("1" + "0" * 25, "2" + "0" * 25, "15" + "0" * 24, "15" + "0" * 23, "1.1"),
]


@pytest.mark.parametrize(
    "beside",
    [{}, {"minimum": -3}, {"minimum": 0.2, "maximum": 400}, {"exclusiveMaximum": 7}],
    ids=str,
)
def test_multiples(by_byte, beside):
    wrong = []
    for step in MULTIPLES:
        for kind in ("integer", "number"):
            if beside.get("maximum", step) < step:
                continue
            constraint = json_schema({"type": kind, "multipleOf": step, **beside})
            start = constraint.bind(by_byte)
            for text in NEAR:
                written = start.count_allowed([*text.encode(), by_byte.end]) == len(text) + 1
                if written != constraint.accepts(text):
                    wrong.append((kind, step, text, written))
    assert wrong == []


@pytest.mark.parametrize("kind", ["integer", "number"])
def test_no_multiple_within_the_bounds(kind):
    for step in (3, 360, 1e20, 10**25):
        with pytest.raises(UnsatisfiableError):
            json_schema({"type": kind, "multipleOf": step, "minimum": 1, "maximum": 2})
    with pytest.raises(UnsatisfiableError):
        json_schema(
            {"multipleOf": 2.5, "exclusiveMinimum": 5, "exclusiveMaximum": 7.5, "type": kind}
        )


def test_multiples_with_fewer_digits(writes):
    constraint = json_schema({"type": "number", "multipleOf": 0.125, "minimum": 0, "maximum": 2})
    for eighths in range(17):
        assert writes(constraint, json.dumps(eighths / 8))
    constraint = json_schema({"type": "number", "multipleOf": 0.25, "minimum": 0.2, "maximum": 0.4})
    assert writes(constraint, "0.25")
    assert not writes(constraint, "0.3")


def test_several_steps_come_together(writes):
    constraint = json_schema({"allOf": [{"multipleOf": 4}, {"multipleOf": 6}], "type": "integer"})
    assert [n for n in range(40) if writes(constraint, str(n))] == [0, 12, 24, 36]
    constraint = json_schema({"type": "integer", "not": {"multipleOf": 3}})
    assert [n for n in range(9) if writes(constraint, str(n))] == [1, 2, 4, 5, 7, 8]


def test_fractions_that_are_not_integers(writes):
    constraint = json_schema({"type": "number", "not": {"type": "integer"}})
    for text, fits in {"1.5": True, "0.1": True, "1": False, "3.0": False, "-2.00": False}.items():
        assert writes(constraint, text) is fits


def test_a_step_that_the_grammar_cannot_count_is_checked_when_the_number_closes(by_byte, writes):
    constraint = json_schema(
        {"type": "array", "items": {"type": "integer", "multipleOf": 12345678}}
    )
    (found,) = [each for each in constraint.plan if each.keyword == "multipleOf"]
    assert found.where == "close"
    assert writes(constraint, "[12345678, 24691356]")
    matcher = constraint.bind(by_byte)
    for value in b"[12345677":
        matcher.advance(value)
    assert not matcher.allows(ord(","))
    assert not matcher.allows(ord("]"))
    assert matcher.allows(ord("0"))


@pytest.mark.parametrize("bound", ["0", "1", "9", "10", "19", "100", "0.5", "9.99", "10.01"])
@pytest.mark.parametrize("strictly", [False, True])
def test_bounds_as_regular_expressions(bound, strictly):
    numerals = [f"{n}{tail}" for n in range(112) for tail in ("", ".0", ".01", ".009", ".5", ".99")]
    limit = Decimal(bound)
    low = re.compile(at_least(limit, strictly=strictly))
    for text in numerals:
        value = Decimal(text)
        inside = value > limit if strictly else value >= limit
        assert (low.fullmatch(text) is not None) == inside, text
    if limit or not strictly:
        high = re.compile(at_most(limit, strictly=strictly))
        for text in numerals:
            value = Decimal(text)
            inside = value < limit if strictly else value <= limit
            assert (high.fullmatch(text) is not None) == inside, text


def test_constants_are_numbers_and_not_spellings(writes):
    constraint = json_schema({"enum": [1, -0.25, 12345678901234567890123, 0]})
    for text in ("1", "1.0", "-0.25", "12345678901234567890123", "0", "-0", "0.0"):
        assert constraint.accepts(text)
        assert writes(constraint, text), text
    for text in ("1.1", "0.25", "12345678901234567890124", "-1", "true", '"1"'):
        assert not constraint.accepts(text)
        assert not writes(constraint, text), text


@pytest.mark.parametrize("text", ["1.00", "7.000", "-0.00"])
def test_zeros_that_nobody_needs_are_accepted_and_not_written(writes, text):
    constraint = json_schema({"type": "integer"})
    assert constraint.accepts(text)
    assert not writes(constraint, text)


def test_draft_4_has_no_integers_with_a_point(writes):
    constraint = json_schema(
        {"$schema": "http://json-schema.org/draft-04/schema#", "type": "integer", "minimum": 2}
    )
    for text, fits in {"2": True, "2.0": False, "1": False, "30": True}.items():
        assert constraint.accepts(text) is fits
        assert writes(constraint, text) is fits


def test_true_is_not_one(writes):
    assert not writes(json_schema({"const": 1}), "true")
    assert not writes(json_schema({"const": True}), "1")
    assert not writes(json_schema({"enum": [0]}), "false")


def test_a_bound_beyond_all_counting_is_left_to_the_check(writes):
    schema = json.dumps({"type": "integer", "minimum": 10**500})
    constraint = json_schema(schema)
    assert {each.keyword: each.where for each in constraint.plan}["minimum"] == "close"
    assert not writes(constraint, "5")
    assert writes(constraint, "1" + "0" * 500)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer"},
        {"type": "integer", "minimum": -40, "maximum": 40},
        {"type": "integer", "exclusiveMinimum": -1},
        {"type": "integer", "multipleOf": 2},
        {"type": "integer", "multipleOf": 10},
        {"enum": [0, 7, 34, -3]},
        {"const": 34},
        {"const": 34.0},
        {"type": "integer", "not": {"const": 5}},
        {"type": ["integer", "null"]},
        {"type": "number", "multipleOf": 1},
        {"type": "integer", "$schema": "http://json-schema.org/draft-04/schema#"},
        {"enum": [0, 34], "$schema": "http://json-schema.org/draft-04/schema#"},
    ],
    ids=json.dumps,
)
def test_integers_are_written_as_integers(schema, writes):
    constraint = condit.json_schema(schema)
    for number in (0, 7, 34, -3, 2, 10, 20):
        plain = constraint.accepts(str(number))
        assert writes(constraint, str(number)) == plain
        for other in (f"{number}.0", f"{number}e0", f"{number}E+0", f"{number}.00"):
            assert not writes(constraint, other), other
    # The engine's own numerals of multiples have a zero with a sign, which is read as an int, too.
    assert not writes(constraint, "-0") or schema.get("multipleOf") == 2
    assert not writes(constraint, "-0.0")
    assert not writes(constraint, "3.4e1")


def test_numbers_that_need_not_be_integers_keep_their_spellings(writes):
    constraint = condit.json_schema({"type": "number"})
    for text in ("34", "34.0", "12.50", "1e-07", "1e+22", "-0.5"):
        assert writes(constraint, text), text


def test_what_is_drawn_for_an_int_is_read_as_an_int():
    model = condit.NgramModel.train(
        ['{"age": 34.0, "n": 3.0e0}'], vocabulary=condit.Vocabulary.of_bytes(), order=3
    )
    schema = {
        "type": "object",
        "properties": {"age": {"type": "integer"}, "n": {"enum": [1, 2, 3]}},
        "required": ["age", "n"],
        "additionalProperties": False,
    }
    for numbers, kind in (("canonical", int), ("any", float)):
        constraint = condit.json_schema(schema, numbers=numbers)
        result = condit.generate(
            model, "{", constraint, n=32, max_tokens=40, sampler="masked", seed=0
        )
        assert {type(each) for s in result.samples for each in s.value.values()} == {kind}


def test_an_unknown_spelling_of_numbers_is_refused():
    with pytest.raises(ArgumentError, match="numbers='all' is unknown; use 'canonical' or 'any'"):
        condit.json_schema({}, numbers="all")


@pytest.mark.parametrize(
    "beside",
    [{}, {"minimum": -3}, {"minimum": -20, "maximum": 3}, {"maximum": 0}, {"minimum": 0}],
    ids=str,
)
@pytest.mark.parametrize("step", [1, 5, 7, 10, 12])
def test_multiples_are_canonical_integers(by_byte, step, beside):
    # Canonical is what ``json.dumps`` writes, and nothing else: no ``-0``, no ``7.0``.
    schema = {"type": "integer", "multipleOf": step, **beside}
    start = condit.json_schema(schema).bind(by_byte)
    low, high = beside.get("minimum", -99), beside.get("maximum", 99)
    texts = [f"{number}{tail}" for number in range(-40, 41) for tail in ("", ".0", "e0")]
    for text in [*texts, "-0", "-0.0", "00"]:
        written = start.count_allowed([*text.encode(), by_byte.end]) == len(text) + 1
        number = float(text)
        meant = text == json.dumps(int(number)) and low <= number <= high and number % step == 0
        assert written == meant, text
