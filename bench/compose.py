"""Tokens a second of composed constraints, against their schema alone.

Drafts are off: forced text is forwarded in fewer calls, and schemas have more of it than free text.
Rounds are interleaved, with other seeds in each. Also the microseconds of checks and masks of a
product of five regular parts, at the places of a text, with no model.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

import condit
from bench.library.calls import load
from bench.library.options import add_choice, parser_of
from bench.library.results import table
from bench.library.run import Run
from bench.library.statistics import ratio, spread
from bench.lift import _vocabulary
from bench.vocabularies import SOURCES

PERSON = condit.json_schema(
    {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 30},
            "age": {"type": "integer", "minimum": 0, "maximum": 130},
            "likes": {"type": "array", "items": {"type": "string", "maxLength": 20}, "maxItems": 3},
        },
        "required": ["name", "age", "likes"],
        "additionalProperties": False,
    }
)
WAYS: dict[str, condit.Constraint] = {
    "schema alone": PERSON,
    "free text, then schema": condit.free(until="</think>", max_tokens=24) + PERSON,
    "template": condit.template(
        "Name: {name}\nData: {data}\nNotes: {notes}",
        name=condit.regex("[A-Z][a-z]+"),
        data=PERSON,
        notes=condit.free(until="\n"),
    ),
    "tags": condit.triggered(("<json>", PERSON, "</json>"), at_least=1, at_most=1),
}
PRODUCT = (
    condit.regex("[A-Za-z ,.]*")
    & condit.regex(".*fox.*")
    & condit.regex("[^,]*,[^,]*")
    & condit.regex(".{0,120}")
    & condit.regex("([A-Z][a-z]* ?|[a-z]+[ ,.]*)*")
)
TEXT = "The quick brown fox jumps over the lazy dog, and others look on."


def main(arguments: Sequence[str]) -> None:
    parser = parser_of("compose", __doc__, rounds=5)
    parser.add_argument("--lanes", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--tokens", type=int, default=80, help="the budget of a text")
    parser.add_argument("--no-model", action="store_true", help="the product only")
    add_choice(parser, "sizes", SOURCES, ["128k"])
    options = parser.parse_args(arguments)
    raw: dict[str, Any] = {"product": {}}
    rows: list[list[str]] = []
    with Run("compose", options) as run:
        if not options.no_model:
            rows += _races(options, raw)
        for size in options.sizes:
            checks, masks = _product(size)
            raw["product"][size] = {"checks_us": checks, "masks_us": masks}
            figures = f"check {np.median(checks):.0f} µs, mask {np.median(masks):.0f} µs"
            rows.append([f"product of five, {size}", figures, ""])
        run.keep(raw, table(["", "tokens a second", "against the schema alone"], rows))


def _races(options: Any, raw: dict[str, Any]) -> list[list[str]]:
    model = load()
    rows = []
    for lanes in options.lanes:
        seen: dict[str, list[float]] = {name: [] for name in WAYS}
        for turn in range(options.rounds + 1):
            for name, constraint in WAYS.items():
                began = time.perf_counter()
                result = condit.generate(
                    model,
                    "A person:",
                    constraint,
                    n=lanes,
                    max_tokens=options.tokens,
                    seed=turn,
                    drafts=False,
                )
                if turn:
                    seconds = time.perf_counter() - began
                    seen[name].append(result.stats.tokens / seconds)
        raw[f"{lanes} lanes"] = seen
        alone = seen["schema alone"]
        for name, speeds in seen.items():
            rows.append([f"{name}, {lanes} lanes", spread(speeds), ratio(speeds, alone)])
    return rows


def _product(size: str) -> tuple[list[float], list[float]]:
    vocabulary, tokenizer = _vocabulary(size)
    start = PRODUCT.bind(vocabulary)
    path = tokenizer.encode(TEXT, add_special_tokens=False).ids
    checks: list[float] = []
    masks: list[float] = []
    for _ in range(3):
        matcher = start.copy()
        for token in path:
            began = time.perf_counter()
            matcher.allows(token)
            checks.append(1e6 * (time.perf_counter() - began))
            began = time.perf_counter()
            matcher.outline()
            masks.append(1e6 * (time.perf_counter() - began))
            matcher.advance(token)
    return checks, masks
