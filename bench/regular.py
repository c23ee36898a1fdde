"""Processor milliseconds of the question whether two patterns match the same texts.

Random patterns of 10 to 30 nodes, each against itself written otherwise (the answer is yes),
against itself with one leaf changed, and against another. ``cold``: the patterns are new, and are
read first; ``warm``: they have been asked about before. One pair a time, in this process.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from typing import Any

from bench.library.options import parser_of
from bench.library.results import table
from bench.library.run import Run
from bench.library.statistics import percentile
from condit.errors import ConstraintTooComplexError
from condit.regular import argument, equivalent

LEAVES = ("a", "b", "x", "7", "-", "[a-f]", "[0-9]", "[^,]", r"\d", r"\w", r"\s", ".")
MOST = 30
"""Nodes of a pattern."""
Tree = tuple[Any, ...]


def main(arguments: Sequence[str]) -> None:
    parser = parser_of("regular", __doc__, seed=0)
    parser.add_argument("--pairs", type=int, default=100, help="of each kind")
    options = parser.parse_args(arguments)
    with Run("regular", options) as run, run.counting("pairs", 3 * options.pairs) as bar:
        for kind, one, other, nodes in _pairs(options.seed, options.pairs):
            argument.forget()
            cold, answer = _timed(one, other)
            warm, _ = _timed(one, other)
            if kind == "rewritten" and answer is False:
                raise AssertionError(f"{one!r} and {other!r} are equivalent")
            record = {"kind": kind, "nodes": nodes, "patterns": [one, other], "answer": answer}
            run.note(record | {"cold": cold, "warm": warm})
            bar.advance()
    run.keep({"records": run.records}, _tables(run.records))


def _timed(one: str, other: str) -> tuple[float, bool | None]:
    """Milliseconds, and the answer; ``None`` where there was none within the limit."""
    begun = time.process_time()
    try:
        answer = equivalent(one, other)
    except ConstraintTooComplexError:
        answer = None
    return 1e3 * (time.process_time() - begun), answer


def _pairs(seed: int, number: int) -> Iterator[tuple[str, str, str, int]]:
    rng = random.Random(seed)
    while number:
        tree, another = (_tree(rng, rng.randint(10, MOST)) for _ in range(2))
        same = _rewritten(rng, tree)
        if same == tree or _size(same) > MOST:
            continue
        number -= 1
        for kind, other in (
            ("rewritten", same),
            ("changed", _changed(rng, tree)),
            ("unrelated", another),
        ):
            yield kind, _text(tree), _text(other), _size(tree)


def _tree(rng: random.Random, size: int) -> Tree:
    if size < 3:
        leaf = ("leaf", rng.choice(LEAVES))
        return leaf if size == 1 else (rng.choice("*+?"), leaf)
    kind = rng.choice(("join", "join", "|", "*", "+", "?"))
    if kind in "*+?":
        return (kind, _tree(rng, size - 1))
    left = rng.randint(1, size - 2)
    return (kind, _tree(rng, left), _tree(rng, size - 1 - left))


def _rewritten(rng: random.Random, tree: Tree) -> Tree:
    """The same language: each part may be written otherwise."""
    kind, *parts = tree
    if kind == "leaf":
        return tree
    parts = [_rewritten(rng, part) for part in parts]
    if rng.random() < 0.5:
        return (kind, *parts)
    if kind == "+":
        return ("join", *parts, ("*", *parts))
    if kind == "*":
        return ("?", ("+", *parts))
    if kind == "?":
        return ("|", ("leaf", "(?:)"), *parts)
    return (kind, *reversed(parts)) if kind == "|" else (kind, *parts)


def _changed(rng: random.Random, tree: Tree) -> Tree:
    """With one leaf changed."""
    kind, *parts = tree
    if kind == "leaf":
        return (kind, rng.choice([each for each in LEAVES if each != parts[0]]))
    at = rng.randrange(len(parts))
    return (kind, *(_changed(rng, p) if place == at else p for place, p in enumerate(parts)))


def _text(tree: Tree) -> str:
    kind, *parts = tree
    if kind == "leaf":
        return str(parts[0])
    texts = list(map(_text, parts))
    if kind == "join":
        return "".join(texts)
    return f"(?:{'|'.join(texts)})" + ("" if kind == "|" else kind)


def _size(tree: Tree) -> int:
    return 1 if tree[0] == "leaf" else 1 + sum(map(_size, tree[1:]))


def _tables(records: Sequence[dict[str, Any]]) -> str:
    rows = []
    for kind in dict.fromkeys(each["kind"] for each in records):
        own = [each for each in records if each["kind"] == kind]
        answers = [each["answer"] for each in own]
        figures = [
            f"{percentile([each[clock] for each in own], share):.2f}"
            for clock in ("cold", "warm")
            for share in (50, 95, 100)
        ]
        counts = (answers.count(each) for each in (True, False, None))
        rows.append([kind, str(len(own)), *map(str, counts), *figures])
    heads = ["pair", "pairs", "yes", "no", "no answer"]
    heads += [f"{clock} ms, {what}" for clock in ("cold", "warm") for what in ("p50", "p95", "max")]
    return table(heads, rows)
