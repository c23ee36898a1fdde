"""Paths into values: what they find, and what is said where they find nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel, ConfigDict, RootModel

from condit.errors import ArgumentError
from condit.fields import ABSENT, content, find, leaves, no_such_field, path_of, steps_of


class Person(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str
    role: str | None = None


class People(RootModel[list[Person]]):
    pass


@dataclass
class Team:
    lead: Person
    members: People


class Point(NamedTuple):
    x: int
    y: int


ANNA = Person.model_validate({"name": "Anna", "odd key": 1})
VALUE = {
    "team": Team(ANNA, People([ANNA, Person(name="Ben", role="cook")])),
    "odd key": {"3": "text", 3: "number", "": "empty", "a.b": "dotted", 'q"\\': "quoted"},
    "point": Point(1, 2),
    "pair": (4, 5),
    "none": None,
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", VALUE),
        ("team.lead.name", "Anna"),
        ('team.lead["odd key"]', 1),
        ("team.members[1].role", "cook"),
        ("team.members[-2].name", "Anna"),
        ("team.members[2]", ABSENT),
        ("team.members[-3]", ABSENT),
        ("['odd key'][3]", "number"),
        ('["odd key"]["3"]', "text"),
        ('["odd key"][""]', "empty"),
        ('["odd key"]["a.b"]', "dotted"),
        (r'["odd key"]["q\"\\"]', "quoted"),
        ("point.y", 2),
        ("pair[1]", 5),
        ("pair.y", ABSENT),
        ("none", None),
        ("none.x", ABSENT),
        ("team.lead.name.upper", ABSENT),
        ("team.lead.model_fields", ABSENT),
    ],
)
def test_a_path_finds_what_is_there(path: str, found: Any) -> None:
    got = find(VALUE, steps_of(path))
    assert got is found or got == found


@pytest.mark.parametrize(
    ("path", "at"),
    [
        (".", 0), ("a.", 1), ("a..b", 1), ("a[", 1), ("a[b]", 1), ("a[1", 1), ("[1]b", 3),
        ('a["b]', 1), ('["\\d"]', 0), ("a b", 1), ("a[1.5]", 1), ("]", 0),
    ],
)  # fmt: skip
def test_a_path_that_cannot_be_read_is_refused_with_its_place(path: str, at: int) -> None:
    with pytest.raises(ArgumentError, match=f"at character {at}:") as caught:
        steps_of(path)
    assert repr(path) in str(caught.value)


def test_every_part_has_a_path_that_leads_to_it() -> None:
    steps = list(leaves(VALUE))
    assert len(steps) == len(set(steps)) == 18
    for each in steps:
        assert steps_of(path_of(each)) == each
        assert find(VALUE, each) is not ABSENT
    assert path_of(("people", 0, "first-name", "odd key")) == 'people[0].first-name["odd key"]'


def test_empty_parts_are_parts() -> None:
    assert list(leaves({"a": [], "b": {"c": {}}})) == [("a",), ("b", "c")]
    assert list(leaves([])) == list(leaves("text")) == [()]


def test_texts_without_a_value_are_read_as_json() -> None:
    assert content(None, '{"a": [1]}') == {"a": [1]}
    assert content(None, "[]") == []
    for text in ("12", "null", "{", "yes", "[" * 100_000):
        assert content(None, text) == text
    assert content(5, "[1]") == 5


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("team.members[1].rol", "there is no 'rol' in team.members[1]: it has name, role"),
        ("team.members[7].role", "there is no [7] in team.members: it has 2 items"),
        ("team.lead.name.x", "there is no 'x' in team.lead.name: it is 'Anna'"),
        ("teams", "there is no 'teams' in the value: it has team, odd key, point, pair, none"),
        ("point.z", "there is no 'z' in point: it has x, y"),
    ],
)
def test_what_is_there_instead_is_said(path: str, said: str) -> None:
    # Of several samples, by the one in which most of the path is there.
    error = no_such_field(path, steps_of(path), [{"team": 1}, VALUE, {}])
    assert str(error) == f"no sample has {path!r}: {said}"


def test_long_lists_of_names_are_cut() -> None:
    many = {f"k{index}": 0 for index in range(30)}
    assert str(no_such_field("x", ("x",), [many])).endswith("k10, k11 and 18 more")
    assert str(no_such_field("x", ("x",), ["y" * 500])).count("y") < 100
    assert "the text: it is" in str(no_such_field("x", ("x",), ["yes"]))


def test_paths_of_values_that_are_nested_deeply_can_be_printed() -> None:
    value: Any = {"\ud800": 1}
    for _ in range(3000):
        value = [value]
    (steps,) = leaves(value)
    assert len(steps) == 3001
    assert path_of(steps).encode().endswith(b'["\\ud800"]')
    assert find(value, steps) == 1
    assert steps_of(path_of(steps)) == steps


def test_deep_values_do_not_meet_the_limit_of_recursion() -> None:
    deep = content(None, "[" * 900 + "]" * 900)
    ((*steps,),) = leaves(deep)
    assert steps == [0] * 899
    assert find(deep, steps) == []
