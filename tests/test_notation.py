"""The notation of constraints as texts of others are read: where they fail, what they may not."""

from __future__ import annotations

from pathlib import Path

import pytest

import condit
from condit.errors import ArgumentError, CompileError, ConditError
from condit.notation import read


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("intger(0, 3)", "intger"),
        ("  intger(0, 3)", "intger"),
        ('"é" | integer(0, "x")', "integer"),
        ('"é"\n | "b"\n | regex("a(b")', "regex"),
        ("integer(0, 3) | (lambda: 1)()", "(lambda"),
        ("integer(0, 3))", ")"),
        ('"a" & ', " "),
        ('integer(0, 3) &\n regex("a"', '("a"'),
        ('"a")\n | ("b"', ")"),
    ],
)
def test_errors_say_where(text: str, at: str) -> None:
    with pytest.raises(ConditError) as caught:
        read(text)
    position = caught.value.position
    assert position is not None
    assert text[position:].startswith(at)


def test_it_may_go_on_over_lines() -> None:
    assert read('"a"\n | "b"\n').accepts("b")


@pytest.mark.parametrize(
    "text",
    [
        'file("{path}")',
        'json_schema(file("{path}"))',
        'json_schema("{path}")',
        'quote("{path}")',
        'one_of_many("{path}")',
        'where("os:getcwd")',
        'where_prefix("os:getcwd")',
        'python("os:getcwd")',
        'condit.python("os:getcwd")',
    ],
)
def test_texts_of_others_open_nothing(text: str, tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    path.write_text('{"type": "integer"}')
    written = text.replace("{path}", str(path))
    with pytest.raises(CompileError):
        read(written, opens=False)
    with pytest.raises(CompileError):
        condit.make_constraint("expression", written)


@pytest.mark.parametrize("text", ["choice({[1]: 2})", 'iban("x" * 3)'])
def test_values_of_wrong_types_have_their_place(text: str) -> None:
    with pytest.raises(CompileError) as caught:
        read(f"  {text}", opens=False)
    assert caught.value.position is not None


@pytest.mark.parametrize("value", [3, ["a"], None])
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(ArgumentError):
        condit.make_constraint("expression", value)


@pytest.mark.parametrize(
    "text",
    [
        *("9**9**9", '"a" * 1000000000', "~" * 5000 + '"a"', "-" * 100_000 + "1", "(" * 300),
        *('"a"|' * 20_000 + '"a"', "integer.__globals__", "condit.load", "().__class__", "\0"),
        *('template("{a.__class__}", a="x")', "(lambda: 1)()", 'f"{1}"', '"a".join(["b"])'),
        *('json_schema({}, registry="x")', "lexical.words(exactly=1000000000)"),
    ],
    ids=lambda text: repr(text[:20]),
)
def test_hostile_texts_are_refused(text: str) -> None:
    with pytest.raises(ConditError):
        read(text, opens=False)


def test_they_may_say_all_the_rest() -> None:
    text = 'json_schema({"type": "integer"}) | lexical.words(at_most=2) & ~choice("a", "b")'
    assert condit.make_constraint("expression", text).accepts("12")
