"""A file of rows with prompts of their own: ``condit.batch``, and a loop over ``condit.generate``.

Both must draw the same texts for the same seeds, to the last bit; the bench fails otherwise. Rounds
are interleaved and have other prompts. A first round of each way does not count, and the table of
recycled tokens is empty before each way, as it would know the texts from the way before.

With ``--actors`` the rows are answered by Ray's actors instead, so many at a time; this takes Ray
(``scripts/ray bench``), and two cores that nobody else uses. To start an actor takes seconds, which
says nothing of a long batch: of each number of actors two files are answered, one twice as long as
the other, and the rate is that of the rows that it has more, in the time that it takes more. Give
so many ``--rows`` that each actor has as many tasks as another, which have 4 times ``--at-once``.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import condit
from bench.library.calls import asked, load
from bench.library.options import add_choice, parser_of
from bench.library.results import table
from bench.library.run import Run
from bench.library.statistics import ratio, spread
from bench.together import ORDER, TICKET
from condit.batches.seeds import seed_of
from condit.speculate.recycling import forget

THINGS = ("chair", "lamp", "tent", "violin", "kettle", "bicycle", "printer", "carpet", "clock")
PEOPLE = ("a teacher", "two sisters", "an old sailor", "the mayor", "a student", "my neighbour")

KINDS: list[tuple[str, dict[str, Any]]] = [
    ("{who} orders a {what} in a small shop. Item, count, gift as JSON:", {"schema": ORDER}),
    ("Write a sentence about {who} and a {what}.", {"regex": r"[A-Z][a-z]+( [a-z]+){5,12}\."}),
    ("{who} writes that the {what} has not come. JSON with team and summary:", {"schema": TICKET}),
    ("Is a {what} something for {who}?", {"choice": ["Yes.", "No.", "That depends."]}),
]
CASES: dict[str, dict[str, Any]] = {
    "usual": {},
    "no drafts": {"drafts": False},
    "masked, no drafts": {"sampler": "masked", "drafts": False},
    "4 lanes": {"n": 4},
}
"""Options of rows."""


def main(arguments: Sequence[str]) -> None:
    parser = parser_of("batch", __doc__, rounds=3, tokens=40, threads=1)
    add_choice(parser, "cases", CASES)
    parser.add_argument("--rows", type=int, default=24, help="in a round")
    parser.add_argument("--at-once", type=int, nargs="+", default=[4, 8, 16], help="rows at a time")
    parser.add_argument("--actors", type=int, nargs="+", default=[], help="Ray's, instead")
    parser.add_argument("--dtype", default="float32")
    options = parser.parse_args(arguments)
    with Run("batch", options) as run:
        measure = _by_actors(options) if options.actors else _here(options)
        first = 1 if options.actors else 0  # actors are made anew each time: nothing is warm
        for turn in range(first, options.rounds + 1):
            with run.counting(f"round {turn}", len(options.cases)) as bar:
                for case in options.cases:
                    record = measure(_rows(turn, case, options))
                    if turn:
                        run.note({"case": case, "round": turn} | record)
                    bar.advance()
    run.keep({"records": run.records}, _table(run.records))


def _rows(turn: int, case: str, options: Any) -> list[dict[str, Any]]:
    rows = []
    for number in range(options.rows):
        at = turn * options.rows + number
        text, constraint = KINDS[number % len(KINDS)]
        prompt = text.format(who=PEOPLE[at % len(PEOPLE)], what=THINGS[at // 4 % len(THINGS)])
        rows.append({"id": f"{case} {at}", "prompt": asked(prompt), **constraint, **CASES[case]})
    return rows


def _here(options: Any) -> Callable[[list[dict[str, Any]]], dict[str, Any]]:
    model = load(options.threads, dtype=options.dtype)

    def measure(rows: list[dict[str, Any]]) -> dict[str, Any]:
        forget(model)
        alone, record = _timed(lambda: [_alone(model, row, options.tokens) for row in rows])
        found: dict[str, Any] = {"rows": len(rows), "loop": record}
        for at_once in options.at_once:

            def batch(at_once: int = at_once) -> list[Any]:
                with tempfile.TemporaryDirectory() as folder:
                    source, target = Path(folder, "in.jsonl"), Path(folder, "out.jsonl")
                    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
                    condit.batch(
                        model,
                        source,
                        target,
                        seed=0,
                        max_tokens=options.tokens,
                        rows_at_once=at_once,
                    )
                    return [json.loads(line) for line in target.read_text().splitlines()]

            forget(model)
            answers, found[f"batch, {at_once} at once"] = _timed(batch)
            for one, other in zip(alone, answers, strict=True):
                samples = other["result"] and other["result"]["samples"]
                if one != samples:
                    raise SystemExit(f"{other['id']}: {one} alone, {samples} in a batch")
        return found

    return measure


def _by_actors(options: Any) -> Callable[[list[dict[str, Any]]], dict[str, Any]]:
    import ray

    cores = max(options.actors) * options.threads
    ray.init(num_cpus=cores + 1, object_store_memory=200 * 2**20, include_dashboard=False)

    def seconds(rows: list[dict[str, Any]], actors: int) -> float:
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "in.jsonl"), Path(folder, "out.jsonl")
            source.write_text("".join(json.dumps(row) + "\n" for row in rows))
            began = time.perf_counter()
            condit.ray.batch(
                "smollm2",
                source,
                target,
                actors=actors,
                rows_at_once=options.at_once[0],
                seed=0,
                max_tokens=options.tokens,
                cpus=options.threads,
                load={"dtype": options.dtype},
            )
            return time.perf_counter() - began

    def measure(rows: list[dict[str, Any]]) -> dict[str, Any]:
        more = [{**row, "id": f"{row['id']}, again"} for row in rows]
        found: dict[str, Any] = {"rows": len(rows)}
        for actors in options.actors:
            short, long = seconds(rows, actors), seconds(rows + more, actors)
            if long < 1.2 * short:
                raise SystemExit(
                    f"{len(rows)} rows took {actors} actors {short:.0f} s, and twice as many "
                    f"{long:.0f} s: others use the machine, or there are too few --rows"
                )
            name = f"{actors} actors, {options.at_once[0]} rows at once each"
            found[name] = {"seconds": long - short, "short": short, "long": long}
        return found

    return measure


def _alone(model: condit.Model, row: dict[str, Any], tokens: int) -> Any:
    """The samples as the answer of a batch has them."""
    kinds = {"schema": "json_schema", "regex": "regex", "choice": "choice"}
    ((name, value),) = ((name, row[name]) for name in kinds if name in row)
    apart = ("id", "prompt", name)
    try:
        result = condit.generate(
            model,
            row["prompt"],
            condit.make_constraint(kinds[name], value),
            max_tokens=tokens,
            seed=seed_of(0, row["id"]),
            **{key: value for key, value in row.items() if key not in apart},
        )
    except condit.ConditError as error:
        if error.result is None:
            return None
        result = error.result
    return json.loads(json.dumps(result.to_dict()["samples"]))


def _timed(draw: Callable[[], list[Any]]) -> tuple[list[Any], dict[str, float]]:
    began, used = time.perf_counter(), time.process_time()
    found = draw()
    return found, {
        "seconds": time.perf_counter() - began,
        "processor_seconds": time.process_time() - used,
    }


def _table(records: Sequence[dict[str, Any]]) -> str:
    rows = []
    clocks = ("seconds", "processor_seconds")
    for case in dict.fromkeys(record["case"] for record in records):
        turns = [record for record in records if record["case"] == case]
        ways = [way for way in turns[0] if isinstance(turns[0][way], dict)]
        speeds = {
            way: [
                [turn["rows"] / turn[way][clock] for turn in turns if clock in turn[way]]
                for clock in clocks
            ]
            for way in ways
        }
        for way in ways:
            ratios = [
                ratio(many, one) for many, one in zip(speeds[way], speeds[ways[0]], strict=True)
            ]
            rows.append([f"{case}: {way}", spread(speeds[way][0], 2), *ratios])
    return table(["rows", "rows/s", "ratio", "ratio of processor time"], rows)
