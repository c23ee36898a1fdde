"""Tokens a second of whole generations: Condit, plain transformers, genlm-control, outlines.

Rounds are interleaved (A B C A B C …): each contestant is a loaded worker, one works at a time.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from statistics import median
from typing import Any

from bench.library.contestants import Contestant, chosen, noting_failure
from bench.library.options import add_choice, parser_of
from bench.library.results import table
from bench.library.run import Run, console
from bench.library.statistics import ratio, spread
from bench.workloads import WORKLOADS

CONTESTANTS = {
    "masked": Contestant("Condit masked", "condit", "condit", {"sampler": "masked"}),
    "awrs": Contestant("Condit AWRS", "condit", "condit", {"sampler": "awrs"}),
    "smc": Contestant("Condit SMC", "condit", "condit", {"sampler": "smc"}),
    "transformers": Contestant("transformers, unconstrained", "condit", "transformers"),
    "genlm": Contestant("genlm-control AWRS-SMC", "genlm", "genlm"),
    "outlines": Contestant("outlines (masked)", "outlines", "outlines"),
}


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    runs: dict[str, dict[str, Any]] = {}
    with Run("throughput", options) as run:
        for name in options.workload:
            runs[name] = _workload(run, name, chosen(CONTESTANTS, options.only), options)
    shown = [_table(name, raw["task"], raw["contestants"]) for name, raw in runs.items()]
    run.keep({"workloads": runs}, "\n\n".join(shown))
    if any("error" in who for raw in runs.values() for who in raw["contestants"].values()):
        raise SystemExit(1)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = parser_of("throughput", __doc__, rounds=5, lanes=8, tokens=50, threads=1, model=None)
    add_choice(parser, "workload", WORKLOADS, ["story", "records"])
    add_choice(parser, "only", CONTESTANTS)
    return parser.parse_args(arguments)


def _workload(
    run: Run, name: str, names: Sequence[str], options: argparse.Namespace
) -> dict[str, Any]:
    from condit.model import smollm2

    workload = WORKLOADS[name]
    task = {
        "directory": options.model or str(smollm2.directory()),
        "prompt": workload.prompt,
        "constraint": workload.constraint(options.tokens),
        "lanes": options.lanes,
        "tokens": options.tokens,
    }
    seen: dict[str, dict[str, Any]] = {who: {"rounds": []} for who in names}
    with run.counting(name, (2 + options.rounds) * len(names)) as bar:
        for who in names:
            bar.say(f"{name}: loading {who}")
            with noting_failure(seen[who], console):
                session = run.session(who, CONTESTANTS[who], task, threads=options.threads)
                session.load()
                seen[who]["setup"] = session.loaded
            bar.advance()
        for turn in range(options.rounds + 1):
            for who in names:
                bar.say(f"{name}: round {turn} {who}")
                if "error" not in seen[who]:
                    with noting_failure(seen[who], console):
                        answer = run.sessions[who].ask({"run": turn})
                        _file(seen[who], answer, warm_up=turn == 0)
                bar.advance()
    run.close()
    return {"task": task, "contestants": seen}


def _file(seen: dict[str, Any], answer: dict[str, Any], *, warm_up: bool) -> None:
    """Every round's numbers are kept, but the texts of the warm-up round alone."""
    if warm_up:
        seen["warm_up"] = answer
    else:
        seen["rounds"].append({key: value for key, value in answer.items() if key != "texts"})


def _table(name: str, task: dict[str, Any], seen: dict[str, dict[str, Any]]) -> str:
    def rates(who: str) -> list[float]:
        return [turn["tokens"] / turn["seconds"] for turn in seen.get(who, {}).get("rounds", [])]

    rows = []
    for who, raw in seen.items():
        turns = raw["rounds"]
        if not turns:
            rows.append([CONTESTANTS[who].label, "failed", "", "", "", "", ""])
            continue
        beyond = [turn["positions_beyond_prompt"] / turn["tokens"] for turn in turns]
        rows.append(
            [
                CONTESTANTS[who].label,
                spread(rates(who)),
                ratio(rates(who), rates("transformers")),
                ratio(rates(who), rates("genlm")),
                f"{median(beyond):.2f}",
                str(round(median(turn["forwards"] for turn in turns))),
                str(round(median(turn["tokens"] for turn in turns))),
            ]
        )
    heads = [
        "contestant",
        "tok/s (least to greatest)",
        "÷ transformers",
        "÷ genlm",
        "positions beyond prompt ÷ tokens",
        "forwards",
        "tokens",
    ]
    title = (
        f"**{name}**: {WORKLOADS[name].about}; SmolLM2-135M bf16, {task['lanes']} lanes of "
        f"{task['tokens']} tokens, temperature 1"
    )
    return f"{title}\n\n{table(heads, rows)}"
