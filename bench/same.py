"""Not a race but a check: with drafts and without, the same texts on real prompts.

Prompts are those of IFEval. Every other one is answered freely, the others as a JSON object. At
temperature 0 by default; at another, texts *and weights* of the same seed are compared.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from rich.progress import track

import condit
from bench.library.calls import as_far_as_it_got, asked, load
from bench.library.options import SHARED, parser_of, require
from bench.library.results import table
from bench.library.run import Run

ANSWER = condit.json_schema(
    {
        "type": "object",
        "properties": {"answer": {"type": "string"}, "confidence": {"enum": ["low", "high"]}},
        "required": ["answer", "confidence"],
        "additionalProperties": False,
    }
)


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    with Run("same", options) as run:
        model = load(dtype=options.dtype)
        prompts = list(_prompts(options.prompts, options.count))
        for number, prompt in enumerate(track(prompts, "same texts", transient=True)):
            run.note(_compared(model, prompt, ANSWER if number % 2 else None, options))
    found = run.records
    rows = [_row(name, kind) for name, kind in _kinds(found).items()]
    heads = ["prompts answered", "count", "same text", "same weights", "tokens ÷ forward"]
    run.keep({"prompts": found}, table(heads, rows))
    if not all(each["same_text"] and each["same_weights"] for each in found):
        raise SystemExit(1)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = parser_of("same", __doc__, tokens=32, lanes=1)
    parser.add_argument(
        "--prompts", type=Path, default=SHARED / "ifeval.jsonl.gz", help="a .jsonl.gz with 'prompt'"
    )
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--dtype", default="auto")
    options = parser.parse_args(arguments)
    require(parser, options.prompts, ["all of it"])
    return options


def _prompts(file: Path, count: int) -> Iterator[str]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for _, line in zip(range(count), lines, strict=False):
            yield json.loads(line)["prompt"]


def _compared(
    model: Any, prompt: str, constraint: condit.Constraint | None, options: argparse.Namespace
) -> dict[str, Any]:
    # Read before both, so that neither has to: then all forwards are for new tokens.
    model.start(model.encode_prompt(asked(prompt)))
    plain, drafted = (
        as_far_as_it_got(
            model,
            asked(prompt),
            constraint,
            n=options.lanes,
            max_tokens=options.tokens,
            sampler=condit.SMC(kernel="awrs"),
            temperature=options.temperature,
            seed=1,
            drafts=drafts,
        )
        for drafts in (False, True)
    )
    texts = [[sample.tokens for sample in result.samples] for result in (plain, drafted)]
    return {
        "prompt": prompt[:80],
        "constrained": constraint is not None,
        "same_text": texts[0] == texts[1],
        "same_weights": options.temperature == 0 or plain.log_weights == drafted.log_weights,
        "tokens": plain.stats.tokens,
        "forwards": [plain.stats.forwards, drafted.stats.forwards],
        "drafted": drafted.stats.drafted,
        "accepted": drafted.stats.accepted,
    }


def _kinds(found: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    return {
        "freely": [each for each in found if not each["constrained"]],
        "as JSON": [each for each in found if each["constrained"]],
    }


def _row(name: str, found: list[dict[str, Any]]) -> list[str]:
    tokens = sum(each["tokens"] for each in found)
    forwards = [sum(each["forwards"][which] for each in found) for which in (0, 1)]
    return [
        name,
        str(len(found)),
        str(sum(each["same_text"] for each in found)),
        str(sum(each["same_weights"] for each in found)),
        " → ".join(f"{tokens / max(count, 1):.2f}" for count in forwards),
    ]
