"""Seconds a step where the budget runs out, and what the matcher is asked there.

The text has a free string, which a model would hardly ever close by itself, so every lane is
brought to the edge of the budget. Against Condit as it is runs Condit with every token asked about
itself there (``one by one``), as it was before; rounds are interleaved. Nothing is drafted.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from itertools import pairwise
from statistics import median
from typing import Any
from unittest import mock

from rich.console import Console

from bench.library.results import keep, load_before, table
from bench.library.statistics import spread

console = Console(stderr=True)

PROMPT = "A review of the chair, as JSON:"

_STRING = {"type": "string"}
CASES: dict[str, dict[str, Any]] = {
    "record": {"product": _STRING, "stars": {"type": "integer"}, "comment": _STRING},
    "nested": {
        "title": _STRING,
        "parts": {
            "type": "array",
            "minItems": 2,
            "items": {"type": "object", "properties": {"name": _STRING}, "required": ["name"]},
        },
    },
    "names": {"author": {"type": "string", "pattern": "^[A-Z][a-z]+( [A-Z][a-z]+)*$"}},
}

CONTESTANTS = ("now", "one by one")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser("scripts/bench edge", description=__doc__)
    parser.add_argument("--case", nargs="+", choices=CASES, default=["record"])
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--sampler", default="smc")
    parser.add_argument("--lanes", type=int, default=8)
    parser.add_argument("--max-tokens", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    load = load_before(console)

    import torch

    import condit

    torch.set_num_threads(options.threads)
    model = condit.load("smollm2")
    raw: dict[str, Any] = {}
    for name in options.case:
        constraint = condit.json_schema(
            {
                "type": "object",
                "properties": CASES[name],
                "required": list(CASES[name]),
                "additionalProperties": False,
            }
        )

        def run(seed: int, on_step: Callable[[Any], None]) -> Any:
            return condit.generate(
                model,
                PROMPT,
                constraint,  # noqa: B023 (called in this turn of the loop)
                n=options.lanes,
                max_tokens=options.max_tokens,
                sampler=options.sampler,
                drafts=False,
                seed=seed,
                on_step=on_step,
            )

        run(0, lambda info: None)  # prompt, tables of the vocabulary
        raw[name] = {who: [] for who in options.only}
        for turn in range(options.rounds):
            for who in options.only:
                console.print(f"{name}, round {turn + 1}: {who}")
                raw[name][who].append(_round(who, run, turn))
    versions = {each: version(each) for each in ("condit", "llguidance", "torch", "transformers")}
    keep(
        "edge",
        {
            "options": vars(options),
            "load_before": load,
            "versions": versions,
            "prompt": PROMPT,
            "schemas": {name: CASES[name] for name in options.case},
            "cases": raw,
        },
        _table(raw),
    )


def _round(who: str, run: Callable[[int, Callable[[Any], None]], Any], seed: int) -> dict[str, Any]:
    """One run, step by step: wall and processor seconds, checks, and questions to the engine."""
    steps: list[dict[str, float]] = []
    with _counted() as asked, _as(who):
        last = [time.perf_counter(), time.process_time(), 0]

        def on_step(info: Any) -> None:
            now = [time.perf_counter(), time.process_time(), asked[0]]
            wall, processor, questions = (b - a for a, b in zip(last, now, strict=True))
            steps.append(
                {
                    "seconds": wall,
                    "processor_seconds": processor,
                    "questions": questions,
                    "checks": sum(info.checks),
                }
            )
            last[:] = now

        result = run(seed, on_step)
    # The first one has the prompt in it.
    return {
        "steps": steps[1:],
        "first_step": steps[0],
        "valid": sum(sample.valid for sample in result.samples),
        "log_evidence": result.log_evidence,
        "text": result.samples[0].text,
    }


@contextmanager
def _counted() -> Iterator[list[int]]:
    """Count what the engine is asked: single tokens, sequences, masks and steps."""
    from condit.constraint.engine import EngineMatcher

    asked = [0]

    def counting(method: Callable[..., Any]) -> Callable[..., Any]:
        def ask(*arguments: Any) -> Any:
            asked[0] += 1
            return method(*arguments)

        return ask

    names = ("allows", "count_allowed", "mask", "advance")
    ways = {name: counting(getattr(EngineMatcher, name)) for name in names}
    with mock.patch.multiple(EngineMatcher, **ways):
        yield asked


@contextmanager
def _as(who: str) -> Iterator[None]:
    from condit.sampler.budget import Budgeted

    if who == "now":
        yield
    else:
        with mock.patch.object(Budgeted, "_alike", return_value=None):
            yield


def _table(raw: dict[str, Any]) -> str:
    rows = []
    for name, by_contestant in raw.items():
        for who, rounds in by_contestant.items():
            seconds = [[step["seconds"] for step in each["steps"]] for each in rounds]
            middle = [1000 * median(each) for each in seconds]
            slowest = [1000 * max(each) for each in seconds]
            rows.append(
                [
                    f"{name}, {who}",
                    spread(middle, 0),
                    spread(slowest, 0),
                    spread([b / a for a, b in zip(middle, slowest, strict=True)]),
                    " ".join(
                        f"{median(part):.0%}" for part in zip(*map(_quarters, seconds), strict=True)
                    ),
                    str(round(median(_sum(each, "checks") for each in rounds))),
                    str(round(median(_sum(each, "questions") for each in rounds))),
                    str(max(step["questions"] for each in rounds for step in each["steps"])),
                ]
            )
    heads = [
        "case",
        "median step, ms",
        "slowest step, ms",
        "slowest ÷ median",
        "quarters of the time",
        "checks",
        "questions",
        "most in a step",
    ]
    return table(heads, rows)


def _quarters(seconds: Sequence[float]) -> list[float]:
    """The share of the whole time that each quarter of the steps takes."""
    ends = [round(part * len(seconds) / 4) for part in range(5)]
    return [sum(seconds[a:b]) / sum(seconds) for a, b in pairwise(ends)]


def _sum(run: dict[str, Any], what: str) -> float:
    return sum(step[what] for step in run["steps"])
