"""What a contestant is compared with: large runs, pooled, and how far their own halves agree.

A run has the evidence ``Ẑ`` and weights; pooled, a text has the mean over runs of ``Ẑ`` times its
share. That is unbiased up to the constant, as each run is.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.library.journal import Record
from bench.wild.tasks.task import Task

AGREE = 0.05
"""Total variation between its halves at which a field of the reference is sure."""
AGREE_EVIDENCE = 0.5
"""Nats between its halves' log evidence at which it may be."""

Marginal = dict[str, float]


@dataclass(frozen=True)
class Reference:
    """The reference of a task.

    Attributes:
        log_evidence: of all runs pooled.
        between: nats between the two halves' log evidence.
        marginals: the law of each field.
        apart: total variation between the halves, of each field.
    """

    log_evidence: float
    between: float
    marginals: dict[str, Marginal]
    apart: dict[str, float]

    @property
    def sure(self) -> list[str]:
        """The fields on which its halves agree."""
        if self.between > AGREE_EVIDENCE:
            return []
        return [name for name, distance in self.apart.items() if distance <= AGREE]


def halves_of(records: Iterable[Record]) -> dict[str, dict[str, list[Record]]]:
    """The records of references: by task, then by half."""
    found: dict[str, dict[str, list[Record]]] = defaultdict(lambda: {"0": [], "1": []})
    for record in records:
        if record["purpose"] in ("0", "1") and record.get("log_evidence") is not None:
            found[record["task"]][record["purpose"]].append(record)
    return dict(found)


def read(file: Path) -> list[Record]:
    """The records of references in a file of results, or in a journal."""
    text = file.read_text()
    if file.suffix == ".jsonl":
        records = [json.loads(line) for line in text.splitlines() if line.endswith("}")]
    else:
        records = json.loads(text)["records"]
    return [record for record in records if record["purpose"] in ("0", "1")]


def reference(task: Task, halves: Mapping[str, Sequence[Record]]) -> Reference | None:
    """The reference of a task; ``None`` unless both halves have a run."""
    first, second = halves["0"], halves["1"]
    if not first or not second:
        return None
    laws = [pooled(task, half) for half in (first, second)]
    return Reference(
        log_mean([each["log_evidence"] for each in [*first, *second]]),
        abs(
            log_mean([each["log_evidence"] for each in first])
            - log_mean([each["log_evidence"] for each in second])
        ),
        pooled(task, [*first, *second]),
        {name: total_variation(laws[0][name], laws[1][name]) for name in task.fields},
    )


def pooled(task: Task, records: Sequence[Record]) -> dict[str, Marginal]:
    """The law of each field over several runs, each with the share of its evidence."""
    highest = max(record["log_evidence"] for record in records)
    laws: dict[str, Marginal] = {name: defaultdict(float) for name in task.fields}
    total = 0.0
    for record in records:
        size = math.exp(record["log_evidence"] - highest)
        total += size
        for name, law in marginals(task, record).items():
            for value, share in law.items():
                laws[name][value] += size * share
    return {
        name: {value: share / total for value, share in law.items()} for name, law in laws.items()
    }


def marginals(task: Task, record: Record, *, weighted: bool = True) -> dict[str, Marginal]:
    """The weighted law of each field in one run, over its valid texts.

    With ``weighted=False`` every valid text counts alike.
    """
    laws: dict[str, Marginal] = {name: defaultdict(float) for name in task.fields}
    valid = [
        (text, weight)
        for text, weight, good in zip(
            record["texts"], record["weights"], record["texts_valid"], strict=True
        )
        if good and weight > 0
    ]
    total = math.fsum(weight for _, weight in valid) if weighted else float(len(valid))
    for text, weight in valid:
        for name, value in task.values(text).items():
            laws[name][value] += (weight if weighted else 1.0) / total
    return {name: dict(law) for name, law in laws.items()}


def total_variation(first: Marginal, second: Marginal) -> float:
    """Half the sum of differences: 0 for one law, 1 for laws with nothing in common."""
    values = first.keys() | second.keys()
    return math.fsum(abs(first.get(each, 0.0) - second.get(each, 0.0)) for each in values) / 2


def log_mean(logs: Sequence[float]) -> float:
    """The logarithm of the mean of numbers that are given as logarithms."""
    highest = max(logs)
    return highest + math.log(math.fsum(math.exp(each - highest) for each in logs) / len(logs))
