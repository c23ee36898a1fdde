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
from bench.library.workers import Session, WorkerError

OLD, NEW = "old", "new"

Record = dict[str, Any]
"""One answer of one side, or its ``error``."""

Sessions = dict[str, Session]


def sessions(
    trees: dict[str, Tree], task: dict[str, Any], *, hashes: int, limit: float
) -> Sessions:
    """A session for each side, not yet loaded."""
    return {
        side: Session(
            f"against-{side}",
            "condit",
            "against.py",
            task,
            limit=limit,
            variables=tree.variables() | {"PYTHONHASHSEED": str(hashes)},
        )
        for side, tree in trees.items()
    }


def check(both: Sessions, trees: dict[str, Tree]) -> None:
    """Load both, and make sure that each has the source that it should have."""
    for side, session in both.items():
        session.load()
        file = Path(session.loaded["file"])
        if not file.is_relative_to(trees[side].source):
            raise SystemExit(f"{side} should be {trees[side].source}, but imports {file}")


def run_pass(
    both: Sessions,
    items: Sequence[Item],
    turn: int,
    note: Callable[[Record], None],
    *,
    twice: bool,
) -> None:
    """Ask both sides every item, by turns: once, or ``twice`` (A B B A)."""
    for number, item in enumerate(items):
        first, second = (OLD, NEW) if (number + turn) % 2 == 0 else (NEW, OLD)
        for side in (first, second, second, first) if twice else (first, second):
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
            note(record)
