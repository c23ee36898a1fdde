"""Passes over all items: two fresh processes each time, the two sources by turns at every item.

Every item is asked in the order A B B A or B A A B, which changes from item to item and from pass
to pass. A pass is one
measurement of a ratio: what a process is by chance (the layout of its memory, the seed of its
hashes, which both sides share in a pass) is new in the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.against.parts import Item
from bench.against.trees import Tree
from bench.library.contestants import Contestant, there_and_back
from bench.library.run import Run
from bench.library.sessions import Session
from bench.library.workers import WorkerError

OLD, NEW = "old", "new"

Record = dict[str, Any]
"""One answer of one side, or its ``error``."""

Sessions = dict[str, Session]


def sessions(
    run: Run, trees: dict[str, Tree], task: dict[str, Any], *, hashes: int, limit: float
) -> Sessions:
    """A session for each side, loaded: each has the source that it should have."""
    run.close()
    both = {}
    for side, tree in trees.items():
        contestant = Contestant(tree.label, "condit", "condit")
        variables = tree.variables() | {"PYTHONHASHSEED": str(hashes)}
        both[side] = run.session(side, contestant, task, limit=limit, variables=variables)
        both[side].load()
        file = Path(both[side].loaded["file"])
        if not file.is_relative_to(tree.source):
            raise SystemExit(f"{side} should be {tree.source}, but imports {file}")
    return both


def run_pass(
    both: Sessions,
    items: Sequence[Item],
    turn: int,
    note: Callable[[Record], None],
) -> None:
    """Ask both sides every item twice, by turns; what is not timed once, and in one pass.

    Of long answers, which are to be compared, one pass is kept.
    """
    for number, item in enumerate(items):
        order = there_and_back(OLD, NEW, number + turn)
        for side in order if item.timed else order[: 0 if turn else 2]:
            record: Record = {
                "part": item.part,
                "row": item.row,
                "case": item.case,
                "pass": turn,
                "side": side,
                "per": item.per,
            }
            try:
                record |= both[side].ask(item.ask)
            except WorkerError as error:
                record["error"] = str(error).split(" (log:")[0]
            if turn:
                record.pop("runs", None)
            note(record)
