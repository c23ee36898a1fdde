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
from condit.batches.manifest import Manifest
from condit.batches.rows import Row
from condit.batches.sources import source_of
from condit.errors import ArgumentError, ModelError
from condit.foreign import pyarrow
from condit.foreign.ray import block_metadata, ray_data

_BATCHES = 4
"""Times as many rows as share forwards are one task: what an actor that dies has to do again."""

_BLOCK_BYTES = 2**20
"""Rows of a file that are read together; Ray then takes them apart, into 200 blocks."""


class Pool:
    """How many actors there are, and what each has.

    Args:
        actors: how many.
        cpus: processor cores that each reserves; torch uses as many threads.
        gpus: GPUs that each reserves.
        in_order: whether answers are in the order of the rows.
        at_first: how many are started before there are rows; others follow where there is room.
    """

    def __init__(
        self,
        actors: int,
        cpus: float = 1,
        gpus: float = 0,
        in_order: bool = False,
        at_first: int = 1,
    ) -> None:
        self.actors = actors
        self.at_first = at_first
        self.cpus = cpus
        self.gpus = gpus
        self.in_order = in_order


def mapped(
    dataset: Any, actor: type[Actor], arguments: tuple[Any, ...], recipe: Recipe, pool: Pool
) -> Any:
    """``dataset`` with each of its rows answered by a pool of actors; nothing is computed yet.

    Ray puts small blocks of rows together for a task, and does not take large ones apart.
    """
    if pool.actors < 1:
        raise ArgumentError(f"actors must be 1 or more, not {pool.actors}")
    dataset.context.execution_options.preserve_order = pool.in_order
    return dataset.map_batches(
        actor,
        batch_size=_rows_of_a_task(recipe),
        batch_format="pyarrow",
        # Fewer actors will do where there are few rows, or little room.
        compute=ray_data().ActorPoolStrategy(
            min_size=1, max_size=pool.actors, initial_size=pool.at_first
        ),
        fn_constructor_args=(recipe, *arguments),
        num_cpus=pool.cpus,
        num_gpus=pool.gpus or None,
    )


def in_small_blocks(dataset: Any, recipe: Recipe) -> Any:
    """``dataset`` in blocks of as many rows as are one task. Takes a core of its own."""
    return dataset.repartition(target_num_rows_per_block=_rows_of_a_task(recipe))


def _rows_of_a_task(recipe: Recipe) -> int:
    return _BATCHES * recipe.rows_at_once


def answer_rows(
    source: Path, recipe: Recipe, pool: Pool, manifest: Manifest, rows: Iterator[Row]
) -> Iterator[tuple[Row, Answer]]:
    """The rows of a file with their answers, drawn by actors.

    Args:
        source: the file, which every machine can read under that name.
        recipe: how actors are made.
        pool: how many.
        manifest: of the batch, which recognises the models that actors have.
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
            yield row, answer_of(row, row.fault or row.error(""))

    for row, answer, fingerprint in _drawn(source, wanted, recipe, pool):
        manifest.recognise_model(fingerprint)
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
) -> Iterator[tuple[Row, Answer, str]]:
    if not any(wanted):
        return
    # To read takes next to nothing, and must not wait for a core that an actor has.
    dataset = ray_data().read_datasource(_datasource(source, bytes(wanted)), num_cpus=0)
    dataset.context.target_max_block_size = _BLOCK_BYTES
    dataset.context.enable_progress_bars = False  # whoever reads the answers shows them
    answered = mapped(dataset, FileActor, (), recipe, pool)
    for batch in answered.iter_batches(batch_size=None, batch_format="pyarrow"):
        for cells in batch.to_pylist():
            yield pickle.loads(cells["row"]), pickle.loads(cells["answer"]), cells["model"]


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
