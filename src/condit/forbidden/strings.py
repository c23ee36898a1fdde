"""The constraint of texts that have none of some strings, however they are written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from condit.constraint.base import Constraint, Violation
from condit.constraint.lifted import LiftedMatcher
from condit.errors import ArgumentError
from condit.forbidden.machine import ForbiddenStrings, Written
from condit.forbidden.oracle import Finding, Search, strings_by_form
from condit.forbidden.readings import Disguise, Readings
from condit.forbidden.trie import Trie
from condit.vocabulary import Vocabulary, lone_surrogate

_SHOWN = 20
"""Strings that ``describe`` names at most."""


@dataclass(frozen=True)
class WithoutStrings(Constraint):
    """Texts that have none of some strings; made by ``condit.forbid``.

    Attributes:
        strings: the strings.
        look_through: the disguises in which they are found, too.
        match_case: whether small and capital letters are told apart.
        anywhere: whether they are found within longer words, too.
    """

    strings: tuple[str, ...]
    look_through: frozenset[Disguise] = frozenset()
    match_case: bool = False
    anywhere: bool = False
    machine: ForbiddenStrings = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        forms = self._forms
        trie = Trie(forms, self._readings, anywhere=self.anywhere)
        object.__setattr__(self, "machine", ForbiddenStrings(trie))

    @cached_property
    def _readings(self) -> Readings:
        return Readings(self.match_case, self.look_through)

    @cached_property
    def _forms(self) -> dict[str, str]:
        forms = strings_by_form(self.strings, self._readings)
        if "" in forms:
            raise ArgumentError(
                f"forbid: nothing is left of {forms['']!r} where "
                f"{', '.join(sorted(self.look_through))} are looked through: leave the string out"
            )
        return forms

    @cached_property
    def _search(self) -> Search:
        return Search(self._forms, self._readings, anywhere=self.anywhere)

    def bind(self, vocabulary: Vocabulary) -> LiftedMatcher[Written]:
        """A matcher at the empty text; EXACT where every byte is a token.

        Raises:
            VocabularyError: no token of this vocabulary can begin a text without the strings.
        """
        return LiftedMatcher.bind(self.machine, vocabulary)

    def findings(self, text: str) -> list[Finding]:
        """The forbidden strings of a text: which, where, and how they are written there."""
        return self._search.findings(text)

    def violation(self, text: str) -> Violation | None:
        """The string that is written first, and how."""
        found = self._search.first(text)
        if found is None:
            return None
        as_what = "" if found.written == found.string else f", written as {found.written!r}"
        return Violation(f"it has {found.string!r}, which is forbidden{as_what}", found.start)

    def __and__(self, other: Constraint | str) -> Constraint:
        """The texts that satisfy both: of two that look through the same, one of all strings."""
        if isinstance(other, WithoutStrings):
            options = (self.look_through, self.match_case, self.anywhere)
            if options == (other.look_through, other.match_case, other.anywhere):
                return WithoutStrings((*self.strings, *other.strings), *options)
        return super().__and__(other)

    def describe(self) -> str:
        """What must not be written, as an instruction to a model."""
        named = ", ".join(map(repr, self.strings[:_SHOWN]))
        more = len(self.strings) - _SHOWN
        rest = f", or {more:,} more" if more > 0 else ""
        return f"Respond with a text that has none of these in it: {named}{rest}."


def checked_strings(given: Iterable[object]) -> tuple[str, ...]:
    """The strings, each once.

    Raises:
        ArgumentError: one is no text, is empty, or cannot be written in UTF-8.
    """
    found: dict[str, None] = {}
    for place, string in enumerate(given):
        if not isinstance(string, str):
            raise ArgumentError(
                f"forbid: number {place} is {type(string).__name__}: give strings, compiled "
                "patterns, or what condit.regex makes"
            )
        if not string:
            raise ArgumentError(f"forbid: string {place} is empty, and so in every text")
        if fault := lone_surrogate(string):
            raise ArgumentError(f"forbid: string {place} cannot be written in UTF-8: {fault}")
        found[string] = None
    return tuple(found)
