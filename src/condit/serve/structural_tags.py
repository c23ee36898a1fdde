"""Structural tags as vLLM writes them: free text in which tags hold JSON of a schema."""

from __future__ import annotations

import json
from typing import Any

from condit.serve.request_errors import invalid
from condit.serve.specification import Specification


def structural_tag(given: Any, param: str) -> Specification:
    """The constraint of a structural tag.

    Either ``{"structures": [{"begin", "schema", "end"}], "triggers": [...]}``, or
    ``{"format": {"type": "triggered_tags", "tags": [{"begin", "content", "end"}]}}``, or the same
    with a single ``{"type": "tag", "begin", "content", "end"}``, which is then the whole text.

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
            tags = [_tag(each, ["json_schema", each["schema"]]) for each in given["structures"]]
            return Specification.of("tags", {"tags": tags}, param)
        form = given["format"]
        if form["type"] == "tag":
            parts = [form["begin"], _content(form["content"], param), form["end"]]
            return Specification.of("then", parts, param)
        if form["type"] != "triggered_tags":
            raise invalid(f"{param}.format.type: {form['type']!r} is not supported", param)
        tags = [_tag(each, _content(each["content"], param)) for each in form["tags"]]
        least = 1 if form.get("at_least_one") else 0
        most = 1 if form.get("stop_after_first") else None
        wanted = {"tags": tags, "at_least": least, "at_most": most}
        return Specification.of("tags", wanted, param)
    except (KeyError, TypeError, AttributeError) as error:
        raise invalid(f"{param} is no structural tag: {error} is missing", param) from error


def _tag(given: Any, holds: list[Any]) -> dict[str, Any]:
    return {"begin": given["begin"], "holds": holds, "end": given["end"]}


def _content(content: Any, param: str) -> list[Any]:
    kind = content["type"]
    if kind == "json_schema":
        return ["json_schema", content["json_schema"]]
    if kind == "regex":
        return ["regex", content["pattern"]]
    if kind == "grammar":
        return ["grammar", content["grammar"]]
    if kind == "const_string":
        return ["literal", content["value"]]
    raise invalid(f"{param}: content of type {kind!r} is not supported", param)
