"""Microseconds of checks and masks of byte matchers lifted to real vocabularies, with no model.

Hand-written machines walk the tokens of a text, beside the mask engine on the same language. The
way is gone twice: *cold*, when nothing is known of the machine, and then *warm*; *first* is cold
before anything is known of the vocabulary but its trie. Single calls are timed: medians, and the
slowest mask.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from tokenizers import Tokenizer

import condit
from bench.library.options import add_choice, parser_of
from bench.library.results import table
from bench.library.run import Run, console
from bench.vocabularies import SOURCES, tokenizer_file
from condit.constraint.base import Matcher
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.lifted import LiftedMatcher
from condit.constraint.state_cache import StateCache
from condit.constraint.vocabulary_trie import VocabularyTrie
from condit.model import smollm2
from condit.model.token_bytes import token_bytes

CLOCKS = {"wall": time.perf_counter_ns, "processor": time.thread_time_ns}


@dataclass(frozen=True)
class Record(ByteMatcher[int]):
    """``{"name":"…","count":9999}``: a state is a place in this, or one in the two values."""

    start = 0
    head, middle = b'{"name":"', b'","count":'

    def next(self, state: int, byte: int) -> int | None:
        if state < 9:
            return state + 1 if byte == self.head[state] else None
        if state == 9 and byte != 34:
            return 9 if byte >= 32 and byte != 92 else None
        if state < 19:
            return state + 1 if byte == self.middle[state - 9] else None
        if 48 <= byte < 58 and state < 23:
            return state + 1
        return 99 if byte == 125 and 19 < state < 24 else None

    def may_stop(self, state: int) -> bool:
        return state == 99


@dataclass(frozen=True)
class Short(ByteMatcher[int]):
    """A line of so many bytes at most; ``told``: it says which states share masks."""

    most: int = 280
    told: bool = False
    start = 0

    def next(self, state: int, byte: int) -> int | None:
        return state + 1 if byte >= 32 and state < self.most else None

    def may_stop(self, state: int) -> bool:
        return True

    def near(self, state: int, length: int) -> int:
        return max(state, self.most - length) if self.told else state


TEXT = "The quick brown fox jumps over the lazy dog, and the 12 others look on in Zürich."
CASES: dict[str, tuple[ByteMatcher[Any], str, str]] = {
    "record": (
        Record(),
        f'{{"name":"{TEXT}","count":120}}',
        r'\{"name":"[^"\\\x00-\x1f]*","count":[0-9]{1,4}\}',
    ),
    "short": (Short(), TEXT, ""),
    "short, told what is near": (Short(told=True), TEXT, ""),
}


def main(arguments: Sequence[str]) -> None:
    parser = parser_of("lift", __doc__, rounds=5)
    add_choice(parser, "sizes", SOURCES, ["128k"])
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="processor: bears others")
    options = parser.parse_args(arguments)
    walk = partial(_walk, CLOCKS[options.clock])
    raw: dict[str, Any] = {}
    rows: list[list[str]] = []
    with Run("lift", options) as run:
        for size in options.sizes:
            vocabulary, tokenizer = vocabulary_of(size)
            began = time.perf_counter()
            trie = VocabularyTrie.of(vocabulary)
            raw[size] = {"trie_seconds": time.perf_counter() - began, "trie_bytes": trie.nbytes}
            for name, (machine, text, pattern) in CASES.items():
                path = tokenizer.encode(text, add_special_tokens=False).ids
                seen: dict[str, list[int]] = {}
                for turn in range(options.rounds):
                    matcher = LiftedMatcher(machine, vocabulary)
                    matcher._cache = StateCache(vocabulary)  # nothing is known
                    matcher._known = matcher._cache.at(machine.start)
                    walk(matcher.copy(), path, seen, "cold" if turn else "first")
                    walk(matcher.copy(), path, seen, "warm")
                    if pattern:
                        engine = condit.regex(pattern).bind(vocabulary)
                        walk(engine.copy(), path, seen, "engine cold")
                        walk(engine.copy(), path, seen, "engine warm")
                raw[size][name] = {**seen, "kept_bytes": (kept := matcher._cache.size)}
                names = dict.fromkeys(key.rsplit(" ", 1)[0] for key in seen)
                rows += [_row(f"{size}, {name}", who, seen, kept) for who in names]
    heads = ["", *(f"{head}, µs" for head in ("check", "mask", "slowest mask", "step", "copy"))]
    run.keep({"sizes": raw}, table([*heads, "kept, kB"], rows))


def vocabulary_of(size: str) -> tuple[condit.Vocabulary, Any]:
    """The vocabulary of that size, and its tokenizer."""
    source = tokenizer_file(size, smollm2.directory(), console.print).read_text("utf-8")
    tokenizer = Tokenizer.from_str(source)
    spelled, _ = token_bytes(json.loads(source), max(tokenizer.get_vocab().values()) + 1)
    spelled[end := tokenizer.token_to_id(SOURCES[size].end)] = b""
    return condit.Vocabulary(spelled, end), tokenizer


def _walk(
    clock: Callable[[], int], matcher: Matcher, path: list[int], seen: dict[str, Any], who: str
) -> None:
    def timed(what: str, call: Callable[[], Any]) -> None:
        began = clock()
        call()
        seen.setdefault(f"{who} {what}", []).append(clock() - began)

    others = np.random.default_rng(0).integers(len(matcher.vocabulary), size=8).tolist()
    for token in path:
        for each in (token, *others):
            timed("check", lambda: matcher.allows(each))  # noqa: B023 (called at once)
        timed("mask", matcher.mask)
        timed("copy", matcher.copy)
        timed("step", lambda: matcher.advance(token))  # noqa: B023


def _row(name: str, who: str, seen: dict[str, list[int]], kept: int) -> list[str]:
    calls = (("check", 50), ("mask", 50), ("mask", 100), ("step", 50), ("copy", 50))
    shown = [f"{np.percentile(seen[f'{who} {what}'], at) / 1000:.2f}" for what, at in calls]
    return [f"{name}: {who}", *shown, f"{kept / 1000:.0f}" if who == "warm" else ""]
