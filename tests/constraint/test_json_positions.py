import json
import sys

import pytest

from condit.constraint.json_positions import NotJsonError, position_of, read_json

TEXT = ' {"a": [1, {"b" : "x,]"}, [], {}], "c\\"d":{"e": null}, "a" : 2.5}'


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ([], '{"a"'),
        (['c"d'], '{"e"'),
        (['c"d', "e"], "null"),
        (["a"], "2.5"),
        (["missing"], '{"a"'),
        (['c"d', "e", 0], "null"),
    ],
)
def test_position_of(path, found):
    # Of two members with one key, the later one counts.
    assert TEXT[position_of(TEXT, path) :].startswith(found)


@pytest.mark.parametrize(
    ("path", "found"),
    [([0], "[1"), ([0, 1], "2"), ([1, "b"], '"x,]"'), ([2], "[]"), ([3], "{}"), ([9], "[[")],
)
def test_position_in_a_list(path, found):
    text = '[[1,2] , {"b" : "x,]"}, [], {}]'
    assert text[position_of(text, path) :].startswith(found)


def test_every_position_holds_its_value():
    value = {"a": [1, "two", {"b": [True, None, -1.5e3]}], "": {"x": "é\n"}, "z": []}

    def check(text, part, path):
        place = position_of(text, path)
        assert json.JSONDecoder().raw_decode(text, place)[0] == part
        if isinstance(part, (dict, list)):
            for key, inner in part.items() if isinstance(part, dict) else enumerate(part):
                check(text, inner, [*path, key])

    for indent in (None, 2):
        check(json.dumps(value, indent=indent), value, [])


@pytest.mark.parametrize(
    ("text", "position", "reason"),
    [
        ("", 0, "not complete"),
        ('{"a": ', 6, "not complete"),
        ("[1,]", 3 if sys.version_info < (3, 13) else 2, "this is not JSON"),
        ("{'a': 1}", 1, "this is not JSON"),
        ("1 2", 2, "this is not JSON: Extra data"),
        ('["NaN", NaN]', 8, "NaN is not JSON"),
        ("-Infinity", 0, "-Infinity is not JSON"),
        ('{"1e400": 1e400}', 10, "too large for a floating-point number"),
        ("[" + "1" * 5000 + "]", 1, "too many digits"),
        ('["\\ud83d\\ude00", "a\\ud800"]', 17, "half of a surrogate pair"),
        ('["\ud800"]', 1, "half of a surrogate pair"),
        ('{"\\udc00": 1}', 1, "half of a surrogate pair"),
        ("[" * 100_000, None, "nested too deeply"),
        ('"a\nb"', 2, "this is not JSON"),
    ],
)
def test_what_is_not_json(text, position, reason):
    with pytest.raises(NotJsonError, match=reason) as info:
        read_json(text)
    assert info.value.violation.position == position


def test_json_is_read():
    assert read_json(' {"a": [1, 2.5, "\\ud83d\\ude00"], "a": null} ') == {"a": None}
    assert read_json("1" * 400) == int("1" * 400)
