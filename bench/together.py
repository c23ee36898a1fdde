"""Calls with prompts and constraints of their own: some at a time in one decoder, or each in turn.

Both ways make the same calls of ``condit.generate`` on the same model, and must draw the same texts
with the same weights to the last bit; the bench fails otherwise. Their rounds are interleaved, with
other seeds in each. What a first round teaches, which does not count, both ways have: kept prompts,
costs of forwards. The table of recycled tokens is empty before each way, as it would otherwise know
the texts from the way before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import condit
from bench.library.calls import as_far_as_it_got, asked, load
from bench.library.options import add_choice, parser_of
from bench.library.results import table
from bench.library.run import Run
from bench.library.statistics import ratio, spread
from condit.model.shared import together
from condit.speculate.recycling import forget

ORDER = {
    "type": "object",
    "properties": {
        "item": {"type": "string", "maxLength": 20},
        "count": {"type": "integer", "minimum": 1, "maximum": 99},
        "gift": {"type": "boolean"},
    },
    "required": ["item", "count", "gift"],
    "additionalProperties": False,
}
TICKET = {
    "type": "object",
    "properties": {
        "team": {"enum": ["billing", "shipping", "technical"]},
        "summary": {"type": "string", "minLength": 20, "maxLength": 60},
    },
    "required": ["team", "summary"],
    "additionalProperties": False,
}

TASKS = [
    ("Write an order of a small shop as JSON: item, count, gift.", condit.json_schema(ORDER)),
    ("Write a sentence about the sea.", condit.regex(r"[A-Z][a-z]+( [a-z]+){6,14}\.")),
    ("A customer cannot log in. JSON with team and summary:", condit.json_schema(TICKET)),
    ("Five animals, with commas.", condit.regex(r"[a-z]{3,9}(, [a-z]{3,9}){4}\.")),
]

CASES: dict[str, tuple[str, int, bool]] = {
    "masked": ("masked", 1, False),
    "masked, 4 lanes": ("masked", 4, False),
    "smc, 4 lanes": ("smc", 4, False),
    "smc, 8 lanes": ("smc", 8, False),
    "awrs, drafts": ("awrs", 1, True),
    "smc, 4 lanes, drafts": ("smc", 4, True),
}
"""The sampler, its lanes, and whether guesses at next tokens are forwarded."""

Call = Callable[[condit.Model], condit.Result]


def main(arguments: Sequence[str]) -> None:
    parser = parser_of("together", __doc__, rounds=3, tokens=40, threads=1)
    add_choice(parser, "cases", CASES)
    parser.add_argument("--runs", type=int, nargs="+", default=[2, 4], help="calls at a time")
    parser.add_argument("--calls", type=int, default=8, help="calls in a round")
    parser.add_argument("--dtype", default="float32")
    options = parser.parse_args(arguments)
    with Run("together", options) as run:
        model = load(options.threads, dtype=options.dtype)
        for turn in range(options.rounds + 1):
            with run.counting(f"round {turn}", len(options.cases)) as bar:
                for case in options.cases:
                    record = _round(model, case, options, 1000 * turn)
                    if turn:
                        run.note({"case": case, "round": turn} | record)
                    bar.advance()
    run.keep({"records": run.records}, _table(run.records, options.runs))


def _round(model: condit.Model, case: str, options: Any, seed: int) -> dict[str, Any]:
    sampler, lanes, drafts = CASES[case]

    def call(number: int) -> Call:
        prompt, constraint = TASKS[number % len(TASKS)]
        return lambda model: as_far_as_it_got(
            model,
            asked(prompt),
            constraint,
            n=lanes,
            max_tokens=options.tokens,
            sampler=sampler,
            drafts=drafts,
            seed=seed + number,
        )

    calls = [call(number) for number in range(options.calls)]
    forget(model)
    alone, record = _timed(lambda: [call(model) for call in calls])
    record = {"tokens": sum(result.stats.tokens for result in alone), "1": record}
    for runs in options.runs:

        def at_once(runs: int = runs) -> list[condit.Result]:
            return [future.result() for future in together(model, calls, at_once=runs)]

        forget(model)
        shared, record[str(runs)] = _timed(at_once)
        for one, other in zip(alone, shared, strict=True):
            if (one.samples, one.log_evidence) != (other.samples, other.log_evidence):
                raise SystemExit(f"{case}: {one.samples} alone, {other.samples} beside others")
    return record


def _timed(draw: Callable[[], list[condit.Result]]) -> tuple[list[condit.Result], dict[str, Any]]:
    began, used = time.perf_counter(), time.process_time()
    results = draw()
    return results, {
        "seconds": time.perf_counter() - began,
        "processor_seconds": time.process_time() - used,
        "positions": sum(result.stats.positions_forwarded for result in results),
        "forwards": sum(result.stats.forwards for result in results),
    }


def _table(records: Sequence[dict[str, Any]], runs: Sequence[int]) -> str:
    rows = []
    for case in dict.fromkeys(record["case"] for record in records):
        turns = [record for record in records if record["case"] == case]

        def speeds(way: str, clock: str, turns: Sequence[Any] = turns) -> list[float]:
            return [turn["tokens"] / turn[way][clock] for turn in turns]

        alone = [speeds("1", clock) for clock in ("seconds", "processor_seconds")]
        rows.append([f"{case}: one at a time", spread(alone[0]), "", ""])
        for way in map(str, runs):
            found = [speeds(way, clock) for clock in ("seconds", "processor_seconds")]
            ratios = [ratio(many, one) for many, one in zip(found, alone, strict=True)]
            rows.append([f"{case}: {way} at a time", spread(found[0]), *ratios])
    return table(["calls", "tokens/s", "ratio", "ratio of processor time"], rows)
