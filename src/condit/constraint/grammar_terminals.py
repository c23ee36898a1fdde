r"""Terminals of a Lark grammar: patterns, written for the mask engine and followed for the oracle.

A terminal is a set of texts of its own. Lookaround in it sees nothing of what stands around; where
it asks about just that, it is refused. The rules are in ``grammar_rules.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

import regex  # type: ignore[import-untyped]

from condit.constraint.grammar_places import (
    AFTER,
    BEFORE,
    CALLS,
    REFERENCES,
    Source,
    broken_literal,
)
from condit.constraint.regular.automaton import Automaton
from condit.constraint.regular.elimination import plain_expression
from condit.constraint.regular.engine_text import engine_text, plain
from condit.constraint.regular.expression import (
    Alternation,
    Concatenation,
    Look,
    Node,
    One,
    Repetition,
    nodes,
    word,
)
from condit.constraint.regular.lookaround import whole
from condit.constraint.regular.pattern import Pattern
from condit.constraint.regular.prepared import NotFollowedError
from condit.constraint.regular.python_reader import read
from condit.constraint.regular.terms import FALSE
from condit.errors import CompileError, UnsatisfiableError, UnsupportedConstraintError

# The string of lark's own library uses lookbehind; this is the same set of texts without it.
_LIBRARY_STRING = r'".*?(?<!\\)(\\\\)*?"'
_PLAIN_STRING = r'"(?:[^"\\\n]|\\[^\n])*"'

_MOST_NODES = 2000
"""Nodes, at most, that may be left of a pattern with lookaround."""
_PLAIN = (One, Concatenation, Alternation, Repetition)
# As lark writes it before what a literal says.
_LOCALE = re.compile(r"(?<!\\)\(\?[imsux]*l[imsux]*:")
_CANNOT = "in a way that the mask engine cannot follow. Write it without, or as rules"


@dataclass(frozen=True, eq=False)
class Terminal:
    """A terminal.

    Attributes:
        engine: its texts as an expression of the mask engine.
        oracle: the pattern that lark tries.
        own: what finds its texts instead, where it has lookaround or the like.
        is_lazy: whether it ends as early as it can, not as late.
        is_character: whether its texts are one character each.
    """

    engine: str
    oracle: str
    own: OwnTexts | None
    is_lazy: bool
    is_character: bool


class Found(NamedTuple):
    """A text of a terminal, as lark asks for it."""

    text: str
    start: int
    last: int

    def group(self, _: int = 0) -> str:
        """The text."""
        return self.text[self.start : self.last]

    def end(self) -> int:
        """Where it ends."""
        return self.last


class OwnTexts:
    """Finds texts of a terminal that see nothing of what stands around.

    The automaton finds where they may end, and the ``regex`` module says whether they are texts.
    """

    def __init__(self, pattern: str, automaton: Automaton, *, is_lazy: bool) -> None:
        self._pattern = regex.compile(f"(?-f){pattern}", regex.V1)
        self._automaton = automaton
        self._is_lazy = is_lazy

    def match(self, text: str, index: int = 0) -> Found | None:
        """The longest text from ``index`` on, or the shortest of a lazy terminal."""
        ends = self._ends(text, index)
        if not self._is_lazy:
            ends = reversed(list(ends))
        is_text = self._pattern.fullmatch
        return next((Found(text, index, end) for end in ends if is_text(text[index:end])), None)

    def _ends(self, text: str, index: int) -> Iterator[int]:
        place = self._automaton.start
        for at in range(index, len(text)):
            if "\ud800" <= text[at] <= "\udfff":
                return
            place = self._automaton.next(place, text[at])
            if place.term is FALSE:
                return
            if self._automaton.may_stop(place):
                yield at + 1


def text_terminal(text: str, pattern: str) -> Terminal:
    """The terminal that is just a text, which is not empty.

    Args:
        text: the text, without halves of surrogate pairs.
        pattern: the same as a pattern.
    """
    return Terminal(engine_text(word(text), plain), f"(?V1){pattern}", None, False, len(text) == 1)


def read_terminal(name: str, pattern: str, grammar: str) -> Terminal:
    """A terminal.

    Args:
        name: how to call it in errors.
        pattern: what it matches.
        grammar: the text of the grammar, for the positions of errors.

    Raises:
        CompileError: it does not parse, or matches the empty text.
        UnsatisfiableError: it matches no text.
        UnsupportedConstraintError: it uses something that the engine cannot follow.
    """
    source = Source(name, pattern.replace(_LIBRARY_STRING, _PLAIN_STRING), grammar)
    if _LOCALE.search(source.pattern):
        raise UnsupportedConstraintError(
            f"terminal {name} has the flag 'l', which depends on the computer's locale. Leave it "
            "out",
            keywords=("(?l",),
        )
    try:
        found = read(source.pattern, full_case=False)
    except CompileError as error:
        place, position = source.placed(error.position)
        if not place and (broken := broken_literal(grammar)):
            raise broken from error
        raise type(error)(
            f"terminal {name}{place}: {error}", position=position, keywords=error.keywords
        ) from error
    is_lazy = _is_lazy(found.root, source)
    if all(isinstance(each, _PLAIN) for each in nodes([found.root])):
        own, node = None, found.root
    else:
        automaton = _automaton(found, source)
        own = OwnTexts(source.pattern, automaton, is_lazy=is_lazy)
        node = _resolved(found, automaton, source)
    if node.shortest == inf:
        raise UnsatisfiableError(f"terminal {name} matches no text")
    if node.nullable:
        raise CompileError(
            f"terminal {name} matches the empty text. Let it match at least one character, and "
            "write '?' where it is used"
        )
    # POSIX: the longest match, as the engine does, not the first that is found.
    flags = "(?V1)(?-f)" if is_lazy else "(?V1p)(?-f)"
    return Terminal(
        engine_text(node, plain),
        "(?s:.)" if own else flags + source.pattern,
        own,
        is_lazy,
        (node.shortest, node.longest) == (1, 1),
    )


def _is_lazy(root: Node, source: Source) -> bool:
    """Whether its repeats are lazy; those of lookaround do not matter."""
    seen = {False: False, True: False}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Repetition) and node.least != node.most:
            seen[node.lazy] = True
        waiting += () if isinstance(node, Look) else node.parts
    if all(seen.values()):
        raise UnsupportedConstraintError(
            f"terminal {source.name} mixes lazy and greedy repeats in /{source.pattern}/: make "
            "them all lazy (it ends as early as it can) or all greedy (as late as it can)",
            keywords=("*?",),
        )
    return seen[True]


def _automaton(found: Pattern, source: Source) -> Automaton:
    """The automaton of a terminal that has lookaround or the like.

    Raises:
        UnsupportedConstraintError: it asks what stands around the terminal, or cannot be followed.
    """
    for ahead, side, openings in ((False, "before", BEFORE), (True, "after", AFTER)):
        if _looks_out(found.root, ahead):
            raise source.unsupported(
                f"to ask what stands {side} it: a terminal is a text of its own, wherever it "
                "stands. Leave it out, or say it in the rules",
                openings,
                last=ahead,
            )
    try:
        return Automaton(found)
    except NotFollowedError as error:
        raise source.unsupported(f"({error}), {_CANNOT}") from None


def _resolved(found: Pattern, automaton: Automaton, source: Source) -> Node:
    """Its texts as an expression without lookaround."""
    if not found.groups and all(isinstance(each, (*_PLAIN, Look)) for each in nodes([found.root])):
        node, exact = whole(found.root)
        if exact and node.size <= _MOST_NODES:
            return node
    node_of_states = plain_expression(automaton)
    if node_of_states is None:
        openings = REFERENCES if automaton.follows_text else CALLS if found.groups else ("",)
        raise source.unsupported(_CANNOT, openings)
    return node_of_states


def _looks_out(node: Node, ahead: bool) -> bool:
    """Whether some lookaround at an end of the texts asks what stands beyond it."""
    match node:
        case Look(item, is_ahead):
            return is_ahead == ahead or _looks_out(item, ahead)
        case Concatenation(items):
            for item in reversed(items) if ahead else items:
                if _looks_out(item, ahead):
                    return True
                if not item.nullable:
                    return False
            return False
        case _:
            return any(_looks_out(part, ahead) for part in node.parts)
