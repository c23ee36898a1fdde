"""Log evidence, agreement and cost of every sampler on realistic tasks, and genlm-control beside.

The measure is mean log Ẑ over seeds: Ẑ is unbiased, so that nearer to the truth is higher. Where a
reference was made (``--reference-runs``, large and slow, or ``--reference FILE`` of an earlier run)
the weighted law of each field is compared with the reference's.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.against import trees
from bench.library.journal import Record
from bench.library.options import add_choice, parser_of
from bench.library.run import Run
from bench.library.sessions import Session
from bench.library.venvs import ROOT
from bench.wild import reference
from bench.wild.contestants import BEFORE_COMMIT, CONTESTANTS, CURVE, PROGRAMS, QUICK
from bench.wild.race import Call, Race, call_of, curves, race, references
from bench.wild.tables import tables
from bench.wild.tasks import FAMILIES, FAMILY, FEW, TASKS
from bench.wild.tasks import QUICK as QUICK_TASKS

_WARM_UP = {"name": "warm-up", "kind": "regex", "source": "[a-z ]{8,200}"}
_PATIENCE = 60.0
"""Seconds beyond its limit after which a call that does not end itself is ended."""


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    if options.plot:
        _plot(options.images, json.loads(options.plot.read_text())["records"])
        return
    calls = _calls(options)
    with Run("wild", options, options.resume) as run:
        known = {call_of(record) for record in run.records}
        if options.reference:
            for record in reference.read(options.reference):
                if call_of(record) not in known:
                    run.note(record)
                    known.add(call_of(record))
        _make(run, [call for call in calls if call not in known], options)
    found = references_of(run.records)
    raw = {
        "contestants": {name: session.loaded for name, session in run.sessions.items()},
        "records": run.records,
    }
    run.keep(raw, tables(run.records, found))
    if options.images:
        _plot(options.images, run.records)


def references_of(records: Sequence[Record]) -> dict[str, reference.Reference]:
    """The reference of each task that has one."""
    found: dict[str, reference.Reference] = {}
    for name, halves in reference.halves_of(records).items():
        if each := reference.reference(TASKS[name], halves):
            found[name] = each
    return found


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    common = {"limit": 60.0, "threads": 1, "model": None}
    parser = parser_of("wild", __doc__, **common)
    add_choice(parser, "task", TASKS)
    add_choice(parser, "family", FAMILIES)
    usual = [name for name, drawer in CONTESTANTS.items() if drawer.usual]
    add_choice(parser, "only", CONTESTANTS, usual, "contestants")
    parser.add_argument("--seeds", type=int, default=4, help="passes, each with a seed of its own")
    parser.add_argument("--processes", type=int, default=1, help="calls made at a time")
    parser.add_argument("--curves", action="store_true", help="also at other numbers of lanes")
    parser.add_argument("--lanes", nargs="+", type=int, default=list(CURVE), help="of the curves")
    parser.add_argument(
        "--reference-runs",
        type=int,
        default=0,
        help="large runs of each sampler of it; 2 or more",
    )
    parser.add_argument("--reference", type=Path, help="results or a journal that has one already")
    parser.add_argument("--reference-limit", type=float, default=600.0, help="seconds of a run")
    parser.add_argument(
        "--quick", action="store_true", help="four tasks, two seeds, four contestants"
    )
    parser.add_argument("--resume", type=Path, help="the journal of a run to go on with")
    parser.add_argument("--images", type=Path, help="a folder for pictures of the curves")
    parser.add_argument("--plot", type=Path, help="run nothing: draw this file of results")
    options = parser.parse_args(arguments)
    if options.quick:
        options.task, options.only, options.seeds = list(QUICK_TASKS), list(QUICK), 2
    if options.plot and not options.images:
        options.images = ROOT / "docs" / "images"
    if options.reference_runs == 1:
        parser.error("--reference-runs 1 has no second half: give 2 or more")
    return options


def _calls(options: argparse.Namespace) -> list[Call]:
    tasks = [name for name in TASKS if name in options.task and FAMILY[name] in options.family]
    names = [name for name in CONTESTANTS if name in options.only]
    few = FEW if len(tasks) == len(TASKS) else None
    calls = references(tasks, options.reference_runs) + race(tasks, names, options.seeds, few)
    if options.curves:
        calls += curves(tasks, names, options.seeds, options.lanes)
    return calls


def _make(run: Run, calls: Sequence[Call], options: argparse.Namespace) -> None:
    from condit.model import smollm2

    if not calls:
        return
    directory = options.model or str(smollm2.directory())
    encode = _encoder(directory)
    needed = {CONTESTANTS[call.contestant].program for call in calls}
    sets = [
        _sessions(run, place, needed, directory, encode, options)
        for place in range(options.processes)
    ]
    with run.counting("loading", len(calls)) as bar:
        Race(
            run,
            sets,
            encode,
            limit=options.limit,
            reference_limit=options.reference_limit,
            step=bar.advance,
        ).make(calls)


def _sessions(
    run: Run,
    place: int,
    needed: set[str],
    directory: str,
    encode: Callable[[Any], list[int]],
    options: argparse.Namespace,
) -> dict[str, Session]:
    """The programs of one process."""
    warm_up = {
        "case": _WARM_UP,
        "prompt": "",
        "ids": encode("Say hello."),
        "lanes": 2,
        "temperature": 1.0,
        "tokens": 12,
        "seed": 0,
        "sampler": "masked",
        "limit": 120.0,
    }
    longest = max(3 * options.limit, options.reference_limit if options.reference_runs else 0.0)
    task = {"directory": directory, "device": "cpu", "cold": False, "warm_up": [warm_up]}
    sources = {"here": trees.here, "before": lambda: trees.at(BEFORE_COMMIT)}
    return {
        name: run.session(
            f"{name}-{place}",
            PROGRAMS[name],
            task,
            threads=options.threads,
            limit=longest + _PATIENCE,
            variables=sources[name]().variables() if name in sources else None,
        )
        for name in PROGRAMS
        if name in needed
    }


def _encoder(directory: str) -> Callable[[Any], list[int]]:
    """Prompts as ids of tokens, the same for all: a chat by the model's template."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(directory)

    def encode(prompt: Any) -> list[int]:
        if not isinstance(prompt, str):
            prompt = tokenizer.apply_chat_template(
                prompt, add_generation_prompt=True, tokenize=False
            )
        ids: list[int] = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        return ids

    return encode


def _plot(folder: Path, records: Sequence[Record]) -> None:
    if importlib.util.find_spec("matplotlib") is None:
        raise SystemExit("the picture needs matplotlib: .venv/bin/pip install -e '.[bench]'")
    from bench.wild.plots import pictures

    for file in pictures(folder, records):
        print(f"picture: {file}")
