"""The constraint ``uuid``: universally unique identifiers."""

from __future__ import annotations

import uuid as python
from dataclasses import dataclass

from condit.constraint.source import ConstraintSource
from condit.constraint.types.arguments import given, whole_number
from condit.constraint.types.base import RegularType
from condit.constraint.types.patterns import read
from condit.errors import ArgumentError

_VERSIONS = range(1, 9)


def uuid(version: int | None = None) -> Uuid:
    """Identifiers of RFC 9562, such as ``f81d4fae-7dec-11d0-a765-00a0c91e6bf6``, in small letters.

    The value is a ``uuid.UUID``.

    >>> uuid(4).accepts("9b2d4b5e-5b0e-4c1a-9f3e-2f6d1c0a7b88")
    True
    >>> uuid(7).accepts("9b2d4b5e-5b0e-4c1a-9f3e-2f6d1c0a7b88")
    False

    Args:
        version: 1 to 8; ``None``: any 32 digits, of whatever version and variant.

    Raises:
        ArgumentError: there is no such version.
    """
    return Uuid(version)


@dataclass(frozen=True)
class Uuid(RegularType):
    """Universally unique identifiers; made by ``uuid``.

    Attributes:
        version: the version, or ``None``.
    """

    version: int | None

    def __post_init__(self) -> None:
        version = self.version
        if version is not None and (isinstance(version, bool) or version not in _VERSIONS):
            raise ArgumentError(f"uuid: there is no version {version!r}; give 1 to 8, or None")
        digit = "[0-9a-f]"
        third = f"{digit}{{4}}" if version is None else f"{version}{digit}{{3}}"
        fourth = f"{digit}{{4}}" if version is None else f"[89ab]{digit}{{3}}"
        pattern = f"{digit}{{8}}-{digit}{{4}}-{third}-{fourth}-{digit}{{12}}"
        self._follow(read(pattern))

    def objection(self, text: str) -> str | None:
        """Why it is no such identifier, by Python's ``uuid``."""
        try:
            found = python.UUID(text)
        except ValueError:
            return "it is no UUID"
        if str(found) != text:
            return "it is not written with small letters and four hyphens"
        if self.version is not None and found.version != self.version:
            return f"its version is {found.version}, not {self.version}"
        return None

    def value(self, text: str) -> python.UUID:
        """The identifier."""
        return python.UUID(text)

    def longest(self) -> int:
        """36."""
        return 36

    def describe(self) -> str:
        """An instruction to a model."""
        which = "" if self.version is None else f" of version {self.version}"
        return f"Respond only with a UUID{which}, in small letters"


def _make(value: object = None) -> Uuid:
    return uuid(whole_number("uuid", given("uuid", value, 1)[0]))


UUID = ConstraintSource(
    name="uuid",
    description="a UUID; its version, as in 4, or no value",
    make=_make,
)
