"""The instructions of a request, one by one, and which of them a program can check.

Nothing is drawn here, and no model is asked; see ``run.py`` for the loop, ``decompose.py`` for a
split by the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from condit.constraint.base import Constraint
from condit.constraint.lexical.constraint import Lexical
from condit.errors import ArgumentError
from condit.instruct import describe
from condit.vocabulary import lone_surrogate


@dataclass(frozen=True)
class Instruction:
    """One thing that a text is asked for.

    Attributes:
        text: what the model is told.
        constraint: what a program checks, enforced while texts are drawn; ``None``: it is judged.
        by: ``"user"`` or ``"model"``: who has said that this is an instruction.
    """

    text: str
    constraint: Constraint | None = None
    by: str = "user"

    @property
    def enforced(self) -> bool:
        """Whether it holds of every text that is drawn."""
        return self.constraint is not None


InstructionLike: TypeAlias = str | Constraint | tuple[str, Constraint] | Instruction


def instruction_of(given: object) -> Instruction:
    """An instruction as ``refine`` takes it.

    Raises:
        ArgumentError: it is none of what is taken, or its text is empty.
    """
    match given:
        case Instruction():
            made = given
        case str():
            made = Instruction(given)
        case Constraint():
            made = Instruction(describe(given), given)
        case (str() as text, Constraint() as constraint):
            made = Instruction(text, constraint)
        case _:
            raise ArgumentError(
                f"refine: the instruction {given!r} is of type {type(given).__name__}: give a "
                "text, a constraint, or a pair of both"
            )
    if not isinstance(made.text, str) or not made.text.strip():
        raise ArgumentError("refine: an instruction is empty: say what the text is to do")
    if fault := lone_surrogate(made.text):
        raise ArgumentError(f"refine: the instruction {made.text!r} is not text: {fault}")
    if not isinstance(made.constraint, Constraint | None):
        raise ArgumentError(
            f"refine: the constraint of the instruction {made.text!r} is of type "
            f"{type(made.constraint).__name__}: make one with condit.regex or the like"
        )
    return made


def read_instructions(given: Iterable[object] | None) -> tuple[Instruction, ...]:
    """All of them, in order.

    Raises:
        ArgumentError: one cannot be used, or is given twice; or it is a text and not a list.
    """
    if given is None:
        return ()
    if isinstance(given, str | Constraint) or not isinstance(given, Iterable):
        raise ArgumentError(
            f"refine: instructions is of type {type(given).__name__}: give a list of texts, "
            "constraints, or pairs of both"
        )
    made = tuple(map(instruction_of, given))
    texts = [each.text for each in made]
    for text in texts:
        if texts.count(text) > 1:
            raise ArgumentError(f"refine: the instruction {text!r} is given twice")
    return made


def joined(constraints: Sequence[Constraint]) -> Constraint | None:
    """All of them at once; ``None`` if there are none.

    Rules about text come first, so that they are one matcher, and checks of whole texts last.
    """
    found: Constraint | None = None
    for each in sorted(constraints, key=lambda c: (not isinstance(c, Lexical), hasattr(c, "of"))):
        found = each if found is None else found & each
    return found
