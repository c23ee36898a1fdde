"""The tables on the terminal: one for each workload and temperature, and who is ahead of whom."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bench.library.journal import Record
from bench.library.results import table
from bench.library.statistics import number
from bench.speed.contestants import CONTESTANTS, LANES
from bench.speed.summary import against_peers, groups, summary

ABOUT = {
    "json": "JSON Schemas",
    "regex": "lines that match a regex",
    "text": "any text at all",
    "batch": f"JSON Schemas, {LANES} texts at a time",
}

_HEADS = (
    "contestant",
    "÷ free, decode",
    "25th to 75th",
    "÷ free, whole call",
    "tok/s",
    "tok/forward",
    "forced",
    "drafted/tok",
    "accepted",
    "tokens",
    "ran",
    "refused",
    "failed",
    "valid",
    "setup s",
)


def tables(records: Sequence[Record], tokens: int) -> str:
    """Everything that is shown of a run."""
    parts = []
    for (workload, temperature), found in groups(records).items():
        names = [name for name in CONTESTANTS if any(r["contestant"] == name for r in found)]
        rows = [_row(CONTESTANTS[name].label, summary(found, name)) for name in names]
        parts.append(
            f"**{workload}**: {ABOUT[workload]}; at most {tokens} tokens, temperature "
            f"{temperature:g}\n\n{table(_HEADS, rows)}"
        )
        peers = against_peers(found)
        if peers:
            parts.append(_peers(peers))
    errors = _errors(records)
    if errors:
        parts.append(errors)
    return "\n\n".join(parts)


def _row(label: str, numbers: dict[str, Any]) -> list[str]:
    decode, whole = numbers["decode"], numbers["whole"]
    return [
        label,
        f"{decode[1]:.2f}" if decode else "",
        f"{decode[0]:.2f} to {decode[2]:.2f}" if decode else "",
        f"{whole[1]:.2f}" if whole else "",
        number(numbers["rate"], ".1f"),
        number(numbers["per_forward"], ".2f"),
        number(numbers["forced"], ".0%"),
        number(numbers["drafted"], ".2f"),
        number(numbers["accepted"], ".0%"),
        number(numbers["tokens"], ".0f"),
        f"{numbers['ran']} of {numbers['cases']}",
        str(numbers["refused"]),
        str(numbers["failed"]),
        number(numbers["valid"], ".0%"),
        number(numbers["setup_seconds"], ".3f"),
    ]


def _peers(peers: dict[str, dict[str, Any]]) -> str:
    rows = []
    for label, numbers in peers.items():
        decode, whole = numbers["decode"], numbers["whole"]
        rows.append(
            [
                label,
                f"{decode[1]:.2f} ({decode[0]:.2f} to {decode[2]:.2f})",
                f"{whole[1]:.2f}" if whole else "",
                f"{numbers['ahead']} of {numbers['cases']}",
            ]
        )
    return table(("Condit ÷", "decode", "whole call", "cases ahead"), rows)


def _errors(records: Sequence[Record]) -> str:
    """What was refused or failed and why, the most frequent reasons of each contestant."""
    reasons: dict[str, set[tuple[str, str, str]]] = {}
    for record in records:
        if "error" in record:
            reason = record["error"].splitlines()[0].split(" (log:")[0]
            reason = re.sub(r"\[\d+:\d+:\d+\] ", "", reason)[:110]
            found = reasons.setdefault(record["contestant"], set())
            found.add((record["case"], record["stage"], reason.replace("|", "\\|")))
    rows = []
    for name, found in reasons.items():
        counted = Counter((stage, reason) for _, stage, reason in sorted(found))
        for (stage, reason), count in counted.most_common(4):
            rows.append([CONTESTANTS[name].label, reason, stage, str(count)])
    heads = ("refused or failed", "first line of the reason", "at", "cases")
    return table(heads, rows) if rows else ""
