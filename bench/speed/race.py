"""The race itself: pass after pass over the cases, contestants by turns at every case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import condit
from bench.library.contestants import rotated
from bench.library.journal import Record
from bench.library.sessions import Session
from bench.library.workers import WorkerError
from bench.speed.cases import Case
from bench.speed.contestants import CONTESTANTS, LANES
from condit.errors import ConditError

KEYS = ("workload", "temperature", "round", "case", "contestant")
"""What a record is of; besides it has a timed call, or an ``error`` and at which ``stage``."""


@dataclass(frozen=True)
class Workload:
    """Cases run under one name; ``lanes`` texts at a time."""

    name: str
    cases: Sequence[Case]
    lanes: int
    temperatures: Sequence[float]

    def calls(self, names: Sequence[str], rounds: int) -> int:
        """How many calls it takes."""
        able = [
            name
            for temperature in self.temperatures
            for name in names
            if CONTESTANTS[name].runs(self.lanes, temperature)
        ]
        return rounds * len(self.cases) * len(able)


def workload_of(name: str, cases: Sequence[Case], temperatures: Sequence[float]) -> Workload:
    """``batch`` draws several texts at temperature 1; the others one at each temperature."""
    if name == "batch":
        return Workload(name, cases, LANES, (1.0,))
    return Workload(name, cases, 1, temperatures)


class Race:
    """Runs workloads and hands every record to ``note`` as it comes.

    Args:
        sessions: the contestants, by name.
        tokens: the most new tokens of a text.
        rounds: how often each case is run at each temperature.
        seed: of the draws.
        note: takes each record.
        step: told what comes next, before each call.
        known: records of an earlier run, of calls that are not made again.
    """

    def __init__(
        self,
        sessions: dict[str, Session],
        *,
        tokens: int,
        rounds: int,
        seed: int,
        note: Callable[[Record], None],
        step: Callable[[str], None],
        known: Sequence[Record] = (),
    ) -> None:
        self._sessions = sessions
        self._tokens = tokens
        self._rounds = rounds
        self._seed = seed
        self._note = note
        self._step = step
        self._refused: dict[tuple[str, str], Record] = {}
        self._known = {tuple(record[key] for key in KEYS) for record in known}

    def run(self, workload: Workload) -> None:
        """All passes of a workload. What is learned in one is forgotten before the next."""
        for temperature in workload.temperatures:
            able = [
                name
                for name in self._sessions
                if CONTESTANTS[name].runs(workload.lanes, temperature)
            ]
            for turn in range(self._rounds):
                self._begin(able)
                for number, case in enumerate(workload.cases):
                    judge = _judge(case)
                    for name in rotated(able, number):
                        self._step(f"{workload.name} T={temperature:g} {case.name} {name}")
                        what = (workload.name, temperature, turn, case.name, name)
                        if what in self._known:
                            continue
                        record: Record = dict(zip(KEYS, what, strict=True))
                        record |= self._call(name, case, workload.lanes, temperature, turn)
                        if "texts" in record:
                            record["valid"] = judge(record["texts"])
                        self._note(record)

    def _begin(self, names: Sequence[str]) -> None:
        for name in names:
            try:
                self._sessions[name].ask({"begin": None})
            except WorkerError:
                continue  # its calls will fail, and be counted

    def _call(self, name: str, case: Case, lanes: int, temperature: float, turn: int) -> Record:
        if (name, case.name) in self._refused:
            return self._refused[name, case.name]
        session = self._sessions[name]
        try:
            compiled = session.ask({"compile": case.constraint})
        except WorkerError as error:
            refused = {"stage": "compile", "error": str(error)}
            self._refused[name, case.name] = refused
            return refused
        ask = request(case, lanes, temperature, self._tokens, self._seed * 1_000 + turn)
        try:
            return {"setup_seconds": compiled["seconds"], **session.ask({"run": ask})}
        except WorkerError as error:
            return {"stage": "run", "error": str(error)}


def request(case: Case, lanes: int, temperature: float, tokens: int, seed: int) -> dict[str, Any]:
    """One call, as a worker is asked for it."""
    return {
        "case": case.constraint,
        "prompt": case.prompt,
        "ids": list(case.ids),
        "lanes": lanes,
        "temperature": temperature,
        "tokens": tokens,
        "seed": seed,
    }


def _judge(case: Case) -> Callable[[Sequence[str]], int | None]:
    """How many of some texts are finished and valid, by Condit's oracles; ``None``: not known.

    The oracle of a schema is a validator of JSON Schema, that of a regex a backtracking matcher:
    neither shares code with any contestant's mask.
    """
    constraint: condit.Constraint | None = None
    if case.kind != "text":
        make = condit.json_schema if case.kind == "schema" else condit.regex
        with suppress(ConditError):
            constraint = make(case.source)

    def judge(texts: Sequence[str]) -> int | None:
        if constraint is None:
            return len(texts) if case.kind == "text" else None
        try:
            return sum(constraint.accepts(text) for text in texts)
        except ConditError:  # the matcher took too long
            return None

    return judge
