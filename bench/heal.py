"""What healing the seam of prompt and text is worth, in nats, on prompts that end badly and well.

For each prompt, with ``heal`` and without: the log-probability of the right answer as a text that
ends there, ``log Ẑ`` of the constraint, and the share of the weight that right answers have among
the draws. Nothing is timed, so a busy machine does no harm. The prompts are in
``heal_prompts.py``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import condit
from bench.heal_prompts import FAMILIES, PROMPTS, Case
from bench.library.options import add_choice, parser_of
from bench.library.results import table
from bench.library.run import Run

_MOST_TOKENS = 24


def main(arguments: Sequence[str]) -> None:
    parser = parser_of("heal", __doc__, lanes=8, model=None)
    add_choice(parser, "family", FAMILIES)
    parser.add_argument("--seeds", type=int, default=3, help="calls for each prompt")
    options = parser.parse_args(arguments)
    cases = [case for case in PROMPTS if case.family in options.family]
    model = condit.load(options.model or "smollm2")
    with Run("heal", options) as run, run.counting("prompts", 2 * len(cases)) as bar:
        for case in cases:
            for heal in (False, True):
                run.note(_measured(model, case, heal, options.lanes, options.seeds))
                bar.advance()
    run.keep({"records": run.records}, _tables(run.records))


def _measured(
    model: condit.Model, case: Case, heal: bool, lanes: int, seeds: int
) -> dict[str, Any]:
    """The record of one prompt, healed or not."""
    answers, draws = [], []
    for seed in range(seeds):
        common = {"n": lanes, "max_tokens": _MOST_TOKENS, "seed": seed, "heal": heal}
        answers.append(_drawn(model, case, condit.choice(case.answer), common))
        draws.append(_drawn(model, case, case.constraint, common))
    return {
        "prompt": case.prompt,
        "family": case.family,
        "answer": case.answer,
        "heal": heal,
        "healed": draws[0].healed,
        "log_answer": fmean(result.log_evidence for result in answers),
        "log_evidence": fmean(result.log_evidence for result in draws),
        "right": fmean(_share_of(result, case.answer) for result in draws),
        "texts": [result.best.text for result in draws],
        "positions": sum(result.stats.positions_forwarded for result in draws),
    }


def _drawn(
    model: condit.Model, case: Case, constraint: condit.Constraint, common: dict[str, Any]
) -> condit.Result:
    return condit.generate(model, case.prompt, constraint, **common)


def _share_of(result: condit.Result, answer: str) -> float:
    """The share of the weight that the answer has."""
    pairs = zip(result.samples, result.weights, strict=True)
    return math.fsum(weight for sample, weight in pairs if sample.text == answer)


def _tables(records: Sequence[dict[str, Any]]) -> str:
    rows = []
    for family in [*FAMILIES, "all"]:
        plain, healed = (
            [each for each in records if each["heal"] is heal and family in (each["family"], "all")]
            for heal in (False, True)
        )
        if not plain or len(plain) != len(healed):
            continue
        row = [family, str(len(plain)), str(sum(bool(each["healed"]) for each in healed))]
        for what in ("log_answer", "log_evidence", "right"):
            before, after = ([each[what] for each in some] for some in (plain, healed))
            better = sum(b - a > 0.1 for a, b in zip(before, after, strict=True))
            worse = sum(a - b > 0.1 for a, b in zip(before, after, strict=True))
            row += [f"{fmean(before):.2f}", f"{fmean(after):.2f}", f"{better} / {worse}"]
        rows.append(row)
    heads = ["family", "prompts", "healed"]
    for what in ("log p(answer)", "log Ẑ", "share of the right answer"):
        heads += [what, "with heal", "better / worse by 0.1"]
    return table(heads, rows)
