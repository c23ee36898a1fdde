"""Python types as constraints: which fields they have, and what their values become."""

from __future__ import annotations

import dataclasses
import enum
import typing

import pydantic
import pytest

import condit
from condit.errors import ArgumentError


class Point(typing.TypedDict):
    x: int


class Shape(typing.TypedDict, total=False):
    points: list[Point]
    name: typing.Required[str]
    center: typing.NotRequired[typing.Annotated[Point, "where"]]


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Car:
    color: Color
    doors: typing.Literal[2, 4] = 4


class Open(pydantic.BaseModel, extra="allow"):
    a: int


class Closed(pydantic.BaseModel):
    a: int


class Even(pydantic.BaseModel):
    number: int

    @pydantic.field_validator("number")
    @classmethod
    def _even(cls, number: int) -> int:
        if number % 2:
            raise ValueError("must be even")
        return number


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (int, "3", 3),
        (list[int], "[1,2]", [1, 2]),
        (int | None, "null", None),
        (typing.Literal["a", 1], '"a"', "a"),
        (Color, '"red"', Color.RED),
        (Car, '{"color":"red","doors":2}', Car(Color.RED, 2)),
        (Closed, '{"a":1}', Closed(a=1)),
        (Point, '{"x":1}', {"x": 1}),
        (Shape, '{"points":[{"x":1}],"name":"n"}', {"points": [{"x": 1}], "name": "n"}),
        (dict[str, Point], '{"k":{"x":1}}', {"k": {"x": 1}}),
        (typing.Optional[Point], "null", None),  # noqa: UP045
        (tuple[Point, int], '[{"x":1},2]', ({"x": 1}, 2)),
    ],
)
def test_values_have_their_type(kind: object, text: str, value: object) -> None:
    constraint = condit.json_schema(kind)
    assert constraint.explain(text) == ""
    assert constraint.value(text) == value
    matcher = constraint.bind(condit.Vocabulary.of_bytes())
    for byte in text.encode():
        matcher.advance(byte)
    assert matcher.allows(matcher.vocabulary.end)


def test_only_declared_fields_unless_the_type_says_otherwise() -> None:
    assert not condit.json_schema(Closed).accepts('{"a":1,"b":2}')
    assert condit.json_schema(Open).accepts('{"a":1,"b":2}')
    assert condit.json_schema(dict[str, int]).accepts('{"a":1,"b":2}')


def test_validators_of_the_type_have_the_last_word() -> None:
    constraint = condit.json_schema(Even)
    assert constraint.accepts('{"number":4}')
    assert "must be even" in constraint.explain('{"number":3}')
    matcher = constraint.bind(condit.Vocabulary.of_bytes())
    for byte in b'{"number":3}':
        matcher.advance(byte)
    assert not matcher.allows(matcher.vocabulary.end)
    assert "must be even" in matcher.explain(matcher.vocabulary.end)


@pytest.mark.parametrize("nonsense", [3.5, type("Own", (), {})])
def test_what_is_no_type_is_refused(nonsense: object) -> None:
    with pytest.raises(ArgumentError, match="neither a JSON schema"):
        condit.json_schema(nonsense)
