"""How much of JSON Schema each program takes, how rightly, and how soon and fast its masks come.

Every contestant compiles a schema and walks its instances token by token, then the next schema.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from bench.coverage import generation
from bench.coverage.cases import MASKBENCH, SUITE, Case, Registries, maskbench, suite
from bench.coverage.contestants import CONTESTANTS
from bench.coverage.race import Race, Row
from bench.coverage.sessions import Session
from bench.coverage.summary import Times
from bench.coverage.tables import tables
from bench.coverage.tokens import Tokens
from bench.library.results import RESULTS, keep, load_before
from bench.library.venvs import ROOT
from bench.vocabularies import SOURCES, tokenizer_file

console = Console(stderr=True)

GENERATION = "generation"
PARTS = (MASKBENCH, SUITE, GENERATION)

_SHARED = ROOT.parent / "shared" / "data"


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    load = load_before(console)
    tokens = Tokens.of(options.size, _tokenizer(options.size))
    cases, registries = _cases(options)
    run = _Run()
    # A run that is ended from outside keeps what it has, as one that is interrupted.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    interrupted = False
    now = datetime.datetime.now(datetime.UTC)
    journal = RESULTS / "logs" / f"coverage-{now:%Y%m%dT%H%M%SZ}.jsonl"
    journal.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="condit-bench-") as folder, journal.open("w") as lines:
        task = {**tokens.task(Path(folder)), "memory": options.memory}
        try:
            _race(run, options, tokens, task | {"registries": registries}, cases, lines)
            _generate(run, options, task, cases, lines)
        except KeyboardInterrupt:
            interrupted = True
            console.print("[yellow]interrupted: keeping what there is[/]")
        finally:
            for session in run.sessions.values():
                session.close()
    raw = {
        "options": {key: _written(value) for key, value in vars(options).items()},
        "load_before": load,
        "interrupted": interrupted,
        "contestants": {
            name: {**session.loaded, "starts": session.starts}
            for name, session in run.sessions.items()
        },
        "labels_disputed": _disputed([case for found in cases.values() for case in found]),
        "times_microseconds": {
            name: {kind: found.microseconds() for kind, found in kinds.items()}
            for name, kinds in run.times.items()
        },
        "rows": run.rows,
        "generation": run.drawn,
    }
    keep("coverage", raw, tables(run.rows, run.times, run.drawn))


class _Run:
    """What a run has found so far, and who is at work."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.rows: list[Row] = []
        self.times: dict[str, dict[str, Times]] = {}
        self.drawn: dict[str, list[generation.Draw]] = {}


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/bench coverage", description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument(
        "--cases", type=int, help="a random sample of so many schemas of each part (default: all)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the sample and the draws")
    parser.add_argument(
        "--size",
        choices=SOURCES,
        default="49k",
        help="the vocabulary: "
        + ", ".join(f"{size} is {source.about}" for size, source in SOURCES.items()),
    )
    parser.add_argument("--limit", type=float, default=60, help="seconds that an answer may take")
    parser.add_argument(
        "--memory", type=float, default=12, help="GiB of address space for each contestant"
    )
    parser.add_argument(
        "--model", nargs="+", default=["ngram"], help="generation: ngram, or what condit.load takes"
    )
    parser.add_argument("--tokens", type=int, default=256, help="generation: the budget")
    parser.add_argument(
        "--maskbench",
        type=Path,
        default=_SHARED / "maskbench-dev.jsonl.gz",
        help="JSON Schemas with instances, a .jsonl.gz (default: of ../shared/data)",
    )
    parser.add_argument(
        "--suite",
        type=Path,
        default=_SHARED / "json-schema-test-suite.tar.gz",
        help="the official suite with its remotes, a .tar.gz (default: of ../shared/data)",
    )
    options = parser.parse_args(arguments)
    wanted = set(options.parts)
    for parts, file in (
        ({MASKBENCH, GENERATION}, options.maskbench),
        ({SUITE}, options.suite),
    ):
        if parts & wanted and not file.is_file():
            parser.error(f"{file} is not there: say where, or leave out {' and '.join(parts)}")
    return options


def _written(value: Any) -> str:
    return os.path.relpath(value, ROOT) if isinstance(value, Path) else str(value)


def _tokenizer(size: str) -> Path:
    from condit.model import smollm2

    return tokenizer_file(size, smollm2.directory(), console.print)


def _cases(options: argparse.Namespace) -> tuple[dict[str, list[Case]], Registries]:
    cases: dict[str, list[Case]] = {}
    registries: Registries = {}
    if {MASKBENCH, GENERATION} & set(options.parts):
        cases[MASKBENCH] = maskbench(options.maskbench, options.cases, options.seed)
    if SUITE in options.parts:
        cases[SUITE], registries = suite(options.suite, options.cases, options.seed)
    return cases, registries


def _disputed(cases: Sequence[Case]) -> dict[str, dict[str, list[int]]]:
    """For each group the instances whose label a validator that checks formats does not share."""
    found: dict[str, dict[str, list[int]]] = {}
    for case in cases:
        if case.disputed:
            found.setdefault(case.group, {})[case.name] = list(case.disputed)
    return found


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console)


def _race(
    run: _Run,
    options: argparse.Namespace,
    tokens: Tokens,
    task: dict[str, Any],
    cases: dict[str, list[Case]],
    journal: TextIO,
) -> None:
    raced = [case for part in options.parts for case in cases.get(part, ())]
    if not raced:
        return
    for name in (name for name in CONTESTANTS if name in options.only):
        contestant = CONTESTANTS[name]
        run.times[name] = {"mask": Times(), "step": Times()}
        run.sessions[name] = Session(
            name,
            contestant.peer,
            f"coverage_{contestant.script}.py",
            task | contestant.extra,
            limit=options.limit,
            tell=console.print,
        )
    with _progress() as progress:
        bar = progress.add_task("loading", total=len(raced) * len(run.sessions))

        def note(row: Row, masks: Sequence[int], steps: Sequence[int]) -> None:
            run.rows.append(row)
            run.times[row["contestant"]]["mask"].add(masks)
            run.times[row["contestant"]]["step"].add(steps)
            journal.write(json.dumps(row) + "\n")
            journal.flush()
            progress.advance(bar)

        def step(description: str) -> None:
            progress.update(bar, description=description)

        Race(run.sessions, tokens, note=note, step=step).run(raced)
    for session in run.sessions.values():
        session.close()


def _generate(
    run: _Run,
    options: argparse.Namespace,
    task: dict[str, Any],
    cases: dict[str, list[Case]],
    journal: TextIO,
) -> None:
    if GENERATION not in options.parts:
        return
    for model in options.model:
        found = run.drawn.setdefault(model, [])
        worker = generation.session(model, task, limit=options.limit, tell=console.print)
        run.sessions[f"generation, {model}"] = worker
        with _progress() as progress:
            bar = progress.add_task(f"generation: {model}", total=len(cases[MASKBENCH]))

            def note(
                draw: generation.Draw,
                found: list[generation.Draw] = found,
                progress: Progress = progress,
                bar: Any = bar,
            ) -> None:
                found.append(draw)
                journal.write(json.dumps(draw) + "\n")
                journal.flush()
                progress.advance(bar)

            generation.draws(
                worker, cases[MASKBENCH], tokens=options.tokens, seed=options.seed, note=note
            )
        worker.close()
