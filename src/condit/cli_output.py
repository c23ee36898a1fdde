"""Printing for the command line: progress, streamed text, tables, JSON."""

from __future__ import annotations

import codecs
import enum
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

import condit
from condit.cli_live import growing
from condit.model.base import PrefixModel
from condit.result import Result
from condit.trace import Alternatives, StepInfo, Writer

if TYPE_CHECKING:
    from condit.constraint.plan import Plan
    from condit.constraint.schema.plan import Enforcement


class Output(enum.StrEnum):
    """How a result is printed."""

    TABLE = "table"
    JSON = "json"
    TEXT = "text"


class _Output(Console):
    """A console that raises `BrokenPipeError` to its caller."""

    def on_broken_pipe(self) -> None:
        raise  # rich calls this while it handles the error


def console() -> Console:
    """Standard output."""
    # In a pipe, lines are not wrapped to 80 columns.
    return _Output() if sys.stdout.isatty() else _Output(width=200)


@contextmanager
def following(
    model: PrefixModel, n: int, max_tokens: int, *, stream: bool = False, live: bool = False
) -> Iterator[Callable[[StepInfo], None] | None]:
    """An ``on_step`` that prints the text, shows lanes or moves a bar; ``None`` in a pipe."""
    if stream:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

        def print_token(info: StepInfo) -> None:
            for drawn in info.draws:
                if drawn.lane == 0 and drawn.attempt is None and drawn.token is not None:
                    spelled = model.vocabulary.bytes[drawn.token][drawn.prompt_bytes :]
                    typer.echo(decoder.decode(spelled), nl=False)

        try:
            yield print_token
        finally:
            typer.echo()
        return
    terminal = Console(stderr=True)
    if not terminal.is_terminal:
        yield None
        return
    if live and not terminal.is_dumb_terminal:
        with growing(model.vocabulary.bytes, terminal) as show_lanes:
            yield show_lanes
        return
    columns = (
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} tokens"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=terminal, transient=True) as progress:
        task = progress.add_task("Drawing", total=max_tokens)
        tried = accepted = 0

        def move_bar(info: StepInfo) -> None:
            nonlocal tried, accepted
            if any(drawn.lane is not None for drawn in info.draws):
                growing = sum(not drawn.given for drawn in info.draws)
                progress.update(task, advance=1, description=f"Drawing {growing} samples")
                return
            # Whole texts are tried; how many it takes is not known.
            tried += len(info.ends)
            accepted += sum(ended.accepted for ended in info.ends)
            said = f"Accepted {accepted} of {tried} attempts for {n} samples"
            progress.update(task, total=None, description=said)

        yield move_bar


_MANY_DRAWS = 500
"""From so many on it takes seconds to look up what else could have come in their place."""


def trace_writer(path: Path | None, model: PrefixModel | None) -> Writer | None:
    """What writes the trace; ``None`` if none is wanted.

    Args:
        path: the file.
        model: tells what could have come in the place of draws; ``None``: nobody asks.
    """
    if path is None:
        return None
    if model is None:
        return Writer(path)

    def look_back(result: Result) -> list[Alternatives]:
        drawn = [each for info in result.trace for each in (*info.draws, *info.redraws)]
        if len(drawn) > _MANY_DRAWS:
            said = "looking up what else could have come; --plain-trace leaves it out"
            typer.echo(f"{path}: {said}", err=True)
        found = condit.alternatives(model, result)
        left = sum(not each.given for each in drawn) - len(found)
        if left:
            typer.echo(
                f"{path}: alternatives are told of {len(found)} draws, not of {left}", err=True
            )
        return found

    return Writer(path, alternatives=look_back)


def show(result: Result, output: Output) -> None:
    """Print a result."""
    if output is Output.JSON:
        _show_json(result.to_dict())
    elif output is Output.TEXT:
        for sample in result.samples:
            if sample.valid:
                typer.echo(sample.text)
    else:
        _show_table(result)


def _show_json(found: object) -> None:
    # JSON can escape characters that the encoding lacks.
    escaped = not sys.stdout.encoding.lower().startswith("utf")
    typer.echo(json.dumps(found, ensure_ascii=escaped, indent=2))


def _show_table(result: Result) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("", justify="right")
    for heading in ("weight", "log p", "tokens"):
        table.add_column(heading, justify="right")
    table.add_column("end")
    table.add_column("text", overflow="fold")
    best = result.best
    for sample, weight in zip(result.samples, result.weights, strict=True):
        table.add_row(
            "*" if sample is best else "",
            f"{weight:.3f}",
            f"{sample.log_probability:.2f}",
            str(len(sample.tokens)),
            sample.finish_reason,
            Text(sample.text),
        )
    console().print(table)
    stats = result.stats
    saved = f", {stats.accepted} by drafts" if stats.accepted else ""
    typer.echo(result.report.spread_in_words)
    typer.echo(
        f"{result.report.evidence_in_words}   "
        f"{stats.tokens} tokens in {stats.seconds:.1f} s "
        f"({stats.tokens_per_second:.0f}/s{saved})   "
        f"seed {result.seed}"
    )
    typer.echo(f"{result.sampler}: {result.reason}")


def show_schema_plan(plan: Plan[Enforcement], as_json: bool) -> None:
    """Print where each keyword of a schema is enforced, and counts by place."""
    counts: Counter[str] = Counter(each.where for each in plan)
    if as_json:
        _show_json({"keywords": [asdict(each) for each in plan], "counts": dict(counts)})
        return
    if plan:
        show_plan(plan, as_json)
    annotations = "annotation" if counts["annotation"] == 1 else "annotations"
    said = [
        f"{counts[where]} {words}"
        for where, words in (
            ("token", "at the token"),
            ("close", "at the close of a value"),
            ("end", "at the end"),
            ("annotation", annotations),
        )
        if counts[where]
    ]
    keywords = "keyword" if len(plan) == 1 else "keywords"
    typer.echo(f"{len(plan)} {keywords}" + (f": {', '.join(said)}" if said else ""))


def show_plan(plan: Plan[Any], as_json: bool) -> None:
    """Print where each part of a constraint is enforced."""
    if as_json:
        _show_json({"parts": [asdict(each) for each in plan]})
        return
    table = Table(box=None, pad_edge=False)
    for heading in plan.headings:
        table.add_column(heading, overflow="fold")
    for cells in plan.cells:
        table.add_row(*map(Text, cells))
    console().print(table)


def show_info(sections: dict[str, dict[str, Any]], output: Output) -> None:
    """Print what `condit.info.gather` found."""
    if output is Output.JSON:
        _show_json(sections)
        return
    for name, section in sections.items():
        typer.echo(name)
        for key, value in section.items():
            said = ", ".join(value) if isinstance(value, list) else value
            typer.echo(f"  {key}: {said if said != '' else 'none'}")
