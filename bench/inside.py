"""How much of the wall time of a call is spent inside the model's forward, at batch 1.

What is left is Condit's own: laws, draws, matchers, guesses, attention masks. The model is asked
through a hook on its module, so the logits' row, the mask and the cache count as Condit's own, too.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from rich.progress import track

import condit
from bench.cases import OWN
from bench.library.results import keep, table

PROMPT = "Write a text that satisfies this description: "


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    torch.set_num_threads(1)
    model = condit.load("smollm2")
    inside = Clock()
    _hook(model.module, inside)
    cases = [
        (case, temperature, drafts)
        for case in OWN
        for temperature in (0.0, 1.0)
        for drafts in (False, True)
    ]
    found: list[dict[str, Any]] = []
    for turn in range(1 + options.rounds):
        for case, temperature, drafts in track(cases, f"round {turn}", transient=True):
            asked: list[dict[str, str]] = [{"role": "user", "content": PROMPT + case.source[:400]}]
            constraint = (condit.regex if case.kind == "regex" else condit.json_schema)(case.source)
            model.start(model.encode_prompt(asked))
            inside.seconds = 0.0
            began = time.perf_counter()
            result = _draw(model, asked, constraint, options.tokens, temperature, turn, drafts)
            seconds = time.perf_counter() - began
            if turn and result.stats.forwards >= 4:  # round 0 warms up
                found.append(
                    {
                        "case": case.name,
                        "temperature": temperature,
                        "drafts": drafts,
                        "seconds": seconds,
                        "inside": inside.seconds,
                        "tokens": result.stats.tokens,
                        "forwards": result.stats.forwards,
                    }
                )
    rows = [
        [f"temperature {temperature:g}, {'drafts' if drafts else 'no drafts'}", *_row(chosen)]
        for temperature in (0.0, 1.0)
        for drafts in (False, True)
        if (
            chosen := [f for f in found if (f["temperature"], f["drafts"]) == (temperature, drafts)]
        )
    ]
    heads = ["batch 1", "inside the forward", "own ms ÷ forward", "own ms ÷ token"]
    keep("inside", {"options": vars(options), "runs": found}, table(heads, rows))


class Clock:
    seconds = 0.0


def _hook(module: Any, clock: Clock) -> None:
    began = 0.0

    def before(*_: Any) -> None:
        nonlocal began
        began = time.perf_counter()

    def after(*_: Any) -> None:
        clock.seconds += time.perf_counter() - began

    module.register_forward_pre_hook(before)
    module.register_forward_hook(after)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/bench inside", description=__doc__)
    parser.add_argument("--tokens", type=int, default=256, help="the most tokens of a text")
    parser.add_argument("--rounds", type=int, default=1)
    return parser.parse_args(arguments)


def _draw(
    model: condit.Model,
    asked: list[dict[str, str]],
    constraint: condit.Constraint,
    tokens: int,
    temperature: float,
    seed: int,
    drafts: bool,
) -> condit.Result:
    try:
        return condit.generate(
            model,
            asked,
            constraint,
            max_tokens=tokens,
            sampler="awrs",
            temperature=temperature,
            seed=seed,
            drafts=drafts,
        )
    except condit.ConditError as short:
        if short.result is None:
            raise
        return short.result


def _row(found: Sequence[dict[str, Any]]) -> list[str]:
    own = [run["seconds"] - run["inside"] for run in found]
    shares = [run["inside"] / run["seconds"] for run in found]
    return [
        f"{median(shares):.1%} ({min(shares):.1%} to {max(shares):.1%})",
        f"{1e3 * median(o / run['forwards'] for o, run in zip(own, found, strict=True)):.2f}",
        f"{1e3 * median(o / run['tokens'] for o, run in zip(own, found, strict=True)):.2f}",
    ]


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
