"""The command: walk what is missing, replay, time, and keep it all."""

from __future__ import annotations

import argparse
import importlib.util
import os
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

import condit
from bench.fidelity import store
from bench.fidelity.clock import Times, clock
from bench.fidelity.contestants import CONTESTANTS
from bench.fidelity.replay import describe, replay
from bench.fidelity.tables import tables
from bench.fidelity.worlds import PROBLEMS
from bench.library.results import keep, load_before
from bench.library.workers import environment

console = Console(stderr=True)

_QUICK_WORLDS = ("umbrella", "version", "opening")


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    if importlib.util.find_spec("matplotlib") is None:
        raise SystemExit("the pictures need matplotlib: .venv/bin/pip install -e '.[bench]'")
    os.environ.update(environment(threads=1))
    load = load_before(console)
    began = time.perf_counter()
    _walk(options.world)
    worlds = {name: describe(name) for name in options.world}
    results = replay(
        options.world,
        options.only,
        runs=options.runs,
        seed=options.seed,
        processes=options.processes,
        console=console,
    )
    times: Times = {}
    if options.seconds_rounds:
        times = clock(
            options.world,
            options.only,
            results,
            rounds=options.seconds_rounds,
            seed=options.seed,
            console=console,
        )
    raw = {
        "options": {**vars(options), "images": str(options.images) if options.images else None},
        "load_before": load,
        "took_seconds": round(time.perf_counter() - began),
        "worlds": worlds,
        "results": results,
        "seconds": times,
    }
    kept = keep("fidelity", raw, tables(worlds, results, times))
    _draw(options.images / "fidelity" if options.images else kept.with_suffix(""), raw)
    if any("error" in measured for found in results.values() for measured in found.values()):
        raise SystemExit(1)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/bench fidelity", description=__doc__)
    parser.add_argument("--world", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument(
        "--runs", type=int, default=400, help="independent runs a setting; half with 32 lanes"
    )
    parser.add_argument(
        "--seconds-rounds", type=int, default=1, help="timed rounds with the model; 0: none"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--images", type=Path, help="folder for the pictures (docs/images)")
    parser.add_argument(
        "--quick", action="store_true", help="three small worlds, 40 runs, no seconds"
    )
    options = parser.parse_args(arguments)
    if options.quick:
        options.world, options.runs, options.seconds_rounds = list(_QUICK_WORLDS), 40, 0
    # The order of the tables, whatever the order of the options.
    options.world = [name for name in PROBLEMS if name in options.world]
    options.only = [name for name in CONTESTANTS if name in options.only]
    return options


def _walk(names: Sequence[str]) -> None:
    """Record the worlds that no earlier run has left."""
    missing = [PROBLEMS[name] for name in names if not store.file_of(PROBLEMS[name]).exists()]
    if not missing:
        return
    import torch

    torch.set_num_threads(1)
    model = condit.load(store.MODEL, dtype="float32")
    for problem in track(missing, "walking worlds", console=console):
        store.walk(problem, model)


def _draw(stem: Path, raw: dict[str, dict[str, object]]) -> None:
    from bench.fidelity.plots import pictures

    for file in pictures(stem, raw["worlds"], raw["results"], raw["seconds"]):
        print(f"picture: {os.path.relpath(file)}")
