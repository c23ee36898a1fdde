"""The command: walk what is missing, replay, time, and keep it all."""

from __future__ import annotations

import argparse
import importlib.util
import os
import time
from collections.abc import Sequence
from pathlib import Path

from bench.fidelity import store
from bench.fidelity.clock import Times, clock
from bench.fidelity.contestants import CONTESTANTS
from bench.fidelity.replay import Results, describe, replay
from bench.fidelity.tables import tables
from bench.fidelity.worlds import PROBLEMS
from bench.library.contestants import chosen
from bench.library.options import add_choice, parser_of
from bench.library.run import Run, console
from bench.library.workers import environment

_QUICK_WORLDS = ("umbrella", "version", "opening")


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    if importlib.util.find_spec("matplotlib") is None:
        raise SystemExit("the pictures need matplotlib: .venv/bin/pip install -e '.[bench]'")
    os.environ.update(environment(threads=1))
    began = time.perf_counter()
    results: Results = {}
    times: Times = {}
    with Run("fidelity", options) as run:
        store.walk_missing(options.world, console)
        worlds = {name: describe(name) for name in options.world}
        results = replay(
            options.world,
            options.only,
            runs=options.runs,
            seed=options.seed,
            processes=options.processes,
        )
        if options.seconds_rounds:
            times = clock(
                options.world,
                options.only,
                results,
                rounds=options.seconds_rounds,
                seed=options.seed,
            )
    if run.interrupted:
        raise SystemExit("interrupted: there is nothing to keep")
    raw = {
        "took_seconds": round(time.perf_counter() - began),
        "worlds": worlds,
        "results": results,
        "seconds": times,
    }
    kept = run.keep(raw, tables(worlds, results, times))
    _draw(options.images / "fidelity" if options.images else kept.with_suffix(""), raw)
    if any("error" in measured for found in results.values() for measured in found.values()):
        raise SystemExit(1)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = parser_of("fidelity", __doc__, seed=1)
    add_choice(parser, "world", PROBLEMS)
    add_choice(parser, "only", CONTESTANTS)
    parser.add_argument(
        "--runs", type=int, default=400, help="independent runs a setting; half with 32 lanes"
    )
    parser.add_argument(
        "--seconds-rounds", type=int, default=1, help="timed rounds with the model; 0: none"
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--images", type=Path, help="folder for the pictures (docs/images)")
    parser.add_argument(
        "--quick", action="store_true", help="three small worlds, 40 runs, no seconds"
    )
    options = parser.parse_args(arguments)
    if options.quick:
        options.world, options.runs, options.seconds_rounds = list(_QUICK_WORLDS), 40, 0
    # The order of the tables, whatever the order of the options.
    options.world = chosen(PROBLEMS, options.world)
    options.only = chosen(CONTESTANTS, options.only)
    return options


def _draw(stem: Path, raw: dict[str, dict[str, object]]) -> None:
    from bench.fidelity.plots import pictures

    for file in pictures(stem, raw["worlds"], raw["results"], raw["seconds"]):
        print(f"picture: {os.path.relpath(file)}")
