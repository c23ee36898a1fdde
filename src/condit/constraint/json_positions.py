"""Strict reading of finished JSON texts, and the position of each value in them.

Text that is still being written is read by ``condit.constraint.schema.scanner``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from json.decoder import scanstring  # type: ignore[attr-defined]

from condit.constraint.base import Violation

_SPACE = re.compile(r"[ \t\n\r]*")
_STRINGS_AND_LITERALS = re.compile(r'"(?:[^"\\]|\\.)*"|[-+.\w]+', re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_DEEPEST = 900
"""Nesting at most: below the limits of all versions of Python, so that all refuse the same."""
_TOO_DEEP = "the JSON text is nested too deeply to be read"
_SURROGATE = re.compile("[\ud800-\udfff]")


class NotJsonError(ValueError):
    """The text is not JSON; ``violation`` says why and where."""

    def __init__(self, violation: Violation) -> None:
        super().__init__(str(violation))
        self.violation = violation


def read_json(text: str, *, unique_keys: bool = False) -> object:
    """The value that ``text`` spells.

    Args:
        text: one JSON value.
        unique_keys: whether to refuse an object in which a key comes twice. Otherwise the later
            one counts.

    Raises:
        NotJsonError: it is not JSON (``NaN`` is not), or holds what no JSON reader need take:
            half of a surrogate pair, a number beyond a float, nesting beyond 900 levels, or
            beyond Python's stack.
    """
    if _depth(text) > _DEEPEST:
        raise NotJsonError(Violation(_TOO_DEEP))
    decoder = json.JSONDecoder(
        parse_constant=_no_constant,
        parse_float=_finite,
        object_pairs_hook=_unique if unique_keys else None,
    )
    try:
        value = decoder.decode(text)
    except json.JSONDecodeError as error:
        position = min(error.pos, len(text))
        ends = not text[position:].strip()
        reason = "the JSON text is not complete" if ends else f"this is not JSON: {error.msg}"
        raise NotJsonError(Violation(reason, position)) from None
    except _RefusedLiteralError as error:
        place = _place_of(text, error.literal)
        raise NotJsonError(Violation(f"{error.literal[:20]} {error}", place)) from None
    except _RepeatedKeyError as error:
        raise NotJsonError(Violation(str(error))) from None
    except ValueError:
        # The only other ValueError: more digits than Python reads.
        digits = re.search(r"\d{640,}", text)
        place = digits.start() if digits else None
        raise NotJsonError(Violation("an integer has too many digits", place)) from None
    except RecursionError:
        raise NotJsonError(Violation(_TOO_DEEP)) from None
    _refuse_surrogates(text)
    return value


def position_of(text: str, path: Sequence[str | int]) -> int:
    """The character at which the value at ``path`` begins, or the last value that exists on it."""
    decoder = json.JSONDecoder()
    here = _skip(text, 0)
    for step in path:
        found = None
        place = _skip(text, here + 1)
        index = 0
        while text[here] in "[{" and text[place] not in "]}":
            key: str | int = index
            if text[here] == "{":
                key, after = scanstring(text, place + 1)
                place = _skip(text, _skip(text, after) + 1)
            if key == step:
                found = place
            _, after = decoder.raw_decode(text, place)
            place = _skip(text, after)
            if text[place] == ",":
                place = _skip(text, place + 1)
            index += 1
        if found is None:
            break
        here = found
    return here


def _depth(text: str) -> int:
    """The depth of nesting, brackets in strings not counted; 0 if certainly below the limit."""
    if text.count("[") + text.count("{") <= _DEEPEST:
        return 0
    depth = deepest = 0
    for character in _STRING.sub("", text):
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


class _RefusedLiteralError(Exception):
    def __init__(self, literal: str, reason: str) -> None:
        super().__init__(reason)
        self.literal = literal


class _RepeatedKeyError(Exception):
    pass


def _unique(members: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(members)
    if len(found) < len(members):
        keys = [key for key, _ in members]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _RepeatedKeyError(f"the key {json.dumps(twice)[:60]} comes twice in one object")
    return found


def _no_constant(literal: str) -> object:
    raise _RefusedLiteralError(literal, "is not JSON")


def _finite(literal: str) -> float:
    value = float(literal)
    if math.isinf(value):
        raise _RefusedLiteralError(literal, "is too large for a floating-point number")
    return value


def _refuse_surrogates(text: str) -> None:
    for found in _STRINGS_AND_LITERALS.finditer(text):
        if not found[0].startswith('"') or not ("\\u" in found[0] or _SURROGATE.search(found[0])):
            continue
        if _SURROGATE.search(scanstring(found[0], 1)[0]):
            reason = "a string holds half of a surrogate pair, which is no character"
            raise NotJsonError(Violation(reason, found.start()))


def _place_of(text: str, literal: str) -> int | None:
    places = (each.start() for each in _STRINGS_AND_LITERALS.finditer(text) if each[0] == literal)
    return next(places, None)


def _skip(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place
