"""The constraint ``email``: addresses of mailboxes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from condit.constraint.regular.byte_table import byte_table
from condit.constraint.regular.expression import (
    alternation,
    complement,
    concatenation,
    intersection,
    word,
)
from condit.constraint.source import ConstraintSource
from condit.constraint.types.base import SmallType
from condit.constraint.types.extras import imported
from condit.constraint.types.limited import Limited
from condit.constraint.types.patterns import read
from condit.errors import UnsatisfiableError

_MOST_CHARACTERS = 254
_ATOM = r"[A-Za-z0-9_!#$%&'*+\-/=?\^`{|}~]+"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_FORM = rf"{_ATOM}(\.{_ATOM})*@({_LABEL}\.)+{_LABEL}"
_DOMAIN = "[^@]*@"
"""What stands before the domain."""
# Two hyphens in third and fourth place begin names that stand for others, such as xn--.
_ENCODED = rf"{_DOMAIN}(.*\.)?..--.*"


def email() -> Email:
    """Addresses of mailboxes such as ``ann.lee@example.com``, which anybody could write to.

    In ASCII, without a name, quotation marks, comments, or IP addresses. The part before the ``@``
    has at most 64 characters, the whole 254. The domain has at least two labels of at most 63, ends
    in a letter, and is none that is reserved (``.local``, ``.invalid``, ...) or encoded (``xn--``).
    The value is the text.

    >>> email().accepts("ann.lee@example.com")
    True
    >>> email().accepts("ann..lee@example.com")
    False

    Raises:
        MissingDependencyError: email-validator is not installed; it is in ``condit[types]``.
    """
    return Email()


@dataclass(frozen=True)
class Email(SmallType):
    """Addresses of mailboxes; made by ``email``."""

    machine: Limited = field(init=False, repr=False, compare=False)
    _validator: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        validator = imported("email", "email_validator", "email-validator")
        names = validator.SPECIAL_USE_DOMAIN_NAMES
        names = validator.SPECIAL_USE_DOMAIN_NAMES
        reserved = [read(f"(?i:{name})") for name in names if name.isalpha()]
        several = [word(name) for name in names if not name.isalpha()]
        tree = intersection(
            *map(read, (_FORM, "[!-~]{1,64}@.*", ".*[A-Za-z]")),
            complement(read(_ENCODED)),
            complement(concatenation(read(rf"{_DOMAIN}.*\."), alternation(*reserved))),
            complement(concatenation(read(rf"{_DOMAIN}(.*\.)?"), alternation(*several))),
        )
        machine = Limited(byte_table(tree), _MOST_CHARACTERS)
        if machine.is_empty:
            raise UnsatisfiableError("email: all domains are reserved")
        object.__setattr__(self, "machine", machine)
        object.__setattr__(self, "_validator", validator)

    def objection(self, text: str) -> str | None:
        """Why it is no such address, by email-validator."""
        labels = text.rpartition("@")[2].lower().split(".")
        if not text.isascii() or any(label.startswith("xn--") for label in labels):
            return "it has characters beyond ASCII, or a domain that stands for such"
        try:
            self._validator.validate_email(
                text,
                allow_smtputf8=False,
                allow_quoted_local=False,
                allow_domain_literal=False,
                allow_display_name=False,
                allow_empty_local=False,
                strict=True,
                check_deliverability=False,
                test_environment=False,
                globally_deliverable=True,
            )
        except self._validator.EmailNotValidError as error:
            return f"it is no address: {error}"
        return None

    def value(self, text: str) -> str:
        """The text."""
        return text

    def longest(self) -> int:
        """254."""
        return _MOST_CHARACTERS

    def describe(self) -> str:
        """An instruction to a model."""
        return "Respond only with an e-mail address, such as ann.lee@example.com"


def _make(value: object = None) -> Email:
    return email()


EMAIL = ConstraintSource(
    name="email",
    description="an e-mail address; it needs no value",
    make=_make,
)
