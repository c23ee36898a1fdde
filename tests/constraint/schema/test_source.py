import json
import time

import jsonschema_rs
import pytest

from condit.constraint.schema.bounds import examine, is_ordinary, without
from condit.constraint.schema.oracle import complaints
from condit.constraint.schema.source import (
    canonical,
    source_of,
    unsatisfiable_reason,
    validator,
)
from condit.errors import (
    ArgumentError,
    CompileError,
    ConstraintTooComplexError,
    UnsatisfiableError,
    UnsupportedConstraintError,
)

DRAFT_4 = "http://json-schema.org/draft-04/schema#"
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
DRAFT_2019 = "https://json-schema.org/draft/2019-09/schema"
DRAFT_2020 = "https://json-schema.org/draft/2020-12/schema"


def accepts(schema, value, registry=None):
    """The oracle's verdict, once it is known that the canonical form agrees."""
    source = source_of(schema, registry)
    verdict = validator(source, True).is_valid(value)
    assert str(canonical(source, True).satisfiability()) != "no" or not verdict
    return verdict


def compiled(schema, registry=None):
    """As a constraint is made: the oracle judges the schema before anything else is made of it."""
    source = source_of(schema, registry)
    validator(source, True)
    return canonical(source, True)


def refused(schema, registry=None):
    with pytest.raises((CompileError, ConstraintTooComplexError, ArgumentError)) as info:
        compiled(schema, registry)
    return info.value


@pytest.mark.parametrize(
    ("address", "draft"),
    [
        (DRAFT_4, 4),
        ("http://json-schema.org/draft-06/schema", 6),
        ("https://json-schema.org/draft-07/schema#", 7),
        ("http://json-schema.org/draft-07/hyper-schema#", 7),
        (DRAFT_2019, 19),
        ("http://json-schema.org/draft/2020-12/schema#", 20),
    ],
)
def test_the_draft_is_read_from_the_schema(address, draft):
    source = source_of({"$schema": address, "type": "null"})
    assert source.draft == draft
    assert not validator(source, True).is_valid(1)
    assert canonical(source, True).kind.value == "const"


def test_the_latest_draft_is_the_default():
    assert source_of(True).draft == source_of({}).draft == 20
    assert source_of('{"prefixItems": [{"type": "null"}]}').schema == {
        "prefixItems": [{"type": "null"}]
    }


def test_keywords_mean_what_their_draft_says():
    bound = {"minimum": 3, "exclusiveMinimum": True}
    assert not accepts({"$schema": DRAFT_4, **bound}, 3)
    beside = {"definitions": {"any": {}}, "$ref": "#/definitions/any", "type": "null"}
    assert accepts({"$schema": DRAFT_7, **beside}, 1)
    assert not accepts({"$schema": DRAFT_2019, **beside}, 1)


def test_a_source_is_equal_to_its_like_and_hashable():
    one, other = source_of({"type": "null"}), source_of('{ "type" : "null" }')
    assert one == other
    assert hash(one) == hash(other)
    assert one != source_of({"type": "null", "$schema": DRAFT_7})


def test_files_refer_to_one_another(tmp_path):
    (tmp_path / "sub").mkdir()
    main, part, leaf = tmp_path / "a b.json", tmp_path / "part.json", tmp_path / "sub" / "leaf.json"
    main.write_text(
        json.dumps(
            {
                "properties": {
                    "part": {"$ref": "part.json#/$defs/leaf"},
                    "absolute": {"$ref": leaf.as_uri()},
                    "again": {"$ref": "a%20b.json"},
                    "schema": {"$ref": DRAFT_7},
                },
                "type": "object",
            }
        )
    )
    part.write_text(json.dumps({"$defs": {"leaf": {"$ref": "sub/leaf.json"}}}))
    leaf.write_text(json.dumps({"$schema": DRAFT_4, "minimum": 3, "exclusiveMinimum": True}))
    for name in ("part", "absolute"):
        assert accepts(main, {name: 4})
        assert not accepts(main, {name: 3})
    assert not accepts(main, {"again": 1})
    assert accepts(main, {"schema": {"type": "null"}})
    assert not accepts(main, {"schema": {"type": "nil"}})


def test_documents_without_a_draft_take_that_of_the_schema(tmp_path):
    (tmp_path / "pair.json").write_text('{"items": [{"type": "null"}, {"type": "boolean"}]}')
    main = tmp_path / "main.json"
    main.write_text(json.dumps({"$schema": DRAFT_7, "allOf": [{"$ref": "pair.json"}]}))
    assert accepts(main, [None, True])
    assert not accepts(main, [True])


