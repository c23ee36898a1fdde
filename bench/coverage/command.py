"""How much of JSON Schema each program takes, how rightly, and how soon and fast its masks come.

Every contestant compiles a schema and walks its instances token by token, then the next schema.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.coverage import generation
from bench.coverage.cases import MASKBENCH, SUITE, Case, Registries, maskbench, suite
from bench.coverage.contestants import CONTESTANTS
from bench.coverage.race import Race
from bench.coverage.summary import without_times
from bench.coverage.tables import tables
from bench.coverage.tokens import Tokens
from bench.library import options as common
from bench.library.contestants import chosen
from bench.library.run import Run, console
from bench.vocabularies import SOURCES, tokenizer_file

GENERATION = "generation"
PARTS = (MASKBENCH, SUITE, GENERATION)


def main(arguments: Sequence[str]) -> None:
    from condit.model import smollm2

    options = _options(arguments)
    file = tokenizer_file(options.size, smollm2.directory(), console.print)
    tokens = Tokens.of(options.size, file)
    cases, registries = _cases(options)
    with (
        Run("coverage", options, options.resume) as run,
        TemporaryDirectory(prefix="condit-bench-") as folder,
    ):
        task = {**tokens.task(Path(folder)), "memory": options.memory}
        _race(run, options, tokens, task | {"registries": registries}, cases)
        if GENERATION in options.parts:
            _generate(run, options, task, cases[MASKBENCH])
    drawn = generation.by_model(run.records)
    rows, times = without_times(row for row in run.records if generation.MODEL not in row)
    raw = {
        "contestants": {
            name: {**session.loaded, "starts": session.starts}
            for name, session in run.sessions.items()
        },
        "labels_disputed": _disputed([case for found in cases.values() for case in found]),
        "times_microseconds": {
            name: {kind: found.microseconds() for kind, found in kinds.items()}
            for name, kinds in times.items()
        },
        "rows": rows,
        "generation": drawn,
    }
    run.keep(raw, tables(rows, times, drawn))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = common.parser_of(
        "coverage", __doc__, seed=1, limit=60, tokens=256, maskbench=common.MASKBENCH
    )
    common.add_choice(parser, "parts", PARTS)
    common.add_choice(parser, "only", CONTESTANTS)
    parser.add_argument(
        "--cases", type=int, help="a random sample of so many schemas of each part (default: all)"
    )
    sizes = ", ".join(f"{size} is {source.about}" for size, source in SOURCES.items())
    parser.add_argument("--size", choices=SOURCES, default="49k", help=f"the vocabulary: {sizes}")
    parser.add_argument(
        "--memory", type=float, default=12, help="GiB of address space for each contestant"
    )
    parser.add_argument(
        "--model", nargs="+", default=["ngram"], help="generation: ngram, or what condit.load takes"
    )
    parser.add_argument(
        "--suite",
        type=Path,
        default=common.SHARED / "json-schema-test-suite.tar.gz",
        help="the official suite with its remotes, a .tar.gz (default: of shared/data)",
    )
    parser.add_argument(
        "--resume", type=Path, help="the journal (logs/coverage-*.jsonl) of a run to go on with"
    )
    options = parser.parse_args(arguments)
    common.require(parser, options.maskbench, {MASKBENCH, GENERATION} & set(options.parts))
    common.require(parser, options.suite, {SUITE} & set(options.parts))
    return options


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


def _race(
    run: Run,
    options: argparse.Namespace,
    tokens: Tokens,
    task: dict[str, Any],
    cases: dict[str, list[Case]],
) -> None:
    raced = [case for part in options.parts for case in cases.get(part, ())]
    if not raced:
        return
    for name in chosen(CONTESTANTS, options.only):
        run.session(name, CONTESTANTS[name], task, limit=options.limit)
    known = [row for row in run.records if generation.MODEL not in row]
    with run.counting("loading", len(raced) * len(run.sessions)) as bar:
        Race(run.sessions, tokens, note=run.note, step=bar.advance, known=known).run(raced)
    run.close()


def _generate(
    run: Run, options: argparse.Namespace, task: dict[str, Any], cases: Sequence[Case]
) -> None:
    known = generation.by_model(run.records)
    for model in options.model:
        made = {draw["case"] for draw in known.get(model, ())}
        worker = generation.session(run, model, task, limit=options.limit)
        with run.counting(f"generation: {model}", len(cases)) as bar:
            generation.draws(
                worker,
                model,
                cases,
                tokens=options.tokens,
                seed=options.seed,
                known=made,
                note=run.note,
                step=bar.advance,
            )
        worker.close()
