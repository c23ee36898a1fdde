"""Tokens a second of whole generations: Condit, plain transformers, genlm-control, outlines.

Rounds are interleaved (A B C A B C …): each contestant is a loaded worker, one works at a time.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.attempts import noting_failure
from bench.library.results import RESULTS, keep, load_before, table
from bench.library.statistics import ratio, spread
from bench.library.venvs import python_of
from bench.library.workers import Worker
from bench.workloads import WORKLOADS

console = Console(stderr=True)


@dataclass(frozen=True)
class Contestant:
    """``peer`` names the environment, ``script`` the worker, ``extra`` goes into its task."""

    label: str
    peer: str
    script: str
    extra: dict[str, str] = field(default_factory=dict)


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
    names = [name for name in CONTESTANTS if name in options.only]
    load = load_before(console)
    directory = options.model or _default_directory(options.threads)
    runs: dict[str, dict[str, Any]] = {}
    tables = []
    for name in options.workload:
        raw, shown = _workload(name, names, directory, options)
        runs[name] = raw
        tables.append(shown)
    keep(
        "throughput",
        {"options": vars(options), "load_before": load, "workloads": runs},
        "\n\n".join(tables),
    )
    if any("error" in who for raw in runs.values() for who in raw["contestants"].values()):
        raise SystemExit(1)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/bench throughput", description=__doc__)
    parser.add_argument("--workload", nargs="+", choices=WORKLOADS, default=["story", "records"])
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lanes", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=50)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", help="SmolLM2 as a directory (default: what Condit resolves)")
    return parser.parse_args(arguments)


def _default_directory(threads: int) -> str:
    worker = _start(CONTESTANTS["masked"], "directory", threads)
    try:
        return str(worker.ask({"directory": None})["directory"])
    finally:
        worker.close()


def _start(contestant: Contestant, name: str, threads: int) -> Worker:
    python = python_of(contestant.peer, console.print)
    script = f"throughput_{contestant.script}.py"
    return Worker(python, script, threads, RESULTS / "logs" / f"throughput-{name}.log")


def _workload(
    name: str, names: Sequence[str], directory: str, options: argparse.Namespace
) -> tuple[dict[str, Any], str]:
    workload = WORKLOADS[name]
    task = {
        "directory": directory,
        "prompt": workload.prompt,
        "constraint": workload.constraint(options.tokens),
        "lanes": options.lanes,
        "tokens": options.tokens,
    }
    workers: dict[str, Worker] = {}
    seen: dict[str, dict[str, Any]] = {who: {"rounds": []} for who in names}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    try:
        with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
            bar = progress.add_task(name, total=(2 + options.rounds) * len(names))
            for who in names:
                progress.update(bar, description=f"{name}: loading {who}")
                with noting_failure(seen[who], console):
                    workers[who] = _start(CONTESTANTS[who], who, options.threads)
                    setup = {**task, **CONTESTANTS[who].extra}
                    seen[who]["setup"] = workers[who].ask({"setup": setup})
                progress.advance(bar)
            for turn in range(options.rounds + 1):
                for who in names:
                    progress.update(bar, description=f"{name}: round {turn} {who}")
                    if "error" not in seen[who]:
                        with noting_failure(seen[who], console):
                            answer = workers[who].ask({"run": turn})
                            _file(seen[who], answer, warm_up=turn == 0)
                    progress.advance(bar)
    finally:
        for worker in workers.values():
            worker.close()
    return {"task": task, "contestants": seen}, _table(name, task, seen)


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


if __name__ == "__main__":
    main(sys.argv[1:])
