"""The calls of a run, made by one or several processes at a time, and what is kept of each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import condit
from bench.library.journal import Record
from bench.library.run import Run
from bench.library.sessions import Session
from bench.library.workers import WorkerError
from bench.wild.contestants import CONTESTANTS, REFERENCE, REFERENCE_LANES
from bench.wild.tasks import TASKS
from condit.errors import ConditError

MAKE: dict[str, Callable[[str], condit.Constraint]] = {
    "schema": condit.json_schema,
    "regex": condit.regex,
    "grammar": condit.grammar,
}


@dataclass(frozen=True)
class Call:
    """One call: ``purpose`` is ``"race"``, ``"curve"``, or half ``"0"`` or ``"1"`` of a reference.

    Its fields stand in its record.
    """

    purpose: str
    seed: int
    task: str
    contestant: str
    lanes: int


def race(
    tasks: Sequence[str], names: Sequence[str], seeds: int, few: Sequence[str] | None = None
) -> list[Call]:
    """Every task by every contestant, seed after seed; by slow ones only ``few``, if given."""
    return [
        Call("race", seed, task, name, CONTESTANTS[name].lanes)
        for seed in range(seeds)
        for task in tasks
        for name in names
        if seed < (CONTESTANTS[name].seeds or seeds)
        and (few is None or task in few or not CONTESTANTS[name].slow)
    ]


def curves(
    tasks: Sequence[str], names: Sequence[str], seeds: int, lanes: Sequence[int]
) -> list[Call]:
    """The same at several numbers of lanes, where a contestant has a curve."""
    return [
        Call("curve", seed, task, name, count)
        for seed in range(seeds)
        for task in tasks
        for name in names
        if CONTESTANTS[name].curve
        for count in lanes
    ]


def references(tasks: Sequence[str], runs: int) -> list[Call]:
    """``runs`` large runs of each sampler of the reference, half of them in each half."""
    return [
        # Seeds apart from those of the race: a reference must not contain what it judges.
        Call(str(turn % 2), 10_000 + turn, task, name, REFERENCE_LANES)
        for turn in range(runs)
        for task in tasks
        for name in REFERENCE
    ]


def call_of(record: Record) -> Call:
    """The call that a record is of."""
    return Call(**{name: record[name] for name in Call.__dataclass_fields__})


class Race:
    """Makes calls.

    Args:
        run: takes each record.
        sessions: one set of programs for each process.
        encode: a prompt as ids of tokens.
        limit: seconds that a call may take; ``reference_limit`` for those of references.
        step: told what was done.
    """

    def __init__(
        self,
        run: Run,
        sessions: Sequence[dict[str, Session]],
        encode: Callable[[Any], list[int]],
        *,
        limit: float,
        reference_limit: float,
        step: Callable[[str], None],
    ) -> None:
        self._run, self._sessions, self._encode = run, sessions, encode
        self._limits = {"race": limit, "curve": 3 * limit}
        self._reference_limit = reference_limit
        self._step = step
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._working = 0

    def make(self, calls: Sequence[Call]) -> None:
        """All calls, each process taking the next when it is free."""
        waiting = iter(calls)
        with ThreadPoolExecutor(len(self._sessions)) as pool:
            try:
                for each in [pool.submit(self._work, one, waiting) for one in self._sessions]:
                    each.result()
            finally:
                self._stopped.set()

    def _work(self, sessions: dict[str, Session], waiting: Any) -> None:
        while not self._stopped.is_set():
            with self._lock:
                call = next(waiting, None)
                self._working += call is not None
                beside = self._working - 1
            if call is None:
                return
            record = asdict(call) | {"beside": beside} | self._answer(sessions, call)
            with self._lock:
                self._working -= 1
                if not self._stopped.is_set():
                    self._run.note(record)
                    self._step(f"{call.task} {call.contestant} {call.lanes}")

    def _answer(self, sessions: dict[str, Session], call: Call) -> dict[str, Any]:
        task, drawer = TASKS[call.task], CONTESTANTS[call.contestant]
        session = sessions[drawer.program]
        case = {"name": task.name, "kind": task.kind, "source": task.source}
        ask = {
            "case": case,
            "prompt": "",
            "ids": self._encode(task.prompt),
            "lanes": call.lanes,
            "temperature": 1.0,
            "tokens": task.max_tokens,
            "seed": call.seed,
            "sampler": drawer.sampler,
            "limit": self._limits.get(call.purpose, self._reference_limit),
        }
        try:
            compiled = session.ask({"compile": case})["seconds"]
            answer = session.ask({"run": ask})
        except WorkerError as error:
            return {"error": str(error)}
        if drawer.program != "free":
            constraint = MAKE[task.kind](task.source)
            answer["texts_valid"] = [_accepts(constraint, text) for text in answer["texts"]]
        return {"compile_seconds": compiled, **answer}


def _accepts(constraint: condit.Constraint, text: str) -> bool:
    try:
        return constraint.accepts(text)
    except ConditError:  # the oracle took too long
        return False
