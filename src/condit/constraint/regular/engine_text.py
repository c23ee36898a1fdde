"""Expressions in the dialect of the mask engine, which knows intersection and complement.

What one character of a set looks like in the text is the caller's to say: JSON has several
spellings of it. ``plain`` writes it as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import groupby
from operator import itemgetter

from condit.constraint.regular.characters import EVERY, Characters, class_text, quoted
from condit.constraint.regular.expression import (
    ANYTHING,
    Alternation,
    Complement,
    Concatenation,
    Intersection,
    Node,
    One,
    Repetition,
    Written,
)

SpellsCharacter = Callable[[Characters], str]
"""The regex of one character of a set."""


def engine_text(node: Node, character: SpellsCharacter) -> str:
    """The node as an expression of the engine, without quotes.

    Args:
        node: without lookaround, captures and what only backtracking knows.
        character: spells one character of a set as a regex.

    Raises:
        TypeError: it has a node that has no spelling.
    """
    text, is_regex = _spelled(node, character)
    return f"/{text}/" if is_regex else text


@lru_cache(maxsize=1024)
def plain(characters: Characters) -> str:
    """One character of a set as itself."""
    if characters == EVERY:
        return "(?s:.)"
    if len(characters.ranges) == 1 and not characters.beyond:
        ((low, high),) = characters.ranges
        if low == high:
            return quoted(chr(low))
    beyond = f"[[{characters.beyond}]&&[^\\x00-\\x7f]]" if characters.beyond else ""
    others = characters.complement()
    if len(others.ranges) < len(characters.ranges) and not beyond:
        return f"[^{class_text(others.ranges)}]"
    return f"[{class_text(characters.ranges)}{beyond}]"


def _spelled(node: Node, character: SpellsCharacter) -> tuple[str, bool]:
    """A regex (atomic), or an expression of several; and which of the two."""
    match node:
        case One():
            return character(node.characters), True
        case Concatenation():
            return _joined(node.items, character) if node.items else ("(?:)", True)
        case Alternation():
            if not node.choices:
                return "[a&&b]", True
            texts = [_spelled(choice, character) for choice in node.choices]
            if all(is_regex for _, is_regex in texts):
                return f"(?:{'|'.join(text for text, _ in texts)})", True
            return f"({' | '.join(_operand(*text) for text in texts)})", False
        case Repetition():
            text, is_regex = _spelled(node.item, character)
            if is_regex and not _is_atom(node.item, text):
                text = f"(?:{text})"
            return text + count(node.least, node.most), is_regex
        case Written():
            return f"(?:{node.regex})", True
        case Intersection():
            members = [
                _without(*_spelled(member.item, character))
                if isinstance(member, Complement)
                else _operand(*_spelled(member, character))
                for member in node.members
            ]
            # Complements alone would also match what is no spelling of a text.
            if all(isinstance(member, Complement) for member in node.members):
                members.insert(0, engine_text(ANYTHING, character))
            return f"({' & '.join(members)})", False
        case Complement():
            refused = _without(*_spelled(node.item, character))
            return f"({engine_text(ANYTHING, character)} & {refused})", False
        case _:
            raise TypeError(f"{type(node).__name__} has no spelling")


def _joined(items: tuple[Node, ...], character: SpellsCharacter) -> tuple[str, bool]:
    texts = [_spelled(item, character) for item in items]
    if all(is_regex for _, is_regex in texts):
        return "".join(text for text, _ in texts), True
    pieces: list[str] = []
    for is_regex, run in groupby(texts, key=itemgetter(1)):
        parts = [text for text, _ in run]
        pieces += [f"/{''.join(parts)}/"] if is_regex else parts
    return f"({' '.join(pieces)})", False


def _without(text: str, is_regex: bool) -> str:
    # A repeat binds less tightly than ``~``.
    return f"~/{text}/" if is_regex else f"~({text})"


def _operand(text: str, is_regex: bool) -> str:
    return f"/{text}/" if is_regex else text


def count(least: int, most: int | None) -> str:
    """A repeat of a regex from ``least`` to ``most`` times (``None``: without bound)."""
    match least, most:
        case 0, None:
            return "*"
        case 1, None:
            return "+"
        case 0, 1:
            return "?"
        case _:
            bound = "" if most is None else str(most)
            return f"{{{least}}}" if least == most else f"{{{least},{bound}}}"


def _is_atom(node: Node, text: str) -> bool:
    """Whether a repeat after the regex of ``node`` takes in all of it."""
    # One character with an escape of its own is several in the spelling.
    return isinstance(node, Alternation | Written) or (isinstance(node, One) and text[:2] != r"\\")
