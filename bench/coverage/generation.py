"""What is drawn under each schema: one text within a budget, and whether it is valid."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from bench.cases import OWN
from bench.coverage.cases import Case
from bench.coverage.race import outcome_of
from bench.library.contestants import Contestant
from bench.library.run import Run
from bench.library.sessions import Session
from bench.library.workers import WorkerError

LONGEST_PROMPT = 600
"""A schema of more tokens is left out of the prompt, which then asks for a document at large."""

Draw = dict[str, Any]

MODEL = "generated_by"
"""In the journal: this record is a draw, from which model."""


def session(run: Run, model: str, tokens: dict[str, Any], *, limit: float) -> Session:
    """A worker that draws from ``model``; the n-gram model learns from the benches' own texts."""
    texts = [case.text for case in OWN if case.kind == "schema"]
    task = {**tokens, "model": model, "texts": texts, "longest_prompt": LONGEST_PROMPT}
    contestant = Contestant(model, "condit", "generation")
    return run.session(f"generation, {model}", contestant, task, limit=limit)


def draws(
    worker: Session,
    model: str,
    cases: Sequence[Case],
    *,
    tokens: int,
    seed: int,
    known: Collection[str],
    note: Callable[[Draw], None],
    step: Callable[[], None],
) -> None:
    """One draw for each case that is not ``known``; every one goes to ``note`` as it comes."""
    for number, case in enumerate(cases):
        step()
        if case.name in known:
            continue
        drawn: Draw = {MODEL: model, "case": case.name}
        ask = {"source": case.source, "tokens": tokens, "seed": seed * 1_000 + number}
        try:
            drawn |= worker.ask({"draw": ask})
        except WorkerError as error:
            reason = str(error).split(" (log:")[0]
            drawn |= {"outcome": outcome_of(error, "crash"), "reason": reason}
        note(drawn)


def by_model(records: Iterable[Draw]) -> dict[str, list[Draw]]:
    """The draws among some records, without the name of their model."""
    found: dict[str, list[Draw]] = {}
    for record in records:
        if MODEL in record:
            draw = {key: value for key, value in record.items() if key != MODEL}
            found.setdefault(record[MODEL], []).append(draw)
    return found
