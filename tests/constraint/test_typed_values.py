"""Types whose schema needs a rewrite before it can be enforced, and those that cannot be."""

import datetime
import pathlib
import uuid
from decimal import Decimal
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, SecretStr

from condit.constraint.json_schema import json_schema
from condit.errors import ArgumentError, UnsupportedConstraintError


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: Annotated[int, Field(ge=0)]


class Dog(BaseModel):
    kind: Literal["dog"]


class Owner(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]


class Tree(BaseModel):
    children: list["Tree"] = []


@pytest.mark.parametrize(
    ("python_type", "text", "value"),
    [
        (None, "null", None),
        (Owner, '{"pet": {"kind": "dog"}}', Owner(pet=Dog(kind="dog"))),
        (Tree, '{"children": [{"children": []}]}', Tree(children=[Tree()])),
        (datetime.date, '"2024-02-29"', datetime.date(2024, 2, 29)),
        (uuid.UUID, f'"{uuid.UUID(int=5)}"', uuid.UUID(int=5)),
        (pathlib.PurePath, '"a/b"', pathlib.PurePath("a/b")),
        (Decimal, '"1.50"', Decimal("1.50")),
        (Decimal, "-2", Decimal(-2)),
        (SecretStr, '"x"', SecretStr("x")),
    ],
)
def test_values(writes, python_type, text, value):
    constraint = json_schema(python_type)
    assert constraint.explain(text) == ""
    assert writes(constraint, text)
    assert constraint.value(text) == value
    assert not constraint.accepts("[[[]]]")


def test_a_set_wants_unique_items_which_cannot_be_enforced():
    with pytest.raises(UnsupportedConstraintError, match="'uniqueItems' at /uniqueItems"):
        json_schema(set[int])


def test_violation_stands_where_the_value_does():
    violation = json_schema(Owner).violation('{"pet": {"kind": "cat", "lives": -3}}')
    assert violation.position == 8
    assert json_schema(Cat).violation('{"kind": "cat", "lives": -3}').position == 25


class Plain:
    pass


@pytest.mark.parametrize("wrong", [5, [int], Plain, object()])
def test_what_is_no_type(wrong):
    with pytest.raises(ArgumentError, match=r"neither a JSON schema .* nor a type that pydantic"):
        json_schema(wrong)


def test_a_type_makes_a_value():
    assert json_schema(Cat) == json_schema(Cat)
    assert json_schema(Cat).type is Cat
    assert json_schema(Cat) != json_schema(Dog)
