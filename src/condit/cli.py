"""The command line: one function for each command. Output is in ``cli_output.py``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

import condit
from condit import (
    cli_agent,
    cli_batch,
    cli_index,
    cli_refine,
    cli_regex,
    cli_serve,
    cli_view,
)
from condit.cli_constraint import OPTIONS, constraint_of, needed, preference_of
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
    ModelOrServer,
    Named,
    PlainTrace,
    Prefer,
    Regex,
    SamplerName,
    Samples,
    SchemaFile,
    Stop,
    System,
    Temperature,
    TopK,
    TopP,
    TraceFile,
    load_model_or_server,
)
from condit.cli_output import (
    Output,
    console,
    following,
    show,
    show_info,
    show_plan,
    show_schema_plan,
    trace_writer,
)
from condit.cli_streams import NO_ANSWER, Commands, read_text
from condit.cli_temporal import Events, Formulas, validated
from condit.errors import ArgumentError
from condit.info import gather
from condit.plugins import find, registered

if TYPE_CHECKING:
    from condit.model.base import Prompt

app = typer.Typer(
    cls=Commands,
    name="condit",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Draw text from a language model conditioned on a constraint: always valid, "
    "faithfully weighted.",
)

app.add_typer(cli_regex.app, name="regex")
app.command("serve")(cli_serve.serve)
app.command("agent")(cli_agent.agent)
app.command("refine")(cli_refine.refine)
app.command("index")(cli_index.index)
app.command("view")(cli_view.view)

STREAMING = ("auto", "awrs", "masked", "smc", "learned")
"""Samplers that grow each text token by token, so that one can be printed as it is drawn."""


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"condit {condit.__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Draw text from a language model conditioned on a constraint."""


@app.command()
def generate(
    prompt: Annotated[
        str, typer.Option("--prompt", "-p", help="The prompt; - reads it from standard input.")
    ],
    model: ModelOrServer = "smollm2",
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
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same draws.")] = None,
    temperature: Temperature = 1.0,
    top_k: TopK = None,
    top_p: TopP = 1.0,
    stop: Stop = None,
    drafts: DraftsSwitch = True,
    backend: Backend = None,
    chat: Chat = False,
    system: System = None,
    instruct: Instruct = False,
    heal: Heal = None,
    output: Annotated[Output, typer.Option(help="How to print the result.")] = Output.TABLE,
    report: Annotated[
        bool, typer.Option("--report", help="Say how far to trust the draws, in numbers.")
    ] = False,
    agreement: Annotated[
        bool, typer.Option("--agreement", help="Say how far the draws agree, field by field.")
    ] = False,
    stream: Annotated[
        bool, typer.Option("--stream", help="Print the text as it is drawn (one sample).")
    ] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Show the lanes as they grow, in a terminal.")
    ] = False,
    trace: TraceFile = None,
    plain_trace: PlainTrace = False,
) -> None:
    """Draw weighted samples that satisfy a constraint.

    Exit code 0: at least one valid text; 1: none was drawn; 2: the question cannot be asked.
    """
    if stream and (n != 1 or output is Output.JSON):
        raise ArgumentError("--stream prints one text as it comes: use -n 1, and no json")
    if stream and live:
        raise ArgumentError("--stream prints one text, and --live shows all: use one of the two")
    if stream and stop:
        raise ArgumentError(
            "--stream prints tokens as they come, and --stop takes some back: use one of the two"
        )
    if stream and sampler not in STREAMING:
        raise ArgumentError(
            f"--stream prints one text as it comes, and {sampler} tries several: "
            f"use --sampler {' or '.join(STREAMING[1:])}"
        )
    if stream and sampler == "auto":
        sampler = "awrs"
    wanted = constraint_of(json_schema, regex, grammar, choice, constraint, where)
    if instruct and wanted is None:
        raise ArgumentError(f"--instruct tells the format of a constraint: give one, {OPTIONS}")
    preferred = preference_of(prefer or [])
    text = read_text("-") if prompt == "-" else prompt
    loaded = load_model_or_server(model, backend)
    asked: Prompt = _messages(text, system) if chat or system is not None else text
    writer = trace_writer(trace, None if plain_trace else loaded)
    with following(loaded, n, max_tokens, stream=stream, live=live) as on_step:
        result = condit.generate(
            loaded,
            asked,
            wanted,
            n=n,
            max_tokens=max_tokens,
            prefer=preferred,
            sampler=sampler,
            seed=seed,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            stop=stop or (),
            drafts=drafts,
            instruct=instruct,
            heal=heal,
            on_step=on_step,
            trace=writer,
        )
    if not stream:
        show(result, output)
    if report:
        typer.echo(f"\n{result.report}", err=output is not Output.TABLE)
    if agreement:
        typer.echo(f"\n{result.agreement()}", err=output is not Output.TABLE)


app.command()(cli_batch.batch)


