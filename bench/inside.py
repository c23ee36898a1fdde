"""How much of the wall time of a call is spent inside the model's forward, at batch 1.

What is left is Condit's own: laws, draws, matchers, guesses, attention masks. The model is asked
through a hook on its module, so the logits' row, the mask and the cache count as Condit's own, too.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import product
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from rich.progress import track

import condit
from bench.cases import OWN, Case
from bench.library.calls import as_far_as_it_got, asked, load
from bench.library.options import parser_of
from bench.library.results import table
from bench.library.run import Run
from bench.workers.timing import Clock, Inside

PROMPT = "Write a text that satisfies this description: "

TEMPERATURES = (0.0, 1.0)
DRAFTS = (False, True)


def main(arguments: Sequence[str]) -> None:
    options = parser_of("inside", __doc__, tokens=256, rounds=1).parse_args(arguments)
    with Run("inside", options) as run:
        model = load()
        inside = Inside(model.module)
        cases = list(product(OWN, TEMPERATURES, DRAFTS))
        for turn in range(1 + options.rounds):
            for case, temperature, drafts in track(cases, f"round {turn}", transient=True):
                record = _call(model, inside, case, options.tokens, temperature, turn, drafts)
                if turn and record["forwards"] >= 4:  # round 0 warms up
                    run.note(record)
    rows = []
    for temperature, drafts in product(TEMPERATURES, DRAFTS):
        kind = (temperature, drafts)
        found = [each for each in run.records if (each["temperature"], each["drafts"]) == kind]
        if found:
            label = f"temperature {temperature:g}, {'drafts' if drafts else 'no drafts'}"
            rows.append([label, *_row(found)])
    heads = ["batch 1", "inside the forward", "own ms ÷ forward", "own ms ÷ token"]
    run.keep({"runs": run.records}, table(heads, rows))


def _call(
    model: Any,
    inside: Inside,
    case: Case,
    tokens: int,
    temperature: float,
    seed: int,
    drafts: bool,
) -> dict[str, Any]:
    prompt = asked(PROMPT + case.source[:400])
    constraint = (condit.regex if case.kind == "regex" else condit.json_schema)(case.source)
    model.start(model.encode_prompt(prompt))
    inside.reset()
    with Clock() as spent:
        result = as_far_as_it_got(
            model,
            prompt,
            constraint,
            max_tokens=tokens,
            sampler="awrs",
            temperature=temperature,
            seed=seed,
            drafts=drafts,
        )
    return {
        "case": case.name,
        "temperature": temperature,
        "drafts": drafts,
        "seconds": spent.wall,
        "inside": inside.wall,
        "tokens": result.stats.tokens,
        "forwards": result.stats.forwards,
    }


def _row(found: Sequence[dict[str, Any]]) -> list[str]:
    own = [run["seconds"] - run["inside"] for run in found]
    shares = [run["inside"] / run["seconds"] for run in found]
    return [
        f"{median(shares):.1%} ({min(shares):.1%} to {max(shares):.1%})",
        f"{1e3 * median(o / run['forwards'] for o, run in zip(own, found, strict=True)):.2f}",
        f"{1e3 * median(o / run['tokens'] for o, run in zip(own, found, strict=True)):.2f}",
    ]
