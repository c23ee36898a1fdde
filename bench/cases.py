"""Constraints with a text that satisfies each, as token paths of a given tokenizer.

The path is the canonical tokenisation of the text, and the end token. Every contestant walks it.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from bench.vocabularies import SOURCES
from condit.model.token_bytes import token_bytes

LONGEST = 160
"""Token paths are cut here (and then have no end token): maskbench has some huge instances."""

_MOST_ALTERNATIVES = 6


@dataclass(frozen=True)
class Case:
    """``kind`` is ``regex`` or ``schema``; ``source`` the pattern, or the schema as JSON."""

    name: str
    kind: str
    source: str
    text: str


def _json(name: str, schema: dict[str, Any], value: Any) -> Case:
    text = json.dumps(value, ensure_ascii=False)
    return Case(name, "schema", json.dumps(schema), text)


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_TEXT = {"type": "string"}

OWN = (
    Case(
        "regex-records",
        "regex",
        r"(20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]) [A-Z]{3}-[0-9]{4}\n){2,5}",
        "2024-03-17 LHR-0421\n2025-11-02 OSL-9930\n",
    ),
    Case(
        "regex-prose",
        "regex",
        r"[A-Z][A-Za-z ,.'\n]{20,400}",
        "The keeper climbed the stairs each evening, lit the lamp, and wrote down the weather.",
    ),
    _json(
        "person",
        _object(name=_TEXT, age={"type": "integer"}, city=_TEXT),
        {"name": "Ingrid Solberg", "age": 47, "city": "Bergen"},
    ),
    _json(
        "order",
        _object(
            id={"type": "integer"},
            status={"enum": ["new", "paid", "shipped", "returned"]},
            lines={
                "type": "array",
                "items": _object(
                    sku=_TEXT,
                    quantity={"type": "integer", "minimum": 1, "maximum": 99},
                    price={"type": "number"},
                ),
            },
        ),
        {
            "id": 88213,
            "status": "shipped",
            "lines": [
                {"sku": "lamp oil", "quantity": 4, "price": 12.5},
                {"sku": "brass polish", "quantity": 1, "price": 7.95},
            ],
        },
    ),
    _json(
        "tool-call",
        {
            "anyOf": [
                _object(tool={"const": "search"}, query=_TEXT, limit={"type": "integer"}),
                _object(tool={"const": "send_mail"}, to=_TEXT, subject=_TEXT, body=_TEXT),
            ]
        },
        {
            "tool": "send_mail",
            "to": "crew@harbour.example",
            "subject": "Storm warning",
            "body": "Wind force nine is expected tonight. Please stay ashore until morning.",
        },
    ),
    _json(
        "nested",
        _object(
            service=_object(
                host=_TEXT,
                port={"type": "integer"},
                tls={"type": "boolean"},
                retry={"anyOf": [{"type": "null"}, _object(times={"type": "integer"})]},
            ),
            tags={"type": "array", "items": _TEXT, "maxItems": 5},
        ),
        {
            "service": {"host": "localhost", "port": 8080, "tls": True, "retry": {"times": 3}},
            "tags": ["internal", "north", "beta"],
        },
    ),
    _json(
        "identifiers",
        _object(
            code={"type": "string", "pattern": "^[A-Z]{2}[0-9]{6}$"},
            day={"type": "string", "pattern": "^20[0-9]{2}-[01][0-9]-[0-3][0-9]$"},
            country={"enum": ["Norway", "Sweden", "Denmark", "Finland", "Iceland"]},
        ),
        {"code": "NO482913", "day": "2026-11-21", "country": "Norway"},
    ),
    _json(
        "prose",
        _object(
            title={"type": "string", "maxLength": 60},
            summary={"type": "string", "minLength": 20, "maxLength": 300},
        ),
        {
            "title": "The last lamp",
            "summary": "A keeper learns that his lighthouse will be automated, and spends one "
            "more winter on the island with his dog and a broken radio.",
        },
    ),
)


def maskbench(file: Path, count: int) -> Iterator[Case]:
    """``count`` schemas spread evenly over the file, each with its first valid instance."""
    with gzip.open(file, "rt") as lines:
        entries = [json.loads(line) for line in lines]
    usable = []
    for entry in entries:
        valid = [test["data"] for test in entry["tests"] if test["valid"]]
        if valid:
            usable.append((entry["id"], entry["schema"], valid[0]))
    for index in range(min(count, len(usable))):
        name, schema, value = usable[index * len(usable) // min(count, len(usable))]
        yield _json(name, schema, value)


def paths(cases: list[Case], size: str, file: Path) -> dict[str, Any]:
    """What workers need: the token path of each case, and other ways to go on at each step.

    The alternatives at a step are other tokens that also begin the rest of the text: what a
    model that writes this text might as well have written.
    """
    tokenizer = Tokenizer.from_file(str(file))
    count = tokenizer.get_vocab_size()
    spelled, _ = token_bytes(json.loads(file.read_text()), count)
    end = tokenizer.token_to_id(SOURCES[size].end)
    token_of = {spelling: token for token, spelling in enumerate(spelled) if spelling}
    longest = max(map(len, spelled))
    made = []
    for case in cases:
        tokens = tokenizer.encode(case.text, add_special_tokens=False).ids
        rest = case.text.encode()
        if b"".join(spelled[token] for token in tokens) != rest:
            continue  # this tokenizer changes the text (a prefix space, a normaliser)
        others = []
        for token in tokens:
            fits = (token_of.get(rest[:length]) for length in range(1, longest + 1))
            near = [t for t in dict.fromkeys(fits) if t is not None and t != token]
            others.append(near[-_MOST_ALTERNATIVES:])
            rest = rest[len(spelled[token]) :]
        path = [*tokens, end][:LONGEST]
        made.append(
            {
                "name": case.name,
                "kind": case.kind,
                "source": case.source,
                "path": path,
                "alternatives": [*others, []][: len(path)],
            }
        )
    return {"tokenizer": str(file), "size": count, "end": end, "cases": made}
