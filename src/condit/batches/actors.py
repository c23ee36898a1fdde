"""What Ray's actors do: each has a model of its own, and answers the rows that it is given.

Ray itself is not used here: an actor is a class that is made once and called with tables.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from condit.batches import tables
from condit.batches.answering import Answering
from condit.batches.answers import Answer
from condit.batches.rows import Row
from condit.batches.settings import Settings
from condit.constraint.base import Constraint
from condit.errors import ArgumentError
from condit.foreign import pyarrow
from condit.model.base import Model
from condit.model.load import load
from condit.model.shared import SharedModel
from condit.prefer.base import Preference

Maker = Callable[[], Any]


@dataclass(frozen=True)
class Recipe:
    """What an actor needs to be made, all of which can be sent to another machine.

    Attributes:
        model: what ``condit.load`` takes; or a function without arguments that makes the model.
        settings: the batch's; those without the constraint and the preference.
        constraint: a constraint, or a function without arguments that makes it.
        prefer: a preference, or a function without arguments that makes it.
        rows_at_once: how many rows share forwards in one actor.
        most_lanes: the most texts that a row may draw.
        options: of ``condit.load``.
    """

    model: str | Callable[[], Model]
    settings: Settings
    constraint: Constraint | Callable[[], Constraint | None] | None
    prefer: Preference | Callable[[], Preference | None] | None
    rows_at_once: int
    most_lanes: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def make(self) -> tuple[Model, Settings]:
        """The model, and the settings with what was made."""
        model = load(self.model, **self.options) if isinstance(self.model, str) else self.model()
        constraint = made(self.constraint, Constraint)
        return model, replace(
            self.settings, constraint=constraint, prefer=made(self.prefer, Preference)
        )


def made(given: Any, kind: type) -> Any:
    """``given``, or what it makes."""
    if given is None or isinstance(given, kind):
        return given
    if not callable(given):
        raise ArgumentError(f"{given!r} is no {kind.__name__}, nor a function that makes one")
    return given()


class Actor:
    """Answers tables of rows.

    Args:
        recipe: how it is made.
    """

    def __init__(self, recipe: Recipe) -> None:
        model, settings = recipe.make()
        self._answering = Answering(settings, recipe.most_lanes)
        self._model = SharedModel(model, most_lanes=self._answering.most_lanes)
        self._fingerprint = model.fingerprint()
        self._at_once = recipe.rows_at_once

    def _answers(self, rows: list[Row]) -> list[tuple[Row, Answer]]:
        # All of them or, where the actor dies, none: what Ray does again it does from the start.
        return list(self._answering.answers(self._model, rows, at_once=self._at_once))


class DatasetActor(Actor):
    """Answers the rows of a dataset, whose columns are the keys of rows.

    Args:
        recipe: how it is made.
        id_column: which column is the row's id; it has the same name among the answers.
    """

    def __init__(self, recipe: Recipe, id_column: str) -> None:
        super().__init__(recipe)
        self._id_column = id_column

    def __call__(self, batch: Any) -> Any:
        """The answers to a table of rows, by ``tables.COLUMNS``."""
        rows = [self._row(cells) for cells in batch.to_pylist()]
        cells = [tables.cells_of(answer) for _, answer in self._answers(rows)]
        found = pyarrow.arrow().Table.from_pylist(cells, schema=tables.schema())
        found = found.drop_columns(["id", "line"])
        ids = batch.column(self._id_column)
        return found.add_column(0, self._id_column, ids)

    def _row(self, cells: dict[str, Any]) -> Row:
        name = cells.pop(self._id_column)
        key = "custom_id" if cells.get("body") is not None else "id"
        row = tables.row_of_cells(0, {**cells, key: name})
        if name is None:
            row = row.refused(f"its {self._id_column} is missing", self._id_column)
        return row


class FileActor(Actor):
    """Answers rows of a file, which are pickled."""

    def __call__(self, batch: Any) -> Any:
        """A table of pickled rows and answers, both without what is not needed any more.

        Each has the fingerprint of the model that computed it, which only this process knows.
        """
        rows = [pickle.loads(each) for each in batch.column("row").to_pylist()]
        found = [
            {
                "row": pickle.dumps(replace(row, fields={})),
                "answer": pickle.dumps(answer),
                "model": self._fingerprint,
            }
            for row, answer in self._answers(rows)
        ]
        schema = pyarrow.arrow().schema(
            [("row", "binary"), ("answer", "binary"), ("model", "string")]
        )
        return pyarrow.arrow().Table.from_pylist(found, schema=schema)
