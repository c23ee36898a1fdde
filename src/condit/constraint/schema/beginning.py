"""Whether a string or number that has only begun can still become a given value."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from condit.constraint.schema.scanner import identity_of, read_string

_COMPLETE = re.compile(rb"(?:[^\\]|\\[^u]|\\u[0-9a-fA-F]{4})*", re.DOTALL)
_EXACT_DIGITS = 15
"""Decimal digits that a 64-bit float keeps."""


def begun_text(spelled: bytes) -> str:
    """The text of an incomplete JSON string, from its bytes after the quotation mark.

    An incomplete escape or character at the end is left out.
    """
    # A match always exists: of the empty string, if need be.
    complete = _COMPLETE.match(spelled)[0]  # type: ignore[index]
    text = read_string(complete.decode("utf-8", errors="ignore").encode())
    if text and "\ud800" <= text[-1] <= "\udbff":
        return text[:-1]  # the first half of a pair
    return text


def begun_bytes(spelled: bytes) -> bytes | None:
    """The UTF-8 bytes of an incomplete JSON string, with its escapes resolved.

    ``None`` where an escape, or a character after an escape, is incomplete.
    """
    if b"\\" not in spelled:
        return spelled
    if _COMPLETE.fullmatch(spelled) is None:
        return None
    try:
        return read_string(spelled.decode().encode()).encode()
    except UnicodeError:
        return None


def number_may_become(spelled: bytes, value: Any) -> bool:
    """Whether the beginning of a number can be continued to one that is read as ``value``.

    Any exponent may follow, so only the sign and the digits count. The digits of the number lie
    between those that are written, followed by zeros, and followed by nines. With enough nines it
    is rounded up to the next number, and with a large negative exponent to 0.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    text = spelled.decode()
    if (text.startswith("-") and value > 0) or (not text.startswith("-") and value < 0):
        return False
    if "e" in text or "E" in text:
        return True
    written = text.lstrip("-").replace(".", "").lstrip("0")
    if not written or value == 0 or len(written) > _EXACT_DIGITS:
        return True
    digits = "".join(map(str, Decimal(repr(value)).as_tuple().digits)).lstrip("0")
    least, wanted = Decimal(f"0.{written}"), Decimal(f"0.{digits}")
    most = least + Decimal(1).scaleb(-len(written))
    return least <= wanted <= most or (most == 1 and wanted == Decimal("0.1"))


def alike(listed: Any, written: Any) -> bool:
    """Whether two values may be equal to the oracle, which may have rounded the listed one."""
    if isinstance(listed, list) and isinstance(written, list):
        return len(listed) == len(written) and all(map(alike, listed, written))
    if isinstance(listed, dict) and isinstance(written, dict):
        return listed.keys() == written.keys() and all(
            alike(listed[key], written[key]) for key in listed
        )
    if _is_number(listed) and _is_number(written):
        try:
            return float(listed) == float(written)
        except OverflowError:
            return bool(listed == written)
    return identity_of(listed) == identity_of(written)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
