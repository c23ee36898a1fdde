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

from bench.against import parts
from bench.against.race import NEW, OLD, Record, run_pass, sessions
from bench.against.summary import CLOCKS, broken
from bench.against.tables import checks, tables, timings
from bench.against.trees import Tree, at, here
from bench.library.options import MASKBENCH, add_choice, parser_of, require
from bench.library.run import Run, console


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    trees = {OLD: at(options.commit), NEW: at(options.new) if options.new else here()}
    began = time.perf_counter()
    with Run("against", options) as run, TemporaryDirectory(prefix="condit-bench-") as folder:
        _measure(run, trees, options, Path(folder))
    timed, checked = timings(run.records, options.clock), checks(run.records)
    raw = {
        "took_seconds": round(time.perf_counter() - began),
        "sides": {side: _described(tree) for side, tree in trees.items()},
        "ratios": {name: [asdict(row) for row in rows] for name, rows in timed.items()},
        "same": {
            row: {each["case"]: each["same"] for each in found} for row, found in checked.items()
        },
        "records": run.records,
    }
    run.keep(raw, tables(timed, checked, run.records, options.tolerance))
    verdicts = [row.verdict(options.tolerance) for rows in timed.values() for row in rows]
    same = all(each["same"] for found in checked.values() for each in found)
    if failing := broken(run.records):
        console.print(f"[red]failed at one side alone, or altogether:[/] {', '.join(failing)}")
    if "worse" in verdicts or failing or not same:
        raise SystemExit(1)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = parser_of("against", __doc__, seed=1, limit=120, maskbench=MASKBENCH)
    parser.add_argument("commit", help="the old side: a commit, branch or tag")
    parser.add_argument("--new", help="the new side: another commit (default: this working tree)")
    add_choice(parser, "only", parts.PARTS)
    parser.add_argument("--rows", help="only rows whose names have this in them")
    parser.add_argument("--passes", type=int, default=6, help="each in two fresh processes")
    parser.add_argument(
        "--clock", choices=CLOCKS, default="processor", help="wall: on a machine with nothing else"
    )
    parser.add_argument(
        "--tolerance", type=float, default=0.03, help="a row may be slower by so much"
    )
    parser.add_argument("--schemas", type=int, default=40, help="of maskbench, a random sample")
    parser.add_argument("--seeds", type=int, default=3, help="of draws, in each world")
    options = parser.parse_args(arguments)
    require(parser, options.maskbench, {parts.COVERAGE} & set(options.only))
    return options


def _measure(run: Run, trees: dict[str, Tree], options: argparse.Namespace, folder: Path) -> None:
    from condit.model import smollm2

    sizes = parts.SIZES if parts.OVERHEAD in options.only else parts.SIZES[:1]
    task = {"worlds": parts.worlds(folder, smollm2.directory(), sizes), "dtype": "bfloat16"}
    items = _items(task["worlds"], options)
    timed = sum(item.timed for item in items)
    total = 4 * timed * options.passes + 2 * (len(items) - timed)
    with run.counting("loading", total) as bar:

        def note(record: Record) -> None:
            run.note(record)
            bar.advance(f"pass {record['pass'] + 1}: {record['part']}, {record['row']}")

        for turn in range(options.passes if timed else 1):
            both = sessions(run, trees, task, hashes=turn, limit=options.limit)
            run_pass(both, items, turn, note)


def _items(worlds: dict[str, Any], options: argparse.Namespace) -> list[parts.Item]:
    items: list[parts.Item] = []
    if parts.SPEED in options.only:
        items += parts.speed()
    if parts.OVERHEAD in options.only:
        items += parts.overhead(worlds)
    if parts.FIDELITY in options.only:
        items += parts.fidelity(_recorded(), options.seeds)
    if parts.COVERAGE in options.only:
        sample = (options.maskbench, options.schemas, options.seed)
        items += parts.coverage(*sample)
        items += parts.judged(*sample, Path(worlds[parts.SIZES[0]]["tokenizer"]))
    return [item for item in items if not options.rows or options.rows in item.row]


def _recorded() -> dict[str, Path]:
    """The worlds of ``scripts/bench fidelity``, walked now where no run has left them."""
    from bench.fidelity import store
    from bench.fidelity.worlds import PROBLEMS

    store.walk_missing(list(PROBLEMS), console)
    return {name: store.file_of(problem) for name, problem in PROBLEMS.items()}


def _described(tree: Tree) -> dict[str, Any]:
    return {"commit": tree.commit, "changed": tree.changed, "source": os.path.relpath(tree.source)}
