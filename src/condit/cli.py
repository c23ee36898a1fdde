"""The command line: ``condit generate``, ``condit check``, ``condit models``."""

from __future__ import annotations

import codecs
import enum
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

import condit
from condit.errors import ArgumentError, ConditError, GenerationError
from condit.plugins import find, registered

if TYPE_CHECKING:
    from condit.constraint.base import Constraint
    from condit.model.base import Model, Prompt
    from condit.model.source import ModelSource
    from condit.result import Result
    from condit.sampler.base import StepInfo

app = typer.Typer(
    name="condit",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Draw text from a language model conditioned on a constraint: always valid, "
    "faithfully weighted.",
)

BAD_INPUT = 2
"""Exit code for a question that cannot be asked: a typing error, a broken schema, no such model."""

NO_ANSWER = 1
"""Exit code for a proper question whose answer is no: not satisfied, or no valid text drawn."""


STREAMING = ("auto", "awrs", "masked", "smc", "learned")
"""Samplers that write one text through, so that it can be printed as it comes."""


class Output(enum.StrEnum):
    """How a result is printed."""

    TABLE = "table"
    JSON = "json"
    TEXT = "text"


JsonSchema = Annotated[
    Path | None,
    typer.Option("--json-schema", metavar="FILE", help="A JSON Schema; - for standard input."),
]
Regex = Annotated[
    str | None, typer.Option("--regex", help="A regular expression that the whole text matches.")
]
Grammar = Annotated[
    Path | None,
    typer.Option("--grammar", metavar="FILE", help="A grammar, in Lark or GBNF notation."),
]
Choice = Annotated[
    list[str] | None,
    typer.Option("--choice", help="One of the texts to choose from; give it several times."),
]


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
    model: Annotated[
        str,
        typer.Option(
            "--model", "-m", help="A name (see condit models), a directory, or a .gguf file."
        ),
    ] = "smollm2",
    json_schema: JsonSchema = None,
    regex: Regex = None,
    grammar: Grammar = None,
    choice: Choice = None,
    n: Annotated[int, typer.Option("-n", help="How many samples to draw.")] = 1,
    max_tokens: Annotated[
        int, typer.Option(help="The most tokens that a text may have, its end not counted.")
    ] = 256,
    sampler: Annotated[
        str,
        typer.Option(
            help="auto, or one of: exact, smc, learned, awrs, masked, mcmc, rejection, asap, "
            "best_of, beam."
        ),
    ] = "auto",
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same draws.")] = None,
    temperature: Annotated[
        float, typer.Option(help="Divides the logits; 0 takes the most probable allowed token.")
    ] = 1.0,
    top_k: Annotated[
        int | None, typer.Option(help="Keep only this many tokens, before the constraint.")
    ] = None,
    top_p: Annotated[
        float, typer.Option(help="Keep only this much mass, before the constraint.")
    ] = 1.0,
    chat: Annotated[
        bool, typer.Option("--chat", help="Send the prompt through the model's chat template.")
    ] = False,
    system: Annotated[
        str | None, typer.Option(help="A system message to go before the prompt; implies --chat.")
    ] = None,
    output: Annotated[Output, typer.Option(help="How to print the result.")] = Output.TABLE,
    report: Annotated[
        bool, typer.Option("--report", help="Say how far to trust the draws, in numbers.")
    ] = False,
    stream: Annotated[
        bool, typer.Option("--stream", help="Print the text as it is drawn (one sample).")
    ] = False,
) -> None:
    """Draw weighted samples that satisfy a constraint.

    Exit code 0: at least one valid text; 1: none was drawn; 2: the question cannot be asked.
    """
    with _errors_to_exit_codes():
        if stream and (n != 1 or output is Output.JSON):
            raise ArgumentError("--stream prints one text as it comes: use -n 1, and no json")
        if stream and sampler not in STREAMING:
            raise ArgumentError(
                f"--stream prints one text as it comes, and {sampler} tries several: "
                f"use --sampler {' or '.join(STREAMING[1:])}"
            )
        if stream and sampler == "auto":
            sampler = "awrs"
        constraint = _constraint(json_schema, regex, grammar, choice)
        text = _read("-") if prompt == "-" else prompt
        loaded = _load(model)
        asked: Prompt = _messages(text, system) if chat or system is not None else text
        with _following(loaded, n, max_tokens, stream) as on_step:
            result = condit.generate(
                loaded,
                asked,
                constraint,
                n=n,
                max_tokens=max_tokens,
                sampler=sampler,
                seed=seed,
                temperature=temperature,
                top_k=top_k,
                top_p=top_p,
                on_step=on_step,
            )
        if stream:
            typer.echo()
        else:
            _show(result, output)
        if report:
            typer.echo(f"\n{result.report}", err=output is not Output.TABLE)


