"""Processor time of temporal logic: to compile specifications, to follow events and text.

With ``--mona``, not a race but a check: the automata of random formulas against those of MONA, by
ltlf2dfa in an environment of its own.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from itertools import pairwise, product
from typing import Any

import numpy as np

import condit
from bench.library.options import parser_of
from bench.library.results import table
from bench.library.run import Run, console
from bench.lift import vocabulary_of
from bench.vocabularies import SOURCES
from condit.regular.table import Table
from condit.temporal.automaton import difference, smallest
from condit.temporal.formula import Formula, joined, name, negation
from condit.temporal.progression import compile_formula

NAMES = ("plan", "search", "observe", "think", "call", "result", "retry", "ask", "answer", "stop")
TAGGED = {each: f"<{each}>" + condit.free(until=f"</{each}>") for each in NAMES}
SPECIFICATIONS = {
    "10 clauses, an agent": [
        "G(search -> X observe)",
        "G(observe -> Y search)",
        "G(call -> X (result | retry))",
        "G(result -> O call)",
        "F answer",
        "G(answer -> WX stop)",
        "!call U plan",
        "G(ask -> F[1,6] answer)",
        "G(retry -> X call)",
        "G(stop -> last)",
    ],
    "10 clauses, all must come": [f"F {each}" for each in NAMES],
    "10 clauses, in a row": [f"!{b} W {a}" for a, b in pairwise(NAMES)] + ["F stop"],
    "10 clauses, deadlines": [
        *("G(search -> F[0,5] observe)", "G(ask -> !stop U[0,9] answer)", "F[0,20] answer"),
        *("G[0,2] !answer", "G(retry -> Y call)", "G(stop -> last)", "F stop"),
        *("G(think -> WX !think)", "G(result -> Y call)", "!call U plan"),
    ],
}


def main(arguments: Sequence[str]) -> None:
    parser = parser_of("temporal", __doc__, rounds=5, seed=0)
    parser.add_argument("--size", choices=SOURCES, default="49k", help="of the vocabulary")
    parser.add_argument("--mona", metavar="PYTHON", help="an interpreter that has ltlf2dfa")
    parser.add_argument("--count", type=int, default=1000, help="formulas for --mona")
    options = parser.parse_args(arguments)
    with Run("temporal", options) as run:
        if options.mona:
            _against_mona(run, options.mona, options.count, options.seed)
            return
        raw, rows = {}, []
        for what, clauses in SPECIFICATIONS.items():
            raw[what] = found = _measured(clauses, options.rounds, options.size)
            rows.append([what, str(found["states"]), *(f"{found[key]:.3g}" for key in _KEYS)])
        run.keep({"specifications": raw}, table(["", "states", *_KEYS.values()], rows))


_KEYS = {
    "compile": "compiled, ms",
    "event": "an event, µs",
    "check": "a check in text, µs",
    "mask": "a mask in text, µs",
    "token": "a token of text, µs",
}


def _measured(clauses: list[str], rounds: int, size: str) -> dict[str, Any]:
    compiled = []
    for _ in range(rounds):
        spec, seconds = _timed(lambda: condit.ltlf(clauses, TAGGED))
        _, further = _timed(lambda: spec.automaton)  # noqa: B023 (called at once)
        compiled.append(1e3 * (seconds + further))
    row = _walk(spec)

    def follow() -> None:
        monitor = spec.monitor()
        for event in row:
            monitor.advance(event)

    _, seconds = _timed(lambda: [follow() for _ in range(200)])
    text = "".join(f"<{each}>some words of it</{each}>" for each in row)
    vocabulary, tokenizer = vocabulary_of(size)
    tokens = tokenizer.encode(text, add_special_tokens=False).ids
    found: dict[str, list[float]] = {"check": [], "mask": [], "token": []}
    for _ in range(rounds):
        matcher = spec.bind(vocabulary)
        for token in tokens:
            for what, call in (
                ("check", lambda: matcher.allows(token)),  # noqa: B023
                ("mask", matcher.outline),
                ("token", lambda: matcher.advance(token)),  # noqa: B023
            ):
                found[what].append(1e6 * _timed(call)[1])
    return {
        "states": len(spec.automaton.states),
        "compile": float(np.median(compiled)),
        "event": 1e6 * seconds / 200 / len(row),
        **{what: float(np.median(each)) for what, each in found.items()},
    }


def _walk(spec: Any) -> list[str]:
    """A row of events that may end: some at random, and then the shortest way out."""
    rng, monitor, row = random.Random(0), spec.monitor(), []
    while monitor.allowed and len(row) < 20:
        row.append(rng.choice(monitor.allowed))
        monitor.advance(row[-1])
    return [*row, *monitor.completion]


def _timed(call: Callable[[], Any]) -> tuple[Any, float]:
    began = time.process_time_ns()
    found = call()
    return found, (time.process_time_ns() - began) / 1e9


_WORKER = """
import json, sys
from ltlf2dfa.parser.ltlf import LTLfParser
parser = LTLfParser()
for line in sys.stdin:
    print(json.dumps(parser(json.loads(line)).to_dfa(mona_dfa_out=True)), flush=True)
