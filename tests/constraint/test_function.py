"""Functions as constraints: which objects of arguments are allowed, and what the call gets."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import functools
import json
import typing
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

import condit
from condit.errors import ArgumentError, UnsatisfiableError


def order(
    item: Literal["chair", "table"],
    count: Annotated[int, Field(ge=1, le=9, description="how many, at most nine")] = 1,
    *,
    day: datetime.date | None = None,
) -> Elsewhere:  # type: ignore[name-defined]  # noqa: F821 - what it returns does not matter
    """Order something.

    It comes by post.

    Args:
        item: what to order,
            by its name.
        count: not this, for the type says better.
        day: when it is needed.
    """
    return item, count, day


def numpy_style(width: float, height: float = 2.0) -> float:
    """Area of a rectangle.

    Parameters
    ----------
    width : float
        From left to right.
    height
        From bottom to top.
    """
    return width * height


def sphinx_style(city: str) -> str:
    """Look up the weather.

    :param city: where
    :type city: str
    """
    return city


class Point(BaseModel):
    x: int


class Place(typing.TypedDict):
    name: str
    near: typing.NotRequired[Place]


class Shop:
    """A shop.

    Args:
        town: where it is.
    """

    def __init__(self, town: str, **hours: bool) -> None:
        self.town, self.hours = town, hours

    def sell(self, what: Point, **prices: int) -> tuple[Any, ...]:
        """Sell it."""
        return self.town, what, prices

    def __call__(self, greeting: str) -> str:
        return f"{greeting}, {self.town}"

    @classmethod
    def open(cls, town: str) -> Shop:
        return cls(town)

    @staticmethod
    def rule(text: str = "") -> str:
        return text


@dataclasses.dataclass
class Box:
    size: int
    scale: dataclasses.InitVar[int] = 2

    def __post_init__(self, scale: int) -> None:
        self.size *= scale


class Pair(typing.NamedTuple):
    first: Point
    second: int = 5


def positional(a: int, b: int = 5, c: int = 7, /, d: int = 8, **more: Any) -> tuple[Any, ...]:
    return a, b, c, d, more


async def later(a: int) -> int:
    await asyncio.sleep(0)
    return a + 1


def test_the_schema_says_what_the_signature_does() -> None:
    constraint = condit.function(order)
    assert constraint.name == "order"
    assert constraint.description == "Order something."
    assert constraint.schema == {
        "title": "order",
        "description": "Order something.",
        "type": "object",
        "properties": {
            "item": {
                "enum": ["chair", "table"],
                "type": "string",
                "description": "what to order, by its name.",
            },
            "count": {
                "type": "integer",
                "minimum": 1,
                "maximum": 9,
                "default": 1,
                "description": "how many, at most nine",
            },
            "day": {
                "anyOf": [{"type": "string", "format": "date"}, {"type": "null"}],
                "default": None,
                "description": "when it is needed.",
            },
        },
        "required": ["item"],
        "additionalProperties": False,
    }
    assert list(constraint.schema["properties"]) == ["item", "count", "day"]
    assert constraint.tool == {
        "type": "function",
        "function": {
            "name": "order",
            "description": "Order something.",
            "parameters": constraint.schema,
        },
    }
    assert json.loads(json.dumps(constraint.tool)) == constraint.tool


@pytest.mark.parametrize(
    ("function", "summary", "descriptions"),
    [
        (
            numpy_style,
            "Area of a rectangle.",
            {"width": "From left to right.", "height": "From bottom to top."},
        ),
        (sphinx_style, "Look up the weather.", {"city": "where"}),
        (Shop, "A shop.", {"town": "where it is."}),
        (Box, "", {}),
        (Pair, "", {}),
        (Shop("Ulm"), "", {}),
    ],
)
def test_docstrings_describe(function: Any, summary: str, descriptions: dict[str, str]) -> None:
    constraint = condit.function(function)
    assert constraint.description == summary
    assert constraint.schema.get("description", "") == summary
    found = {
        name: schema["description"]
        for name, schema in constraint.schema["properties"].items()
        if schema is not False and "description" in schema
    }
    assert found == descriptions


@pytest.mark.parametrize(
    ("function", "text", "returned"),
    [
        (order, '{"item":"chair"}', ("chair", 1, None)),
        (
            order,
            '{"item":"table","count":3,"day":"2024-02-29"}',
            ("table", 3, datetime.date(2024, 2, 29)),
        ),
        (numpy_style, '{"width":3}', 6.0),
        (Shop("Ulm").sell, '{"what":{"x":1},"bun":2}', ("Ulm", Point(x=1), {"bun": 2})),
        (Shop("Ulm"), '{"greeting":"Hello"}', "Hello, Ulm"),
        (Shop.rule, "{}", ""),
        (Box, '{"size":3}', Box(3)),
        (Box, '{"size":3,"scale":4}', Box(3, 4)),
        (Pair, '{"first":{"x":2}}', Pair(Point(x=2))),
        (Point, '{"x":2}', Point(x=2)),
        (positional, '{"a":1}', (1, 5, 7, 8, {})),
        (positional, '{"a":1,"c":2,"other":[null]}', (1, 5, 2, 8, {"other": [None]})),
        (functools.partial(order, "chair"), '{"count":2}', ("chair", 2, None)),
        (functools.partial(order, count=4), '{"item":"chair"}', ("chair", 4, None)),
        (
            functools.partial(Shop("Ulm").sell, bun=1),
            '{"what":{"x":1}}',
            ("Ulm", Point(x=1), {"bun": 1}),
        ),
        (lambda place: place, '{"place":{"any":[1]}}', {"any": [1]}),
        (pow, '{"base":2,"exp":5}', 32),
    ],
)
def test_calls(writes: Any, function: Any, text: str, returned: Any) -> None:
    constraint = condit.function(function)
    assert constraint.explain(text) == ""
    assert writes(constraint, text)
    assert constraint.call(text) == returned


def test_classes_and_class_methods_make_objects() -> None:
    shop = condit.function(Shop).call('{"town":"Ulm","sunday":false}')
    assert (shop.town, shop.hours) == ("Ulm", {"sunday": False})
    assert condit.function(Shop.open).call('{"town":"Bonn"}').town == "Bonn"


def test_a_coroutine_is_awaited_by_the_caller() -> None:
    called = condit.function(later).call('{"a":1}')
    assert asyncio.run(called) == 2


def test_a_dictionary_type_unpacked_gives_its_keys() -> None:
    def visit(**place: typing.Unpack[Place]) -> dict[str, Any]:
        return dict(place)

    constraint = condit.function(visit)
    assert constraint.call('{"name":"a","near":{"name":"b"}}') == {
        "name": "a",
        "near": {"name": "b"},
    }
    assert not constraint.accepts('{"near":{"name":"b"}}')
    assert not constraint.accepts('{"name":"a","far":1}')


def test_what_is_bound_is_neither_shown_nor_replaced() -> None:
    def send(text: str, **options: str) -> dict[str, str]:
        return {"text": text, **options}

    constraint = condit.function(functools.partial(send, key="secret"))
    assert "secret" not in json.dumps(constraint.schema)
    assert constraint.call('{"text":"a","to":"b"}') == {"text": "a", "to": "b", "key": "secret"}
    with pytest.raises(ArgumentError, match="argument 'key'"):
        constraint.call('{"text":"a","key":"other"}')
    with pytest.raises(ArgumentError, match="argument 'self'"):
        condit.function(Shop("Ulm").sell).call('{"what":{"x":1},"self":2}')
    with pytest.raises(ArgumentError, match="argument 'self'"):
        condit.function(Shop).call('{"town":"Ulm","self":true}')


def test_a_default_that_json_cannot_write_is_only_optional() -> None:
    missing = object()

    def find(key: str, default: Any = missing) -> bool:
        return default is missing

    constraint = condit.function(find)
    assert "default" not in constraint.schema["properties"]["default"]
    assert constraint.call('{"key":"a"}') is True
    assert constraint.call('{"key":"a","default":null}') is False


def test_values_are_the_arguments_by_name() -> None:
    constraint = condit.function(order)
    assert constraint.value('{"item":"chair","day":"2024-02-29"}') == {
        "item": "chair",
        "day": datetime.date(2024, 2, 29),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"item":"chair","count":12}', "at character 24: argument 'count': 12 is greater"),
        ('{"item":"sofa"}', "argument 'item': "),
        ("{}", '"item" is a required property'),
        ('{"item":"chair","colour":1}', "'colour' was unexpected"),
        ('{"item":"chair"', "not complete"),
        ("[]", 'not of type "object"'),
    ],
)
def test_bad_arguments_are_named(text: str, message: str) -> None:
    constraint = condit.function(order)
    assert message in constraint.explain(text)
    for use in (constraint.value, constraint.call):
        with pytest.raises(ArgumentError, match=r"^order cannot be called so: ") as raised:
            use(text)
        assert message in str(raised.value)


def test_what_the_function_raises_is_passed_on() -> None:
    def fail(a: int) -> None:
        raise KeyError(a)

    with pytest.raises(KeyError):
        condit.function(fail).call('{"a":1}')


def test_only_texts_samples_and_results_are_called() -> None:
    with pytest.raises(ArgumentError, match="a text, a sample or a result, not int"):
        condit.function(order).call(3)  # type: ignore[arg-type]


class Undescribed:
    pass


def takes_many(*values: int) -> None: ...


def takes_undescribed(a: int, b: list[Undescribed]) -> None: ...


def takes_unknown(a: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821


def takes_field(a: int = Field(ge=3)) -> None: ...


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (3, "int cannot be called"),
        (takes_many, r"takes_many takes \*values"),
        (print, r"print takes \*args"),
        (int, "int does not tell which arguments"),
        (takes_undescribed, "the type of 'b' of takes_undescribed is none that pydantic"),
        (takes_unknown, "'a' of takes_unknown, 'Nowhere', cannot be read"),
        (takes_field, r"the default of 'a' of takes_field is a pydantic Field"),
    ],
)
def test_what_cannot_be_a_constraint(function: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        condit.function(function)


def test_types_without_values_are_refused() -> None:
    def never(a: Annotated[int, Field(ge=3, le=2)]) -> None: ...

    with pytest.raises(UnsatisfiableError):
        condit.function(never)


def test_options_are_those_of_json_schema() -> None:
    assert condit.function(order) == condit.function(order)
    assert condit.function(order) != condit.function(order, whitespace="flexible")
    assert len({condit.function(order), condit.function(order)}) == 1
    with pytest.raises(ArgumentError, match="whitespace='wide'"):
        condit.function(order, whitespace="wide")


def test_the_matcher_keeps_the_laws(obeys: Any) -> None:
    obeys(condit.function(order))


def test_drawn_and_called() -> None:
    constraint = condit.function(order)
    result = condit.generate("ngram", "An order: ", constraint, n=4, max_tokens=60, seed=0)
    for sample in result.samples:
        if sample.valid:
            item, count, _ = constraint.call(sample)
            assert item in ("chair", "table")
            assert 1 <= count <= 9
    assert constraint.call(result) == constraint.call(result.best)
    assert result.best.value == constraint.value(result.best.text)
    assert result.best.value["item"] in ("chair", "table")


@pytest.mark.model
def test_a_real_model_calls_a_function(smollm2: condit.Model) -> None:
    constraint = condit.function(order)
    prompt = f"Tool: {json.dumps(constraint.tool)}\nThree chairs, please. Arguments as JSON: "
    result = condit.generate(smollm2, prompt, constraint, max_tokens=40, seed=0)
    item, count, _ = constraint.call(result)
    assert item in ("chair", "table")
    assert 1 <= count <= 9
