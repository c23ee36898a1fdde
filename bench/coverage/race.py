"""The race itself: every contestant compiles a schema and walks its instances, then the next."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bench.coverage.cases import MASKBENCH, Case
from bench.coverage.tokens import Tokens
from bench.library.contestants import rotated
from bench.library.sessions import Session
from bench.library.workers import WorkerDiedError, WorkerError, WorkerTimeoutError

Row = dict[str, Any]
"""What one contestant made of one schema."""

KEYS = ("part", "case", "contestant")
"""What a row is of."""

MASK_TIMES, STEP_TIMES = "mask_ns", "step_ns"
"""In the journal, beside a row: its tokens' times, of the mask alone and of mask and step."""

COMPILED, UNSATISFIABLE, REFUSED = "compiled", "unsatisfiable", "refused"
TIMEOUT, DIED, FAILED = "timeout", "died", "failed"
"""How a schema went. ``failed``: it was compiled, and walking an instance raised an error."""

_UNSATISFIABLE = re.compile(r"unsatisf|no value satisfies|cannot accept any value", re.IGNORECASE)


class Race:
    """Runs cases and hands every row to ``note`` as it comes.

    Args:
        sessions: the contestants, by name.
        tokens: the tokenizer of all.
        note: takes each row, with the times of its tokens.
        step: told what comes next, before each call.
        known: rows of an earlier run, which are not made again.
    """

    def __init__(
        self,
        sessions: dict[str, Session],
        tokens: Tokens,
        *,
        note: Callable[[Row], None],
        step: Callable[[str], None],
        known: Iterable[Row] = (),
    ) -> None:
        self._sessions = sessions
        self._tokens = tokens
        self._note = note
        self._step = step
        self._known = {tuple(row[key] for key in KEYS) for row in known}

    def run(self, cases: Sequence[Case]) -> None:
        """Whose turn is first changes from case to case: nobody gains by what went before."""
        names = list(self._sessions)
        for number, case in enumerate(cases):
            instances = self._tokens.instances(case)
            for name in rotated(names, number):
                self._step(f"{case.part}: {name}")
                if (case.part, case.name, name) in self._known:
                    continue
                row = {
                    "part": case.part,
                    "case": case.name,
                    "group": case.group,
                    "draft": case.draft,
                    "contestant": name,
                    "valid": [valid for valid, _ in case.instances],
                }
                self._fill(row, case, instances)
                self._note(row)

    def _fill(self, row: Row, case: Case, instances: list[dict[str, Any]]) -> None:
        session = self._sessions[row["contestant"]]
        row["outcome"] = REFUSED
        try:
            wanted = {"source": case.source, "remotes": case.remotes}
            compiled = session.ask({"compile": wanted})
            row["seconds"] = round(compiled["seconds"], 6)
            row["first_mask_seconds"] = round(compiled["first_mask_seconds"], 6)
            row["outcome"] = FAILED
            timed = case.part == MASKBENCH
            walked = session.ask({"walk": {"instances": instances, "timed": timed}})
        except WorkerError as error:
            row["error"] = str(error).split(" (log:")[0]
            row["outcome"] = outcome_of(error, row["outcome"])
            return
        row["outcome"] = COMPILED
        row["instances"] = walked["instances"]
        if timed:
            row["tokens"] = len(walked["mask_ns"])
            row["mask_us"] = round(sum(walked["mask_ns"]) / 1000, 1)
            row["step_us"] = round(sum(walked["step_ns"]) / 1000, 1)
            row["not_in_mask"] = walked["not_in_mask"]
        row[MASK_TIMES], row[STEP_TIMES] = walked["mask_ns"], walked["step_ns"]


def outcome_of(error: WorkerError, otherwise: str) -> str:
    """How a call that raised ``error`` counts."""
    if isinstance(error, WorkerTimeoutError):
        return TIMEOUT
    if isinstance(error, WorkerDiedError):
        return DIED
    if otherwise == REFUSED and _UNSATISFIABLE.search(str(error)):
        return UNSATISFIABLE
    return otherwise
