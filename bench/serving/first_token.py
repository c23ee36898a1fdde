"""How long the first piece of a stream takes, in forwards, with and without a new constraint.

Each request has a prompt that is new after its first tokens, so that it costs a forward of its own.
The unit is the mean forward of the server while it is asked, prompts included, as it tells itself.
What compiling a constraint takes is measured in the library, for the same schemas.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median
from typing import Any

import httpx2

import condit
from bench.library.calls import load
from bench.library.contestants import rotated
from bench.library.results import table
from bench.library.run import Run
from bench.library.statistics import percentile
from bench.serving.answers import chunks, piece_of
from bench.serving.clients import Clients
from bench.serving.server import condit as served
from bench.serving.server import metrics
from bench.serving.throughput import PATH, body

CONSTRAINTS = ("none", "known", "new")


def measure(run: Run, options: Any) -> tuple[str, list[str]]:
    """The table, and what is wrong."""
    model = load(options.threads)
    records: list[dict[str, Any]] = []
    number = 0
    compiling: list[float] = []
    with (
        served("first-token", max(options.clients), options.threads) as server,
        server.client() as watching,
        run.counting("first token", (options.rounds + 1) * len(options.clients) * 3) as bar,
    ):
        for turn in range(options.rounds + 1):
            for count in options.clients:
                for kind in rotated(CONSTRAINTS, turn):
                    bodies = []
                    for _ in range(options.calls):
                        number += 1
                        bodies.append(_body(number, kind, options.tokens))
                    before = metrics(watching)
                    with Clients(server, count) as clients:
                        seconds = clients.map(_first, bodies)
                    after = metrics(watching)
                    forwards, spent = (
                        after[name] - before[name]
                        for name in ("condit_model_forwards", "condit_model_seconds")
                    )
                    record = {"case": "first-token", "clients": count, "constraint": kind}
                    record |= {"round": turn, "forward": spent / forwards, "seconds": seconds}
                    if turn:
                        run.note(record)
                        records.append(record)
                    bar.advance()
            compiling += [_compile(model, 10**6 + 100 * turn + each) for each in range(8)]
    run.note({"case": "compiling", "seconds": compiling})
    return _table(records, median(compiling)), []


def _schema(number: int) -> dict[str, Any]:
    fields = {
        "note": {"const": f"n{number}"},
        "mood": {"enum": ["glad", "sad"]},
        "text": {"type": "string", "maxLength": 40},
    }
    return {"type": "object", "properties": fields, "required": [*fields]}


def _body(number: int, kind: str, tokens: int) -> dict[str, Any]:
    text = f"{number} is the number of this diary. Write about the train, the sea and {number}."
    made = {"none": None, "known": _schema(0), "new": _schema(number)}[kind]
    return body(number, text, made and ("json_schema", made), tokens, stream=True)


def _first(client: httpx2.Client, wanted: dict[str, Any]) -> float:
    """Seconds to the first piece; the rest is read, so that others have company."""
    began = time.perf_counter()
    found = 0.0
    with client.stream("POST", PATH, json=wanted) as response:
        for chunk in chunks(response.raise_for_status()):
            if not found and piece_of("chat", chunk):
                found = time.perf_counter() - began
    return found


def _compile(model: condit.Model, number: int) -> float:
    began = time.perf_counter()
    condit.json_schema(_schema(number)).bind(model.vocabulary)
    return time.perf_counter() - began


def _table(records: Sequence[dict[str, Any]], compiling: float) -> str:
    rows = []
    for count in dict.fromkeys(each["clients"] for each in records):
        for kind in CONSTRAINTS:
            mine = [
                each for each in records if (each["clients"], each["constraint"]) == (count, kind)
            ]
            forward = median(each["forward"] for each in mine)
            first = [seconds for each in mine for seconds in each["seconds"]]
            less = compiling if kind == "new" else 0.0
            times = [median(first), percentile(first, 95)]
            units = [(each - less) / forward for each in times]
            rows.append(
                [f"{count} at once, {kind}", f"{forward * 1000:.0f}"]
                + [f"{each * 1000:.0f}" for each in times]
                + [f"{each:.2f}" for each in units]
            )
    heads = ["first token, constraint", "forward, ms", "p50, ms", "p95, ms"]
    shown = table([*heads, "p50, forwards", "p95, forwards"], rows)
    return (
        f"{shown}\n\nCompiling takes the library {compiling * 1000:.1f} ms, taken off for new ones."
    )
