"""Tokens a second of constrained generation, divided by those of the same model generating freely.

Each case is run by every contestant before the next one. The clock of the first ratio begins when
the prompt's logits are there; constraints are compiled before any clock.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from bench.library.contestants import chosen
from bench.library.options import MASKBENCH, SHARED, add_choice, parser_of, require
from bench.library.run import Run
from bench.library.venvs import ROOT
from bench.speed import cases
from bench.speed.contestants import CONTESTANTS, LANES
from bench.speed.race import Race, request, workload_of
from bench.speed.tables import tables

WORKLOADS = {"json": 40, "regex": 20, "text": 5, "batch": 10}
"""Workloads, and how many cases of each a run has by default."""

_WARM_UP = {"name": "warm-up", "kind": "regex", "source": "[a-z ]{8,200}"}


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    if options.plot:
        _plot(options.image, options.plot)
        return
    from condit.model import smollm2

    directory = options.model or str(smollm2.directory())
    found = _cases(options, directory)
    with Run("speed", options, options.resume) as run:
        for name in chosen(CONTESTANTS, options.only):
            task = _task(name, directory, options)
            limits = {"threads": options.threads, "limit": options.limit}
            run.session(name, CONTESTANTS[name], task, **limits)
        _race(run, found, options)
    raw = {
        "contestants": {name: session.loaded for name, session in run.sessions.items()},
        "cases": {name: [case.described() for case in each] for name, each in found.items()},
        "records": run.records,
    }
    run.keep(raw, tables(run.records, options.tokens))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    common = {"rounds": 1, "tokens": 64, "seed": 1, "limit": 60, "threads": 1, "model": None}
    parser = parser_of("speed", __doc__, **common, maskbench=MASKBENCH)
    add_choice(parser, "workload", WORKLOADS)
    usual = [name for name in CONTESTANTS if CONTESTANTS[name].usual]
    about = "contestants (default: all but condit-free, Condit without a constraint)"
    add_choice(parser, "only", CONTESTANTS, usual, about)
    counts = ", ".join(f"{name} {count}" for name, count in WORKLOADS.items())
    parser.add_argument(
        "--cases", type=int, help=f"at most this many of each workload (default: {counts})"
    )
    parser.add_argument(
        "--temperature",
        nargs="+",
        type=float,
        default=[0.0, 1.0],
        help="(default: 0 1; the workload batch is run at 1 alone)",
    )
    parser.add_argument(
        "--cold", action="store_true", help="Condit's drafts forget what they learned, each call"
    )
    parser.add_argument("--device", default="cpu", help="cpu, or a torch device such as cuda")
    parser.add_argument(
        "--patterns",
        type=Path,
        default=SHARED / "patterns-dev.csv",
        help="regexes, a .csv with a column 'regex' (default: of shared/data)",
    )
    parser.add_argument(
        "--resume", type=Path, help="the journal (logs/speed-*.jsonl) of a run to go on with"
    )
    parser.add_argument(
        "--plot", nargs="+", type=Path, help="run nothing: draw these result files, as one picture"
    )
    parser.add_argument("--image", type=Path, default=ROOT / "docs" / "images" / "speed.png")
    options = parser.parse_args(arguments)
    if not options.plot:
        require(parser, options.maskbench, {"json", "batch"} & set(options.workload))
        require(parser, options.patterns, {"regex"} & set(options.workload))
    return options


def _plot(image: Path, results: Sequence[Path]) -> None:
    if importlib.util.find_spec("matplotlib") is None:
        raise SystemExit("the picture needs matplotlib: .venv/bin/pip install -e '.[bench]'")
    from bench.speed.plots import picture

    print(f"picture: {picture(image, results)}")


@cache
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


def _task(name: str, directory: str, options: argparse.Namespace) -> dict[str, Any]:
    """What a contestant needs to load, and to warm up at all that it will do."""
    prompt, ids = _encoder(directory)("Say hello.")
    warm_up = cases.Case(**_WARM_UP, prompt=prompt, ids=tuple(ids))
    asks = [
        request(warm_up, lanes, temperature, 16, options.seed)
        for lanes, temperature in ((1, 0.0), (1, 1.0), (LANES, 1.0))
        if CONTESTANTS[name].runs(lanes, temperature)
        and (lanes == 1 or "batch" in options.workload)
    ]
    about = {"directory": directory, "device": options.device, "cold": options.cold}
    return about | {"warm_up": asks}


def _race(run: Run, found: dict[str, list[cases.Case]], options: argparse.Namespace) -> None:
    workloads = [workload_of(name, each, options.temperature) for name, each in found.items()]
    calls = sum(workload.calls(list(run.sessions), options.rounds) for workload in workloads)
    with run.counting("loading", calls) as bar:
        race = Race(
            run.sessions,
            tokens=options.tokens,
            rounds=options.rounds,
            seed=options.seed,
            note=run.note,
            step=bar.advance,
            known=list(run.records),
        )
        for workload in workloads:
            race.run(workload)
