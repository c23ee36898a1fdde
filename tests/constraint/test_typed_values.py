"""Values of Python types: what is written, what it becomes, and what is refused where."""

import dataclasses
import datetime
import enum
import ipaddress
import pathlib
import uuid
from decimal import Decimal
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NotRequired,
    TypedDict,
    TypeVar,
    get_origin,
)

import pytest
from pydantic import (
    AliasChoices,
    Base64Bytes,
    BaseModel,
    Discriminator,
    Field,
    Json,
    RootModel,
    SecretStr,
    Tag,
)

import condit
from condit.constraint.json_schema import json_schema
from condit.errors import ArgumentError


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


class Colour(enum.Enum):
    RED = "red"
    BLUE = 3


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Pair(NamedTuple):
    first: int
    second: Cat | None = None


class Node(TypedDict):
    """A list, made of dictionaries."""

    value: int
    rest: NotRequired["Node"]


class Aliased(BaseModel):
    colour: Annotated[str, Field(alias="the-colour", pattern="^[a-z]+$")]
    chosen: Annotated[int, Field(validation_alias=AliasChoices("x", "y"))] = 0


Item = TypeVar("Item")


class Holder(BaseModel, Generic[Item]):
    items: list[Item]


class Numbers(RootModel[list[int]]):
    pass


@dataclasses.dataclass
class Branch:
    length: Annotated[float, Field(gt=0)]
    branches: list["Branch"] = dataclasses.field(default_factory=list)
    scale: dataclasses.InitVar[int] = 1

    def __post_init__(self, scale: int) -> None:
        self.length *= scale


class Tagged(BaseModel):
    pet: Annotated[
        Annotated[Cat, Tag("c")] | Annotated[Dog, Tag("d")],
        Discriminator(lambda value: "c" if "lives" in dict(value) else "d"),
    ]


