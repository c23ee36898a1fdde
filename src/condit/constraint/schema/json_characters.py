"""How a JSON text spells one character of a set.

Three spellings are told apart:

- *free*: whatever JSON allows, so ``a`` may be ``\\u0061`` as well;
- *normal*: as ``json.dumps`` writes it, with or without ``ensure_ascii``: what must be escaped is,
  in the shortest way, and what is not ASCII may be;
- *plain*: as ``json.dumps(..., ensure_ascii=False)`` writes it, one spelling for each character.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from condit.constraint.regular.characters import (
    EVERY,
    FIRST_BEYOND,
    LAST,
    Characters,
    Ranges,
    class_text,
    clipped,
    gaps,
    is_all_beyond,
    merged,
    quoted,
    without_surrogates,
)

_SHORT = {0x08: "b", 0x09: "t", 0x0A: "n", 0x0C: "f", 0x0D: "r", 0x22: '"', 0x5C: r"\\"}
_MUST_ESCAPE = frozenset({*range(0x20), 0x22, 0x5C})
_HEX = "[0-9a-f]"
_ANY_HEX = "[0-9a-fA-F]"
_RAW = r'[^"\\\x00-\x1f]'
# A set of more ranges than this is spelled without escapes: its regex would be too large.
_MOST_ESCAPED_RANGES = 24

# The escapes of everything beyond ASCII, after ``\u``.
_BEYOND = (
    rf"007f|00[89a-f]{_HEX}|0[1-9a-f]{_HEX}{{2}}|[1-9a-cef]{_HEX}{{3}}"
    rf"|d(?:[0-7]{_HEX}{{2}}|[89ab]{_HEX}{{2}}\\ud[c-f]{_HEX}{{2}})"
)
NORMAL = (
    rf'(?:{_RAW}|\\(?:["\\bfnrt]|u(?:00(?:0[0-7be-f]|1{_HEX}|7f|[89a-f]{_HEX})'
    rf"|0[1-9a-f]{_HEX}{{2}}|[1-9a-cef]{_HEX}{{3}}"
    rf"|d(?:[0-7]{_HEX}{{2}}|[89ab]{_HEX}{{2}}\\ud[c-f]{_HEX}{{2}}))))"
)
PLAIN = rf'(?:{_RAW}|\\(?:["\\bfnrt]|u00(?:0[0-7be-f]|1{_HEX})))'
FREE = (
    rf'(?:{_RAW}|\\(?:["\\/bfnrt]|u(?:[0-9a-cefA-CEF]{_ANY_HEX}{{3}}'
    rf"|[dD](?:[0-7]{_ANY_HEX}{{2}}|[89abAB]{_ANY_HEX}{{2}}\\u[dD][c-fC-F]{_ANY_HEX}{{2}}))))"
).replace("/", r"\/")


def can_escape(characters: Characters) -> bool:
    """Whether ``spelled`` can list the escapes of all members."""
    return not characters.beyond and (
        is_all_beyond(characters.ranges) or len(characters.ranges) <= _MOST_ESCAPED_RANGES
    )


@lru_cache(maxsize=4096)
def spelled(characters: Characters, escaped: bool) -> str:
    """The regex of a member's spellings: the normal ones, or only the plain one.

    Args:
        characters: the set.
        escaped: whether characters beyond ASCII may be escaped; only where ``can_escape``.
    """
    if characters == EVERY:
        return NORMAL if escaped else PLAIN
    parts = []
    raw = _raw_class(characters)
    if raw:
        parts.append(raw)
    points = [point for point in sorted(_MUST_ESCAPE) if point in characters]
    short = "".join(_SHORT[point] for point in points if point in _SHORT)
    if short:
        parts.append(rf"\\[{short}]" if len(short.replace(r"\\", "x")) > 1 else rf"\\{short}")
    long = [point for point in points if point not in _SHORT]
    escapes = _hexadecimal(_runs(long))
    if escaped and is_all_beyond(characters.ranges):
        escapes.append(_BEYOND)
    elif escaped:
        escapes += _escapes_beyond(characters.ranges)
    if escapes:
        parts.append(rf"\\u(?:{'|'.join(escapes)})")
    if not parts:
        return r"[a&&b]"
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"


def _raw_class(characters: Characters) -> str:
    """A class of Rust's ``regex`` for the members that need no escape, or ``""``."""
    ascii_members = [
        (low, high)
        for part in clipped(characters.ranges, 0x20, 0x7F)
        for low, high in _split_around(part, (0x22, 0x5C))
    ]
    if characters.beyond:
        text = class_text(ascii_members)
        return rf"[{text}[[{characters.beyond}]&&[^\x00-\x7f]]]"
    if is_all_beyond(characters.ranges):
        # Written as what is left out, such a set is short.
        missing = without_surrogates(
            gaps(merged(((0, 0x1F), (0x22, 0x22), (0x5C, 0x5C), *characters.ranges)))
        )
        return f'[^"\\\\\\x00-\\x1f{class_text(missing)}]'
    members = [*ascii_members, *clipped(characters.ranges, 0x80, LAST)]
    if len(members) == 1 and members[0][0] == members[0][1]:
        return quoted(chr(members[0][0]))
    return f"[{class_text(members)}]" if members else ""


