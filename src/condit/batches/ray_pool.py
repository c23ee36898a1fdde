"""Datasets of Ray through a pool of actors: how the pool is made, and how a file becomes a dataset.

What an actor does is in ``actors.py``.
"""

from __future__ import annotations

import pickle
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from condit.batches.actors import Actor, FileActor, Recipe
from condit.batches.answers import Answer, answer_of
from condit.batches.rows import Row
from condit.batches.settings import Settings
from condit.batches.sources import source_of
from condit.errors import ArgumentError, ModelError
from condit.foreign import pyarrow
from condit.foreign.ray import block_metadata, ray_data

_BATCHES = 4
"""Times as many rows as share forwards are one task: what an actor that dies has to do again."""

_BLOCK_BYTES = 2**20
"""Rows of a file that are sent on together: few, so that actors need not wait for them."""


class Pool:
    """How many actors there are, and what each has.

    Args:
        actors: how many.
        cpus: processor cores that each reserves; torch uses as many threads.
        gpus: GPUs that each reserves.
        in_order: whether answers are in the order of the rows.
    """

    def __init__(
        self, actors: int, cpus: float = 1, gpus: float = 0, in_order: bool = False
    ) -> None:
        self.actors = actors
        self.cpus = cpus
        self.gpus = gpus
        self.in_order = in_order


def mapped(
    dataset: Any, actor: type[Actor], arguments: tuple[Any, ...], recipe: Recipe, pool: Pool
) -> Any:
    """``dataset`` with each of its rows answered by a pool of actors; nothing is computed yet."""
    if pool.actors < 1:
        raise ArgumentError(f"actors must be 1 or more, not {pool.actors}")
    rows = _BATCHES * recipe.rows_at_once
    # Fewer actors will do where there are few rows, or little room.
    strategy = ray_data().ActorPoolStrategy(
        min_size=1, max_size=pool.actors, initial_size=pool.actors
    )
    dataset.context.execution_options.preserve_order = pool.in_order
    return dataset.repartition(target_num_rows_per_block=rows).map_batches(
        actor,
        batch_size=rows,
        batch_format="pyarrow",
        compute=strategy,
        fn_constructor_args=(recipe, *arguments),
        num_cpus=pool.cpus,
        num_gpus=pool.gpus or None,
    )


def answer_rows(
    source: Path, recipe: Recipe, pool: Pool, settings: Settings, rows: Iterator[Row]
) -> Iterator[tuple[Row, Answer]]:
    """The rows of a file with their answers, drawn by actors.

    Args:
        source: the file, which every machine can read under that name.
        recipe: how actors are made.
        pool: how many.
        settings: the batch's.
        rows: those of the file that are to be answered. They are gone through once before the
            first is answered; a byte is remembered of each.
    """
    wanted, refused = array("b"), list[Row]()
    for row in rows:
        wanted.extend(bytes(row.line + 1 - len(wanted)))
        wanted[row.line] = row.fault is None
        if row.fault is not None:
            refused.append(row)
    refused.reverse()

    def refusals(before: int) -> Iterator[tuple[Row, Answer]]:
        while refused and refused[-1].line < before:
            row = refused.pop()
            yield row, answer_of(row, row.fault or row.error(""), settings.model)

    for row, answer in _drawn(source, wanted, recipe, pool):
        if wanted[row.line]:  # what an actor that died had done already may come again
            wanted[row.line] = 0
            yield from refusals(row.line)
            yield row, answer
    yield from refusals(len(wanted))
    if any(wanted):
        line = wanted.index(1)
        raise ModelError(f"Ray gave no answer to line {line}: start the batch again to go on")


def _drawn(
    source: Path, wanted: array[int], recipe: Recipe, pool: Pool
) -> Iterator[tuple[Row, Answer]]:
    if not any(wanted):
        return
    dataset = ray_data().read_datasource(_datasource(source, bytes(wanted)))
    dataset.context.target_max_block_size = _BLOCK_BYTES
    answered = mapped(dataset, FileActor, (), recipe, pool)
    for batch in answered.iter_batches(batch_size=None, batch_format="pyarrow"):
        for cells in batch.to_pylist():
            yield pickle.loads(cells["row"]), pickle.loads(cells["answer"])


def _datasource(source: Path, wanted: bytes) -> Any:
    """The rows of a file at the lines that are wanted, pickled, as a datasource of Ray."""
    data = ray_data()

    def read() -> Iterator[Any]:
        schema = pyarrow.arrow().schema([("row", "binary")])
        for row in source_of(source).rows:
            if row.line < len(wanted) and wanted[row.line]:
                cells = [{"row": pickle.dumps(row)}]
                yield pyarrow.arrow().Table.from_pylist(cells, schema=schema)

    base: Any = data.Datasource

    class Rows(base):  # type: ignore[misc]
        def estimate_inmemory_data_size(self) -> int | None:
            return None

        def get_read_tasks(self, *arguments: Any, **options: Any) -> list[Any]:
            return [data.ReadTask(read, block_metadata(sum(wanted)))]

    return Rows()
