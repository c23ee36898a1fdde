"""From records to numbers: ratios case by case, their quartiles, and who was faster where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from bench.library.journal import Record
from bench.library.statistics import quartiles
from bench.speed.contestants import CONDIT, CONTESTANTS, FREE, PEERS

Summary = dict[str, Any]


def groups(records: Iterable[Record]) -> dict[tuple[str, float], list[Record]]:
    """The records of each workload and temperature."""
    found: dict[tuple[str, float], list[Record]] = defaultdict(list)
    for record in records:
        found[record["workload"], record["temperature"]].append(record)
    return dict(found)


def rates(records: Iterable[Record], name: str, clock: str) -> dict[tuple[str, int], float]:
    """Tokens a second of a contestant, by case and round; calls without a token are left out.

    ``clock`` is ``decode_seconds`` or ``seconds``.
    """
    return {
        (record["case"], record["round"]): record["tokens"] / record[clock]
        for record in records
        if record["contestant"] == name and record.get("tokens")
    }


def ratios(records: Sequence[Record], name: str, base: str, clock: str) -> dict[str, float]:
    """For each case that both ran the ratio of their rates, the median over rounds."""
    above, below = rates(records, name, clock), rates(records, base, clock)
    found: dict[str, list[float]] = defaultdict(list)
    for key in above.keys() & below.keys():
        found[key[0]].append(above[key] / below[key])
    return {case: median(values) for case, values in sorted(found.items())}


def summary(records: Sequence[Record], name: str) -> Summary:
    """One contestant in one workload at one temperature.

    ``forced`` is the share of tokens drawn where the constraint left one choice, ``drafted`` the
    draft positions forwarded per token, ``accepted`` the share of tokens that were accepted drafts.
    """
    own = [record for record in records if record["contestant"] == name]
    ran = [record for record in own if "error" not in record]
    drawn = sum(record.get("drawn", 0) for record in ran)
    judged = [record for record in ran if record["valid"] is not None]
    texts = sum(len(record["texts"]) for record in judged)
    decode = rates(own, name, "decode_seconds")
    return {
        "decode": quartiles(ratios(records, name, FREE, "decode_seconds").values()),
        "whole": quartiles(ratios(records, name, FREE, "seconds").values()),
        "rate": median(decode.values()) if decode else None,
        "tokens": median(record["tokens"] for record in ran) if ran else None,
        "per_forward": median(map(per_forward, ran)) if ran else None,
        **{
            part: sum(record[part] for record in ran) / drawn if drawn else None
            for part in ("forced", "drafted", "accepted")
        },
        "cases": len({record["case"] for record in own}),
        "ran": len({record["case"] for record in ran}),
        "refused": len({record["case"] for record in own if record.get("stage") == "compile"}),
        "failed": len({record["case"] for record in own if record.get("stage") == "run"}),
        "valid": sum(record["valid"] for record in judged) / texts if texts else None,
        "setup_seconds": _median_of_positive(record["setup_seconds"] for record in ran),
    }


def per_forward(record: Record) -> float:
    """Tokens per forward; the prompt's own forward counts, as the first token comes from it."""
    return float(record["tokens"] / (record["forwards_beyond_prompt"] + 1))


def against_peers(records: Sequence[Record]) -> dict[str, Summary]:
    """Condit's rate over each peer's on the cases that both ran, and over the fastest peer's."""
    found: dict[str, Summary] = {}
    fastest: dict[str, float] = {}
    for peer in PEERS:
        compared = ratios(records, CONDIT, peer, "decode_seconds")
        if not compared:
            continue
        whole = ratios(records, CONDIT, peer, "seconds")
        found[CONTESTANTS[peer].label] = _compared(compared, whole)
        for case, ratio in compared.items():
            fastest[case] = min(ratio, fastest.get(case, ratio))
    if len(found) > 1:
        found["the fastest peer of each case"] = _compared(fastest, {})
    return found


def _compared(decode: dict[str, float], whole: dict[str, float]) -> Summary:
    return {
        "cases": len(decode),
        "decode": quartiles(decode.values()),
        "whole": quartiles(whole.values()),
        "ahead": sum(ratio > 1 for ratio in decode.values()),
    }


def _median_of_positive(values: Iterable[float]) -> float | None:
    """Where a constraint was at hand already, compiling it took no time: that does not count."""
    found = [value for value in values if value > 0]
    return median(found) if found else None
