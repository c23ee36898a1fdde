"""Microseconds a token of a matcher and of a draw, with no model: whole walks along given texts."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from against_task import TASK
from logits import Synthetic
from timing import repeated

import condit

CHECKS = 3
"""So many single tokens are asked about at each place: about as many as a draw asks."""

COPIES = 20


@cache
def vocabulary_of(spelled: str, end: int) -> condit.Vocabulary:
    """The vocabulary whose bytes are in this file."""
    tokens = [bytes.fromhex(text) for text in json.loads(Path(spelled).read_text())]
    return condit.Vocabulary(bytes=tokens, end=end)


def constraint_of(case: dict[str, Any]) -> condit.Constraint:
    """``kind`` is ``regex`` or ``schema``."""
    return (condit.regex if case["kind"] == "regex" else condit.json_schema)(case["source"])


def time_operation(ask: dict[str, Any]) -> dict[str, Any]:
    """Seconds a token of one operation along the path of one case."""
    there = _case(ask["size"], ask["case"])
    walk = OPERATIONS[ask["operation"]](**there)
    tokens = len(there["path"]) * (COPIES if ask["operation"] == "copy" else 1)
    return repeated(walk, tokens, ask["least"])


@cache
def _case(size: str, number: int) -> dict[str, Any]:
    """A bound case of ``TASK["worlds"]``, with logits along its path."""
    world = TASK["worlds"][size]
    case = world["cases"][number]
    vocabulary = vocabulary_of(world["spelled"], world["end"])
    rows = np.empty((len(case["path"]), world["size"]), dtype=np.float32)
    targets = zip(case["path"], case["alternatives"], strict=True)
    for place, (token, others) in enumerate(targets):
        _synthetic(world["size"]).write(rows[place], (0, number, 0, place), token, others)
    return {
        "root": constraint_of(case).bind(vocabulary),
        "vocabulary": vocabulary,
        "path": case["path"],
        "others": case["alternatives"],
        "rows": rows,
    }


_synthetic = cache(Synthetic)

Walk = Callable[[], None]


def _advance(*, root: Any, path: list[int], **_: Any) -> Walk:
    def walk() -> None:
        matcher = root.copy()
        for token in path:
            matcher.advance(token)

    return walk


def _mask(*, root: Any, path: list[int], **_: Any) -> Walk:
    def walk() -> None:
        matcher = root.copy()
        for token in path:
            matcher.mask()
            matcher.advance(token)

    return walk


def _check(*, root: Any, path: list[int], others: list[list[int]], rows: Any, **_: Any) -> Walk:
    """The target and what is likely besides: what a rejection sampler asks about."""
    best = [np.argpartition(row, -CHECKS)[-CHECKS:].tolist() for row in rows]
    asked = [
        [token, *near, *likely][:CHECKS]
        for token, near, likely in zip(path, others, best, strict=True)
    ]

    def walk() -> None:
        matcher = root.copy()
        for token, candidates in zip(path, asked, strict=True):
            for candidate in candidates:
                matcher.allows(candidate)
            matcher.advance(token)

    return walk


def _copy(*, root: Any, path: list[int], **_: Any) -> Walk:
    matchers = [root.copy()]
    for token in path[:-1]:
        matchers.append(matchers[-1].copy())
        matchers[-1].advance(token)

    def walk() -> None:
        for matcher in matchers:
            for _ in range(COPIES):
                matcher.copy()

    return walk


def _draw(name: str) -> Callable[..., Walk]:
    """Law, draw with its weight, and the step by the target, whatever was drawn."""

    def make(*, root: Any, vocabulary: Any, path: list[int], rows: Any, **_: Any) -> Walk:
        from condit.sampler.law import BaseLaw

        law, kernel = BaseLaw(), getattr(condit, name)()

        def walk() -> None:
            rng = np.random.default_rng(1)
            matcher = root.copy()
            for token, row in zip(path, rows, strict=True):
                kernel.draw(law.at(row, vocabulary), matcher, rng)
                matcher.advance(token)

        return walk

    return make


OPERATIONS: dict[str, Callable[..., Walk]] = {
    "advance": _advance,
    "mask": _mask,
    "check": _check,
    "copy": _copy,
    "draw masked": _draw("Masked"),
    "draw awrs": _draw("AWRS"),
}
