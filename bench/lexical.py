"""Rules about text: microseconds a mask and a check; and how often instructions are followed.

Five rules joined are walked along the tokens of one text (*first*), of another text (*new text*:
what is known of the rules is known, the counts and states are new), and of that again (*known*).
With ``--data``, prompts of IFEval and IFBench are answered by SmolLM2, prompted alone and
constrained; the instructions are judged on the texts, which shares no code with the matchers.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

import condit
from bench.library.calls import asked, load
from bench.library.options import add_choice, parser_of
from bench.library.results import table
from bench.library.run import Run
from bench.lift import vocabulary_of
from bench.vocabularies import SOURCES
from condit.errors import ConditError, GenerationError
from condit.vocabulary import Vocabulary

TEXTS = (
    "The quick brown fox jumps over the lazy dog on a weekend, and 12 others look on in Zürich. "
    "Nobody knew why they had come so early in the morning, with umbrellas and a kettle of tea.",
    "We walked along the river until the weekend was nearly over. Then it rained, and the harbour "
    "filled with small boats, each of them painted in a colour that none of us could name.",
)


_MANY = 200
"""Random tokens that are checked at each state."""


def five() -> condit.Constraint:
    """Five rules that stand together in requests."""
    lexical = condit.lexical
    return (
        lexical.contains("weekend")
        & lexical.words(at_least=20, at_most=120, apart="letters")
        & lexical.without("rock", "roll")
        & lexical.letter("z", at_most=6)
        & lexical.characters(at_most=900)
    )


def main(arguments: Sequence[str]) -> None:
    parser = parser_of("lexical", __doc__, tokens=300, lanes=4)
    add_choice(parser, "sizes", SOURCES, ["128k"])
    parser.add_argument("--data", type=Path, default=None, help="folder of the .jsonl.gz files")
    parser.add_argument("--count", type=int, default=100, help="prompts of each data set")
    parser.add_argument("--sampler", default="smc")
    options = parser.parse_args(arguments)
    with Run("lexical", options) as run:
        if options.data is not None:
            _followed(options, run)
            return
        rows = []
        raw: dict[str, Any] = {}
        for size in options.sizes:
            found = raw[size] = _walked(*vocabulary_of(size))
            for name, own in found.items():
                middle = {key: float(np.median(own[key])) / 1000 for key in ("check", "mask")}
                slowest = max(own["mask"]) / 1000
                rows.append([size, name, *(f"{each:.1f}" for each in (*middle.values(), slowest))])
        run.keep(raw, table(["", "text", "check, µs", "mask, µs", "slowest mask, µs"], rows))


def _walked(vocabulary: Vocabulary, tokenizer: Tokenizer) -> dict[str, dict[str, list[int]]]:
    """Nanoseconds of processor time of checks, before there is a mask, and of masks."""
    rng = np.random.default_rng(0)
    constraint = five()
    found: dict[str, dict[str, list[int]]] = {}
    first, other = (tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS)
    for name, path in (("first", first), ("new text", other), ("known", other)):
        matcher = constraint.bind(vocabulary)
        own = found[name] = {"check": [], "mask": []}
        for token in path:
            some = rng.choice(len(vocabulary), _MANY).tolist()
            own["check"].append(_timed(lambda m=matcher, s=some: [*map(m.allows, s)]) // _MANY)  # type: ignore[misc]
            own["mask"].append(_timed(matcher.mask))
            matcher.advance(token)
    return found


def _timed(call: Callable[[], object]) -> int:
    began = time.thread_time_ns()
    call()
    return time.thread_time_ns() - began


def _followed(options: argparse.Namespace, run: Run) -> None:
    model = load()
    rows = []
    for name in ("ifeval", "ifbench"):
        counts = {"asked": 0, "not expressed": 0, "failed": 0, "prompted": 0, "constrained": 0}
        with gzip.open(options.data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                try:
                    rule = condit.instructions(row)
                    rule.bind(model.vocabulary)
                except ConditError:
                    counts["not expressed"] += 1
                    continue
                if counts["asked"] == options.count:
                    break
                counts["asked"] += 1
                note = _answered(model, row["prompt"], rule, options)
                run.note({"set": name, "key": row["key"], **note})
                for key in ("failed", "prompted", "constrained"):
                    counts[key] += note[key]
        rows.append([name, *map(str, counts.values())])
    heads = ["", "asked", "not expressed", "no text found", "prompted alone", "constrained"]
    run.keep({}, table(heads, rows))


def _answered(
    model: Any, prompt: str, rule: condit.Constraint, options: argparse.Namespace
) -> dict[str, Any]:
    settings = {"max_tokens": options.tokens, "temperature": 0.7, "seed": 1}
    free = condit.generate(model, asked(prompt), n=1, **settings).samples[0].text
    note: dict[str, Any] = {"free": free, "prompted": int(rule.accepts(free)), "failed": 0}
    try:
        drawn = condit.generate(
            model, asked(prompt), rule, n=options.lanes, sampler=options.sampler, **settings
        )
        note["text"] = drawn.best.text
        note["constrained"] = int(rule.accepts(drawn.best.text))
    except GenerationError as error:
        note.update(failed=1, constrained=0, error=str(error))
    return note
