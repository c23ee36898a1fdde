"""``condit check --ltlf``: which clause of a temporal formula a transcript breaks, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

import condit
from condit.cli_constraint import written
from condit.errors import ArgumentError

if TYPE_CHECKING:
    from condit.temporal.validation import Validation

Formulas = Annotated[
    list[str] | None,
    typer.Option(
        "--ltlf",
        metavar="FORMULA",
        help="A formula of temporal logic on finite traces, such as 'G(search -> X observe)'. "
        "Given several times, all must hold. Without --event, the text is names of events.",
    ),
]
Events = Annotated[
    list[str] | None,
    typer.Option(
        "--event",
        metavar="NAME=EXPRESSION",
        help="For --ltlf: what the text of an event must satisfy, as for --constraint: "
        '\'search="<s>" + free(until="</s>")\'. Given once for each event.',
    ),
]


def validated(formulas: list[str], events: list[str], text: str) -> Validation:
    """What formulas say of a transcript.

    Args:
        formulas: the formulas, all of which must hold.
        events: for each event ``NAME=EXPRESSION``; without any, the text is a row of names, with
            spaces or line breaks between them.
        text: the transcript.

    Raises:
        ConditError: a formula or an event cannot be used.
    """
    if events:
        return condit.ltlf(formulas, _events(events)).validate(text)
    from condit.temporal.parser import parse

    row = text.split()
    names = dict.fromkeys([*row, *(name for each in formulas for name in parse(each).names())])
    return condit.ltlf(formulas, {name: name for name in names}).validate(row)


def _events(given: list[str]) -> dict[str, condit.Constraint]:
    found: dict[str, condit.Constraint] = {}
    for text in given:
        name, _, expression = (part.strip() for part in text.partition("="))
        if not name or not expression:
            raise ArgumentError(
                f"--event {text}: write the name and what its text is, NAME=EXPRESSION"
            )
        if name in found:
            raise ArgumentError(f"--event {name}= is given twice: join what it may be with |")
        found[name] = written(expression)
    return found
