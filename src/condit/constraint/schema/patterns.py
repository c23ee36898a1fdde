"""Patterns of a schema as sets of texts: parsed, without lookaround, and cheap enough to use."""

from __future__ import annotations

from functools import lru_cache

import jsonschema_rs

from condit.constraint.regular.ecma import NotReadError, read
from condit.constraint.regular.expression import ANYTHING
from condit.constraint.regular.lookaround import searched
from condit.constraint.schema.cost import cheap
from condit.constraint.schema.texts import Texts

# Beyond these a pattern costs more than a check at the close of the value.
_LONGEST = 8000
_MOST_NODES = 4000


@lru_cache(maxsize=1024)
def matching(pattern: str) -> Texts:
    """The texts in which ``pattern`` matches somewhere, as the oracle reads it.

    Conditions that are not regular, or would be too large, are left out and noted as relaxed.
    """
    if len(pattern) > _LONGEST:
        return Texts(ANYTHING, ("pattern",))
    try:
        node, exact = searched(read(pattern))
    except NotReadError:
        return Texts(ANYTHING, ("pattern",))
    if node.size > _MOST_NODES:
        return Texts(ANYTHING, ("pattern",))
    return cheap(Texts(node, () if exact else ("pattern",)))


@lru_cache(maxsize=4096)
def matches(pattern: str, name: str) -> bool:
    """Whether a key matches a pattern, by the oracle's reading of it."""
    return bool(jsonschema_rs.is_valid({"pattern": pattern}, name))
