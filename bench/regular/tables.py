"""What a run of ``scripts/bench regular`` says, as tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.library.results import table
from bench.library.statistics import percentile

KINDS = ("rewritten", "changed", "unrelated")
Record = dict[str, Any]


def tables(records: Sequence[Record], labels: Mapping[str, str], known: Iterable[str]) -> str:
    """Times and right answers of each contestant, and what it takes."""
    random_pairs = [each for each in records if each["kind"] in KINDS]
    rows = []
    for question in dict.fromkeys(each["question"] for each in random_pairs):
        for name, label in labels.items():
            held = [e for e in random_pairs if e["question"] == question and name in e["answers"]]
            if held:
                rows.append([question, label, *_figures(held, name)])
    heads = ["question", "", "asked", "right", "right in ASCII", "wrong", "no answer"]
    heads += ["ms, p50", "p95", "max"]
    parts = [
        table(heads, rows),
        table(["construct", *labels.values()], _constructs(records, labels, known)),
    ]
    kinds = [
        [kind, label, *_figures(held, name)]
        for kind in KINDS
        for name, label in labels.items()
        if (
            held := [
                each
                for each in random_pairs
                if (each["kind"], each["question"]) == (kind, "equivalent")
                and name in each["answers"]
            ]
        )
    ]
    parts.append(table(["equivalent?", *heads[1:]], kinds))
    return "\n\n".join(parts)


def _figures(records: Sequence[Record], name: str) -> list[str]:
    answers = [(each, each["answers"][name]) for each in records]
    given = [(each, answer) for each, answer in answers if "answer" in answer]
    right = sum(answer["answer"] == each["truth"] for each, answer in given)
    in_ascii = sum(
        answer["answer"] == each["truth_in_ascii"] != each["truth"] for each, answer in given
    )
    counts = [
        len(answers),
        right,
        in_ascii,
        len(given) - right - in_ascii,
        len(answers) - len(given),
    ]
    times = [answer["ms"] for _, answer in given]
    shown = [f"{percentile(times, each):.1f}" for each in (50, 95, 100)] if times else ["-"] * 3
    return [*map(str, counts), *shown]


def _constructs(
    records: Sequence[Record], labels: Mapping[str, str], known: Iterable[str]
) -> list[list[str]]:
    of_kind = {each["kind"]: each for each in records}
    return [
        [kind, *(_verdict(of_kind[kind], name) for name in labels)]
        for kind in known
        if kind in of_kind
    ]


def _verdict(record: Record, name: str) -> str:
    answer = record["answers"].get(name, {})
    if "answer" not in answer:
        return "refused"
    return "right" if answer["answer"] == record["truth"] else "wrong"
