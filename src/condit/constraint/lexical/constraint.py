"""`Lexical`: rules about text, each with an automaton to draw by and a judge of its own.

`Rule` is one of them; the functions that make them are in the other files of this room, by what
they speak of. ``a & b`` of two of these is one constraint with the rules of both, drawn by one
matcher.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from condit.constraint.base import Constraint, Violation
from condit.constraint.lexical.component import Component
from condit.constraint.lexical.endings import Endings, contradiction
from condit.constraint.lexical.matcher import LexicalMatcher, States
from condit.constraint.lexical.tables import Table
from condit.errors import UnsatisfiableError, VocabularyError
from condit.kept import Kept
from condit.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class Rule:
    """One rule about text.

    Attributes:
        said: the rule in words, as what a text must be or have.
        component: its automaton.
        objection: why a text breaks it, ``None`` if it does not: the judge, which shares no code
            with the automaton.
        pieces: texts that help to satisfy it, for endings.
    """

    said: str
    component: Component
    objection: Callable[[str], str | None]
    pieces: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Lexical(Constraint):
    """Texts that keep to some rules; made by the functions of ``condit.lexical``, joined by ``&``.

    Attributes:
        rules: the rules.
    """

    rules: tuple[Rule, ...]
    _states: Kept[Vocabulary, States] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        rules, endings = self.rules, self._endings

        def states(vocabulary: Vocabulary) -> States:
            tables = [Table(rule.component, vocabulary) for rule in rules]
            return States(tables, [rule.said for rule in rules], endings)

        object.__setattr__(self, "_states", Kept(states))

    @cached_property
    def _endings(self) -> Endings:
        pieces = dict.fromkeys(piece for rule in self.rules for piece in rule.pieces)
        return Endings(tuple(rule.component for rule in self.rules), tuple(pieces))

    @cached_property
    def _contradiction(self) -> str:
        """Which rules have no text in common, in words; empty where none is known."""
        endings = self._endings
        none = [0] * len(self.rules)
        possible = all(rule.component.viable[0] & 1 for rule in self.rules)
        if possible and endings.find(none, none, b"") is not None:
            return ""
        found = contradiction(endings.components)
        if found is None:
            return ""
        said = [self.rules[number].said for number in found]
        if len(said) == 1:
            return f"no text is so: {said[0]}"
        return f"no text is all of these: {'; '.join(said)}. Leave one out, or loosen it"

    def __and__(self, other: Constraint | str) -> Constraint:
        """The texts that satisfy both: with other rules about text, one constraint of all rules."""
        if isinstance(other, Lexical):
            return Lexical((*self.rules, *other.rules))
        return super().__and__(other)

    def bind(self, vocabulary: Vocabulary) -> LexicalMatcher:
        """A matcher at the empty text; EXACT if there is one rule and each byte is a token.

        Raises:
            UnsatisfiableError: the rules have no text in common, and that is found out.
            VocabularyError: no token of this vocabulary can begin a text.
        """
        if self._contradiction:
            raise UnsatisfiableError(self._contradiction)
        matcher = LexicalMatcher(self._states.of(vocabulary), vocabulary)
        if not matcher.mask().any():
            raise VocabularyError(
                "no token of this vocabulary can begin a text of these rules: "
                f"{'; '.join(rule.said for rule in self.rules)}. "
                "Use a vocabulary with a token for each byte"
            )
        return matcher

    def violation(self, text: str) -> Violation | None:
        """What the first rule that is broken objects to, and from where on it was lost."""
        for rule in self.rules:
            reason = rule.objection(text)
            if reason is not None:
                place = rule.component.follow(text)[0]
                return Violation(reason, place)
        return None

    def describe(self) -> str:
        """The rules, as an instruction to a model."""
        if len(self.rules) == 1:
            return f"Respond with a text of which this holds: {self.rules[0].said}"
        said = "\n".join(f"- {rule.said}" for rule in self.rules)
        return f"Respond with a text of which all of this holds:\n{said}"
