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

from bench.cases import OWN, maskbench, paths
from bench.library.contestants import Contestant, chosen, noting_failure
from bench.library.options import add_choice, parser_of
from bench.library.results import LOGS
from bench.library.run import Run, console
from bench.library.sessions import Session
from bench.library.venvs import python_of
from bench.library.workers import Worker
from bench.overhead_table import CLOCKS, overhead_tables
from bench.vocabularies import SOURCES, tokenizer_file

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
    from condit.model import smollm2

    model = Path(options.model or smollm2.directory())
    cases = list(OWN)
    if options.maskbench:
        cases = list(maskbench(options.maskbench, options.count))
    sizes: dict[str, Any] = {}
    tables = []
    with Run("overhead", options) as run:
        for size in ["49k"] if options.recorded else options.sizes:
            with TemporaryDirectory(prefix="condit-bench-") as folder:
                world = paths(cases, size, tokenizer_file(size, model, console.print))
                if options.recorded:
                    world["recorded"] = _record(world, folder)
                sizes[size] = _measure(run, size, world, options)
            tables += overhead_tables(size, sizes[size], options.clock, recorded=options.recorded)
    run.keep({"sizes": sizes}, "\n\n".join(tables))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = parser_of("overhead", __doc__, rounds=3, threads=1, model=None, maskbench=None)
    add_choice(parser, "sizes", SOURCES)
    add_choice(parser, "dtype", DTYPES)
    add_choice(parser, "only", CONTESTANTS)
    parser.add_argument("--lanes", nargs="+", type=int, default=[1, 8, 64])
    parser.add_argument(
        "--clock", choices=CLOCKS, default="wall", help="processor: bears other work beside it"
    )
    parser.add_argument("--recorded", action="store_true", help="SmolLM2's own logits (49k only)")
    parser.add_argument("--count", type=int, default=40, help="how many maskbench schemas")
    return parser.parse_args(arguments)


def _record(world: dict[str, Any], folder: str) -> list[str]:
    worker = Worker(python_of("condit"), "record.py", 1, LOGS / "record.log")
    try:
        files: list[str] = worker.ask({"record": {**world, "folder": folder}})["files"]
        return files
    finally:
        worker.close()


def _measure(
    run: Run, size: str, world: dict[str, Any], options: argparse.Namespace
) -> dict[str, Any]:
    """Rounds interleaved case by case, over the cases that every contestant can walk."""
    names = chosen(CONTESTANTS, options.only)
    raw: dict[str, Any] = {"tokens_in_vocabulary": world["size"], "workers": {}, "dtypes": {}}
    for peer in dict.fromkeys(CONTESTANTS[name] for name in names):
        session = run.session(peer, Contestant(peer, peer, peer), world, threads=options.threads)
        session.load()
        raw["workers"][peer] = session.loaded
    sessions = {name: run.sessions[CONTESTANTS[name]] for name in names}
    walkable, raw["checks"] = _walkable(sessions, world)
    raw["cases"] = [world["cases"][case]["name"] for case in walkable]
    turns = (1 + options.rounds) * len(walkable) * len(names) * len(options.lanes)
    with run.counting(size, turns * len(options.dtype)) as bar:
        for dtype, lanes in product(options.dtype, options.lanes):
            seen: dict[str, list[Any]] = {name: [] for name in names}
            for turn, case, name in product(range(1 + options.rounds), walkable, names):
                bar.say(f"{size}, {dtype}: {lanes} lanes, {name}")
                ask = {"contestant": name, "case": case, "lanes": lanes, "seed": turn}
                answer = sessions[name].ask({"time": {**ask, "dtype": dtype}})
                if turn:  # round 0 warms caches and compilers up
                    seen[name].append({"case": case, "round": turn, **answer})
                bar.advance()
            raw["dtypes"].setdefault(dtype, {})[lanes] = seen
    run.close()
    return raw


def _walkable(
    sessions: dict[str, Session], world: dict[str, Any]
) -> tuple[list[int], dict[str, Any]]:
    found: list[int] = []
    checks: dict[str, Any] = {}
    for case, described in enumerate(world["cases"]):
        answers: dict[str, dict[str, Any]] = {name: {"walks": False} for name in sessions}
        for name, session in sessions.items():
            with noting_failure(answers[name], console):
                answers[name] = session.ask({"check": {"contestant": name, "case": case}})
        checks[described["name"]] = answers
        if all(answer["walks"] for answer in answers.values()):
            found.append(case)
    return found, checks
