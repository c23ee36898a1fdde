"""What all rows of a batch have in common, and how it is written down to be recognised later."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, fields
from typing import Any

from condit.constraint.base import Constraint
from condit.errors import ArgumentError
from condit.model.base import Prompt
from condit.prefer.base import Preference
from condit.sampler.base import Sampler
from condit.speculate.settings import Drafts

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_SHOWN = 120
"""Characters of a setting that are written down as they are; of longer ones a hash is."""


@dataclass(frozen=True)
class Settings:
    """How rows are answered, where they do not say it themselves.

    Attributes:
        model: the name of the model.
        seed: the seed of the batch, of which `condit.batches.seeds` makes those of rows.
        constraint: for rows without one of their own.
        chat: whether a prompt that is text goes through the model's chat template.
        system: a system message before a prompt that is text; implies ``chat``.
        any_model: whether rows may name other models and are answered all the same.

    The others are arguments of ``condit.generate``.
    """

    model: str
    seed: int
    constraint: Constraint | None = None
    n: int = 1
    max_tokens: int = 256
    prefer: Preference | None = None
    sampler: str | Sampler = "auto"
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    drafts: bool | Drafts = True
    instruct: bool | str = False
    heal: bool | None = None
    chat: bool = False
    system: str | None = None
    any_model: bool = False

    def __post_init__(self) -> None:
        for name, least in (("n", 1), ("max_tokens", 1), ("seed", 0)):
            number = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, int) or number < least:
                raise ArgumentError(
                    f"{name} must be a whole number of at least {least}, not {number!r}"
                )
        if self.constraint is not None and not isinstance(self.constraint, Constraint):
            raise ArgumentError(
                f"the constraint is {self.constraint!r}: make one, as with condit.json_schema"
            )

    def options(self) -> dict[str, Any]:
        """The keyword arguments of ``condit.generate`` for a row that has none of its own."""
        apart = ("model", "seed", "constraint", "chat", "system", "any_model")
        names = [field.name for field in fields(self) if field.name not in apart]
        return {name: getattr(self, name) for name in names}

    def prompt_of(self, given: Prompt) -> Prompt:
        """The prompt to send for that of a row."""
        if not isinstance(given, str) or not (self.chat or self.system is not None):
            return given
        before = [] if self.system is None else [{"role": "system", "content": self.system}]
        return [*before, {"role": "user", "content": given}]

    def written(self) -> dict[str, str]:
        """Every setting as a text: two that differ there give other answers.

        Of functions and other objects it says their names alone.
        """
        return {field.name: _written(getattr(self, field.name)) for field in fields(self)}


def _written(value: object) -> str:
    text = _ADDRESS.sub("", repr(value))
    if len(text) <= _SHOWN:
        return text
    digest = hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()
    return f"{text[:_SHOWN]}… (sha256 {digest[:32]})"
