"""The bytes of UTF-8: which may come after which. Nothing else of characters is known here."""

from __future__ import annotations

BETWEEN = 0
"""Between two characters. The other states, 1 to 7, are inside of one."""

REFUSED = -1

# For each lead byte the state after it; for each state the bytes that go on, and the next state.
_LEADS = (
    (range(0x80), BETWEEN),
    (range(0xC2, 0xE0), 1),
    (range(0xE1, 0xF0), 2),
    (range(0xF1, 0xF4), 3),
    (range(0xE0, 0xE1), 4),
    (range(0xED, 0xEE), 5),
    (range(0xF0, 0xF1), 6),
    (range(0xF4, 0xF5), 7),
)
_FURTHER = (
    (1, range(0x80, 0xC0), BETWEEN),
    (2, range(0x80, 0xC0), 1),
    (3, range(0x80, 0xC0), 2),
    (4, range(0xA0, 0xC0), 1),
    (5, range(0x80, 0xA0), 1),
    (6, range(0x90, 0xC0), 2),
    (7, range(0x80, 0x90), 2),
)


def _table() -> tuple[tuple[int, ...], ...]:
    rows = [[REFUSED] * 256 for _ in range(8)]
    for leads, after in _LEADS:
        for byte in leads:
            rows[BETWEEN][byte] = after
    for state, bytes_, after in _FURTHER:
        for byte in bytes_:
            rows[state][byte] = after
    return tuple(map(tuple, rows))


NEXT = _table()
"""``NEXT[state][byte]``: the state after the byte, ``REFUSED`` where it may not come."""

COMPLETION = tuple(
    bytes.fromhex(rest) for rest in ("", "80", "8080", "808080", "a080", "8080", "908080", "808080")
)
"""For each state bytes that finish the character."""


def is_lead(byte: int) -> bool:
    """Whether a character begins with this byte."""
    return byte & 0xC0 != 0x80


def state_after(text: bytes) -> int:
    """The state after ``text``; ``REFUSED`` where it is no beginning of UTF-8."""
    state = BETWEEN
    for byte in text:
        state = NEXT[state][byte]
        if state == REFUSED:
            break
    return state
