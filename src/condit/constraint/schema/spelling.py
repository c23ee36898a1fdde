"""Sets of texts as expressions of the mask engine, which match the JSON spellings of the texts."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter

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
from condit.constraint.schema.json_characters import can_escape
from condit.constraint.schema.json_characters import spelled as spelled_character


def escapes(node: Node) -> bool:
    """Whether every normal spelling of the node's texts can be written out."""
    if isinstance(node, One):
        return can_escape(node.characters)
    return all(escapes(part) for part in node.parts)


def spelled(node: Node, escaped: bool) -> str:
    """The node as an expression of the mask engine, over JSON spellings, without quotes.

    Args:
        node: without lookaround.
        escaped: whether characters beyond ASCII may be escaped, everywhere.
    """
    text, is_regex = _spelled(node, escaped)
    return f"/{text}/" if is_regex else text


def _spelled(node: Node, escaped: bool) -> tuple[str, bool]:
    """A regex (atomic), or an expression of several; and which of the two."""
    match node:
        case One():
            return spelled_character(node.characters, escaped), True
        case Concatenation():
            return _joined(node.items, escaped) if node.items else ("(?:)", True)
        case Alternation():
            if not node.choices:
                return "[a&&b]", True
            texts = [_spelled(choice, escaped) for choice in node.choices]
            if all(is_regex for _, is_regex in texts):
                return f"(?:{'|'.join(text for text, _ in texts)})", True
            return f"({' | '.join(_operand(*text) for text in texts)})", False
        case Repetition():
            text, is_regex = _spelled(node.item, escaped)
            if is_regex and not _is_atom(node.item, text):
                text = f"(?:{text})"
            return text + count(node.least, node.most), is_regex
        case Written():
            return f"(?:{node.regex})", True
        case Intersection():
            members = [
                f"~{_operand(*_spelled(member.item, escaped))}"
                if isinstance(member, Complement)
                else _operand(*_spelled(member, escaped))
                for member in node.members
            ]
            # Complements alone would also match what is no spelling of a text.
            if all(isinstance(member, Complement) for member in node.members):
                members.insert(0, spelled(ANYTHING, escaped))
            return f"({' & '.join(members)})", False
        case Complement():
            inner = _operand(*_spelled(node.item, escaped))
            return f"({spelled(ANYTHING, escaped)} & ~{inner})", False
        case _:
            raise TypeError(f"{type(node).__name__} has no spelling")


def _joined(items: tuple[Node, ...], escaped: bool) -> tuple[str, bool]:
    texts = [_spelled(item, escaped) for item in items]
    if all(is_regex for _, is_regex in texts):
        return "".join(text for text, _ in texts), True
    pieces: list[str] = []
    for is_regex, run in groupby(texts, key=itemgetter(1)):
        parts = [text for text, _ in run]
        pieces += [f"/{''.join(parts)}/"] if is_regex else parts
    return f"({' '.join(pieces)})", False


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
