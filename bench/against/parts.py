"""What is measured: for each part its questions to a worker, each under the row that it counts in.

A part is few cases that stand for many, so that all of it takes about ten minutes.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from bench.cases import OWN, paths
from bench.coverage.tokens import Tokens
from bench.vocabularies import tokenizer_file
from bench.width import WORKLOADS

OVERHEAD, SPEED, COVERAGE, FIDELITY = "overhead", "speed", "coverage", "fidelity"
PARTS = (OVERHEAD, SPEED, COVERAGE, FIDELITY)

SIZES = ("49k", "128k")
OPERATIONS = ("advance", "mask", "check", "copy", "draw masked", "draw awrs")
_LEAST = 0.03
_LONGEST_PATH = 32

_OVERHEAD_CASES = ("regex-records", "regex-prose", "order", "nested", "prose")

MASKED, AWRS = ["Masked", {}], ["AWRS", {}]
LEARNED = ["SMC", {"kernel": "learned"}]
CALLS: dict[str, tuple[list[Any], int, bool]] = {
    "masked": (MASKED, 1, True),
    "masked, no drafts": (MASKED, 1, False),
    "awrs": (AWRS, 1, True),
    "awrs, no drafts": (AWRS, 1, False),
    "smc learned, 4 lanes": (LEARNED, 4, True),
    "auto": (["Auto", {}], 1, True),
    "exact": (["Exact", {}], 1, True),
}
"""How it is drawn: the sampler, lanes, drafts. Rows by this and by the kind of constraint."""

MAX_TOKENS = 48

DRAWN: dict[str, tuple[list[Any], int]] = {
    "masked": (MASKED, 4),
    "awrs": (AWRS, 4),
    "smc": (["SMC", {"kernel": "awrs"}], 8),
    "smc, masked kernel": (["SMC", {"kernel": "masked"}], 8),
    "smc, learned kernel": (LEARNED, 8),
    "learned": (["Learned", {}], 4),
    "exact": (["Exact", {}], 4),
    "asap": (["ASAp", {}], 4),
    "mcmc": (["MCMC", {"moves": 4}], 2),
    "rejection": (["Rejection", {"attempts": 200}], 2),
    "best of": (["BestOf", {"of": 8}], 1),
    "beam": (["Beam", {"width": 8}], 4),
    "auto": (["Auto", {}], 4),
}
"""Of each sampler, with so many lanes, the draws are compared."""


@dataclass(frozen=True)
class Item:
    """One question.

    Attributes:
        part: one of ``PARTS``.
        row: what it counts in.
        case: its name within the row.
        ask: the request.
        per: which count of the answer its time is divided by, if any.
        timed: whether it is asked in every pass; else it is a check, and asked once.
    """

    part: str
    row: str
    case: str
    ask: dict[str, Any]
    per: str | None = None
    timed: bool = True


def worlds(folder: Path, model: Path, sizes: Sequence[str]) -> dict[str, Any]:
    """By size of the vocabulary what workers need: paths of cases, and the bytes of tokens."""
    chosen = [case for case in OWN if case.name in _OVERHEAD_CASES]
    found: dict[str, Any] = {}
    for size in sizes:
        file = tokenizer_file(size, model)
        (folder / size).mkdir()
        found[size] = paths(chosen, size, file) | Tokens.of(size, file).task(folder / size)
        for case in found[size]["cases"]:
            case["path"] = case["path"][:_LONGEST_PATH]
            case["alternatives"] = case["alternatives"][:_LONGEST_PATH]
    return found


def overhead(made: dict[str, Any]) -> Iterator[Item]:
    """Each operation along each path."""
    for size, world in made.items():
        for number, case in enumerate(world["cases"]):
            kind = "regex" if case["kind"] == "regex" else "json"
            for operation in OPERATIONS:
                ask = {"size": size, "case": number, "operation": operation, "least": _LEAST}
                row = f"{operation}, {kind} {size}"
                yield Item(OVERHEAD, row, case["name"], {"overhead": ask})


def speed() -> Iterator[Item]:
    """Whole calls on SmolLM2; as many tokens at both commits, as long as draws are the same."""
    for how, (sampler, n, drafts) in CALLS.items():
        for name, (prompt, given) in WORKLOADS.items():
            ((kind, content),) = given.items()
            source = content if kind == "regex" else json.dumps(content)
            case = {"name": name, "kind": kind, "source": source, "prompt": prompt}
            ask = {"case": case, "sampler": sampler, "n": n, "drafts": drafts}
            ask |= {"max_tokens": MAX_TOKENS, "seed": 1}
            row = f"{how}, {'regex' if kind == 'regex' else 'json'}"
            yield Item(SPEED, row, name, {"call": ask}, per="tokens")


def coverage(file: Path, count: int, seed: int, size: str = SIZES[0]) -> Iterator[Item]:
    """Compile, bind and the first mask of real schemas."""
    for entry in schemas(file, count, seed):
        ask = {"size": size, "source": json.dumps(entry["schema"], ensure_ascii=False)}
        yield Item(COVERAGE, f"compile and bind {count} schemas", entry["id"], {"compile": ask})


def judged(file: Path, count: int, seed: int, tokenizer: Path) -> Iterator[Item]:
    """The same schemas with the texts of their instances, to be judged."""
    read = Tokenizer.from_file(str(tokenizer))
    read.encode_special_tokens = True
    for entry in schemas(file, count, seed):
        texts = [json.dumps(test["data"], ensure_ascii=False) for test in entry["tests"]]
        tokens = [read.encode(text, add_special_tokens=False).ids for text in texts]
        source = json.dumps(entry["schema"], ensure_ascii=False)
        ask = {"size": SIZES[0], "source": source, "texts": tokens}
        yield Item(COVERAGE, "verdicts on instances", entry["id"], {"judge": ask}, timed=False)


def fidelity(files: dict[str, Path], seeds: int) -> Iterator[Item]:
    """Draws of every sampler in recorded worlds, where the model costs next to nothing."""
    for how, (sampler, n) in DRAWN.items():
        for world, file in files.items():
            ask = {"world": world, "file": str(file), "sampler": sampler, "n": n}
            ask["seeds"] = list(range(1, seeds + 1))
            yield Item(FIDELITY, f"draws, {how}", world, {"draw": ask})


def schemas(file: Path, count: int, seed: int) -> list[Any]:
    """A sample of maskbench's schemas, in the order of the file."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines]
    chosen = random.Random(seed).sample(range(len(entries)), min(count, len(entries)))
    return [entries[index] for index in sorted(chosen)]
