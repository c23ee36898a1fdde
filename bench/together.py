"""Runs with prompts and constraints of their own: together in one decoder, or one after the other.

Both ways make the same calls of ``condit.generate`` on the same model object, and must draw the
same texts with the same weights to the last bit; the bench fails otherwise. Rounds of both ways are
interleaved. Whatever the first round teaches (kept prompts, costs of forwards, tables of recycled
tokens) both ways have in the others, which are the ones that count.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from rich.progress import track

import condit
from bench.library.calls import asked, load
from bench.library.options import add_choice, parser_of
from bench.library.results import table
from bench.library.run import Run, console
from bench.library.statistics import spread

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

TASKS: list[tuple[str, str, Any]] = [
    ("Write an order of a small shop as JSON with item, count and gift.", "json_schema", ORDER),
    ("Write one sentence about the sea.", "regex", r"[A-Z][a-z]+( [a-z]+){6,14}\."),
    ("A customer cannot log in. Sum it up as JSON with team and summary.", "json_schema", TICKET),
    ("Write a list of five animals, with commas.", "regex", r"[a-z]{3,9}(, [a-z]{3,9}){4}\."),
]

CASES = {
    "masked": ("masked", 1, False),
    "masked, 4 lanes": ("masked", 4, False),
    "smc, 4 lanes": ("smc", 4, False),
    "smc, 8 lanes": ("smc", 8, False),
    "awrs, drafts": ("awrs", 1, True),
    "smc, 4 lanes, drafts": ("smc", 4, True),
    "exact": ("exact", 2, False),
}
"""The sampler, the lanes, and whether guesses at next tokens are forwarded."""


def main(arguments: Sequence[str]) -> None:
    parser = parser_of("together", __doc__, tokens=40, rounds=3, threads=1)
    add_choice(parser, "cases", CASES)
    parser.add_argument("--runs", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--dtype", default="float32")
    options = parser.parse_args(arguments)
    rounds = [(case, runs) for case in options.cases for runs in options.runs]
    with Run("together", options) as run:
        model = load(options.threads, dtype=options.dtype)
        for turn in range(options.rounds + 1):
            for case, runs in track(rounds, description=f"round {turn}", console=console):
                made = [_call(case, options.tokens, turn, number) for number in range(runs)]
                record = {"case": case, "runs": runs, **_both_ways(case, model, made)}
                if turn:
                    run.note(record)
    run.keep({"rounds": run.records}, _table(run.records))


def _call(case: str, tokens: int, turn: int, number: int) -> Callable[[condit.Model], Any]:
    sampler, lanes, drafts = CASES[case]
    prompt, kind, content = TASKS[number % len(TASKS)]
    constraint = getattr(condit, kind)(content)
    return lambda model: condit.generate(
        model,
        asked(prompt),
        constraint,
        n=lanes,
        max_tokens=tokens,
        sampler=sampler,
        drafts=drafts,
        seed=100 * turn + number,
    )


def _both_ways(
    case: str, model: condit.Model, made: Sequence[Callable[[condit.Model], Any]]
) -> dict[str, Any]:
    """The same calls apart and together; it ends the bench where they differ."""
    from condit.model.shared import together

    began, used = time.perf_counter(), time.process_time()
    apart = [call(model) for call in made]
    middle, used_apart = time.perf_counter(), time.process_time() - used
    shared = [each.result() for each in together(model, made, at_once=len(made))]
    seconds, used_both = time.perf_counter() - middle, time.process_time() - used
    for one, other in zip(apart, shared, strict=True):
        if (one.samples, one.log_evidence) != (other.samples, other.log_evidence):
            raise SystemExit(f"{case}: {one.samples} alone, {other.samples} together")
    return {
        "tokens": sum(result.stats.tokens for result in apart),
        "apart": middle - began,
        "together": seconds,
        "apart_processor": used_apart,
        "together_processor": used_both - used_apart,
        "apart_positions": [r.stats.positions_forwarded for r in apart],
        "together_positions": [r.stats.positions_forwarded for r in shared],
        "apart_forwards": [r.stats.forwards for r in apart],
        "together_forwards": [r.stats.forwards for r in shared],
    }


def _table(raw: Sequence[dict[str, Any]]) -> str:
    rows = []
    for case, runs in dict.fromkeys((turn["case"], turn["runs"]) for turn in raw):
        turns = [turn for turn in raw if (turn["case"], turn["runs"]) == (case, runs)]
        speeds = [[turn["tokens"] / turn[way] for turn in turns] for way in ("apart", "together")]
        ratios = [
            median(turn[f"apart{kind}"] for turn in turns)
            / median(turn[f"together{kind}"] for turn in turns)
            for kind in ("", "_processor")
        ]
        rows.append(
            [f"{case}: {runs} runs", *map(spread, speeds), *(f"{ratio:.2f}" for ratio in ratios)]
        )
    heads = ["calls", "tokens/s apart", "tokens/s together", "ratio", "ratio of processor time"]
    return table(heads, rows)