def test_what_is_wrong_with_a_file_is_said_with_its_name(tmp_path):
    main, part = tmp_path / "main.json", tmp_path / "part.json"
    main.write_text('{"items": {"$ref": "part.json"}}')
    error = str(refused(main))
    assert f"{main} refers to 'part.json' at /items/$ref" in error
    assert f"there is no file {part}" in error
    part.write_text('{"allOf": [{"$ref": "gone.json#/a"}]}')
    assert f"{part} refers to 'gone.json#/a' at /allOf/0/$ref" in str(refused(main))
    part.write_text('{"type": ')
    assert f"{part} is not a JSON text: at character 9" in str(refused(main))
    part.write_bytes(b'"\xff"')
    assert "not a text in UTF-8" in str(refused(main))
    part.unlink()
    part.mkdir()
    assert "there is no file" in str(refused(main))


def test_files_are_read_for_files_only(tmp_path):
    part = tmp_path / "part.json"
    part.write_text("true")
    assert "nothing is fetched" in str(refused({"$ref": part.as_uri()}))
    assert accepts({"$ref": part.as_uri()}, 1, {part.as_uri(): part})


def test_the_registry(tmp_path):
    leaf = tmp_path / "leaf.json"
    leaf.write_text('{"type": "null"}')
    registry = {
        "https://example.org/one": {"$ref": "two#/$defs/x"},
        "https://example.org/two": '{"$defs": {"x": {"$ref": "#leaf", "$anchor": "y"}, '
        '"leaf": {"$anchor": "leaf", "$ref": "https://example.net/leaf"}}}',
        "leaf.json": leaf,
        "third": {"$id": "https://example.net/leaf", "$ref": "json-schema:///leaf.json"},
    }
    source = source_of({"items": {"$ref": "https://example.org/one"}}, registry)
    assert [address for address, _ in source.documents] == [
        "https://example.org/one",
        "https://example.org/two",
        "https://example.net/leaf",
        "json-schema:///leaf.json",
    ]
    assert validator(source, True).is_valid([None])
    assert not validator(source, True).is_valid([1])
    assert accepts({"$ref": "leaf.json"}, None, registry)
    assert source_of({"type": "null"}, registry).documents == ()


def test_identifiers_outrank_where_a_document_was_found(tmp_path):
    main = tmp_path / "main.json"
    main.write_text('{"$id": "https://example.org/a/b", "items": {"$ref": "c"}}')
    assert "https://example.org/a/c" in str(refused(main))
    assert not accepts(main, [1], {"https://example.org/a/c": {"type": "null"}})


def test_metaschemas_are_known():
    for address in (DRAFT_4, DRAFT_7, DRAFT_2019, DRAFT_2020, DRAFT_7.replace("http:", "https:")):
        for schema in ({"$ref": address}, {"$schema": DRAFT_7, "items": {"$ref": address}}):
            wrong = {"type": "nil"} if "$ref" in schema else [{"type": "nil"}]
            right = {"type": "null"} if "$ref" in schema else [{"type": "null"}]
            assert accepts(schema, right)
            assert not accepts(schema, wrong)


def test_references_that_lead_nowhere():
    error = refused({"properties": {"a/b": {"$ref": "https://example.org/x#/y"}}})
    assert isinstance(error, UnsupportedConstraintError)
    assert error.keywords == ("$ref",)
    for piece in ("'https://example.org/x#/y'", "/properties/a~1b/$ref", "registry=", "'$defs'"):
        assert piece in str(error)
    assert "'#/$defs/a' at /items/$ref" in str(refused({"items": {"$ref": "#/$defs/a"}}))
    assert "Anchor 'a'" in str(refused({"items": {"$ref": "#a"}}))
    registry = {"b": {"c": {"$ref": "#/d"}}}
    assert "'json-schema:///b' refers to '#/d' at /c/$ref" in str(
        refused({"$ref": "b#/c"}, registry)
    )
    # A reference is where a schema is, not where a value is.
    assert accepts({"const": {"$ref": "https://example.org/x"}}, {"$ref": "https://example.org/x"})


