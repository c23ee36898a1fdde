"""Structural tags as vLLM and xgrammar write them: texts put together of tags and free text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from condit.serve.request_errors import invalid
from condit.serve.specification import Specification

Part = Any
"""A kind and what it is made of, as `Specification.of` takes them; or a text."""

_MOST = 64
"""The most tags in a row where no number is said."""


def structural_tag(given: Any, param: str) -> Specification:
    """The constraint of a structural tag.

    Either ``{"format": {"type": ...}}``, of the types ``const_string``, ``json_schema``, ``regex``,
    ``grammar``, ``any_text``, ``sequence``, ``or``, ``tag``, ``triggered_tags`` and
    ``tags_with_separator``; or ``{"structures": [{"begin", "schema", "end"}], "triggers": [...]}``
    as it was before.

    Raises:
        RequestError: it is none.
    """
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError as error:
            raise invalid(f"{param} is no JSON: {error}", param) from error
    try:
        if "structures" in given:
            tags = [
                {**each, "content": {"type": "json_schema", "json_schema": each["schema"]}}
                for each in given["structures"]
            ]
            form = {"type": "triggered_tags", "tags": tags, "triggers": given["triggers"]}
        else:
            form = given["format"]
        kind, held = _part(form, f"{param}.format")
        return Specification.of(kind, held, param)
    except KeyError as error:
        raise invalid(f"{param} is no structural tag: {error} is missing", param) from error
    except (TypeError, AttributeError, ValueError) as error:
        raise invalid(f"{param} is no structural tag: {error}", param) from error


def _part(form: Any, param: str) -> Sequence[Part]:
    """Kind and content of one format."""
    kind = form["type"]
    where = f"{param}.{kind}"
    if kind == "json_schema":
        return ["json_schema", form["json_schema"]]
    if kind == "regex":
        return ["regex", form["pattern"]]
    if kind == "grammar":
        return ["grammar", form["grammar"]]
    if kind == "const_string":
        return ["literal", form["value"]]
    if kind == "any_text":
        return _without(["free", []], _excluded(form))
    if kind == "sequence":
        return _then([_part(each, where) for each in form["elements"]])
    if kind == "or":
        return _one_of([_part(each, where) for each in form["elements"]])
    if kind == "tag":
        return _tag(form, where)
    if kind == "triggered_tags":
        return _triggered(form, where)
    if kind == "tags_with_separator":
        part = _one_of([_tag(each, where) for each in form["tags"]])
        least = 1 if form.get("at_least_one") else 0
        most = 1 if form.get("stop_after_first") else _MOST
        separator = form["separator"] or None
        held = {"part": part, "least": least, "most": most, "separator": separator}
        return ["repeated", held]
    raise invalid(f"{param}: the type {kind!r} is not supported", param)


def _tag(form: Any, param: str, begin: str | None = None) -> Sequence[Part]:
    """A tag, or what comes after the beginning of its ``begin``."""
    begin = form["begin"] if begin is None else form["begin"].removeprefix(begin)
    end, content = form["end"], form["content"]
    if not isinstance(end, str):
        raise invalid(f"{param}.end must be one text", f"{param}.end")
    if content["type"] == "any_text" and end:
        # The first end there is ends it, and is part of it.
        return _then([begin, _without(["free", end], _excluded(content))])
    return _then([begin, _part(content, f"{param}.content"), end])


def _triggered(form: Any, param: str) -> Sequence[Part]:
    """Free text with tags: once a trigger is written, one of the tags with it has to follow."""
    triggers, tags = form["triggers"], form["tags"]
    held: dict[str, list[Part]] = {trigger: [] for trigger in triggers}
    for each in tags:
        trigger = next((one for one in triggers if each["begin"].startswith(one)), None)
        if trigger is None:
            what = f"{param}: no trigger begins the tag {each['begin']!r}"
            raise invalid(what, f"{param}.triggers")
        held[trigger].append(_tag(each, param, trigger))
    behind = {trigger: _one_of(found) for trigger, found in held.items() if found}
    excluded = _excluded(form)
    made = [{"begin": begin, "holds": holds, "end": ""} for begin, holds in behind.items()]
    first = _one_of([_then([begin, holds]) for begin, holds in behind.items()])
    if form.get("stop_after_first"):
        if form.get("at_least_one"):
            return first
        ends = [
            _then([_without(["free", one], [*excluded, *(t for t in behind if t != one)]), holds])
            for one, holds in behind.items()
        ]
        return _one_of([_without(["free", []], [*excluded, *behind]), *ends])
    anywhere: Sequence[Part] = ["tags", {"tags": made}]
    if excluded:
        what = f"{param}: texts cannot be excluded where tags may come again"
        raise invalid(what, f"{param}.excludes")
    return _then([first, anywhere]) if form.get("at_least_one") else anywhere


def _excluded(form: Any) -> list[str]:
    return [
        *form.get("excludes", ()),
        *form.get("excluded_str", ()),
        *form.get("excluded_strs", ()),
    ]


def _then(parts: Sequence[Part]) -> Sequence[Part]:
    found = [part for part in parts if part]
    whole = found[0] if len(found) == 1 else None
    return ["then", found] if whole is None or isinstance(whole, str) else whole


def _one_of(parts: Sequence[Part]) -> Sequence[Part]:
    if not parts:
        raise ValueError("there is nothing to choose from")
    return parts[0] if len(parts) == 1 else ["one_of", list(parts)]


def _without(part: Sequence[Part], words: Sequence[str]) -> Sequence[Part]:
    """Texts that hold none of these words."""
    return ["all", [part, *(["lacks", word] for word in words)]] if words else part
