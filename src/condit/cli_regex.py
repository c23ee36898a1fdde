"""The commands ``condit regex ...``: questions about regular expressions.

What they compute is in ``condit.regular``.
"""

from __future__ import annotations

from typing import Annotated

import typer

from condit.cli_streams import NO_ANSWER
from condit.errors import ArgumentError

app = typer.Typer(
    no_args_is_help=True, help="Compare regular expressions, count and draw their texts."
)

First = Annotated[str, typer.Argument(help="A regular expression.")]
Second = Annotated[str, typer.Argument(help="Another regular expression.")]


@app.callback()
def regex() -> None:
    """Compare regular expressions, count and draw their texts.

    Expressions are matched against whole texts, in the dialect of --regex. Texts are printed one a
    line, quoted as in JSON.
    """


@app.command()
def equivalent(first: First, second: Second) -> None:
    """Say whether two regular expressions match the same texts; if not, a text that differs.

    Exit code 0: they do; 1: they do not; 2: the question cannot be answered.
    """
    from condit import regular

    if regular.equivalent(first, second):
        typer.echo("equivalent")
        return
    found = regular.difference(first, second, most=1)
    only = "first" if found.only_first else "second"
    text = (found.only_first or found.only_second)[0]
    typer.echo(f"not equivalent: only the {only} matches {_quoted(text)}")
    raise typer.Exit(NO_ANSWER)


@app.command()
def includes(
    whole: Annotated[str, typer.Argument(help="The regular expression that is to match more.")],
    part: Annotated[str, typer.Argument(help="The one that is to match less.")],
) -> None:
    """Say whether every text of PART is one of WHOLE; if not, a text that is not.

    Exit code 0: it does; 1: it does not; 2: the question cannot be answered.
    """
    from condit import regular

    if regular.includes(whole, part):
        typer.echo("included")
        return
    text = regular.difference(whole, part, most=1).only_second[0]
    typer.echo(f"not included: only {part} matches {_quoted(text)}")
    raise typer.Exit(NO_ANSWER)


@app.command()
def witness(pattern: First) -> None:
    """Print a shortest text that a regular expression matches.

    Exit code 0: there is one; 1: nothing matches; 2: the question cannot be answered.
    """
    from condit import regular

    text = regular.witness(pattern)
    if text is None:
        typer.echo("nothing matches")
        raise typer.Exit(NO_ANSWER)
    typer.echo(_quoted(text))


@app.command()
def difference(
    first: First,
    second: Second,
    most: Annotated[int, typer.Option(help="The most texts to print for each of the two.")] = 5,
) -> None:
    """Print texts that one regular expression matches and the other does not, the shortest first.

    A line begins with - where only the first matches, with + where only the second does.

    Exit code 0: there is no difference; 1: there is; 2: the question cannot be answered.
    """
    from condit import regular

    found = regular.difference(first, second, most)
    for sign, texts in (("-", found.only_first), ("+", found.only_second)):
        for text in texts:
            typer.echo(f"{sign} {_quoted(text)}")
    if found.only_first or found.only_second:
        raise typer.Exit(NO_ANSWER)


@app.command()
def count(
    pattern: First, length: Annotated[int, typer.Argument(help="Characters of the texts.")]
) -> None:
    """Print how many texts of a length a regular expression matches.

    Exit code 0: it is printed; 2: the question cannot be answered.
    """
    from condit import regular

    typer.echo(_digits(regular.count(pattern, length)))


@app.command()
def random(
    pattern: First,
    length: Annotated[int | None, typer.Option(help="Characters of each text.")] = None,
    longest: Annotated[
        int | None,
        typer.Option(help="Instead, the most characters; usual: 10 more than the shortest has."),
    ] = None,
    n: Annotated[int, typer.Option("-n", help="How many texts to draw.")] = 1,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same texts.")] = None,
) -> None:
    """Print random texts that a regular expression matches, each such text equally likely.

    Exit code 0: they are printed; 2: there is no text of such a length, or too much to ask.
    """
    import random as standard

    from condit import regular

    if n < 1:
        raise ArgumentError(f"-n {n}: draw 1 text or more")
    generator = standard.Random(seed)
    for _ in range(n):
        text = regular.random_text(pattern, generator, length=length, longest=longest)
        typer.echo(_quoted(text))


@app.command()
def minimal(
    pattern: First,
    size: Annotated[
        int, typer.Option(help="The largest size: characters, repeats, bars and joints.")
    ] = 8,
) -> None:
    """Print a smallest regular expression that matches the same texts.

    Exit code 0: it is printed; 1: all are larger than --size; 2: the question cannot be answered.
    """
    from condit import regular

    found = regular.minimal(pattern, size)
    if found is None:
        typer.echo(f"none of size {size} or less")
        raise typer.Exit(NO_ANSWER)
    typer.echo(found)


@app.command()
def synthesize(
    yes: Annotated[
        list[str] | None,
        typer.Option("--yes", help="A text that is to match; give it several times."),
    ] = None,
    no: Annotated[
        list[str] | None,
        typer.Option("--no", help="A text that must not match; may be given several times."),
    ] = None,
    size: Annotated[
        int, typer.Option(help="The largest size: characters, repeats, bars and joints.")
    ] = 20,
) -> None:
    """Print the smallest regular expressions that agree with examples, one a line.

    If there are several, a text about which the first two differ is printed to standard error.

    Exit code 0: one is printed; 1: all are larger than --size; 2: the question cannot be answered.
    """
    from condit import regular

    found = regular.synthesize(yes or [], no or [], size)
    if found is None:
        typer.echo(f"none of size {size} or less")
        raise typer.Exit(NO_ANSWER)
    typer.echo("\n".join(found.patterns))
    if found.distinguishing is not None:
        said = (
            f"the first two differ about {_quoted(found.distinguishing)}: give it as --yes or --no"
        )
        typer.echo(said, err=True)


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=not text.isprintable())


def _digits(number: int) -> str:
    """The number in full: Python refuses to print the longest ones."""
    if number < 10**4000:
        return str(number)
    high, low = divmod(number, 10**4000)
    return f"{_digits(high)}{low:04000d}"