def test_metaschemas_of_ones_own():
    vocabulary = "https://json-schema.org/draft/2020-12/vocab/"
    names = ("core", "applicator", "validation", "unevaluated")
    metaschema = {"$schema": DRAFT_2020, "$vocabulary": {vocabulary + name: True for name in names}}
    schema = {"$schema": "https://example.org/meta", "type": "integer", "minimum": 3}
    source = source_of(schema, {"https://example.org/meta": metaschema})
    assert source.draft == 20
    assert canonical(source, True).kind.value == "integer"
    assert not validator(source, True).is_valid(2)
    # Without the vocabulary its keywords mean nothing, and no normal form knows that.
    del metaschema["$vocabulary"][vocabulary + "validation"]
    source = source_of(schema, {"https://example.org/meta": metaschema})
    assert canonical(source, True).kind.value == "raw"
    assert validator(source, True).is_valid(2)
    for unknown, meant in (("https://example.org/meta", ""), ("draft-07", DRAFT_7)):
        error = refused({"$schema": unknown})
        assert isinstance(error, UnsupportedConstraintError)
        assert error.keywords == ("$schema",)
        assert meant in str(error)
    endless = {"https://example.org/meta": {"$schema": "https://example.org/meta"}}
    assert "without end" in str(refused(schema, endless))


@pytest.mark.parametrize(
    ("schema", "kind", "pieces"),
    [
        (3, ArgumentError, "not int"),
        ({1: {2}}, ArgumentError, "not JSON"),
        ({"const": float("nan")}, ArgumentError, "not JSON"),
        ("3", CompileError, "not a schema"),
        ('{"a": ', CompileError, "at character 6: the JSON text is not complete"),
        ("main.json", CompileError, r"pathlib.Path\('main.json'\)"),
        ('{"const": 1e400}', CompileError, "too large"),
        ({"const": "\ud800"}, ArgumentError, "half of a surrogate"),
        ({"$schema": 4}, CompileError, r"/\$schema"),
        ({"properties": {"a": {"type": "nil"}}}, CompileError, "/properties/a/type: .*null"),
        ({"properties": {"a": {"required": True}}}, CompileError, "/a/required: .*list of names"),
        ({"exclusiveMinimum": True}, CompileError, "/exclusiveMinimum: .*draft-04"),
        ({"items": [{}]}, CompileError, "/items: .*'prefixItems'"),
        ({"items": {"pattern": "a("}}, CompileError, r"/items/pattern: 'a\(' is not a regular"),
        ({"patternProperties": {"a(": {}}}, CompileError, r"/patternProperties: 'a\(' is not"),
        ({"pattern": "(a{1,1000}){1,1000}"}, ConstraintTooComplexError, "too large"),
        ({"$ref": "#/x", "x": {"type": "nil"}}, CompileError, "/x/type"),
    ],
)
def test_what_is_no_schema(schema, kind, pieces):
    with pytest.raises(kind, match=pieces):
        compiled(schema)


def test_a_wrong_document_is_named():
    error = refused({"$ref": "https://example.org/x"}, {"https://example.org/x": {"type": "nil"}})
    assert "in the document 'https://example.org/x': the schema is not valid at /type" in str(error)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (False, "at the top: false admits nothing"),
        ({"not": {}}, "at the top: not admits nothing"),
        (
            {
                "type": "object",
                "required": ["b"],
                "properties": {"a": False, "b": {"$ref": "#/$defs/c"}},
                "$defs": {"c": {"type": "integer", "minimum": 5, "maximum": 3}},
            },
            "at the top: properties and required .*/properties/b: .ref .*"
            "/.defs/c: minimum 5 and maximum 3 exclude each other",
        ),
        (
            {"type": "number", "allOf": [{"minimum": 5}, {"maximum": 3}]},
            r"/allOf/0 \(\{\"minimum\": 5\}\) and /allOf/1",
        ),
        (
            {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
            "without end",
        ),
        ({"anyOf": [False, {"type": "null", "const": 1}]}, "/anyOf/0: .*/anyOf/1: .*const 1"),
    ],
)
def test_why_nothing_satisfies_a_schema(schema, reason):
    source = source_of(schema)
    assert str(canonical(source, True).satisfiability()) == "no"
    with pytest.raises(UnsatisfiableError, match=reason):
        raise UnsatisfiableError(unsatisfiable_reason(source))
    assert "/properties/a" not in unsatisfiable_reason(source)


def conditions(count):
    return [
        {
            "if": {"required": [f"p{i}"], "properties": {f"p{i}": {"const": 1}}},
            "then": {"required": [f"q{i}"]},
        }
        for i in range(count)
    ]


