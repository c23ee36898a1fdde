"""Tokens a second of constrained generation, divided by those of the same model generating freely.

Each case is run by every contestant before the next one. The clock of the first ratio begins when
the prompt's logits are there; constraints are compiled before any clock.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from bench.library.results import RESULTS, keep, load_before
from bench.library.venvs import ROOT
from bench.speed import cases
from bench.speed.contestants import CONTESTANTS, LANES
from bench.speed.race import Race, Record, request, workload_of
from bench.speed.sessions import Session
from bench.speed.tables import tables

console = Console(stderr=True)

WORKLOADS = {"json": 40, "regex": 20, "text": 5, "batch": 10}
"""Workloads, and how many cases of each a run has by default."""

_SHARED = ROOT.parent / "shared" / "data"

_WARM_UP = {"name": "warm-up", "kind": "regex", "source": "[a-z ]{8,200}"}


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    if options.plot:
        if importlib.util.find_spec("matplotlib") is None:
            raise SystemExit("the picture needs matplotlib: .venv/bin/pip install -e '.[bench]'")
        from bench.speed.plots import picture

        print(f"picture: {picture(options.image, options.plot)}")
        return
    load = load_before(console)
    names = [name for name in CONTESTANTS if name in options.only]
    directory = options.model or _default_directory()
    chosen = _cases(options, directory)
    now = datetime.datetime.now(datetime.UTC)
    journal = RESULTS / "logs" / f"speed-{now:%Y%m%dT%H%M%SZ}.jsonl"
    sessions = _sessions(names, directory, options)
    records: list[Record] = []
    # A run that is ended from outside keeps what it has, as one that is interrupted.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    interrupted = False
    try:
        _run(sessions, chosen, records, journal, options)
    except KeyboardInterrupt:
        interrupted = True
        console.print("[yellow]interrupted: keeping what there is[/]")
    finally:
        for session in sessions.values():
            session.close()
    raw = {
        "options": {key: str(value) for key, value in vars(options).items() if key != "plot"},
        "load_before": load,
        "interrupted": interrupted,
        "contestants": {name: session.loaded for name, session in sessions.items()},
        "cases": {name: [case.described() for case in found] for name, found in chosen.items()},
        "records": records,
    }
    keep("speed", _scrubbed(raw), tables(records, options.tokens))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/bench speed", description=__doc__)
    parser.add_argument("--workload", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument(
        "--only",
        nargs="+",
        choices=CONTESTANTS,
        default=[name for name in CONTESTANTS if CONTESTANTS[name].usual],
        help="contestants (default: all but condit-free, Condit without a constraint)",
    )
    parser.add_argument(
        "--cases",
        type=int,
        help="at most this many of each workload (default: "
        + ", ".join(f"{name} {count}" for name, count in WORKLOADS.items())
        + ")",
    )
    parser.add_argument(
        "--temperature",
        nargs="+",
        type=float,
        default=[0.0, 1.0],
        help="(default: 0 1; the workload batch is run at 1 alone)",
    )
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=64, help="the most new tokens of a text")
    parser.add_argument("--seed", type=int, default=1, help="of the choice of cases and the draws")
    parser.add_argument(
        "--cold", action="store_true", help="Condit's drafts forget what they learned, each call"
    )
    parser.add_argument("--limit", type=float, default=60, help="seconds that an answer may take")
    parser.add_argument("--device", default="cpu", help="cpu, or a torch device such as cuda")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", help="SmolLM2 as a directory (default: what Condit resolves)")
    parser.add_argument(
        "--maskbench",
        type=Path,
        default=_SHARED / "maskbench-dev.jsonl.gz",
        help="JSON Schemas, a .jsonl.gz (default: of ../shared/data)",
    )
    parser.add_argument(
        "--patterns",
        type=Path,
        default=_SHARED / "patterns-dev.csv",
        help="regexes, a .csv with a column 'regex' (default: of ../shared/data)",
    )
    parser.add_argument(
        "--plot", nargs="+", type=Path, help="run nothing: draw these result files, as one picture"
    )
    parser.add_argument("--image", type=Path, default=ROOT / "docs" / "images" / "speed.png")
    options = parser.parse_args(arguments)
    for workloads, file in (({"json", "batch"}, options.maskbench), ({"regex"}, options.patterns)):
        if workloads & set(options.workload) and not options.plot and not file.is_file():
            parser.error(f"{file} is not there: say where, or leave out {' and '.join(workloads)}")
    return options


def _default_directory() -> str:
    from condit.model import smollm2

    return str(smollm2.directory())


def _encoder(directory: str) -> cases.Encode:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(directory)

    def encode(question: str) -> tuple[str, list[int]]:
        message = [{"role": "user", "content": question}]
        text = tokenizer.apply_chat_template(message, add_generation_prompt=True, tokenize=False)
        return text, tokenizer(text, add_special_tokens=False)["input_ids"]

    return encode


def _cases(options: argparse.Namespace, directory: str) -> dict[str, list[cases.Case]]:
    encode = _encoder(directory)
    found: dict[str, list[cases.Case]] = {}
    for name in (name for name in WORKLOADS if name in options.workload):
        count = min(options.cases or WORKLOADS[name], WORKLOADS[name])
        if name in ("json", "batch"):
            found[name] = cases.schemas(options.maskbench, count, options.seed, encode)
        elif name == "regex":
            found[name] = cases.regexes(options.patterns, count, options.seed, encode)
        else:
            found[name] = cases.texts(count, encode)
    return found


def _sessions(
    names: Sequence[str], directory: str, options: argparse.Namespace
) -> dict[str, Session]:
    prompt, ids = _encoder(directory)("Say hello.")
    warm_up = cases.Case(**_WARM_UP, prompt=prompt, ids=tuple(ids))
    made = {}
    for name in names:
        contestant = CONTESTANTS[name]
        asks = [
            request(warm_up, lanes, temperature, 16, options.seed)
            for lanes, temperature in ((1, 0.0), (1, 1.0), (LANES, 1.0))
            if contestant.runs(lanes, temperature) and (lanes == 1 or "batch" in options.workload)
        ]
        task = {
            "directory": directory,
            "device": options.device,
            "cold": options.cold,
            "warm_up": asks,
        }
        made[name] = Session(
            name,
            contestant,
            task,
            threads=options.threads,
            limit=options.limit,
            tell=console.print,
        )
    return made


def _run(
    sessions: dict[str, Session],
    chosen: dict[str, list[cases.Case]],
    records: list[Record],
    journal: Path,
    options: argparse.Namespace,
) -> None:
    """Every record goes to the journal at once, so that even a crash leaves what there was."""
    workloads = [workload_of(name, found, options.temperature) for name, found in chosen.items()]
    calls = sum(workload.calls(list(sessions), options.rounds) for workload in workloads)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    clocks = (TimeElapsedColumn(), TimeRemainingColumn())
    journal.parent.mkdir(parents=True, exist_ok=True)
    with journal.open("w") as lines, Progress(*columns, *clocks, console=console) as progress:
        bar = progress.add_task("loading", total=calls)

        def note(record: Record) -> None:
            records.append(record)
            lines.write(json.dumps(record) + "\n")
            lines.flush()
            progress.advance(bar)

        race = Race(
            sessions,
            tokens=options.tokens,
            rounds=options.rounds,
            seed=options.seed,
            note=note,
            step=lambda description: progress.update(bar, description=description),
        )
        for workload in workloads:
            race.run(workload)


def _scrubbed(raw: dict[str, Any]) -> dict[str, Any]:
    """Without the paths of this machine: relative to the repository, or to the home folder."""
    text = json.dumps(raw)
    for path, written in ((ROOT, "."), (ROOT.parent, ".."), (Path.home(), "~")):
        text = text.replace(str(path), written)
    found: dict[str, Any] = json.loads(text)
    return found
