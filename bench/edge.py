"""Seconds a step where the budget runs out, and what the matcher is asked there.

The text has a free string, which a model would hardly ever close by itself, so every lane is
brought to the edge of the budget. Against Condit as it is runs Condit with every token asked about
itself there (``one by one``), as it was before; rounds are interleaved. Nothing is drafted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from statistics import median
from typing import Any
from unittest import mock

import condit
from bench.library.calls import load
from bench.library.options import add_choice, parser_of
from bench.library.results import table
from bench.library.run import Run, console
from bench.library.statistics import spread

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
    parser = parser_of("edge", __doc__, lanes=8, rounds=3, threads=1)
    add_choice(parser, "case", CASES, ["record"])
    add_choice(parser, "only", CONTESTANTS)
    parser.add_argument("--sampler", default="smc")
    parser.add_argument("--max-tokens", type=int, default=120)
    options = parser.parse_args(arguments)
    raw: dict[str, Any] = {}
    with Run("edge", options) as run:
        model = load(options.threads)
        for name in options.case:
            schema = {"type": "object", "properties": CASES[name], "additionalProperties": False}
            draw = partial(
                condit.generate,
                model,
                PROMPT,
                condit.json_schema(schema | {"required": list(CASES[name])}),
                n=options.lanes,
                max_tokens=options.max_tokens,
                sampler=options.sampler,
                drafts=False,
            )
            draw(seed=0)  # prompt, tables of the vocabulary
            raw[name] = {who: [] for who in options.only}
            for turn in range(options.rounds):
                for who in options.only:
                    console.print(f"{name}, round {turn + 1}: {who}")
                    raw[name][who].append(_round(who, draw, turn))
    schemas = {name: CASES[name] for name in options.case}
    run.keep({"prompt": PROMPT, "schemas": schemas, "cases": raw}, _table(raw))


def _round(who: str, draw: Callable[..., Any], seed: int) -> dict[str, Any]:
    """One run, step by step: wall and processor seconds, checks, and questions to the engine."""
    steps: list[dict[str, float]] = []
    with _counted() as asked, _as(who):
        last = [time.perf_counter(), time.process_time(), 0]

        def on_step(info: Any) -> None:
            now = [time.perf_counter(), time.process_time(), asked[0]]
            spent = (b - a for a, b in zip(last, now, strict=True))
            names = ("seconds", "processor_seconds", "questions")
            steps.append({**dict(zip(names, spent, strict=True)), "checks": info.checks})
            last[:] = now

        result = draw(seed=seed, on_step=on_step)
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
    from condit.constraint.steering import Steering

    if who == "now":
        yield
    else:
        with mock.patch.object(Steering, "_alike_here", return_value=None):
            yield


def _table(raw: dict[str, Any]) -> str:
    found = [(f"{name}, {who}", raw[name][who]) for name in raw for who in raw[name]]
    heads = ["case", "median step, ms", "slowest step, ms", "slowest ÷ median"]
    heads += ["quarters of the time", "checks", "questions", "most in a step"]
    return table(heads, [[label, *_row(rounds)] for label, rounds in found])


def _row(rounds: Sequence[dict[str, Any]]) -> list[str]:
    def column(what: str) -> list[list[float]]:
        return [[step[what] for step in each["steps"]] for each in rounds]

    seconds = column("seconds")
    middle = [1000 * median(each) for each in seconds]
    slowest = [1000 * max(each) for each in seconds]
    quarters = zip(*map(_quarters, seconds), strict=True)
    return [
        spread(middle, 0),
        spread(slowest, 0),
        spread([b / a for a, b in zip(middle, slowest, strict=True)]),
        " ".join(f"{median(part):.0%}" for part in quarters),
        *(str(round(median(map(sum, column(what))))) for what in ("checks", "questions")),
        str(max(map(max, column("questions")))),
    ]


def _quarters(seconds: Sequence[float]) -> list[float]:
    """The share of the whole time that each quarter of the steps takes."""
    ends = [round(part * len(seconds) / 4) for part in range(5)]
    return [sum(seconds[a:b]) / sum(seconds) for a, b in pairwise(ends)]
