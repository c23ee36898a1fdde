"""What composing costs: composed constraints against their schema alone, and products of parts.

Of whole generations: forwards and positions a token, Condit's own processor time a token (outside
of forwards), and both together as the speed to expect: what a position takes in forwards is the
median over all runs, for it is the same whatever the constraint. Rounds are interleaved, with other
seeds in each. Drafts are off: forced text is forwarded in fewer calls, and schemas have more of it.

Also the processor microseconds of checks, masks and steps at the places of a text, with no model:
of these, of a product of five regular parts, which become one expression, and of others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from statistics import median
from typing import Any

import condit
from bench.library.calls import load
from bench.library.options import add_choice, parser_of
from bench.library.results import table
from bench.library.run import Run
from bench.library.statistics import band_of_ratio, percentile
from bench.lift import vocabulary_of
from bench.vocabularies import SOURCES
from bench.workers.timing import Clock, Inside

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
ALONE = "schema alone"
WAYS: dict[str, condit.Constraint] = {
    ALONE: PERSON,
    "free text, then schema": condit.free(until="</think>", max_tokens=24) + PERSON,
    "template": condit.template(
        "Name: {name}\nData: {data}\nNotes: {notes}",
        name=condit.regex("[A-Z][a-z]+"),
        data=PERSON,
        notes=condit.free(until="\n"),
    ),
    "tags": condit.triggered(("<json>", PERSON, "</json>"), at_least=1, at_most=1),
}
REGULAR = (
    condit.regex("[A-Za-z ,.]*")
    & condit.regex(".*fox.*")
    & condit.regex("[^,]*,[^,]*")
    & condit.regex(".{0,120}")
    & condit.regex("([A-Z][a-z]* ?|[a-z]+[ ,.]*)*")
)
QUOTED = condit.json_schema({"type": "string", "minLength": 10, "maxLength": 120})


def _has_a_fox(value: object) -> bool:
    return "fox" in str(value)


PRODUCTS: dict[str, tuple[condit.Constraint, str]] = {
    "five regular parts": (REGULAR, "{}"),
    "a regex and a schema": (condit.regex('"[A-Za-z ,.]*"') & QUOTED, '"{}"'),
    "these and a check of the end": (
        condit.where(_has_a_fox, of=condit.regex('"[A-Za-z ,.]*"') & QUOTED),
        '"{}"',
    ),
    "these and a limit of words": (
        condit.within(condit.regex('"[A-Za-z ,.]*"') & QUOTED, words=20),
        '"{}"',
    ),
}
TEXT = "The quick brown fox jumps over the lazy dog, and others look on."


def main(arguments: Sequence[str]) -> None:
    parser = parser_of("compose", __doc__, rounds=12)
    parser.add_argument("--lanes", type=int, nargs="+", default=[8])
    parser.add_argument("--tokens", type=int, default=80, help="the budget of a text")
    parser.add_argument("--no-model", action="store_true", help="products only")
    add_choice(parser, "sizes", SOURCES, ["128k"])
    options = parser.parse_args(arguments)
    raw: dict[str, Any] = {"products": {}}
    parts: list[str] = []
    with Run("compose", options) as run:
        for size in options.sizes:
            raw["products"][size] = _products(size)
            rows = [
                [name, *map(_spread, figures.values())]
                for name, figures in raw["products"][size].items()
            ]
            parts.append(table([f"µs at {size}, p50 (p95)", "a check", "a mask", "a step"], rows))
        if not options.no_model:
            parts = [_races(options, run), *parts]
        run.keep(raw | {"records": run.records}, "\n\n".join(parts))


def _races(options: Any, run: Run) -> str:
    model = load()
    inside = Inside(model.module)
    with run.counting("texts", len(options.lanes) * (options.rounds + 1) * len(WAYS)) as bar:
        for turn, lanes, name in product(range(options.rounds + 1), options.lanes, WAYS):
            inside.reset()
            with Clock() as spent:
                result = condit.generate(
                    model,
                    "A person:",
                    WAYS[name],
                    n=lanes,
                    max_tokens=options.tokens,
                    seed=turn,
                    drafts=False,
                )
            if turn:  # round 0 warms up
                run.note(
                    {
                        "name": name,
                        "lanes": lanes,
                        "seed": turn,
                        "tokens": result.stats.tokens,
                        "forwards": result.stats.forwards,
                        "positions": result.stats.positions_forwarded,
                        "processor_seconds": spent.processor,
                        "seconds": spent.wall,
                        "in_forwards": inside.processor,
                    }
                )
            bar.advance()
    rows = []
    for lanes in options.lanes:
        of_lanes = [each for each in run.records if each["lanes"] == lanes]
        if not of_lanes:
            continue
        position = median(each["in_forwards"] / each["positions"] for each in of_lanes)
        alone = _costs([each for each in of_lanes if each["name"] == ALONE], position)
        for name in WAYS:
            found = _costs([each for each in of_lanes if each["name"] == name], position)
            if found:
                rows.append([f"{name}, {lanes} lanes", *_row(found, alone)])
    heads = ["", "forwards a token", "positions a token", "own ms a token", "expected speed"]
    return table([*heads, "speed by processor time"], rows)


def _costs(records: Sequence[dict[str, Any]], position: float) -> list[dict[str, float]]:
    """For each round what a token took; ``position``: the processor seconds of one in forwards."""
    found = []
    for each in records:
        tokens, own = each["tokens"], each["processor_seconds"] - each["in_forwards"]
        found.append(
            {
                "forwards": each["forwards"] / tokens,
                "positions": each["positions"] / tokens,
                "own": own / tokens,
                "expected": (own + position * each["positions"]) / tokens,
                "processor": each["processor_seconds"] / tokens,
            }
        )
    return found


def _row(found: Sequence[dict[str, float]], alone: Sequence[dict[str, float]]) -> list[str]:
    counts = [f"{median(each[what] for each in found):.3f}" for what in ("forwards", "positions")]
    own = f"{1e3 * median(each['own'] for each in found):.2f}"
    speeds = []
    for what in ("expected", "processor"):
        # Both had the same seed, and ran one after the other.
        ratios = [base[what] / each[what] for base, each in zip(alone, found, strict=False)]
        low, high = band_of_ratio(ratios)
        speeds.append(f"{median(ratios):.2f} ({low:.2f} to {high:.2f})")
    return [*counts, own, *speeds]


def _products(size: str) -> dict[str, dict[str, list[float]]]:
    vocabulary, tokenizer = vocabulary_of(size)
    person = '{"name":"Ann Lee","age":31,"likes":["tea","long walks"]}'
    texts = {
        ALONE: person,
        "free text, then schema": f"Let me think about a person.</think>{person}",
        "template": f"Name: Ann\nData: {person}\nNotes: she likes tea a lot\n",
        "tags": f"Here it is: <json>{person}</json>",
    }
    cases = {name: (WAYS[name], text) for name, text in texts.items()}
    cases |= {name: (each, around.format(TEXT)) for name, (each, around) in PRODUCTS.items()}
    found = {}
    for name, (constraint, text) in cases.items():
        start = constraint.bind(vocabulary)
        path = tokenizer.encode(text, add_special_tokens=False).ids
        figures: dict[str, list[float]] = {"check": [], "mask": [], "step": []}
        for turn in range(4):
            matcher = start.copy()
            for token in path:
                spent = [
                    _microseconds(partial(matcher.allows, token)),
                    _microseconds(matcher.outline),
                    _microseconds(partial(matcher.advance, token)),
                ]
                if turn:  # the first warms up
                    for values, each in zip(figures.values(), spent, strict=True):
                        values.append(each)
        found[name] = figures
    return found


def _microseconds(work: Callable[[], object]) -> float:
    began = time.process_time_ns()
    work()
    return (time.process_time_ns() - began) / 1e3


def _spread(values: Sequence[float]) -> str:
    return f"{percentile(values, 50):.0f} ({percentile(values, 95):.0f})"
