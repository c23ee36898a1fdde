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
from bench.library.results import keep, table
from bench.library.venvs import ROOT
from condit.model.base import Model

PROMPTS = ROOT.parent / "shared" / "data" / "ifeval.jsonl.gz"
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
    model = condit.load("smollm2", dtype=options.dtype)
    found = []
    for number, prompt in enumerate(
        track(list(_prompts(options)), description="same texts", transient=True)
    ):
        constraint = ANSWER if number % 2 else None
        # Read before both, so that neither has to: then all forwards are for new tokens.
        model.start(model.encode_prompt([{"role": "user", "content": prompt}]))
        plain, drafted = (
            _draw(model, prompt, constraint, options, drafts) for drafts in (False, True)
        )
        same = [sample.tokens for sample in plain.samples] == [
            sample.tokens for sample in drafted.samples
        ]
        weights = options.temperature == 0 or plain.log_weights == drafted.log_weights
        found.append(
            {
                "prompt": prompt[:80],
                "constrained": constraint is not None,
                "same_text": same,
                "same_weights": weights,
                "tokens": plain.stats.tokens,
                "forwards": [plain.stats.forwards, drafted.stats.forwards],
                "drafted": drafted.stats.drafted,
                "accepted": drafted.stats.accepted,
            }
        )
    rows = [_row(name, kind) for name, kind in _kinds(found).items()]
    heads = ["prompts answered", "count", "same text", "same weights", "tokens ÷ forward"]
    keep("same", {"options": vars(options), "prompts": found}, table(heads, rows))
    if not all(each["same_text"] and each["same_weights"] for each in found):
        raise SystemExit(1)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/bench same", description=__doc__)
    parser.add_argument("--prompts", type=Path, default=PROMPTS, help="a .jsonl.gz with 'prompt'")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--lanes", type=int, default=1)
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--dtype", default="auto")
    options = parser.parse_args(arguments)
    options.prompts = os.path.relpath(options.prompts, ROOT)
    return options


def _prompts(options: argparse.Namespace) -> Iterator[str]:
    with gzip.open(ROOT / options.prompts, "rt", encoding="utf-8") as lines:
        for _, line in zip(range(options.count), lines, strict=False):
            yield json.loads(line)["prompt"]


def _draw(
    model: Model,
    prompt: str,
    constraint: condit.Constraint | None,
    options: argparse.Namespace,
    drafts: bool,
) -> condit.Result:
    try:
        return condit.generate(
            model,
            [{"role": "user", "content": prompt}],
            constraint,
            n=options.lanes,
            max_tokens=options.tokens,
            sampler=condit.SMC(kernel="awrs"),
            temperature=options.temperature,
            seed=1,
            drafts=drafts,
        )
    except condit.ConditError as short:
        if short.result is None:
            raise
        return short.result


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


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