"""
_VARIABLES = ("a", "b", "c")


def _against_mona(run: Run, python: str, count: int, seed: int) -> None:
    rng, differing = random.Random(seed), []
    letters = [
        frozenset(n for n, on in zip(_VARIABLES, bits, strict=True) if on)
        for bits in product((0, 1), repeat=len(_VARIABLES))
    ]
    with subprocess.Popen(
        [python, "-c", _WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        if worker.stdin is None or worker.stdout is None:
            raise SystemExit("the worker has no pipes")
        for _ in range(count):
            formula = _random_formula(rng, rng.randrange(1, 9))
            worker.stdin.write(json.dumps(str(formula)) + "\n")
            worker.stdin.flush()
            theirs = _read_mona(json.loads(worker.stdout.readline()), letters)
            own = compile_formula(formula, letters, 10_000)
            found = difference(own, theirs, lambda one, other: one != other)
            if found is not None:
                differing.append(
                    {"formula": str(formula), "trace": [str(letters[n]) for n in found]}
                )
                console.print(f"differs: {differing[-1]}")
        worker.stdin.close()
    rows = [[str(count), str(len(differing))]]
    run.keep({"differing": differing}, table(["formulas", "automata that differ"], rows))
    if differing:
        raise SystemExit(1)


def _random_formula(rng: random.Random, size: int) -> Formula:
    """A formula of operators that ltlf2dfa knows."""
    if size <= 0:
        kind = rng.choice(["name"] * 8 + ["true", "false", "last"])
        return name(rng.choice(_VARIABLES)) if kind == "name" else Formula(kind)
    left = rng.randrange(size)
    kind = rng.choice(["!", "&", "|", "->", "<->", "X", "WX", "F", "G", "U", "R"])
    if kind in ("!", "X", "WX", "F", "G"):
        inner = _random_formula(rng, size - 1)
        return negation(inner) if kind == "!" else Formula(kind, (inner,))
    both = (_random_formula(rng, left), _random_formula(rng, size - 1 - left))
    return joined(kind, both) if kind in ("&", "|") else Formula(kind, both)


def _read_mona(output: str, letters: Sequence[frozenset[str]]) -> Table:
    """What MONA printed as a table; the empty trace, which LTLf does not have, is not accepted."""
    lines = {head: rest for head, _, rest in (line.partition(":") for line in output.splitlines())}
    free = [each.lower() for each in lines["DFA for formula with free variables"].split()]
    accepting = set(map(int, lines["Accepting states"].split()))
    moves: dict[int, list[tuple[str, int]]] = {}
    for source, guard, target in re.findall(r"^State (\d+): (\S*) *-> state (\d+)", output, re.M):
        moves.setdefault(int(source), []).append((guard, int(target)))

    def step(state: tuple[bool, int], letter: int) -> tuple[bool, int]:
        wanted = ["01"[each in letters[letter]] for each in free]
        for guard, target in moves[state[1]]:
            if all(sign in ("X", own) for sign, own in zip(guard, wanted, strict=True)):
                return True, target
        raise SystemExit(f"MONA's automaton is not complete:\n{output}")

    # The first step of MONA's automata is before the trace.
    start = (False, moves[0][0][1])
    kinds = range(len(letters))
    return smallest(start, kinds, step, lambda state: state[0] and state[1] in accepting)
