"""Accepted exact draws a second: attempts one at a time against several at a time.

Each round draws from an empty trie, so that nothing learned before helps; rounds of the widths are
interleaved. Attempts that end while earlier ones have not are part of the cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from rich.progress import track

import condit
from bench.library.calls import asked, load
from bench.library.options import add_choice, parser_of
from bench.library.results import table
from bench.library.run import Run, console
from bench.library.statistics import ratio, spread

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "age": {"type": "integer", "minimum": 0, "maximum": 120},
        "role": {"enum": ["admin", "user", "guest"]},
    },
    "required": ["name", "age", "role"],
    "additionalProperties": False,
}

WORKLOADS: dict[str, tuple[str, dict[str, Any]]] = {
    "person": (
        "Answer with one JSON object with name, age and role (admin, user or guest) of a person, "
        'like {"name":"Ann","age":30,"role":"user"}. Write nothing else.',
        {"json_schema": PERSON},
    ),
    "sentence": (
        "Write one short sentence about the sea. Write nothing else.",
        {"regex": r"[A-Z][a-z]+( [a-z]+){3,11}\."},
    ),
    "review": (
        'Is this review positive? "The soup was cold, but the view was lovely." Answer with JSON '
        'like {"positive": true, "stars": 4}. Write nothing else.',
        {
            "json_schema": {
                "type": "object",
                "properties": {
                    "positive": {"type": "boolean"},
                    "stars": {"type": "integer", "minimum": 1, "maximum": 5},
                },
                "required": ["positive", "stars"],
                "additionalProperties": False,
            }
        },
    ),
}


def main(arguments: Sequence[str]) -> None:
    parser = parser_of("width", __doc__, rounds=3, threads=1)
    add_choice(parser, "workload", WORKLOADS)
    parser.add_argument("--widths", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--draws", type=int, default=32)
    options = parser.parse_args(arguments)
    raw: dict[str, Any] = {}
    with Run("width", options) as run:
        model = load(options.threads)
        for name in options.workload:
            seen: dict[int, list[dict[str, float]]] = {width: [] for width in options.widths}
            for turn in track(range(options.rounds), description=name, console=console):
                for width in options.widths:
                    seen[width].append(_round(model, name, width, options.draws, turn))
            raw[name] = seen
    run.keep({"workloads": raw}, _table(raw, options.widths))


def _round(model: Any, name: str, width: int, draws: int, seed: int) -> dict[str, float]:
    question, given = WORKLOADS[name]
    ((kind, content),) = given.items()
    result = condit.generate(
        model,
        asked(question),
        getattr(condit, kind)(content),
        n=draws,
        max_tokens=48,
        sampler=condit.Exact(width=width, beginnings=0),
        seed=seed,
    )
    return {
        "seconds": result.stats.seconds,
        "accepted": result.report.accepted,
        "attempts": result.report.attempts,
        "forwards": len(result.trace),
        "positions": result.stats.positions_forwarded,
        "log_evidence": result.log_evidence,
    }


def _table(raw: dict[str, Any], widths: Sequence[int]) -> str:
    rows = []
    for name, seen in raw.items():
        rates = {w: [turn["accepted"] / turn["seconds"] for turn in seen[w]] for w in widths}
        for width in widths:
            turns = seen[width]
            rows.append(
                [
                    f"{name}, {width} at a time",
                    spread(rates[width], 2),
                    ratio(rates[width], rates[widths[0]]),
                    f"{sum(t['accepted'] for t in turns) / sum(t['attempts'] for t in turns):.0%}",
                    str(round(median(turn["forwards"] for turn in turns))),
                    str(round(median(turn["positions"] for turn in turns))),
                ]
            )
    heads = ["exact draws", "draws/s", "ratio", "accepted", "forwards", "positions"]
    return table(heads, rows)
