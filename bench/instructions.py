"""How often SmolLM2 follows the instructions of IFEval and IFBench, judged by their own checkers.

Three columns: *free* continues the prompt's text, *prompted* answers it as a chat, *constrained*
does so under ``condit.instructions``. Asked are prompts all of whose instructions are expressed,
chosen by lot. All columns get the same number of tokens: ``--tokens``, or half as many again as the
shortest text takes that is known to follow the instructions. The judge is in
``bench/instruction_judge.py``; a prompt is followed where all of its instructions are, by the
strict reading. A text that is not finished in time, or not found, follows nothing.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import condit
from bench.instruction_judge import Judge
from bench.library.calls import asked, load
from bench.library.options import SHARED, add_choice, parser_of
from bench.library.results import table
from bench.library.run import Run
from condit.errors import ConditError
from condit.model.shared import together

SETS = ("ifeval", "ifbench")
COLUMNS = ("free", "prompted", "constrained")
_HEADS = ["", "", "prompts", "followed", "all instructions", "followed", "no text", "not judged"]


def main(arguments: Sequence[str]) -> None:
    parser = parser_of("instructions", __doc__, tokens=200, lanes=1, seed=0, limit=300.0)
    add_choice(parser, "sets", SETS)
    add_choice(parser, "columns", COLUMNS)
    parser.add_argument("--data", type=Path, default=SHARED, help="folder of the .jsonl.gz files")
    parser.add_argument("--judge", required=True, help="an interpreter that has the checkers")
    parser.add_argument("--count", type=int, default=100, help="prompts of each data set")
    parser.add_argument("--most", type=int, default=800, help="the most tokens, whatever is needed")
    parser.add_argument("--at-once", type=int, default=8, help="texts that share forwards")
    parser.add_argument("--sampler", default="masked")
    parser.add_argument("--resume", type=Path, default=None, help="journal of an earlier run")
    options = parser.parse_args(arguments)
    model = load()
    with Run("instructions", options, options.resume) as run:
        rows = {name: _chosen(model, name, options) for name in options.sets}
        done = {(each["set"], each["key"], each["column"]) for each in run.records}
        # All columns of a prompt together, so that what there is after an interruption compares.
        missing = [
            (name, column, *rows[name][place])
            for place in range(options.count)
            for name in options.sets
            if place < len(rows[name])
            for column in options.columns
            if (name, rows[name][place][0]["key"], column) not in done
        ]
        with run.counting("texts", len(missing)) as bar:
            calls = (partial(_drawn, *each, options) for each in missing)
            for future in together(model, calls, at_once=options.at_once, in_order=False):
                run.note(future.result())
                bar.advance()
    judge = Judge(options.judge)
    shown = [line for name in options.sets for line in _judged(judge, run, name, rows[name])]
    judge.close()
    run.keep({"records": run.records}, table(_HEADS, shown))


def _chosen(
    model: condit.Model, name: str, options: argparse.Namespace
) -> list[tuple[dict[str, Any], int]]:
    """The first rows, in an order by lot, that are expressed, and how many tokens each may take."""
    with gzip.open(options.data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    random.Random(options.seed).shuffle(rows)
    found: list[tuple[dict[str, Any], int]] = []
    for row in rows:
        if len(found) == options.count:
            break
        try:
            needed = condit.instructions(row).bind(model.vocabulary).unchecked().cost_to_finish()
        except ConditError:
            continue
        wanted = max(options.tokens, 3 * (needed or 0) // 2)
        found.append((row, min(wanted, options.most)))
    return found


def _drawn(
    name: str,
    column: str,
    row: dict[str, Any],
    tokens: int,
    options: argparse.Namespace,
    model: condit.Model,
) -> dict[str, Any]:
    note: dict[str, Any] = {"set": name, "key": row["key"], "column": column, "tokens": tokens}
    began = time.monotonic()

    def in_time(step: object) -> None:
        if time.monotonic() - began > options.limit:
            raise TimeoutError(f"not finished in {options.limit} s")

    rule = condit.instructions(row) if column == "constrained" else None
    try:
        drawn = condit.generate(
            model,
            row["prompt"] if column == "free" else asked(row["prompt"]),
            rule,
            n=options.lanes if rule else 1,
            sampler=options.sampler if rule else "masked",
            max_tokens=tokens,
            temperature=0.7,
            seed=options.seed,
            heal=False,
            on_step=in_time,
        )
        note["text"] = drawn.best.text
    except (ConditError, TimeoutError) as error:
        note["error"] = f"{type(error).__name__}: {error}"
    note["seconds"] = round(time.monotonic() - began, 1)
    return note


def _judged(
    judge: Judge, run: Run, name: str, rows: list[tuple[dict[str, Any], int]]
) -> Iterator[list[str]]:
    """A line of the table for each column; the verdicts are put into the records."""
    of_key = {row["key"]: row for row, _ in rows}
    for column in COLUMNS:
        notes = [each for each in run.records if (each["set"], each["column"]) == (name, column)]
        notes = [each for each in notes if each["key"] in of_key]
        for note in notes:
            row = of_key[note["key"]]
            note["verdicts"] = judge.verdicts(row, note.get("text", ""))
        verdicts = [list(each["verdicts"].values()) for each in notes]
        singles = [each for some in verdicts for each in some]
        judged: Callable[[bool], int] = singles.count
        if notes:
            right = sum(False not in each for each in verdicts)
            of_all = judged(True) + judged(False)
            yield [
                name,
                column,
                str(len(notes)),
                f"{100 * right / len(notes):.0f} %",
                str(of_all),
                f"{100 * judged(True) / max(of_all, 1):.0f} %",
                str(sum("text" not in each for each in notes)),
                str(singles.count(None)),
            ]
