"""Where the samples of a result agree and where they do not, field by field."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

from condit.fields import ABSENT, Step, leaves, shown
from condit.marginal import Marginal, plus_minus
from condit.page.notebook import fields


@dataclass(frozen=True)
class Agreement(Sequence[Marginal]):
    """The marginal of each field, in the order in which they are written.

    A field is what has no parts in at least one sample: a string, a number, ``null``, an empty
    list. A sequence of `Marginal`; ``str`` of it is a table.

    Attributes:
        fields: the marginal of each field; texts without structure are one field, of path ``""``.
    """

    fields: tuple[Marginal, ...]

    @property
    def overall(self) -> float:
        """How far two samples drawn by weight agree, between 0 and 1 (linear).

        The expected number of fields that both have with the same value, over the expected number
        that at least one of them has. 1 where there are no fields.
        """
        absent = [
            next((each.share for each in field if each.value is ABSENT), 0.0)
            for field in self.fields
        ]
        together = zip(self.fields, absent, strict=True)
        same = math.fsum(field.agreement - share**2 for field, share in together)
        present = math.fsum(1 - share**2 for share in absent)
        return same / present if present > 0 else 1.0

    @overload
    def __getitem__(self, index: int) -> Marginal: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Marginal, ...]: ...

    def __getitem__(self, index: int | slice) -> Marginal | tuple[Marginal, ...]:
        return self.fields[index]

    def __len__(self) -> int:
        return len(self.fields)

    def __iter__(self) -> Iterator[Marginal]:
        return iter(self.fields)

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        fields = [{**each.to_dict(), "agreement": each.agreement} for each in self.fields]
        return {"fields": fields, "overall": self.overall}

    def __str__(self) -> str:
        if not self.fields:
            return "no sample is valid"
        caveat, several = self.fields[0].caveat, round(self.fields[0].ess, 6) > 1
        rows = [("field", "two agree", "share", "most probable value")]
        for field in self.fields:
            value, share, error = field[0]
            most = f"{share:.1%}" + (plus_minus(error) if caveat is None else "")
            agree = f"{field.agreement:.1%}" if several else "?"
            rows.append((field.of or "(whole)", agree, most, shown(value)))
        first, second, third = (max(len(row[column]) for row in rows) for column in range(3))
        lines = [f"{a:{first}}  {b:>{second}}  {c:{third}}  {d}" for a, b, c, d in rows]
        return "\n".join([*lines, *self._below()])

    def _repr_html_(self) -> str:
        ess = self.fields[0].ess if self.fields else 0.0
        return fields([each.to_line() for each in self.fields], ess, "\n".join(self._below()))

    def _below(self) -> list[str]:
        """What is said below the fields."""
        if not self.fields:
            return ["no sample is valid"]
        caveat, lines = self.fields[0].caveat, []
        if round(self.fields[0].ess, 6) > 1:
            lines.append(f"two draws agree on {self.overall:.1%} of what they have")
        return lines if caveat is None else [*lines, caveat]


def paths_in(values: Sequence[Any]) -> list[tuple[Step, ...]]:
    """The steps to each field of any value: parts in the order in which they were first seen."""
    found: dict[tuple[Step, ...], bool] = {}  # by the steps to each part: whether it is a field
    below: dict[tuple[Step, ...], list[tuple[Step, ...]]] = {}
    for value in values:
        for steps in leaves(value):
            for length in range(len(steps) + 1):
                part = steps[:length]
                if part not in found:
                    found[part], below[part] = False, []
                    if part:
                        below[part[:-1]].append(part)
            found[steps] = True
    order: list[tuple[Step, ...]] = []
    todo: list[tuple[Step, ...]] = [()] if found else []
    while todo:
        part = todo.pop()
        todo += reversed(below[part])
        order += [part] * found[part]
    return order
