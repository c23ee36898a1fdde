"""Python types as constraints: which fields they have, and what their values become."""

from __future__ import annotations

import dataclasses
import enum
import typing

import numpy as np
import pydantic
import pytest

import condit
import condit.testing
from condit.constraint.base import Violation
from condit.constraint.engine import HEADER, EngineMatcher
from condit.errors import (
    ArgumentError,
    DeadEndError,
    GenerationError,
    UnknownEndingWarning,
    ValidatorError,
)


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


def _refused_at(constraint: condit.Constraint, text: str) -> tuple[int, str]:
    """Where the first byte of a text is refused, and why."""
    matcher = constraint.bind(condit.Vocabulary.of_bytes())
    for place, byte in enumerate(text.encode()):
        if not matcher.allows(byte):
            return place, matcher.explain(byte)
        matcher.advance(byte)
    return len(text), matcher.explain(matcher.vocabulary.end)


def test_validators_are_asked_when_their_field_closes() -> None:
    constraint = condit.json_schema(Even)
    assert constraint.accepts('{"number":4}')
    assert "must be even" in constraint.explain('{"number":3}')
    place, reason = _refused_at(constraint, '{"number":3}')
    assert (place, "must be even" in reason) == (11, True)
    # The text can go on otherwise.
    assert _refused_at(constraint, '{"number":32}') == (13, "")


class Line(pydantic.BaseModel):
    start: int
    end: int
    name: str

    @pydantic.field_validator("end")
    @classmethod
    def _after(cls, end: int, info: pydantic.ValidationInfo) -> int:
        if end <= info.data["start"]:
            raise ValueError("must be after the start")
        return end


class Lines(pydantic.BaseModel):
    lines: list[Line]

    @pydantic.model_validator(mode="after")
    def _few(self) -> Lines:
        assert len({line.name for line in self.lines}) == len(self.lines), "names must differ"
        return self


@pytest.mark.parametrize("order", ["written", "any"])
def test_a_validator_is_told_of_the_fields_before_it(order: str) -> None:
    constraint = condit.json_schema(Lines, order=order)
    text = '{"lines":[{"start":3,"end":2,"name":"a"}]}'
    place, reason = _refused_at(constraint, text)
    assert place == text.index(',"name"')
    assert "must be after the start" in reason
    if order == "any":
        # The start is not known yet: the object decides.
        text = '{"lines":[{"end":2,"start":3,"name":"a"}]}'
        assert _refused_at(constraint, text)[0] == text.index("}")
    line = '{"start":3,"end":4,"name":"a"}'
    text = f'{{"lines":[{line},{line}]}}'
    place, reason = _refused_at(constraint, text)
    assert place == len(text) - 1
    assert "names must differ" in reason


def test_the_laws_hold_with_validators() -> None:
    for kind in (Even, Line, Lines):
        condit.testing.check_matcher(
            condit.json_schema(kind),
            condit.load("ngram").vocabulary,
            np.random.default_rng(3),
            walks=2,
            steps=24,
        )


class Broken(pydantic.BaseModel):
    name: str

    @pydantic.field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        return {"a": "b"}[name]


def test_a_validator_that_fails_is_named() -> None:
    constraint = condit.json_schema(Broken)
    with pytest.raises(ValidatorError, match=r"Broken\._known, with KeyError: 'c'") as caught:
        constraint.explain('{"name":"c"}')
    assert caught.value.field == "name"
    with pytest.raises(ValidatorError, match="KeyError") as caught:
        condit.generate("ngram", "x ", constraint, max_tokens=20, seed=0)
    assert caught.value.field == "name"


class Never(pydantic.BaseModel):
    number: int

    @pydantic.model_validator(mode="after")
    def _not(self) -> Never:
        raise ValueError("nothing is good enough")


@pytest.mark.slow
def test_that_no_ending_is_known_is_said_before_the_first_token() -> None:
    with pytest.warns(UnknownEndingWarning, match=r"Never: .*Never\._not.*examples"):
        constraint = condit.json_schema(Never)
    with pytest.raises(GenerationError, match=r"finished|dead end"):
        condit.generate("ngram", "x ", constraint, max_tokens=12, seed=0)


def test_a_refused_end_is_blamed_on_what_refused_it() -> None:
    class Refused(condit.Constraint):
        def bind(self, vocabulary: condit.Vocabulary) -> condit.Matcher:
            return EngineMatcher.bind(
                f"{HEADER}start: /[ab]/", vocabulary, objection=self.violation
            )

        def violation(self, text: str) -> Violation:
            return Violation("neither a nor b is good enough", 0)

    with pytest.raises(DeadEndError, match=r"to its end.*neither a nor b is good enough"):
        condit.generate("ngram", "x ", Refused(), max_tokens=5, seed=0, sampler="masked")


@pytest.mark.parametrize("nonsense", [3.5, type("Own", (), {})])
def test_what_is_no_type_is_refused(nonsense: object) -> None:
    with pytest.raises(ArgumentError, match="neither a JSON schema"):
        condit.json_schema(nonsense)
