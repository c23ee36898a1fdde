"""Sets of texts as expressions of the mask engine, which match the JSON spellings of the texts."""

from __future__ import annotations

from functools import partial

from condit.constraint.regular.engine_text import engine_text
from condit.constraint.regular.expression import Node, One
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
    return engine_text(node, partial(spelled_character, escaped=escaped))