@app.command()
def check(
    text: Annotated[Path, typer.Argument(help="The file with the text; - for standard input.")],
    json_schema: JsonSchema = None,
    regex: Regex = None,
    grammar: Grammar = None,
    choice: Choice = None,
) -> None:
    """Say whether a text satisfies a constraint; if not, why, and at which character.

    Exit code 0: it does; 1: it does not; 2: the question cannot be asked. A final newline, as
    editors add it, is not part of the text.
    """
    with _errors_to_exit_codes():
        constraint = _constraint(json_schema, regex, grammar, choice)
        if constraint is None:
            raise ArgumentError("give a constraint: --json-schema, --regex, --grammar or --choice")
        why = constraint.explain(_read(text).removesuffix("\n"))
        typer.echo(why or "satisfied")
    if why:
        raise typer.Exit(NO_ANSWER)


@app.command()
def models() -> None:
    """List the models that are known by name, and whether they are ready."""
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "model", "status"):
        table.add_column(heading, overflow="fold")
    for name in sorted(registered("models")):
        source = cast("ModelSource", find("models", name))
        table.add_row(name, Text(source.description), Text(source.status()))
    _console().print(table)
    typer.echo("A directory with a transformers model and a .gguf file work too.")


def _console() -> Console:
    # In a pipe, lines are as long as they are: whoever reads them can fold them.
    return Console() if sys.stdout.isatty() else Console(width=200)


@contextmanager
def _errors_to_exit_codes() -> Iterator[None]:
    try:
        yield
    except GenerationError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(NO_ANSWER) from error
    except ConditError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(BAD_INPUT) from error


def _constraint(
    json_schema: Path | None, regex: str | None, grammar: Path | None, choice: list[str] | None
) -> Constraint | None:
    given = [value for value in (json_schema, regex, grammar, choice) if value]
    if len(given) > 1:
        raise ArgumentError("give one of --json-schema, --regex, --grammar and --choice, not more")
    if json_schema:
        return condit.json_schema(_read_json(json_schema))
    if regex:
        return condit.regex(regex)
    if grammar:
        return condit.grammar(_read(grammar))
    return condit.choice(*choice) if choice else None


def _read(path: Path | str) -> str:
    if str(path) == "-":
        return sys.stdin.read()
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ArgumentError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ArgumentError(f"{path} is not UTF-8 text (byte {error.start})") from error


def _read_json(path: Path) -> object:
    text = _read(path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ArgumentError(
            f"{path} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from error


def _messages(text: str, system: str | None) -> list[dict[str, str]]:
    before = [{"role": "system", "content": system}] if system is not None else []
    return [*before, {"role": "user", "content": text}]


def _load(name: str) -> Model:
    console = Console(stderr=True)
    if not console.is_terminal:
        return condit.load(name)
    console.print(f"Loading {name}", style="dim")
    return condit.load(name)


@contextmanager
def _following(
    model: Model, n: int, max_tokens: int, stream: bool
) -> Iterator[Callable[[StepInfo], None] | None]:
    """What to call after each step: prints the text, moves a progress bar, or nothing in a pipe."""
    if stream:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

        def print_token(info: StepInfo) -> None:
            if info.tokens[0] is not None:
                typer.echo(decoder.decode(model.vocabulary.bytes[info.tokens[0]]), nl=False)

        yield print_token
        return
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} tokens"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("Drawing", total=max_tokens)
        tried = accepted = 0

        def move_bar(info: StepInfo) -> None:
            nonlocal tried, accepted
            if info.tokens:
                growing = sum(token is not None for token in info.tokens)
                progress.update(task, advance=1, description=f"Drawing {growing} samples")
                return
            # Whole texts are tried, and how long that takes is not known before.
            tried += len(info.attempts)
            accepted += sum(attempt.outcome == "accepted" for attempt in info.attempts)
            said = f"Accepted {accepted} of {tried} attempts for {n} samples"
            progress.update(task, total=None, description=said)

        yield move_bar


def _show(result: Result, output: Output) -> None:
    if output is Output.JSON:
        typer.echo(json.dumps(result.to_dict(), ensure_ascii=False, indent=2))
    elif output is Output.TEXT:
        for sample in result.samples:
            if sample.valid:
                typer.echo(sample.text)
    else:
        _show_table(result)


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
    _console().print(table)
    stats = result.stats
    typer.echo(
        f"log evidence {result.log_evidence:.3f}   "
        f"effective sample size {result.ess:.2f} of {len(result.samples)}   "
        f"{result.distinct} distinct   "
        f"{stats.tokens} tokens in {stats.seconds:.1f} s ({stats.tokens_per_second:.0f}/s)   "
        f"seed {result.seed}"
    )
    typer.echo(f"{result.sampler}: {result.reason}")
