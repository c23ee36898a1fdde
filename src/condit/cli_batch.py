"""The command ``condit batch``: its options, its progress and its summary.

How a file is answered is in ``condit.batches``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

import condit
from condit.cli_constraint import constraint_of, preference_of
from condit.cli_options import (
    Backend,
    Chat,
    Check,
    Choice,
    DraftsSwitch,
    Grammar,
    Heal,
    Instruct,
    MaxTokens,
    ModelName,
    Named,
    Prefer,
    Regex,
    SamplerName,
    Samples,
    SchemaFile,
    System,
    Temperature,
    TopK,
    TopP,
    load_model,
)
from condit.cli_streams import NO_ANSWER
from condit.errors import ArgumentError

if TYPE_CHECKING:
    from condit.batches.progress import Progress


def batch(
    input: Annotated[
        Path,
        typer.Argument(
            help="The rows: a file of JSON lines (.gz too), a .parquet file, or - for stdin."
        ),
    ],
    output: Annotated[
        Path, typer.Argument(help="Where answers go: a file of JSON lines, or a .parquet file.")
    ],
    model: ModelName = "smollm2",
    json_schema: SchemaFile = None,
    regex: Regex = None,
    grammar: Grammar = None,
    choice: Choice = None,
    constraint: Named = None,
    where: Check = None,
    prefer: Prefer = None,
    n: Samples = 1,
    max_tokens: MaxTokens = 256,
    sampler: SamplerName = "auto",
    seed: Annotated[
        int | None,
        typer.Option(help="Of the batch: each row's is made of it and of the row's id."),
    ] = None,
    temperature: Temperature = 1.0,
    top_k: TopK = None,
    top_p: TopP = 1.0,
    drafts: DraftsSwitch = True,
    backend: Backend = None,
    chat: Chat = False,
    system: System = None,
    instruct: Instruct = False,
    heal: Heal = None,
    rows_at_once: Annotated[int, typer.Option(help="How many rows share forwards.")] = 8,
    as_they_come: Annotated[
        bool, typer.Option("--as-they-come", help="Write answers as they come, not in order.")
    ] = False,
    any_model: Annotated[
        bool, typer.Option("--any-model", help="Answer OpenAI's rows for other models, too.")
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Delete the answers in OUTPUT and begin anew.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Answer rows again whose answer is an error.")
    ] = False,
    most_lanes: Annotated[
        int | None, typer.Option(help="The most texts that a row may draw. [default: 128, or -n]")
    ] = None,
    ray: Annotated[
        bool, typer.Option("--ray", help="Answer rows by actors of Ray: pip install 'condit[ray]'.")
    ] = False,
    actors: Annotated[int, typer.Option(help="How many of Ray's actors, with a model each.")] = 2,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as one JSON object.")
    ] = False,
) -> None:
    """Answer every row of a file of prompts, and append the answers to another file.

    A row is {"prompt": "..."} with whatever it asks for itself, or one of OpenAI's batch files. A
    batch that was stopped or killed goes on when the same command is given again.

    Exit code 0: every row has its answer; 1: some have an error, which is in their answer; 2: the
    question cannot be asked.
    """
    given = (json_schema, regex, grammar, choice, constraint, where)
    settings: dict[str, Any] = {
        "rows_at_once": rows_at_once,
        "in_order": not as_they_come,
        "restart": restart,
        "retry_failed": retry_failed,
        "most_lanes": most_lanes,
        "n": n,
        "max_tokens": max_tokens,
        "sampler": sampler,
        "seed": seed,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "drafts": drafts,
        "instruct": instruct,
        "heal": heal,
        "chat": chat,
        "system": system,
        "any_model": any_model,
    }
    with _progress() as on_progress:
        settings["on_progress"] = on_progress
        if ray:
            from condit import ray as by_ray

            named = [each.partition("=")[2] or each.partition(":")[2] for each in constraint or []]
            if "-" in [*map(str, (json_schema, grammar)), *named]:
                raise ArgumentError("--ray cannot send standard input to actors: give a file")
            # Actors make constraint and preference themselves, as not all can be sent.
            summary = by_ray.batch(
                model,
                input,
                output,
                partial(constraint_of, *given),
                prefer=partial(preference_of, prefer) if prefer else None,
                actors=actors,
                load={} if backend is None else {"backend": backend},
                **settings,
            )
        else:
            wanted = constraint_of(*given)
            preferred = preference_of(prefer or [])
            loaded = load_model(model, backend)
            summary = condit.batch(loaded, input, output, wanted, prefer=preferred, **settings)
    typer.echo(json.dumps(summary.to_dict()) if as_json else summary)
    if summary.answered < summary.rows:
        raise typer.Exit(NO_ANSWER)


@contextmanager
def _progress() -> Iterator[Callable[[Progress], None] | None]:
    """Moves a bar on a terminal; ``None`` in a pipe."""
    terminal = Console(stderr=True)
    if not terminal.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.1f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Bar(*columns, console=terminal, transient=True) as bar:
        task = bar.add_task("Reading", total=1.0, left="")

        def move(progress: Progress) -> None:
            errors = f", {progress.errors} errors" if progress.errors else ""
            left = ""
            if progress.seconds_left is not None:
                left = f"about {timedelta(seconds=round(progress.seconds_left))} left"
            said = f"{progress.rows} rows{errors}"
            bar.update(task, completed=progress.share or 0.0, description=said, left=left)

        yield move
