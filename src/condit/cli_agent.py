"""The command ``condit agent``: an agent from a file acts, and its events are shown live."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from condit.cli_agent_file import read_agent
from condit.cli_options import PlainTrace, TraceFile, load_model
from condit.cli_output import trace_writer
from condit.errors import ArgumentError

if TYPE_CHECKING:
    from condit.behave.record import Event, Runs
    from condit.model.base import Model, Prompt

_COLORS = {"observe": "cyan", "error": "red", "timeout": "yellow"}


class Shown(StrEnum):
    """How a run is printed."""

    TEXT = "text"
    JSON = "json"


def agent(
    file: Annotated[Path, typer.Argument(help="The agent, in YAML: formula, events, tools.")],
    task: Annotated[
        str | None, typer.Option(help="What it is to do; else the file's task.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="A model; else the file's, else smollm2."),
    ] = None,
    n: Annotated[int, typer.Option("-n", help="How many runs.")] = 1,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same runs.")] = None,
    max_events: Annotated[int | None, typer.Option(help="The most events of a run.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="The most tokens drawn in a run.")] = None,
    trace: TraceFile = None,
    plain_trace: PlainTrace = False,
    output: Annotated[Shown, typer.Option(help="How to print the runs.")] = Shown.TEXT,
    check: Annotated[
        bool, typer.Option("--check", help="Only read the file, and print the automaton.")
    ] = False,
) -> None:
    """Let a model act by a specification: events and tools, in an order that cannot be broken.

    Exit code 0: each run has kept to it; 2: the file or an argument cannot be used.
    """
    read = read_agent(file)
    if check:
        typer.echo(read.agent.specification.automaton)
        return
    asked = task if task is not None else read.task
    if asked is None:
        raise ArgumentError(f"{file} has no task: give --task")
    settings: dict[str, Any] = {"instruct": True, **read.settings}
    if max_events is not None:
        settings["max_events"] = max_events
    if max_tokens is not None:
        settings["max_tokens"] = max_tokens
    loaded = load_model(model or read.model or "smollm2", None)
    prompt = _prompt(loaded, asked)
    writer = trace_writer(trace, None if plain_trace else loaded)
    runs = read.agent.run(
        loaded, prompt, n=n, seed=seed, on_event=_view(output, n), trace=writer, **settings
    )
    _show(runs, output)


def _prompt(model: Model, task: str) -> Prompt:
    """The task as a message, or as text for models without a chat template."""
    messages = [{"role": "user", "content": task}]
    try:
        model.encode_prompt(messages)
    except ArgumentError:
        return f"{task}\n"
    return messages


def _view(output: Shown, n: int) -> Callable[[Event, int], None]:
    """What prints events as they come; beside JSON on standard error, if that is a terminal."""
    console = Console(stderr=output is Shown.JSON, highlight=False)
    if output is Shown.JSON and not console.is_terminal:
        return lambda event, lane: None

    def show(event: Event, lane: int) -> None:
        number = f"[{lane + 1}] " if n > 1 else ""
        if not console.is_terminal:
            print(f"{number}{event.name}: {json.dumps(event.text, ensure_ascii=False)}", flush=True)
            return
        style = _COLORS.get(event.name, "bold")
        # Further lines are set in, so that none looks like another event.
        said = event.text.strip("\n").replace("\n", "\n    ")
        line = Text.assemble(number, (f"{event.name} ", style), said)
        console.print(line)

    return show


def _show(runs: Runs, output: Shown) -> None:
    if output is Shown.JSON:
        told = {
            "seed": runs.seed,
            "seconds": runs.seconds,
            "log_evidence": runs.log_evidence,
            "calls": dict(runs.calls),
            "runs": [run.to_dict() for run in runs.runs],
        }
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    for number, run in enumerate(runs.runs, 1):
        said = "satisfied" if run.satisfied else str(run.validation)
        which = f"run {number}: " if len(runs.runs) > 1 else ""
        about = f"{len(run.events)} events, {run.drawn} tokens drawn, ended by {run.reason}"
        print(f"{which}{said}; {about}", file=sys.stderr)
