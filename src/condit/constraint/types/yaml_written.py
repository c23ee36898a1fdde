"""How YAML documents in block style are written, for the oracle: the lines of a value.

The same once more, as what may come next, is in ``yaml_parts.py``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from condit.errors import UnsupportedConstraintError

MOST_DIGITS = 300
"""Digits before the point."""
_PLAIN_KEY = re.compile("[A-Za-z_][A-Za-z0-9_-]*")
_NO_KEYS = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null"])
STRANGE = re.compile("[\x00-\x07\x0b\x0e-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")
"""Characters that are not written."""


def key_of(name: str) -> str:
    """A key as it is written.

    Raises:
        UnsupportedConstraintError: it has characters that are not written.
    """
    plain = _PLAIN_KEY.fullmatch(name) and name.lower() not in _NO_KEYS
    if not plain and STRANGE.search(name):
        raise UnsupportedConstraintError(f"yaml: the key {name!r} has strange characters")
    return name if plain else json.dumps(name, ensure_ascii=False)


class StrangeError(Exception):
    """A value that is not written so."""


def written(schema: Mapping[str, Any], found: Any, spelled: Any) -> list[str]:
    """The lines of a value that satisfies the schema.

    Args:
        schema: of the value.
        found: the value.
        spelled: the same, with every scalar as the text that it has.
    """
    if isinstance(found, dict):
        order = [name for name in schema.get("properties", ()) if name in found]
        if list(found) != order:
            raise StrangeError("its keys are others, or in another order")
        lines = []
        for name, each in found.items():
            inner = written(schema["properties"][name], each, spelled[name])
            if isinstance(each, (dict, list)) and each:
                lines += [f"{key_of(name)}:", *(f"  {line}" for line in inner)]
            else:
                lines.append(f"{key_of(name)}: {inner[0]}")
        return lines or ["{}"]
    if isinstance(found, list):
        lines = []
        for each, text in zip(found, spelled, strict=True):
            first, *others = written(schema["items"], each, text)
            lines += [f"- {first}", *(f"  {line}" for line in others)]
        return lines or ["[]"]
    text = json.dumps(found, ensure_ascii=False)
    if isinstance(found, str):
        if STRANGE.search(found):
            raise StrangeError("a string has strange characters")
        return [text]
    if isinstance(found, bool) or found is None:
        return [text]
    if "enum" in schema or "const" in schema:
        options = schema.get("enum", [schema.get("const")])
        if spelled not in [json.dumps(each) for each in options]:
            raise StrangeError(f"{spelled} is not written like any option")
        return [spelled]
    kinds = schema.get("type", [])
    if "number" not in kinds and isinstance(found, float):
        raise StrangeError(f"{spelled} is not written as a whole number")
    try:
        exact = Decimal(spelled)
    except InvalidOperation:
        raise StrangeError(f"{spelled} is not written as a plain number") from None
    is_plain = format(exact, "f") == spelled and not (exact == 0 and exact.is_signed())
    if not is_plain or abs(exact) >= Decimal(10) ** MOST_DIGITS:
        raise StrangeError(f"{spelled} is not written as a plain number")
    low, high = schema.get("minimum"), schema.get("maximum")
    below = low is not None and exact < Decimal(str(low))
    if below or (high is not None and exact > Decimal(str(high))):
        raise StrangeError(f"{spelled} is not between its bounds")
    return [spelled]
