"""Structural tags of every format, as constraints."""

from __future__ import annotations

import pytest

from condit.serve.request_errors import RequestError
from condit.serve.structural_tags import structural_tag

NUMBER = {"type": "json_schema", "json_schema": {"type": "integer"}}


def tag(begin: str, content: object, end: str) -> dict[str, object]:
    return {"type": "tag", "begin": begin, "content": content, "end": end}


CALLS = {
    "type": "triggered_tags",
    "triggers": ["<f="],
    "tags": [tag("<f=a>", NUMBER, "</f>"), tag("<f=b>", {"type": "any_text"}, "</f>")],
}
ROW = {"type": "tags_with_separator", "separator": ",", "tags": [tag("<", NUMBER, ">")]}
TWO = {"triggers": ["<a", "[b"], "tags": [tag("<a>", NUMBER, "!"), tag("[b]", NUMBER, "?")]}


@pytest.mark.parametrize(
    ("form", "right", "wrong"),
    [
        (CALLS, ["hi", "hi <f=a>3</f> x <f=b>y</f>"], ["<f=c>", "<f=a>z</f>", "a <f="]),
        ({**CALLS, "stop_after_first": True}, ["hi", "hi <f=a>3</f>"], ["<f=a>3</f> x", "<f="]),
        ({**CALLS, "at_least_one": True}, ["<f=a>3</f> x"], ["hi", "hi <f=a>3</f>"]),
        (
            {**CALLS, "at_least_one": True, "stop_after_first": True},
            ["<f=a>3</f>"],
            ["<f=a>3</f> x"],
        ),
        (
            {"type": "triggered_tags", "stop_after_first": True, **TWO},
            ["x", "x[b]3?", "<a>1!"],
            ["<a[b]3?", "x<a", "<a>1!<a>1!"],
        ),
        (
            {"type": "sequence", "elements": [tag("<t>", {"type": "any_text"}, "</t>"), NUMBER]},
            ["<t>foo</t>3"],
            ["<t>a</t>b</t>3"],
        ),
        (
            {"type": "or", "elements": [NUMBER, {"type": "const_string", "value": "no"}]},
            ["3", "no"],
            ["x"],
        ),
        (ROW, ["", "<1>", "<1>,<2>"], ["<1><2>"]),
        ({**ROW, "at_least_one": True, "stop_after_first": True}, ["<1>"], ["", "<1>,<2>"]),
        ({"type": "any_text", "excluded_str": ["foo"]}, ["bar"], ["a foo"]),
        ({"type": "regex", "pattern": "[ab]"}, ["a"], ["c"]),
        ({"type": "grammar", "grammar": 'root ::= "a"'}, ["a"], ["b"]),
    ],
)
def test_texts_are_those_of_the_tag(form, right, wrong):
    constraint = structural_tag({"type": "structural_tag", "format": form}, "p").build()
    assert [text for text in right if not constraint.accepts(text)] == []
    assert [text for text in wrong if constraint.accepts(text)] == []


def test_the_older_form_is_read():
    given = {
        "structures": [{"begin": "<n>", "schema": {"type": "integer"}, "end": "</n>"}],
        "triggers": ["<n"],
    }
    constraint = structural_tag(given, "p").build()
    assert constraint.accepts("so <n>3</n>.")
    assert not constraint.accepts("so <nothing")


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ("{", "p"),
        ({}, "p"),
        ({"format": {"type": "qwen_xml_parameter"}}, "p.format"),
        ({"format": {"type": "or", "elements": []}}, "p"),
        ({"format": {**CALLS, "triggers": ["<g"]}}, "p.format.triggered_tags.triggers"),
    ],
)
def test_what_is_none_is_refused(given, param):
    with pytest.raises(RequestError) as caught:
        structural_tag(given, "p")
    assert caught.value.param == param
