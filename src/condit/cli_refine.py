"""The command ``condit refine``: a text that follows many instructions, judged and drawn again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from condit.cli_constraint import written
from condit.cli_options import (
    MaxTokens,
    ModelName,
    PlainTrace,
    SamplerName,
    Temperature,
    TopP,
    load_model,
)
from condit.cli_output import Output, trace_writer
from condit.cli_streams import NO_ANSWER, read_text
from condit.trace import Writer

if TYPE_CHECKING:
    from condit.refining.instruction import InstructionLike
    from condit.refining.record import Round


def refine(
    prompt: Annotated[
        str, typer.Argument(help="What is asked for; - reads it from standard input.")
    ],
    model: ModelName = "smollm2",
    instruction: Annotated[
        list[str] | None,
        typer.Option(
            help="What the text is to do besides, judged by the model. May be given several times."
        ),
    ] = None,
    constraint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME:VALUE or EXPRESSION",
            help="What is enforced, and told to the model, such as 'regex:[a-z ]+'. May be given "
            "several times.",
        ),
    ] = None,
    decompose: Annotated[
        bool, typer.Option("--decompose", help="Take each clause of the prompt as an instruction.")
    ] = False,
    rounds: Annotated[int, typer.Option(help="How many rounds at most.")] = 3,
    judge: Annotated[
        str, typer.Option(metavar="contrast or question", help="How the model judges a text.")
    ] = "contrast",
    threshold: Annotated[
        float | None,
        typer.Option(help="Log-odds from which on an instruction counts as followed."),
    ] = None,
    reasons: Annotated[
        bool, typer.Option("--reasons", help="Let the model say in a sentence what is missing.")
    ] = False,
    n: Annotated[int, typer.Option("-n", help="How many texts to draw in a round.")] = 4,
    max_tokens: MaxTokens = 256,
    sampler: SamplerName = "auto",
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same texts.")] = None,
    temperature: Temperature = 1.0,
    top_p: TopP = 1.0,
    trace: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the trace of each round into a file of its own: run.jsonl stands for "
            "run-1.jsonl, run-2.jsonl and so on.",
        ),
    ] = None,
    plain_trace: PlainTrace = False,
    output: Annotated[Output, typer.Option(help="How to print the result.")] = Output.TABLE,
) -> None:
    """Draw a text that follows many instructions: enforced, or judged and drawn again.

    Each round is told on standard error as it ends.

    Exit code 0: the best text follows all, as far as the judge says; 1: it does not, or no text was
    drawn; 2: the question cannot be asked.
    """
    wanted: list[InstructionLike] = [*(instruction or []), *map(written, constraint or [])]
    asked = read_text("-") if prompt == "-" else prompt
    loaded = load_model(model, None)
    from condit.refining.run import refine as run
    from condit.refining.run import writers

    def writer(path: Path) -> Writer:
        made = trace_writer(path, None if plain_trace else loaded)
        return made or Writer(path)

    found = run(
        loaded,
        asked,
        instructions=wanted,
        decompose=decompose,
        judge=judge,
        threshold=threshold,
        rounds=rounds,
        reasons=reasons,
        n=n,
        max_tokens=max_tokens,
        sampler=sampler,
        seed=seed,
        temperature=temperature,
        top_p=top_p,
        on_round=_tell,
        trace=None if trace is None else writers(trace, writer),
    )
    if output is Output.JSON:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False))
    elif output is Output.TEXT:
        typer.echo(found.text)
    else:
        typer.echo(f"{found.text}\n\n{found}")
    if not found.held:
        raise typer.Exit(NO_ANSWER)


def _tell(done: Round) -> None:
    failing = f"; below the threshold before: {', '.join(done.failing)}" if done.failing else ""
    count = len(done.drafts)
    Console(stderr=True, highlight=False, markup=False).print(
        f"round {done.number}: {count} text{'s' * (count > 1)}, {done.tokens} tokens, "
        f"{done.seconds:.1f} s{failing}",
        style="dim",
        soft_wrap=True,
    )
