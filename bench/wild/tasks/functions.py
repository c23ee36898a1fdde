"""Calls of functions: a tool's name and arguments, by the schemas of the tools."""

from __future__ import annotations

import json
from typing import Any

from bench.wild.tasks.task import BOOLEAN, INTEGER, STRING, Task, chat, listed, one_of, record


def _call(name: str, **arguments: Any) -> dict[str, Any]:
    return record(name={"const": name}, arguments=record(**arguments))


_WEATHER = _call("get_weather", city=STRING, unit=one_of("celsius", "fahrenheit"))
_MAIL = _call("send_mail", to=listed(STRING), subject=STRING, body=STRING)
_ALARM = _call("set_alarm", hour=INTEGER, minute=INTEGER, label=STRING)

TASKS = (
    Task(
        "weather_call",
        chat(
            "What is the weather in Paris, in celsius?",
            'You call tools with JSON: {"name": "get_weather", "arguments": {"city": "...", '
            '"unit": "celsius" or "fahrenheit"}}',
        ),
        "schema",
        json.dumps(_WEATHER),
        60,
        invites=True,
        fields={"city": "arguments.city", "unit": "arguments.unit"},
        answers={"city": "Paris", "unit": "celsius"},
    ),
    Task(
        "choice_of_tool",
        chat("Wake me up at 7:15 for my train."),
        "schema",
        json.dumps({"anyOf": [_WEATHER, _MAIL, _ALARM]}),
        96,
        invites=False,
        fields={"name": "name", "hour": "arguments.hour", "minute": "arguments.minute"},
        answers={"name": "set_alarm", "hour": 7, "minute": 15},
    ),
    Task(
        "mail_call",
        chat(
            "Tell anna@example.com that I will be ten minutes late.",
            'Tool: {"name": "send_mail", "arguments": {"to": [addresses], "subject": text, '
            '"body": text}}. Answer with a call of it.',
        ),
        "schema",
        json.dumps(_MAIL),
        110,
        invites=True,
        fields={"to": "arguments.to[0]", "subject": "arguments.subject"},
        answers={"to": "anna@example.com"},
    ),
    Task(
        "search_call",
        "User: Find red running shoes under 80 dollars, size 42, sorted by price.\nCall: ",
        "schema",
        json.dumps(
            _call(
                "search_products",
                query=STRING,
                max_price=INTEGER,
                sizes=listed(INTEGER, 1, 3),
                sort=one_of("price", "rating", "newest"),
                in_stock=BOOLEAN,
            )
        ),
        96,
        invites=False,
        fields={
            "query": "arguments.query",
            "max_price": "arguments.max_price",
            "size": "arguments.sizes[0]",
            "sort": "arguments.sort",
        },
        answers={"max_price": 80, "size": 42, "sort": "price"},
    ),
    Task(
        "plan_of_calls",
        "Tools: get_weather(city, unit), set_alarm(hour, minute, label).\n"
        'Example: [{"name": "get_weather", "arguments": {"city": "Rome", "unit": "celsius"}}]\n'
        "Task: Check the weather in Oslo, then set an alarm at 6:30 to go skiing.\nCalls: ",
        "schema",
        json.dumps(listed({"anyOf": [_WEATHER, _ALARM]}, 1, 3)),
        120,
        invites=True,
        fields={
            "first": "[0].name",
            "city": "[0].arguments.city",
            "second": "[1].name",
            "hour": "[1].arguments.hour",
        },
        answers={"first": "get_weather", "city": "Oslo", "second": "set_alarm", "hour": 6},
    ),
)