@pytest.mark.parametrize(
    ("python_type", "text", "value"),
    [
        (int, "-12", -12),
        (float, "2", 2.0),
        (bool, "true", True),
        (str, '"\\u00e9\\n"', "é\n"),
        (bytes, '"é"', "é".encode()),
        (Any, '{"a": [null]}', {"a": [None]}),
        (Colour, '"red"', Colour.RED),
        (Colour, "3", Colour.BLUE),
        (Level, "2", Level.HIGH),
        (Literal["a", 1, None], "1", 1),
        (int | None, "null", None),
        (int | str, '"7"', "7"),
        (list[Dog], '[{"kind": "dog"}]', [Dog(kind="dog")]),
        (dict[str, Level], '{"a": 1}', {"a": Level.LOW}),
        (dict[int, str], '{"-7": "a"}', {-7: "a"}),
        (dict[bool, int], '{"true": 1}', {True: 1}),
        (dict[Colour, int], '{"red": 1}', {Colour.RED: 1}),
        (dict[datetime.date, int], '{"2024-02-29": 1}', {datetime.date(2024, 2, 29): 1}),
        (dict[Annotated[str, Field(pattern="^a+$")], int], '{"aa": 1}', {"aa": 1}),
        (tuple[int, str], '[1, "a"]', (1, "a")),
        (tuple[int, ...], "[1, 2, 3]", (1, 2, 3)),
        (tuple[()], "[]", ()),
        (set[int], "[2, 1]", {1, 2}),
        (frozenset[str], '["a", "b"]', frozenset("ab")),
        (Pair, "[1]", Pair(1)),
        (Pair, '[1, {"kind": "cat", "lives": 9}]', Pair(1, Cat(kind="cat", lives=9))),
        (Node, '{"value": 1, "rest": {"value": 2}}', {"value": 1, "rest": {"value": 2}}),
        (Aliased, '{"the-colour": "red"}', Aliased(**{"the-colour": "red"})),
        (Aliased, '{"the-colour": "red", "x": 3}', Aliased(**{"the-colour": "red", "x": 3})),
        (Holder[int], '{"items": [1]}', Holder[int](items=[1])),
        (Holder[Dog], '{"items": [{"kind": "dog"}]}', Holder[Dog](items=[Dog(kind="dog")])),
        (Numbers, "[1, 2]", Numbers([1, 2])),
        (Branch, '{"length": 1, "branches": [{"length": 2}]}', Branch(1, [Branch(2)])),
        (Branch, '{"length": 1, "scale": 3}', Branch(3)),
        (Tagged, '{"pet": {"kind": "cat", "lives": 1}}', Tagged(pet=Cat(kind="cat", lives=1))),
        (
            datetime.datetime,
            '"2024-02-29T12:30:00Z"',
            datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.UTC),
        ),
        (datetime.time, '"12:30:00Z"', datetime.time(12, 30, tzinfo=datetime.UTC)),
        (datetime.timedelta, '"PT90S"', datetime.timedelta(seconds=90)),
        (pathlib.Path, '"a/b"', pathlib.Path("a/b")),
        (ipaddress.IPv4Address, '"10.0.0.1"', ipaddress.IPv4Address("10.0.0.1")),
        (ipaddress.IPv6Address, '"::1"', ipaddress.IPv6Address("::1")),
        (ipaddress.IPv4Network, '"10.0.0.0/24"', ipaddress.IPv4Network("10.0.0.0/24")),
        (ipaddress.IPv6Network, '"fe80::/64"', ipaddress.IPv6Network("fe80::/64")),
        (Base64Bytes, '"YWI="', b"ab"),
        (Json[list[int]], '"[1]"', [1]),
        (Annotated[Decimal, Field(gt=1, decimal_places=2)], '"1.25"', Decimal("1.25")),
        (Annotated[int, Field(multiple_of=7, gt=7)], "14", 14),
        (Annotated[str, Field(min_length=2, max_length=2)], '"ab"', "ab"),
        (Annotated[list[int], Field(min_length=1)], "[1]", [1]),
    ],
)
def test_values_of_every_kind(writes, python_type, text, value):
    constraint = json_schema(python_type)
    assert constraint.explain(text) == ""
    assert writes(constraint, text)
    found = constraint.value(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("python_type", "text", "offset"),
    [
        (set[int], "[1, 1]", 5),
        (frozenset[str], '["a", "b", "a"]', 13),
        (dict[int, str], '{"1": "a", "b": "c"}', 12),
        (dict[bool, int], '{"yes": 1}', 2),
        (dict[Annotated[str, Field(pattern="^a+$")], int], '{"b": 1}', 2),
        (Decimal, '"one"', 1),
        (Base64Bytes, '"YWI"', 4),
        (ipaddress.IPv4Network, '"10.0.0.0/40"', 11),
        (Aliased, '{"colour": "red"}', 2),
        (Aliased, '{"the-colour": "Red"}', 16),
        (Branch, '{"length": 0}', 12),
        (Branch, '{"length": 1, "branches": [{"length": "a"}]}', 38),
        (Pair, "[]", 1),
        (Level, "3", 0),
    ],
)
def test_what_is_no_value_is_refused_where_it_goes_wrong(by_byte, python_type, text, offset):
    constraint = json_schema(python_type)
    assert constraint.explain(text) != ""
    matcher = constraint.bind(by_byte)
    for place, value in enumerate(text.encode()):
        if not matcher.allows(value):
            assert place == offset
            return
        matcher.advance(value)
    pytest.fail("no token of it was refused")


@pytest.mark.parametrize("python_type", [Pair, Node, Holder[Cat], Aliased])
def test_what_is_drawn_has_its_type(python_type):
    constraint = json_schema(python_type)
    result = condit.generate("ngram", "One: ", constraint, n=3, max_tokens=80, seed=0)
    for sample in result.samples:
        if sample.valid:
            kind = get_origin(python_type) or python_type
            assert isinstance(sample.value, dict if kind is Node else kind)
            assert sample.value == constraint.value(sample.text)


def test_a_default_that_json_cannot_write_is_no_reason_to_warn():
    class Held(BaseModel):
        other: Any = object()
        number: int = 3

    assert json_schema(Held).value('{"number": 4}').number == 4


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
