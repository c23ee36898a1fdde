"""Tools as OpenAI's protocols write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from condit.serve.replies import identifier
from condit.serve.request_errors import invalid
from condit.serve.tools import Call, Choice, Tool, different

ToolChoice = str | dict[str, Any] | None


def tools_of(given: Sequence[Mapping[str, Any]], param: str) -> tuple[Tool, ...]:
    """The tools of a request: of chat, or the flat ones of responses.

    Raises:
        RequestError: one is of another kind, or two have the same name.
    """
    try:
        tools = tuple(_tool(each, f"{param}[{place}]") for place, each in enumerate(given))
    except (TypeError, AttributeError) as error:
        raise invalid(f"{param}: a part has the wrong type: {error}", param) from error
    return different(tools, param)


def _tool(given: Mapping[str, Any], param: str) -> Tool:
    kind = given.get("type")
    if kind not in ("function", "custom"):
        raise invalid(
            f"{param}: a tool of type {kind!r} runs at OpenAI, not here: give functions and "
            "custom tools",
            f"{param}.type",
            "unsupported_tool",
        )
    about = given.get(kind, given)
    where = f"{param}.{kind}" if kind in given else param
    name = about.get("name") if isinstance(about, Mapping) else None
    if not isinstance(name, str) or not name or any(sign in name for sign in "]\n"):
        raise invalid(f"{where}.name: {name!r} is no name of a tool", f"{where}.name")
    description = str(about.get("description") or "")
    if kind == "function":
        parameters = about.get("parameters")
        if parameters is None:
            parameters = {"type": "object", "properties": {}, "additionalProperties": False}
        if not isinstance(parameters, Mapping):
            raise invalid(f"{where}.parameters must be a JSON Schema", f"{where}.parameters")
        return Tool(name, description, parameters, param=f"{where}.parameters")
    form = about.get("format") or {"type": "text"}
    if form.get("type") == "text":
        return Tool(name, description, param=f"{where}.format")
    grammar = form.get("grammar", form)
    syntax, definition = grammar.get("syntax"), grammar.get("definition")
    if syntax not in ("lark", "regex") or not isinstance(definition, str):
        raise invalid(f"{where}.format: give a grammar in lark or regex syntax", f"{where}.format")
    return Tool(name, description, input=(syntax, definition), param=f"{where}.format")


def choice_of(tools: tuple[Tool, ...], wanted: ToolChoice, several: bool, param: str) -> Choice:
    """Which of the tools may be called, by ``tool_choice``.

    Raises:
        RequestError: it names a tool that there is not, or says nothing known.
    """
    try:
        return replace(_choice_of(tools, wanted, several, param), declared=tools)
    except (TypeError, AttributeError, LookupError) as error:
        raise invalid(f"{param}: a part has the wrong type: {error}", param) from error


def _choice_of(tools: tuple[Tool, ...], wanted: ToolChoice, several: bool, param: str) -> Choice:
    if wanted in (None, "auto"):
        return Choice(tools, several=several)
    if wanted == "none":
        return Choice(())
    if wanted == "required":
        if not tools:
            raise invalid(f"{param}: a call is required, but there are no tools", param)
        return Choice(tools, required=True, several=several)
    if isinstance(wanted, Mapping):
        kind = wanted.get("type")
        if kind == "allowed_tools":
            allowed = wanted.get("allowed_tools", wanted)
            if allowed.get("mode") not in ("auto", "required"):
                raise invalid(f"{param}: the mode of allowed_tools is auto or required", param)
            named = {_name(each) for each in allowed.get("tools", ())}
            return Choice(_those(tools, named, param), allowed.get("mode") == "required", several)
        if kind in ("function", "custom"):
            return Choice(_those(tools, {_name(wanted)}, param), required=True, several=False)
    raise invalid(
        f"{param}: {wanted!r} is unknown: give auto, none, required, a function or allowed_tools",
        param,
    )


def _name(given: Mapping[str, Any]) -> Any:
    kind = given.get("type", "function")
    return given.get(kind, given).get("name")


def _those(tools: tuple[Tool, ...], names: set[Any], param: str) -> tuple[Tool, ...]:
    known = {tool.name for tool in tools}
    for name in names:
        if name not in known:
            raise invalid(
                f"{param}: no tool is called {name!r}; there are {', '.join(sorted(known))}", param
            )
    return tuple(tool for tool in tools if tool.name in names)


def calls_of(calls: Iterable[Call]) -> list[dict[str, Any]]:
    """Calls as chat answers them."""
    return [
        {
            "id": identifier("call_"),
            "type": "custom" if call.custom else "function",
            **(
                {"custom": {"name": call.name, "input": call.arguments}}
                if call.custom
                else {"function": {"name": call.name, "arguments": call.arguments}}
            ),
        }
        for call in calls
    ]
