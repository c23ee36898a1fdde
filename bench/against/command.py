"""Whether a change made Condit slower, or its draws others: this tree against an older commit.

Both sources run in one environment and on one machine, by turns at every measurement. Times are
ratios of medians, new over old, with a band; draws, texts and verdicts are compared one by one.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from bench.against import parts
from bench.against.race import NEW, OLD, Record, check, run_pass, sessions
from bench.against.summary import CLOCKS
from bench.against.tables import checks, tables, timings
from bench.against.trees import Tree, at, here
from bench.library.journal import Journal, keeping_what_there_is
from bench.library.options import SHARED, written
from bench.library.results import counting, keep, load_before

console = Console(stderr=True)


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    load, began = load_before(console), time.perf_counter()
    trees = {OLD: at(options.commit), NEW: at(options.new) if options.new else here()}
    with (
        TemporaryDirectory(prefix="condit-bench-") as folder,
        Journal("against") as journal,
        keeping_what_there_is(console) as ending,
    ):
        _run(trees, options, Path(folder), journal)
    records = journal.records
    timed, checked = timings(records, options.clock), checks(records)
    raw = {
        "options": written(options),
        "load_before": load,
        "took_seconds": round(time.perf_counter() - began),
        "interrupted": ending.interrupted,
        "sides": {side: _described(tree) for side, tree in trees.items()},
        "ratios": {name: [asdict(row) for row in rows] for name, rows in timed.items()},
        "same": {
            row: {each["case"]: each["same"] for each in found} for row, found in checked.items()
        },
        "records": records,
    }
    keep("against", raw, tables(timed, checked, records, options.tolerance))
    worse = any(
        row.verdict(options.tolerance) == "worse" for rows in timed.values() for row in rows
    )
    other = any(not each["same"] for found in checked.values() for each in found)
    if worse or other:
        raise SystemExit(1)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/bench against", description=__doc__)
    parser.add_argument("commit", help="the old side: a commit, branch or tag")
    parser.add_argument("--new", help="the new side: another commit (default: this working tree)")
    parser.add_argument("--only", nargs="+", choices=parts.PARTS, default=list(parts.PARTS))
    parser.add_argument("--passes", type=int, default=6, help="each in two fresh processes")
    parser.add_argument(
        "--clock", choices=CLOCKS, default="processor", help="wall: on a machine with nothing else"
    )
    parser.add_argument(
        "--tolerance", type=float, default=0.03, help="a row may be slower by so much"
    )
    parser.add_argument("--schemas", type=int, default=40, help="of maskbench, a random sample")
    parser.add_argument("--seeds", type=int, default=3, help="of draws, in each world")
    parser.add_argument("--seed", type=int, default=1, help="of the sample of schemas")
    parser.add_argument("--rows", help="only rows whose names have this in them")
    parser.add_argument("--limit", type=float, default=120, help="seconds that an answer may take")
    parser.add_argument(
        "--maskbench",
        type=Path,
        default=SHARED / "maskbench-dev.jsonl.gz",
        help="JSON Schemas with instances, a .jsonl.gz (default: of ../shared/data)",
    )
    options = parser.parse_args(arguments)
    if parts.COVERAGE in options.only and not options.maskbench.is_file():
        parser.error(f"{options.maskbench} is not there: say where, or leave out coverage")
    return options


def _run(
    trees: dict[str, Tree], options: argparse.Namespace, folder: Path, journal: Journal
) -> None:
    from condit.model import smollm2

    model = smollm2.directory()
    task = {"worlds": parts.worlds(folder, model), "dtype": "bfloat16"}
    timed: list[parts.Item] = []
    once: list[parts.Item] = []
    if parts.SPEED in options.only:
        timed += parts.speed()
    if parts.OVERHEAD in options.only:
        timed += parts.overhead(task["worlds"])
    if parts.COVERAGE in options.only:
        sample = (options.maskbench, options.schemas, options.seed)
        timed += parts.coverage(*sample)
        once += parts.judged(*sample, Path(task["worlds"][parts.SIZES[0]]["tokenizer"]))
    if parts.FIDELITY in options.only:
        once += parts.fidelity(_recorded(), options.seeds)
    if options.rows:
        timed, once = ([i for i in items if options.rows in i.row] for items in (timed, once))
    total = 4 * len(timed) * options.passes + 2 * len(once)
    with counting(console, "loading", total) as bar:

        def note(record: Record) -> None:
            journal.add(record)
            bar.advance(f"pass {record['pass'] + 1}: {record['part']}, {record['row']}")

        for turn in range(options.passes if timed else 1):
            both = sessions(trees, task, hashes=turn, limit=options.limit)
            try:
                check(both, trees)
                run_pass(both, timed, turn, note, twice=True)
                if turn == 0:
                    run_pass(both, once, turn, note, twice=False)
            finally:
                for session in both.values():
                    session.close()


def _recorded() -> dict[str, Path]:
    """The worlds of ``scripts/bench fidelity``, walked now where no run has left them."""
    from bench.fidelity import store
    from bench.fidelity.worlds import PROBLEMS

    store.walk_missing(list(PROBLEMS), console)
    return {name: store.file_of(problem) for name, problem in PROBLEMS.items()}


def _described(tree: Tree) -> dict[str, Any]:
    return {"commit": tree.commit, "changed": tree.changed, "source": os.path.relpath(tree.source)}
