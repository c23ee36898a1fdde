"""What is drawn under each schema: one text within a budget, and whether it is valid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bench.cases import OWN
from bench.coverage.cases import Case
from bench.coverage.race import outcome_of
from bench.coverage.sessions import Session
from bench.library.workers import WorkerError

LONGEST_PROMPT = 600
"""A schema of more tokens is left out of the prompt, which then asks for a document at large."""

Draw = dict[str, Any]


def session(
    model: str, tokens: dict[str, Any], *, limit: float, tell: Callable[[str], None]
) -> Session:
    """A worker that draws from ``model``; the n-gram model learns from the benches' own texts."""
    texts = [case.text for case in OWN if case.kind == "schema"]
    task = {**tokens, "model": model, "texts": texts, "longest_prompt": LONGEST_PROMPT}
    name = f"generation-{model.replace('/', '_')}"
    return Session(name, "condit", "coverage_generation.py", task, limit=limit, tell=tell)


def draws(
    worker: Session,
    cases: Sequence[Case],
    *,
    tokens: int,
    seed: int,
    note: Callable[[Draw], None],
) -> None:
    """One draw for each case, with a seed of its own; every one goes to ``note`` as it comes."""
    for number, case in enumerate(cases):
        drawn: Draw = {"case": case.name}
        ask = {"source": case.source, "tokens": tokens, "seed": seed * 1_000 + number}
        try:
            drawn |= worker.ask({"draw": ask})
        except WorkerError as error:
            reason = str(error).split(" (log:")[0]
            drawn |= {"outcome": outcome_of(error, "crash"), "reason": reason}
        note(drawn)
