"""Options that several commands have, and what is made of them: a constraint, a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

import condit
from condit.cli_streams import read_text
from condit.cli_where import checked
from condit.constraint.source import ConstraintSource
from condit.errors import ArgumentError
from condit.plugins import find_source
from condit.start_up import loading

if TYPE_CHECKING:
    from condit.constraint.base import Constraint
    from condit.model.base import Model

OPTIONS = "--json-schema, --regex, --grammar, --choice or --constraint"

SchemaFile = Annotated[
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
Named = Annotated[
    str | None,
    typer.Option(
        "--constraint", metavar="NAME=VALUE", help="A constraint by name: see condit constraints."
    ),
]
Check = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="MODULE:FUNCTION",
        help="A Python function that must accept the value, or the text; "
        "FIELD=MODULE:FUNCTION for fields of a schema. May be given several times.",
    ),
]
ModelName = Annotated[
    str,
    typer.Option("--model", "-m", help="A name (see condit models), a directory, or a .gguf file."),
]
Prefer = Annotated[
    str | None,
    typer.Option(metavar="NAME=VALUE", help="What is better, by name: see condit preferences."),
]
Samples = Annotated[int, typer.Option("-n", help="How many samples to draw.")]
MaxTokens = Annotated[
    int, typer.Option(help="The most tokens that a text may have, its end not counted.")
]
SamplerName = Annotated[
    str,
    typer.Option(
        help="auto, or one of: exact, smc, learned, awrs, masked, mcmc, rejection, asap, "
        "best_of, beam."
    ),
]
Temperature = Annotated[
    float, typer.Option(help="Divides the logits; 0 takes the most probable allowed token.")
]
TopK = Annotated[
    int | None, typer.Option(help="Keep only this many tokens, before the constraint.")
]
TopP = Annotated[float, typer.Option(help="Keep only this much mass, before the constraint.")]
DraftsSwitch = Annotated[
    bool,
    typer.Option(
        help="Guess ahead to call the model less often; draws have the same distribution."
    ),
]
Backend = Annotated[
    str | None,
    typer.Option(help="What runs a .gguf file or smollm2: transformers (usual) or llama."),
]
Chat = Annotated[
    bool, typer.Option("--chat", help="Send the prompt through the model's chat template.")
]
System = Annotated[
    str | None, typer.Option(help="A system message to go before the prompt; implies --chat.")
]
Instruct = Annotated[
    bool,
    typer.Option(
        "--instruct", help="Tell the model the format in the prompt: see condit describe."
    ),
]
Heal = Annotated[
    bool | None,
    typer.Option(
        "--heal/--no-heal",
        help="Write the prompt's last tokens again, together with the text: for a prompt that "
        "ends in a space or inside a word. Usual under a constraint.",
    ),
]


def constraint_of(
    json_schema: Path | None,
    regex: str | None,
    grammar: Path | None,
    choice: list[str] | None,
    named: str | None,
    checks: list[str] | None,
) -> Constraint | None:
    """The constraint that the options ask for, each of which is one of those known by name."""
    options = {"json_schema": json_schema, "regex": regex, "grammar": grammar, "choice": choice}
    given: list[tuple[str, Any]] = [pair for pair in options.items() if pair[1] not in (None, [])]
    given += [] if named is None else [pair_of("--constraint", named)]
    if not given:
        return checked(None, checks or [])
    if len(given) > 1:
        raise ArgumentError(f"give one constraint, not more: {OPTIONS}")
    ((name, value),) = given
    given_as = find_source("constraints", name, ConstraintSource).given_as
    if given_as == "path" and str(value) != "-":
        value = Path(value)
    elif given_as != "text":
        value = read_text(value)
    return checked(condit.make_constraint(name, value), checks or [])


def pair_of(option: str, text: str) -> tuple[str, str]:
    """The name and the value that ``NAME=VALUE`` consists of."""
    name, sign, value = text.partition("=")
    if not sign:
        raise ArgumentError(f"{option} {text}: write a name and what it is made of, NAME=VALUE")
    return name, value


def load_model(name: str, backend: str | None) -> Model:
    """The model of that name, loaded; said on a terminal."""
    options = {} if backend is None else {"backend": backend}
    terminal = Console(stderr=True)
    if terminal.is_terminal:
        terminal.print(f"Loading {name}", style="dim")
    with loading():
        return condit.load(name, **options)