def test_what_multiplies_is_set_aside():
    schema = {"type": "object", "required": ["a"], "allOf": conditions(30)}
    source = source_of(schema)
    assert 20 < len(source.aside) < 30
    assert set(source.aside) < {(f"/allOf/{i}", "if") for i in range(30)}
    # What is left is more than the schema, by exactly those conditions.
    loose = canonical(source, True)
    pointer = source.aside[0][0]
    index = int(pointer.rpartition("/")[2])
    left = jsonschema_rs.validator_for(loose.to_json_schema())
    kept = next(i for i in range(30) if (f"/allOf/{i}", "if") not in source.aside)
    assert left.is_valid({"a": 1, f"p{index}": 1})
    assert not validator(source, True).is_valid({"a": 1, f"p{index}": 1})
    assert not left.is_valid({"a": 1, f"p{kept}": 1})
    assert not left.is_valid({})


def test_nothing_is_set_aside_where_that_would_refuse_more():
    alternatives = [{"anyOf": [{"pattern": f"{i}a"}, {"pattern": f"{i}b"}]} for i in range(30)]
    inside = {"type": "string", "allOf": alternatives}
    negated = {"anyOf": [{"allOf": each["anyOf"]} for each in alternatives]}
    assert source_of({"not": negated, "type": "string"}).aside == (("", "not"),)
    assert source_of({"oneOf": [inside, {"type": "null"}]}).aside == (("", "oneOf"),)
    shared = {"$defs": {"a": inside}, "items": {"$ref": "#/$defs/a"}, "not": {"$ref": "#/$defs/a"}}
    assert all(not pointer.startswith("/$defs") for pointer, _ in source_of(shared).aside)
    open_ended = {"allOf": conditions(30), "unevaluatedProperties": False}
    assert ("", "unevaluatedProperties") in source_of(open_ended).aside


def test_what_several_schemas_say_about_one_key_multiplies_too():
    part = {"anyOf": [{"pattern": "a"}, {"pattern": "b"}]}
    schema = {"allOf": [{"properties": {"k": {**part, "minLength": i}}} for i in range(30)]}
    source = source_of(schema)
    assert source.aside
    assert all(keyword == "anyOf" for _, keyword in source.aside)
    started = time.process_time()
    canonical(source, True)
    assert time.process_time() - started < 5


def test_without():
    schema = {"a~/b": [{"if": {}, "then": {}, "else": {}, "not": {}}]}
    text = json.dumps(schema)
    assert without(schema, text, ()) is schema
    assert without(schema, text, [("/a~0~1b/0", "if")]) == {"a~/b": [{"not": {}}]}
    assert json.dumps(schema) == text


def test_ordinary_schemas_are_not_examined():
    person = {"properties": {f"p{i}": {"anyOf": [{"type": "null"}, {}]} for i in range(3)}}
    assert is_ordinary([json.dumps(person)])
    assert not is_ordinary([json.dumps({"allOf": conditions(30)})])
    assert examine(person, "", 20, []) == ()


def test_references_too_deep_or_too_many():
    deep = {"$defs": {f"a{i}": {"$ref": f"#/$defs/a{i + 1}"} for i in range(900)}}
    deep["$defs"]["a900"] = {}
    error = refused({**deep, "$ref": "#/$defs/a0"})
    assert isinstance(error, ConstraintTooComplexError)
    assert "more than 800 deep" in str(error)
    twice = {f"a{i}": {"anyOf": [{"$ref": f"#/$defs/a{i + 1}"}] * 2} for i in range(60)}
    error = refused({"$defs": {**twice, "a60": {"type": "null"}}, "$ref": "#/$defs/a0"})
    assert isinstance(error, ConstraintTooComplexError)
    assert "Refer to them once" in str(error)
    # Going round is no depth.
    assert accepts({"properties": {"a": {"$ref": "#"}}}, {"a": {"a": {}}})


def test_complaints_are_bounded():
    schema = {
        "type": "object",
        "allOf": [{"additionalProperties": {"$ref": "#"}}, {"properties": {"a": {"$ref": "#"}}}],
    }
    source = source_of(schema)
    check = validator(source, True)

    def nested(depth, leaf):
        for _ in range(depth):
            leaf = {"a": leaf}
        return leaf

    started = time.process_time()
    assert complaints(source, check, nested(100, {})) == []
    (told,) = complaints(source, check, nested(100, 1))
    assert time.process_time() - started < 2
    assert told == (
        "the value is not valid against the schema, and nested too deeply to say why",
        [],
    )
    told = complaints(source, check, nested(3, 1))
    assert ('1 is not of type "object"', ["a", "a", "a"]) in told
    # Without references depth does not matter.
    plain = source_of({"items": {"items": {"type": "null"}}})
    value = [[[[[[[[[[1]]]]]]]]]]
    assert complaints(plain, validator(plain, True), value)[0][1] == [0, 0]
