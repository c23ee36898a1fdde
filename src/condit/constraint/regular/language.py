"""A regular language (or a little more) as something to draw from: by the engine, or an automaton.

The mask engine is faster, and knows intersection and complement, so whatever it can say exactly
goes to it. The rest is followed by derivatives (``automaton.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from condit.constraint.base import Matcher
from condit.constraint.engine import HEADER, EngineMatcher, probe
from condit.constraint.lifted import LiftedMatcher
from condit.constraint.regular.automaton import Automaton
from condit.constraint.regular.byte_machine import PatternMachine, ending_after
from condit.constraint.regular.engine_text import engine_text, plain
from condit.constraint.regular.expression import (
    Alternation,
    Complement,
    Concatenation,
    Intersection,
    Look,
    Node,
    One,
    Repetition,
    complement,
    intersection,
    nodes,
)
from condit.constraint.regular.lookaround import whole
from condit.constraint.regular.pattern import Pattern
from condit.constraint.regular.prepared import NotFollowedError, mapped
from condit.errors import ConstraintTooComplexError
from condit.vocabulary import Vocabulary

_MOST_FOR_ENGINE = 2000
"""Nodes, at most, that may be left of a pattern with lookaround for the engine to take it."""


@dataclass(frozen=True, eq=False)
class Language:
    """The texts that a pattern matches as a whole.

    Attributes:
        pattern: the pattern.
    """

    pattern: Pattern

    @cached_property
    def grammar(self) -> str | None:
        """The engine's grammar of exactly these texts; ``None`` where it has none."""
        found = self.pattern.root
        if not all(isinstance(each, _ENGINE_NODES) for each in nodes([found])):
            return None
        node = _resolved(found) if found.looks else found
        if node is None or (found.looks and node.size > _MOST_FOR_ENGINE):
            return None
        grammar = f"{HEADER}start: TEXT\nTEXT: {engine_text(node, plain)}"
        return None if probe(grammar).error else grammar

    @cached_property
    def automaton(self) -> Automaton:
        """Its automaton.

        Raises:
            NotFollowedError: the pattern has a construct that derivatives cannot follow.
        """
        return Automaton(self.pattern)

    @cached_property
    def is_empty(self) -> bool:
        """Whether it surely has no text."""
        if self.grammar is not None:
            return probe(self.grammar).is_empty
        return not self.automaton.live(self.automaton.start)

    @cached_property
    def _machine(self) -> PatternMachine:
        return PatternMachine(self.automaton)

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        """A matcher at the empty text.

        Raises:
            VocabularyError: no token of this vocabulary can begin a text.
        """
        if self.grammar is not None:
            try:
                return EngineMatcher.bind(
                    self.grammar, vocabulary, ending_after=self._shortest_ending
                )
            except ConstraintTooComplexError:
                pass  # for the engine
        return LiftedMatcher.bind(self._machine, vocabulary)

    def _shortest_ending(self, text: bytes) -> bytes | None:
        """The bytes of a shortest match that begins with ``text``, after it."""
        try:
            return ending_after(self.automaton, text)
        except (NotFollowedError, RecursionError):
            return None


def _resolved(node: Node) -> Node | None:
    """The texts of the node, without lookaround; ``None`` where that is not found exactly."""
    inner = _parts_resolved(node)
    if inner is None:
        return None
    found, exact = whole(inner)
    return found if exact else None


def _parts_resolved(node: Node) -> Node | None:
    """The node with what is a text of its own in it, as parts of combinations are, resolved."""
    if not node.looks or isinstance(node, Look):
        return node
    resolve = _resolved if isinstance(node, Intersection | Complement) else _parts_resolved
    parts = [resolve(part) for part in node.parts]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    match node:
        case Intersection():
            return intersection(*known)
        case Complement():
            return complement(known[0])
        case _:
            replaced = iter(known)
            return mapped(node, lambda _: next(replaced))


_ENGINE_NODES = (One, Concatenation, Alternation, Repetition, Intersection, Complement, Look)