@app.command()
def check(
    text: Annotated[Path, typer.Argument(help="The file with the text; - for standard input.")],
    json_schema: SchemaFile = None,
    regex: Regex = None,
    grammar: Grammar = None,
    choice: Choice = None,
    constraint: Named = None,
    where: Check = None,
    ltlf: Formulas = None,
    event: Events = None,
) -> None:
    """Say whether a text satisfies a constraint; if not, why, and at which character.

    With --ltlf: which clause of a temporal formula fails, and at which event.

    Exit code 0: it does; 1: it does not; 2: the question cannot be asked. A final newline, as
    editors add it, is not part of the text.
    """
    options = (json_schema, regex, grammar, choice, constraint, where)
    if event and not ltlf:
        raise ArgumentError("--event says what an event of a formula is: give --ltlf, too")
    if ltlf and any(options):
        raise ArgumentError("--ltlf takes no other constraint beside it: ask one after the other")
    wanted = None if ltlf else needed(*options)
    whole = read_text(text).removesuffix("\n")
    if wanted is None:
        found = validated(ltlf or [], event or [], whole)
        why = "" if found else str(found)
    else:
        why = wanted.explain(whole)
    typer.echo(why or "satisfied")
    if why:
        raise typer.Exit(NO_ANSWER)


@app.command()
def describe(
    json_schema: SchemaFile = None,
    regex: Regex = None,
    grammar: Grammar = None,
    choice: Choice = None,
    constraint: Named = None,
    where: Check = None,
) -> None:
    """Say what the texts of a constraint look like, as an instruction to a model.

    That is what --instruct puts into the prompt. No model is loaded.

    Exit code 0: it is said; 2: the question cannot be asked.
    """
    wanted = needed(json_schema, regex, grammar, choice, constraint, where)
    typer.echo(condit.describe(wanted))


@app.command()
def plan(
    json_schema: SchemaFile = None,
    regex: Regex = None,
    grammar: Grammar = None,
    choice: Choice = None,
    constraint: Named = None,
    where: Check = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of a table.")
    ] = False,
) -> None:
    """Say how each part of a constraint is enforced: as texts grow, or only at their end.

    For the keywords of a JSON Schema alone, see condit explain-schema. No model is loaded.

    Exit code 0: it is said; 2: the question cannot be asked.
    """
    wanted = needed(json_schema, regex, grammar, choice, constraint, where)
    from condit.constraint.algebra.plan import plan_for

    show_plan(plan_for(wanted), as_json)


@app.command()
def explain_schema(
    schema: Annotated[
        Path, typer.Argument(help="The file with the JSON Schema; - for standard input.")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of a table.")
    ] = False,
    order: Annotated[
        str,
        typer.Option(metavar="written or any", help="In which order keys are to be written."),
    ] = "written",
    whitespace: Annotated[
        str,
        typer.Option(metavar="compact or flexible", help="How what is written is to be spaced."),
    ] = "compact",
) -> None:
    """Say where each keyword of a JSON Schema is enforced.

    At the token: what breaks it is never drawn. At the close of a value, or at the end: what
    breaks it is refused there. Annotations ask nothing of a value. No model is loaded.

    Exit code 0: the schema can be enforced; 2: it cannot, or it is none.
    """
    given = read_text(schema) if str(schema) == "-" else schema
    made = condit.json_schema(given, order=order, whitespace=whitespace)
    show_schema_plan(made.plan, as_json)


@app.command()
def models() -> None:
    """List the models that are known by name, and whether they are ready."""
    _list("models", ("name", "model", "status"), lambda each: (each.description, each.status()))
    typer.echo("A directory with a transformers model and a .gguf file work too.")


@app.command()
def constraints() -> None:
    """List the constraints that are known by name, and what --constraint makes them of."""
    _list(
        "constraints",
        ("name", "value", "made of"),
        lambda each: ("TEXT" if each.given_as == "text" else "FILE", each.description),
    )
    typer.echo(
        "Give one as --constraint NAME:VALUE; where a FILE is asked for, - is standard input."
    )


@app.command()
def preferences() -> None:
    """List the preferences that are known by name, and what --prefer makes them of."""
    _list("preferences", ("name", "made of"), lambda each: (each.description,))
    typer.echo("Give one as --prefer NAME:TEXT.")


@app.command()
def samplers() -> None:
    """List the samplers that are known by name, and what their draws are.

    What each guarantee promises is in the documentation, under condit.Guarantee.
    """

    def row(found: Any) -> tuple[str, ...]:
        first, *_ = (inspect.getdoc(found) or "").splitlines() or [""]
        return str(found.guarantee.value), first

    _list("samplers", ("name", "draws", "how"), row)
    typer.echo("Give one as --sampler NAME.")


@app.command()
def info(
    output: Annotated[Output, typer.Option(help="How to print it.")] = Output.TABLE,
) -> None:
    """Show what a bug report needs: versions, processor, number format, caches, plugins.

    No model is loaded. Exit code 0, whatever cannot be told: its reason stands in its place.
    """
    show_info(gather(), output)


def _list(kind: str, headings: Sequence[str], row: Callable[[Any], tuple[str, ...]]) -> None:
    """Print a line for everything that is registered under ``kind``."""
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for name in sorted(registered(kind)):
        try:
            cells = row(find(kind, name))
        except Exception as error:
            # One plugin that does not load is no reason to hide the others.
            cells = (str(error),)
        table.add_row(name, *map(Text, cells))
    console().print(table)


def _messages(text: str, system: str | None) -> list[dict[str, str]]:
    before = [{"role": "system", "content": system}] if system is not None else []
    return [*before, {"role": "user", "content": text}]
