"""Rules about text: microseconds a mask and a check.

Five rules joined are walked along the tokens of one text (*first*), of another text (*new text*:
what is known of the rules is known, the counts and states are new), and of that again (*known*).
How often instructions are followed is asked by ``bench/instructions.py``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from tokenizers import Tokenizer

import condit
from bench.library.options import add_choice, parser_of
from bench.library.results import table
from bench.library.run import Run
from bench.lift import vocabulary_of
from bench.vocabularies import SOURCES
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
    parser = parser_of("lexical", __doc__)
    add_choice(parser, "sizes", SOURCES, ["128k"])
    options = parser.parse_args(arguments)
    with Run("lexical", options) as run:
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
