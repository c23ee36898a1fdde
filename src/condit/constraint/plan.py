"""Plans, which tell where each part of a constraint is enforced, as something to print.

What a plan says is worked out by each kind of constraint (``algebra/plan.py``, ``schema/plan.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from html import escape
from typing import Any, TypeVar

RowT = TypeVar("RowT")


class Plan(tuple[RowT, ...]):
    """Enforcements, in the order of the parts; ``str`` is a table, and so is it in a notebook.

    A row is a dataclass of a place, the name of what is there, where it is enforced, and a note.
    """

    def __str__(self) -> str:
        table = [self.headings, *self.cells]
        widths = [max(len(row[column]) for row in table) for column in range(len(self.headings))]
        lines = (zip(row, widths, strict=True) for row in table)
        return "\n".join("  ".join(f"{a:{width}}" for a, width in row).rstrip() for row in lines)

    def _repr_html_(self) -> str:
        def row(cells: Sequence[str], kind: str) -> str:
            inner = "".join(f"<{kind}>{escape(cell)}</{kind}>" for cell in cells)
            return f"<tr>{inner}</tr>"

        rows = [row(self.headings, "th"), *(row(each, "td") for each in self.cells)]
        return f"<table>{''.join(rows)}</table>"

    @property
    def headings(self) -> list[str]:
        """What each column holds: the fields of the rows, or of all kinds of rows there are."""
        names = [_names(row) for row in self]
        return names[0] if names and names.count(names[0]) == len(names) else list(_COLUMNS)

    @property
    def cells(self) -> list[list[str]]:
        """The rows as texts."""
        found = []
        for row in self:
            place, *others = (getattr(row, name) for name in _names(row))
            where = ".".join(map(str, place)) if isinstance(place, tuple) else str(place)
            found.append([where or "(top)", *map(str, others)])
        return found


_COLUMNS = ("place", "part", "where", "note")


def _names(row: Any) -> list[str]:
    return [field.name for field in fields(row)]
