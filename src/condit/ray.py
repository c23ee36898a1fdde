"""Batches on a cluster by Ray Data: ``condit.ray.map`` of datasets, ``condit.ray.batch`` of files.

Each actor of a pool has a model of its own. An actor that dies is started again, and its rows are
answered again. Needs ``condit[ray]``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from condit.batches.actors import DatasetActor, Recipe, made
from condit.batches.output import OutputFile
from condit.batches.progress import Progress
from condit.batches.ray_pool import Pool, answer_rows, in_small_blocks, mapped
from condit.batches.run import ROWS_AT_ONCE, Way, answer_file
from condit.batches.seeds import fresh_seed
from condit.batches.settings import Settings
from condit.batches.summary import Summary
from condit.constraint.base import Constraint
from condit.errors import ArgumentError
from condit.foreign.ray import checkpoint_config, pickled, ray_data
from condit.generate import sampler_of
from condit.model.base import Model
from condit.plugins import unknown
from condit.prefer.base import Preference

__all__ = ["batch", "map"]


def map(
    dataset: Any,
    model: str | Callable[[], Model],
    constraint: Constraint | Callable[[], Constraint | None] | None = None,
    *,
    actors: int = 2,
    rows_at_once: int = ROWS_AT_ONCE,
    in_order: bool = False,
    id_column: str = "id",
    checkpoint: str | os.PathLike[str] | None = None,
    most_lanes: int | None = None,
    seed: int | None = None,
    prefer: Preference | Callable[[], Preference | None] | None = None,
    cpus: float = 1,
    gpus: float = 0,
    load: Mapping[str, Any] | None = None,
    **options: Any,
) -> Any:
    """A dataset of rows as a dataset of answers; like all of Ray Data, computed when it is used.

    The columns of a row are those of a table in ``condit.batch``: ``prompt``, and whatever else it
    asks for. The answers have the row's id and the columns ``text``, ``error`` (its type),
    ``message``, ``samples``, ``valid``, ``truncated``, ``tokens``, ``ess`` and ``answer``, which
    is all of the answer as JSON. A row that cannot be answered has its error there.

    Args:
        dataset: a ``ray.data.Dataset``.
        model: what ``condit.load`` takes, or a function that makes the model; in each actor.
        constraint: for rows without one of their own; or a function that makes it in each actor,
            for constraints that cannot be sent to another process, such as JSON Schemas.
        actors: how many.
        rows_at_once: how many rows share forwards in an actor.
        in_order: whether answers are in the order of the rows.
        id_column: the column with the ids of rows, which must differ.
        checkpoint: a folder that all machines share. What was written by ``write_parquet`` or
            another of the dataset's writers is noted there, and left out when the same program is
            run again. Nobody compares settings: take another folder where they change.
        most_lanes: the most texts that a row may draw, see ``condit.batch``.
        seed: the seed of the batch, see ``condit.batch``; by default a fresh one.
        prefer: as the constraint.
        cpus: processor cores that each actor reserves. Leave some to Ray: what reads and splits
            the dataset needs one, and so does its filter of rows where there is a ``checkpoint``;
            without them it waits for ever.
        gpus: GPUs that each actor reserves.
        load: options of ``condit.load``.
        **options: ``n``, ``max_tokens``, ``sampler``, ``temperature`` and whatever else
            ``condit.batch`` takes for all rows.

    Returns:
        a ``ray.data.Dataset``.

    Raises:
        ArgumentError: an argument is out of range, or cannot be sent to another process.
        MissingDependencyError: Ray is not installed.
    """
    ray_data()
    settings = _settings(model, fresh_seed() if seed is None else seed, options)
    recipe = _recipe(model, settings, constraint, prefer, rows_at_once, most_lanes, load)
    if checkpoint is not None:
        path = os.path.abspath(checkpoint) if "://" not in str(checkpoint) else str(checkpoint)
        dataset.context.checkpoint_config = checkpoint_config(id_column, path)
    pool = Pool(actors, cpus, gpus, in_order)
    return mapped(in_small_blocks(dataset, recipe), DatasetActor, (id_column,), recipe, pool)


def batch(
    model: str | Callable[[], Model],
    input: str | os.PathLike[str],
    output: str | os.PathLike[str],
    constraint: Constraint | Callable[[], Constraint | None] | None = None,
    *,
    actors: int = 2,
    rows_at_once: int = ROWS_AT_ONCE,
    in_order: bool = True,
    restart: bool = False,
    retry_failed: bool = False,
    most_lanes: int | None = None,
    seed: int | None = None,
    prefer: Preference | Callable[[], Preference | None] | None = None,
    cpus: float = 1,
    gpus: float = 0,
    load: Mapping[str, Any] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    **options: Any,
) -> Summary:
    """``condit.batch`` with the rows answered by a pool of Ray's actors: the same files, answers.

    This process reads the input once, hands rows out, and writes the answers; a batch that ended
    early goes on, also without Ray.

    Args:
        model: see `map`.
        input: see ``condit.batch``. All machines must find it under that name.
        output: see ``condit.batch``.
        constraint: see `map`.
        actors: how many.
        rows_at_once: how many rows share forwards in an actor.
        in_order: see ``condit.batch``.
        restart: see ``condit.batch``.
        retry_failed: see ``condit.batch``.
        most_lanes: see ``condit.batch``.
        seed: see ``condit.batch``.
        prefer: see `map`.
        cpus: see `map`.
        gpus: see `map`.
        load: see `map`.
        on_progress: see ``condit.batch``.
        **options: whatever else ``condit.batch`` takes for all rows.

    Raises:
        ArgumentError: an argument is out of range, or cannot be sent to another process.
        BatchOutputError: see ``condit.batch``.
        MissingDependencyError: Ray is not installed.
    """
    ray_data()
    if not Path(input).is_file():
        raise ArgumentError(f"{input} is no file: actors read the input, so give one that stays")
    source, target = Path(input).absolute(), Path(output)
    settings = _settings(model, fresh_seed() if seed is None else seed, options)
    whole = replace(
        settings, constraint=made(constraint, Constraint), prefer=made(prefer, Preference)
    )
    recipe = _recipe(model, settings, constraint, prefer, rows_at_once, most_lanes, load)
    pool = Pool(actors, cpus, gpus, in_order, at_first=actors)
    way = Way(
        rows_at_once, in_order, restart, seed is not None, on_progress, retry_failed, most_lanes
    )

    def answerer(output: OutputFile, rows: Any) -> Any:
        sent = replace(recipe, settings=replace(recipe.settings, seed=output.settings.seed))
        return answer_rows(source, sent, pool, output.manifest, rows)

    return answer_file(source, target, whole, way, answerer)


def _settings(model: str | Callable[[], Model], seed: int, options: Mapping[str, Any]) -> Settings:
    name = model if isinstance(model, str) else getattr(model, "__name__", "model")
    known = set(Settings.__dataclass_fields__) - {"model", "seed", "constraint", "prefer"}
    for option in options:
        if option not in known:
            raise ArgumentError(unknown("option of a batch", option, known))
    sampler_of(options.get("sampler", "auto"))
    return Settings(name, seed, **options)


def _recipe(
    model: str | Callable[[], Model],
    settings: Settings,
    constraint: Any,
    prefer: Any,
    rows_at_once: int,
    most_lanes: int | None,
    load: Mapping[str, Any] | None,
) -> Recipe:
    if rows_at_once < 1:
        raise ArgumentError(f"rows_at_once must be 1 or more, not {rows_at_once}")
    for name, part in (("constraint", constraint), ("prefer", prefer), ("model", model)):
        try:
            pickled(part)
        except Exception as error:
            raise ArgumentError(
                f"the {name} cannot be sent to another process ({error}): give a function that "
                "makes it there, as lambda: condit.json_schema(schema)"
            ) from error
    return Recipe(model, settings, constraint, prefer, rows_at_once, most_lanes, load or {})
