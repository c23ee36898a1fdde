r"""The part of the regex dialect between brackets: ``[a-z]``, ``[^\s"]``, ``[\w--[aeiou]]``."""

from __future__ import annotations

from condit.constraint.regex_escape import Reader, scan_escape, scan_literal

_OPERATORS = ("&&", "--", "~~")

# Rust reads these as ASCII, the oracle as Unicode: spelled out, both read the same.
_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\x09\x20",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"\x21-\x7e",
    "lower": "a-z",
    "print": r"\x20-\x7e",
    "punct": r"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e",
    "space": r"\x09-\x0d\x20",
    "upper": "A-Z",
    "word": r"0-9A-Za-z\x5f",
    "xdigit": "0-9A-Fa-f",
}


def scan_class(reader: Reader, start: int) -> tuple[str, int]:
    """The class that opens at ``start``, spelled for both engine and oracle, and where it ends.

    Raises:
        CompileError: it is not closed, or a range or an operator in it makes no sense.
        UnsupportedConstraintError: it mixes set operators, which the two sides rank differently.
    """
    pattern = reader.pattern
    position = start + 1
    parts = ["["]
    if pattern.startswith("^", position):
        parts.append("^")
        position += 1
    operator = ""
    # An operand is what stands between two operators; ``]`` first in a class is a literal.
    operand_is_empty = first = True
    while first or not pattern.startswith("]", position):
        found = pattern[position : position + 2]
        if found in _OPERATORS:
            if operand_is_empty:
                raise reader.error(f"the set operator {found!r} has nothing on its left", position)
            if operator not in ("", found):
                name = f"both {operator!r} and {found!r} in one class"
                raise reader.unsupported(found, name, position)
            operator, operand_is_empty = found, True
            parts.append(found)
            position += 2
        else:
            text, position = _scan_item(reader, position, start)
            parts.append(text)
            operand_is_empty = False
        first = False
    if operand_is_empty:
        raise reader.error(f"the set operator {operator!r} has nothing on its right", position)
    return "".join(parts) + "]", position + 1


def _scan_item(reader: Reader, position: int, start: int) -> tuple[str, int]:
    """A nested class, a POSIX class, a range or a single member, and where it ends."""
    pattern = reader.pattern
    if pattern.startswith("[:", position):
        end = pattern.find(":]", position)
        name = pattern[position + 2 : max(end, 0)]
        negated, name = name.startswith("^"), name.removeprefix("^")
        if name in _POSIX:
            return (f"[^{_POSIX[name]}]" if negated else f"[{_POSIX[name]}]"), end + 2
    if pattern.startswith("[", position):
        return scan_class(reader, position)
    low, after = _scan_member(reader, position, start)
    is_range = pattern.startswith("-", after) and pattern[after + 1 : after + 2] not in ("]", "-")
    if not is_range:
        return low, after
    high, end = _scan_member(reader, after + 1, start)
    for bound in (low, high):
        if bound[0] == "\\" and bound[1] in "dDwWsSpP":
            raise reader.error(f"{bound!r} is a set and cannot bound a range", position)
    if _code_point(high) < _code_point(low):
        raise reader.error("the range's bounds are the wrong way round", position)
    return f"{low}-{high}", end


def _scan_member(reader: Reader, position: int, start: int) -> tuple[str, int]:
    if position >= len(reader.pattern):
        raise reader.error("this class is never closed", start)
    if reader.pattern[position] == "\\":
        return scan_escape(reader, position, in_class=True)
    return scan_literal(reader, position), position + 1


def _code_point(spelled: str) -> int:
    return ord(spelled) if len(spelled) == 1 else int(spelled[2:], 16)
