"""From records to figures: by task and contestant, then by contestant over all tasks."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev

from scipy.stats import t

from bench.library.journal import Record
from bench.wild.contestants import CONTESTANTS, MASKING
from bench.wild.reference import Reference, marginals, total_variation
from bench.wild.tasks import TASKS
from bench.wild.tasks.task import Task, plain

Key = tuple[str, str]
"""A task and a contestant."""


@dataclass(frozen=True)
class Row:
    """One contestant on one task, over its seeds.

    Attributes:
        runs: how many there are.
        failed: how many ended in an error of the program; ``over``: were over the limit.
        evidence: mean log evidence; ``-inf`` if a run found no valid text (its ``Ẑ`` is 0);
            ``None`` where there is none, or a run was over the limit or failed.
        half_band: half the width of its 95 % band (Student's), in nats; ``None`` for one run.
        lag: nats behind the best mean of the task.
        distinct: mean number of different valid texts.
        distance: mean total variation to the reference, over the fields where that is sure.
        right: mean weighted share of right answers, over the fields that have one.
        seconds, positions, first: medians; ``first`` is seconds to the first step.
        compiling: seconds of compiling.
        rate: median tokens a second, of texts that are there at the end.
        ess: mean effective sample size, by lineages; ``kish``: by weights.
        errors: what was said of failures.
    """

    runs: int
    failed: int = 0
    over: int = 0
    evidence: float | None = None
    half_band: float | None = None
    lag: float | None = None
    distinct: float | None = None
    distance: float | None = None
    right: float | None = None
    seconds: float | None = None
    positions: float | None = None
    first: float | None = None
    compiling: float | None = None
    rate: float | None = None
    ess: float | None = None
    kish: float | None = None
    errors: tuple[str, ...] = ()


def grouped(records: Iterable[Record], purpose: str = "race") -> dict[Key, list[Record]]:
    """The records of a purpose; with plain masking, which is read off ``masked``."""
    found: dict[Key, list[Record]] = defaultdict(list)
    for record in records:
        if record["purpose"] == purpose:
            found[record["task"], record["contestant"]].append(record)
    return dict(found)


def rows(records: Sequence[Record], references: Mapping[str, Reference]) -> dict[Key, Row]:
    """A row for each task and contestant that ran."""
    found: dict[Key, Row] = {}
    for (name, contestant), mine in grouped(records).items():
        task, known = TASKS[name], references.get(name)
        found[name, contestant] = _row(task, contestant, mine, known)
        if contestant == "masked":
            found[name, MASKING] = _row(task, MASKING, mine, known)
    best: dict[str, float] = {}
    for (name, _), row in found.items():
        if row.evidence is not None:
            best[name] = max(best.get(name, -math.inf), row.evidence)
    return {key: _with_lag(row, best.get(key[0])) for key, row in found.items()}


def _with_lag(row: Row, best: float | None) -> Row:
    if row.evidence is None or best is None or best == -math.inf:
        return row
    return Row(**{**vars(row), "lag": best - row.evidence})


def _row(task: Task, contestant: str, records: Sequence[Record], known: Reference | None) -> Row:
    over = sum(bool(record.get("over")) for record in records)
    failed = [record for record in records if "error" in record]
    ran = [record for record in records if "error" not in record]
    done = [record for record in ran if not record.get("over") and "weights" in record]
    logs = [evidence(record) for record in done]
    complete = bool(logs) and not over and not failed
    ranked = contestant != MASKING and CONTESTANTS[contestant].ranked
    weighted = contestant != MASKING
    good = [record for record in done if any(record["texts_valid"])]
    laws = [marginals(task, record, weighted=weighted) for record in good]
    sure = known.sure if known else []
    rates = [record["tokens"] / record["seconds"] for record in ran if record["seconds"]]
    compiling = [record["compile_seconds"] for record in ran if record["compile_seconds"]]
    return Row(
        runs=len(records),
        failed=len(failed),
        over=over,
        evidence=fmean(logs) if complete and ranked else None,
        half_band=half_band(logs) if complete and ranked else None,
        distinct=_mean(distinct(record) for record in done),
        distance=_mean(
            total_variation(law[field], known.marginals[field])
            for law in laws
            for field in sure
            if known
        ),
        # A run without a valid text has no right answer.
        right=_mean(
            [_right(task, law) for law in laws] + [0.0] * (len(done) - len(good))
            if task.answers
            else ()
        ),
        seconds=_median(record["seconds"] for record in ran),
        positions=_median(record["positions_beyond_prompt"] for record in ran),
        first=_median(record.get("first_seconds") for record in ran),
        compiling=max(compiling, default=None),
        rate=_median(rates),
        ess=_mean(record["ess"] for record in done if record["ess"] is not None),
        kish=_mean(record["kish_ess"] for record in done),
        errors=tuple(sorted({record["error"][:160] for record in failed})),
    )


def evidence(record: Record) -> float:
    """A run's log evidence: ``-inf`` where it found nothing."""
    found: float | None = record["log_evidence"]
    return -math.inf if found is None else found


def distinct(record: Record) -> int:
    """How many different texts with weight a run has."""
    return len(
        {
            text
            for text, weight, good in zip(
                record["texts"], record["weights"], record["texts_valid"], strict=True
            )
            if good and weight > 0
        }
    )


def half_band(values: Sequence[float], confidence: float = 0.95) -> float | None:
    """Half the width of Student's band for the mean; ``None`` where there is none."""
    if len(values) < 2 or not all(map(math.isfinite, values)):
        return None
    width = float(t.ppf((1 + confidence) / 2, len(values) - 1))
    return width * stdev(values) / math.sqrt(len(values))


def _right(task: Task, law: Mapping[str, Mapping[str, float]]) -> float:
    shares = []
    for name, answer in task.answers.items():
        right = plain(answer)
        shares.append(math.fsum(share for value, share in law[name].items() if _same(value, right)))
    return fmean(shares)


def _same(value: str, right: str) -> bool:
    """Equal as JSON: 65.0 is 65, but ``true`` is not 1."""
    first, second = json.loads(value), json.loads(right)
    return first == second and isinstance(first, bool) == isinstance(second, bool)


@dataclass(frozen=True)
class Total:
    """One contestant over all its tasks; medians unless said otherwise.

    Attributes:
        tasks: how many it ran.
        lag, worst: nats behind the best of a task, and the most of them.
        distinct: different texts.
        distance: total variation to the reference, over tasks with sure fields.
        invited, uninvited: mean share of right answers, by whether the prompt says the format.
        seconds: divided by those of ``free``; ``rate``: tokens a second, divided likewise.
        over: calls over the limit, and ``failed``: in an error; sums.
        lead: nats ahead of the samplers of the older commit.
    """

    tasks: int
    lag: float | None
    worst: float | None
    distinct: float | None
    distance: float | None
    invited: float | None
    uninvited: float | None
    seconds: float | None
    rate: float | None
    lead: float | None
    over: int
    failed: int


def totals(found: Mapping[Key, Row]) -> dict[str, Total]:
    """A row for each contestant."""
    names = [name for name in (*CONTESTANTS, MASKING) if any(key[1] == name for key in found)]
    return {name: _total(name, found) for name in names}


def _total(name: str, found: Mapping[Key, Row]) -> Total:
    mine = {task: row for (task, contestant), row in found.items() if contestant == name}
    free = {task: row for (task, contestant), row in found.items() if contestant == "free"}
    lags = [row.lag for row in mine.values() if row.lag is not None]
    before = {
        task: row.evidence
        for (task, other), row in found.items()
        if other == "smc_before" and row.evidence is not None
    }
    return Total(
        tasks=len(mine),
        lag=_median(lags),
        worst=max(lags, default=None),
        distinct=_median(row.distinct for row in mine.values()),
        distance=_median(row.distance for row in mine.values()),
        invited=_mean(row.right for task, row in mine.items() if TASKS[task].invites),
        uninvited=_mean(row.right for task, row in mine.items() if not TASKS[task].invites),
        seconds=_median(
            row.seconds / seconds
            for task, row in mine.items()
            if task in free and row.seconds and (seconds := free[task].seconds)
        ),
        rate=_median(
            row.rate / rate
            for task, row in mine.items()
            if task in free and row.rate and (rate := free[task].rate)
        ),
        lead=_median(
            row.evidence - before[task]
            for task, row in mine.items()
            if task in before and row.evidence is not None and math.isfinite(row.evidence)
        ),
        over=sum(row.over for row in mine.values()),
        failed=sum(row.failed for row in mine.values()),
    )


def _present(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _mean(values: Iterable[float | None]) -> float | None:
    listed = _present(values)
    return fmean(listed) if listed else None


def _median(values: Iterable[float | None]) -> float | None:
    listed = _present(values)
    return median(listed) if listed else None
