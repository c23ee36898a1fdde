r"""Where a class of the ``regex`` module ends: ``[a-z]``, ``[\w--[aeiou]]``, ``[[:alpha:]_]``.

What its members are, the module is asked (`properties.members`).
"""

from __future__ import annotations

import re

_OPERATORS = ("||", "~~", "&&", "--")
ESCAPE = re.compile(
    r"\\(?:[pP](?:\{\^?[^}]*\}|[CLMNPSZ])|N\{[^}]*\}|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}"
    r"|U[0-9A-Fa-f]{8}|[0-7]{1,3}|.)",
    re.DOTALL,
)
"""An escape in a class."""
_SET_ESCAPE = re.compile(r"\\[pPdDwWsSh]")
_POSIX = re.compile(r"\[:\^?[A-Za-z0-9 &_.-]*(?:[:=][A-Za-z0-9 &_./-]*?)?:\]")


def class_end(pattern: str, start: int) -> int:
    """Where the class that opens at ``start`` ends; the module has accepted it."""
    position = start + 1
    if pattern.startswith("^", position):
        position += 1
    is_first = True
    while position < len(pattern) and (is_first or not pattern.startswith("]", position)):
        if not is_first and pattern[position : position + 2] in _OPERATORS:
            position += 2
            # What follows an operator is a member, whatever it is, as what opens a class is.
            is_first = True
            continue
        is_first = False
        position, is_character = _member_end(pattern, position)
        is_range = is_character and pattern.startswith("-", position)
        if is_range and pattern[position + 1 : position + 2] not in ("-", "]"):
            position, _ = _member_end(pattern, position + 1)
    return position + 1


def _member_end(pattern: str, position: int) -> tuple[int, bool]:
    """Where a member ends, and whether it is a single character."""
    if found := ESCAPE.match(pattern, position):
        return found.end(), not _SET_ESCAPE.match(pattern, position)
    if found := _POSIX.match(pattern, position):
        return found.end(), False
    if pattern.startswith("[", position):
        return class_end(pattern, position), False
    return position + 1, True
