"""Microseconds per token and lane of constraint and draw, with no model: Condit and mask engines.

All contestants walk the same texts over the same logits; see ``workers/walk.py`` and
``workers/logits.py`` for what exactly, and ``cases.py`` for the constraints.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.attempts import noting_failure
from bench.cases import OWN, maskbench, paths
from bench.library.results import RESULTS, keep, load_before
from bench.library.venvs import python_of
from bench.library.workers import Worker
from bench.overhead_table import CLOCKS, overhead_tables
from bench.vocabularies import SOURCES, tokenizer_file

console = Console(stderr=True)

DTYPES = ("float32", "bfloat16")

CONTESTANTS = {
    "softmax": "condit",
    "condit-awrs": "condit",
    "condit-masked": "condit",
    "llguidance-multinomial": "masks",
    "llguidance-inversion": "masks",
    "xgrammar-multinomial": "masks",
    "xgrammar-inversion": "masks",
}


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    names = [name for name in CONTESTANTS if name in options.only]
    load = load_before(console)
    model = Path(options.model or _default_directory())
    cases = list(OWN)
    if options.maskbench:
        cases = list(maskbench(options.maskbench, options.count))
    sizes: dict[str, Any] = {}
    tables = []
    for size in ["49k"] if options.recorded else options.sizes:
        with TemporaryDirectory(prefix="condit-bench-") as folder:
            world = paths(cases, size, tokenizer_file(size, model, console.print))
            if options.recorded:
                world["recorded"] = _record(world, folder)
            sizes[size] = _measure(size, world, names, options)
            tables += overhead_tables(size, sizes[size], options.clock, recorded=options.recorded)
    shown = {key: str(value) for key, value in vars(options).items()}
    record = {"options": shown, "load_before": load, "sizes": sizes}
    keep("overhead", record, "\n\n".join(tables))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/bench overhead", description=__doc__)
    parser.add_argument("--sizes", nargs="+", choices=SOURCES, default=list(SOURCES))
    parser.add_argument("--dtype", nargs="+", choices=DTYPES, default=list(DTYPES))
    parser.add_argument("--lanes", nargs="+", type=int, default=[1, 8, 64])
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--clock", choices=CLOCKS, default="wall", help="processor: bears other work beside it"
    )
    parser.add_argument("--recorded", action="store_true", help="SmolLM2's own logits (49k only)")
    parser.add_argument("--maskbench", type=Path, help="a .jsonl.gz, instead of own cases")
    parser.add_argument("--count", type=int, default=40, help="how many maskbench schemas")
    parser.add_argument("--model", help="SmolLM2 as a directory (default: what Condit resolves)")
    return parser.parse_args(arguments)


def _default_directory() -> Path:
    from condit.model import smollm2

    return smollm2.directory()


def _record(world: dict[str, Any], folder: str) -> list[str]:
    worker = Worker(python_of("condit"), "record.py", 1, RESULTS / "logs" / "record.log")
    try:
        files: list[str] = worker.ask({"record": {**world, "folder": folder}})["files"]
        return files
    finally:
        worker.close()


def _measure(
    size: str, world: dict[str, Any], names: Sequence[str], options: argparse.Namespace
) -> dict[str, Any]:
    """Rounds interleaved case by case, over the cases that every contestant can walk."""
    workers: dict[str, Worker] = {}
    raw: dict[str, Any] = {"tokens_in_vocabulary": world["size"], "workers": {}, "dtypes": {}}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    try:
        with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
            for peer in dict.fromkeys(CONTESTANTS[name] for name in names):
                log = RESULTS / "logs" / f"overhead-{peer}.log"
                python = python_of(peer, progress.console.print)
                workers[peer] = Worker(python, f"overhead_{peer}.py", options.threads, log)
                raw["workers"][peer] = workers[peer].ask({"open": world})
            chosen, raw["checks"] = _walkable(workers, world, names)
            raw["cases"] = [world["cases"][case]["name"] for case in chosen]
            turns = (1 + options.rounds) * len(chosen) * len(names) * len(options.lanes)
            bar = progress.add_task(size, total=turns * len(options.dtype))
            for dtype, lanes in product(options.dtype, options.lanes):
                seen: dict[str, list[Any]] = {name: [] for name in names}
                for turn, case, name in product(range(1 + options.rounds), chosen, names):
                    progress.update(bar, description=f"{size}, {dtype}: {lanes} lanes, {name}")
                    ask = {"contestant": name, "case": case, "lanes": lanes, "seed": turn}
                    answer = workers[CONTESTANTS[name]].ask({"time": {**ask, "dtype": dtype}})
                    if turn:  # round 0 warms caches and compilers up
                        seen[name].append({"case": case, "round": turn, **answer})
                    progress.advance(bar)
                raw["dtypes"].setdefault(dtype, {})[lanes] = seen
    finally:
        for worker in workers.values():
            worker.close()
    return raw


def _walkable(
    workers: dict[str, Worker], world: dict[str, Any], names: Sequence[str]
) -> tuple[list[int], dict[str, Any]]:
    chosen = []
    checks: dict[str, Any] = {}
    for case, described in enumerate(world["cases"]):
        found = {}
        for name in names:
            found[name] = {"walks": False}
            with noting_failure(found[name], console):
                ask = {"check": {"contestant": name, "case": case}}
                found[name] = workers[CONTESTANTS[name]].ask(ask)
        checks[described["name"]] = found
        if all(answer["walks"] for answer in found.values()):
            chosen.append(case)
    return chosen, checks