def _split_around(part: tuple[int, int], points: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    low, high = part
    for point in points:
        if low <= point <= high:
            if low < point:
                yield low, point - 1
            low = point + 1
    if low <= high:
        yield low, high


def _runs(points: Iterable[int]) -> Ranges:
    return tuple(merged((point, point) for point in points))


def _escapes_beyond(ranges: Ranges) -> list[str]:
    """What follows ``\\u`` in the escapes of the members from DEL on."""
    basic = without_surrogates(clipped(ranges, FIRST_BEYOND, 0xFFFF))
    escapes = _hexadecimal(basic)
    for low, high in clipped(ranges, 0x10000, LAST):
        first_high, first_low = divmod(low - 0x10000, 0x400)
        last_high, last_low = divmod(high - 0x10000, 0x400)
        if first_high == last_high:
            blocks = [(first_high, first_high, first_low, last_low)]
        else:
            blocks = [(first_high, first_high, first_low, 0x3FF)] if first_low else []
            begin = first_high + (first_low > 0)
            end = last_high - (last_low < 0x3FF)
            if begin <= end:
                blocks.append((begin, end, 0, 0x3FF))
            if last_low < 0x3FF:
                blocks.append((last_high, last_high, 0, last_low))
        for begin, end, tail_begin, tail_end in blocks:
            heads = "|".join(_hexadecimal(((0xD800 + begin, 0xD800 + end),)))
            tails = "|".join(_hexadecimal(((0xDC00 + tail_begin, 0xDC00 + tail_end),)))
            escapes.append(rf"(?:{heads})\\u(?:{tails})")
    return escapes


def _hexadecimal(ranges: Iterable[tuple[int, int]]) -> list[str]:
    """Regexes of the four digits of the numbers in ``ranges``."""
    return [part for low, high in ranges for part in _digits(f"{low:04x}", f"{high:04x}")]


def _digits(low: str, high: str) -> list[str]:
    if not low:
        return [""]
    if low == high:
        return [low]
    rest = len(low) - 1
    if low[1:] == "0" * rest and high[1:] == "f" * rest:
        return [_digit(low[0], high[0]) + _hex(rest)]
    if low[0] == high[0]:
        return [low[0] + part for part in _digits(low[1:], high[1:])]
    parts = []
    begin, end = int(low[0], 16), int(high[0], 16)
    if low[1:] != "0" * rest:
        parts += [low[0] + part for part in _digits(low[1:], "f" * rest)]
        begin += 1
    if high[1:] != "f" * rest:
        end -= 1
    if begin <= end:
        parts.append(_digit(f"{begin:x}", f"{end:x}") + _hex(rest))
    if high[1:] != "f" * rest:
        parts += [high[0] + part for part in _digits("0" * rest, high[1:])]
    return parts


def _hex(count: int) -> str:
    return f"{_HEX}{{{count}}}" if count > 1 else _HEX * count


def _digit(low: str, high: str) -> str:
    if low == high:
        return low
    digits = "0123456789abcdef"
    members = digits[digits.index(low) : digits.index(high) + 1]
    spans = (members.rstrip("abcdef"), members.lstrip("0123456789"))
    return f"[{''.join(f'{span[0]}-{span[-1]}' if len(span) > 2 else span for span in spans)}]"
