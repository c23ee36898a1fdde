"""Options that several commands have, and the model that is made of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

import condit
from condit.errors import ArgumentError
from condit.start_up import loading

if TYPE_CHECKING:
    from condit.model.base import Model, PrefixModel

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
    list[str] | None,
    typer.Option(
        "--constraint",
        metavar="NAME:VALUE or EXPRESSION",
        help="A constraint by name (see condit constraints), or several composed as in Python: "
        "'integer(0, 130) | \"unknown\"'. Given several times, all must hold.",
    ),
]
Check = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="MODULE:FUNCTION",
        help="A Python function that must accept the value, or the text; with "
        "FIELD= before it, that field of a schema. May be given several times.",
    ),
]
ModelName = Annotated[
    str,
    typer.Option("--model", "-m", help="A name (see condit models), a directory, or a .gguf file."),
]
ModelOrServer = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        help="A name (see condit models), a directory, a .gguf file, or a server: "
        "openai:URL#NAME, the URL as in http://host/v1.",
    ),
]
Stop = Annotated[
    list[str] | None,
    typer.Option(
        help="End the text before this; under a constraint, hold none of it. May be given several "
        "times."
    ),
]
Prefer = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME:VALUE",
        help="What is better, by name: see condit preferences. May be given several times.",
    ),
]
Samples = Annotated[int, typer.Option("-n", help="How many samples to draw.")]
MaxTokens = Annotated[
    int, typer.Option(help="The most tokens that a text may have, its end not counted.")
]
SamplerName = Annotated[
    str,
    typer.Option(help="auto, or another by name: see condit samplers."),
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

TraceFile = Annotated[
    Path | None,
    typer.Option(
        "--trace",
        metavar="FILE",
        help="Write what happens, step by step, as lines of JSON; compressed where the name ends "
        "in .gz. Also of a run that fails.",
    ),
]
PlainTrace = Annotated[
    bool,
    typer.Option(
        "--plain-trace",
        help="Leave out of the trace which tokens were probable, and why some are refused.",
    ),
]


def load_model(name: str, backend: str | None) -> Model:
    """The model of that name, loaded; said on a terminal."""
    options = {} if backend is None else {"backend": backend}
    terminal = Console(stderr=True)
    if terminal.is_terminal:
        terminal.print(f"Loading {name}", style="dim")
    with loading():
        return condit.load(name, **options)


def load_model_or_server(name: str, backend: str | None) -> PrefixModel:
    """As ``load_model``; or a model behind a server, which is asked nothing yet."""
    from condit.model.remote import SCHEME, RemoteModel

    if not name.startswith(SCHEME):
        return load_model(name, backend)
    if backend is not None:
        raise ArgumentError("--backend is for models that run here, not behind a server")
    return RemoteModel.of(name)
