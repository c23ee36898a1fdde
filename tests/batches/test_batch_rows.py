"""From a line to a row and to what it asks for, in Condit's own shape."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from condit.batches.constraints import ConstraintCache
from condit.batches.lines import Line
from condit.batches.requests import Request, request_of
from condit.batches.rows import Row, row_of_line
from condit.errors import CompileError, ConditError, RowError


def row_of(content: bytes | dict[str, Any]) -> Row:
    if isinstance(content, dict):
        content = json.dumps(content).encode()
    return row_of_line(Line(7, content, len(content) + 1))


def asked(**fields: Any) -> Request:
    return request_of(row_of(fields), ConstraintCache())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "line 7: it is not JSON: Expecting property name"),
        (b'{"prompt": "a"} x', "line 7: it is not JSON: Extra data at character 17"),
        (b'{"prompt": "\xff"}', "line 7: it is not UTF-8 (byte 13 of the line)"),
        (b"[1]", "line 7: it is a list, not a JSON object"),
        (b'{"top_p": NaN}', "line 7: it is not JSON: NaN is no number"),
        (b"[" * 100_000, "line 7: it is nested too deep"),
        (b'{"id": ""}', "line 7: id must be a text that is not empty, not ''"),
        (b'{"id": true}', "line 7: id must be a text"),
        (b'{"id": "\\ud800"}', "line 7: id is not text"),
        (b'{"body": {}}', "line 7: custom_id is missing"),
        (b"9" * 5000, "line 7: it is not JSON: Exceeds the limit"),
    ],
)
def test_a_line_that_cannot_be_read_is_a_fault_that_names_it(content: bytes, said: str) -> None:
    fault = row_of(content).fault
    assert isinstance(fault, RowError)
    assert str(fault).startswith(said)
    assert fault.line == 7


def test_an_error_of_a_row_may_be_sent_to_another_process() -> None:
    fault = pickle.loads(pickle.dumps(row_of(b'{"id": ""}').fault))
    assert (fault.line, fault.field) == (7, "id")
    assert "line 7: id must be" in str(fault)


def test_ids() -> None:
    assert row_of({"prompt": "a"}).id == "line-7"
    assert row_of({"id": "a"}).id == "a"
    assert row_of({"id": 5}).id == "5"
    assert row_of({"id": None}).id == "line-7"
    assert row_of({"custom_id": "a", "body": {}}).id == "a"


def test_what_a_row_asks_for() -> None:
    request = asked(prompt="a", n=2, max_tokens=None, temperature=1, top_p=0.5, stop=["\n"])
    assert request == Request("a", None, {"n": 2, "temperature": 1, "top_p": 0.5, "stop": ["\n"]})
    assert asked(prompt=[1, 2]).prompt == [1, 2]
    messages = [{"role": "user", "content": "a"}]
    assert asked(prompt=messages).prompt == messages


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"schema": {"type": "integer"}}, "3"),
        ({"json_schema": {"type": "integer"}}, "3"),
        ({"schema": '{"type": "integer"}'}, "3"),
        ({"regex": "[0-9]"}, "3"),
        ({"choice": ["3", "b"]}, "3"),
        ({"grammar": 'start: "3"'}, "3"),
        ({"constraint": {"integer": "0,9"}}, "3"),
        ({"constraint": {"json_schema": {"type": "integer"}}}, "3"),
    ],
)
def test_constraints(fields: dict[str, Any], text: str) -> None:
    constraint = asked(prompt="a", **fields).constraint
    assert constraint is not None
    assert constraint.accepts(text)
    assert not constraint.accepts("c")


@pytest.mark.parametrize(
    ("fields", "at", "said"),
    [
        ({}, "prompt", "prompt is missing"),
        ({"prompt": 3}, "prompt", "prompt must be a text or a list"),
        ({"prompt": "a", "max_token": 3}, "max_token", "did you mean 'max_tokens'?"),
        ({"prompt": "a", "n": 1.5}, "n", "n must be a whole number, not 1.5"),
        ({"prompt": "a", "n": True}, "n", "n must be a whole number, not True"),
        ({"prompt": "a", "top_p": "1"}, "top_p", "top_p must be a number, not '1'"),
        ({"prompt": "a", "heal": 1}, "heal", "heal must be true or false"),
        ({"prompt": "a", "regex": "a", "choice": ["a"]}, "choice", "give one constraint"),
        ({"prompt": "a", "constraint": "a"}, "constraint", "constraint must be an object"),
    ],
)
def test_what_cannot_be_asked_names_the_field(fields: dict[str, Any], at: str, said: str) -> None:
    with pytest.raises(RowError) as caught:
        asked(**fields)
    assert said in str(caught.value)
    assert (caught.value.line, caught.value.field) == (7, at)


def test_a_constraint_that_does_not_compile() -> None:
    with pytest.raises(CompileError):
        asked(prompt="a", regex="([")
    with pytest.raises(ConditError, match="no constraint is called 'regx'"):
        asked(prompt="a", constraint={"regx": "a"})


def test_equal_constraints_are_compiled_once() -> None:
    cache = ConstraintCache()
    assert cache.get("regex", "a") is cache.get("regex", "a")
    assert cache.get("regex", "a") is not cache.get("regex", "b")
    # The order of keys is the order in which they are written.
    one = cache.get("json_schema", {"properties": {"a": {}, "b": {}}})
    assert one is not cache.get("json_schema", {"properties": {"b": {}, "a": {}}})
    for _ in range(2):
        with pytest.raises(CompileError):
            cache.get("regex", "([")
