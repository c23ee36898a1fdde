"""What the dialects of patterns have in common: choices of sequences, groups, repeats, lookaround.

Which items a sequence has, and what each means, is a dialect's to say: ``python_reader.py`` and
``ecma.py``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from condit.constraint.regular.expression import Look, Node, alternation
from condit.constraint.regular.flags import Flags
from condit.constraint.regular.pattern_text import PatternText

DIGITS = "0123456789"
REPEATS = "*+?{"
"""What may begin a repeat."""
CONTROLS = {"f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
"""Characters whose escape is a letter."""
_LOOKS = {"?<=": (False, False), "?<!": (False, True), "?=": (True, False), "?!": (True, True)}
_BOUNDS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class Reader(ABC):
    """Goes over a pattern once, left to right.

    Attributes:
        pattern: the pattern.
        text: the pattern, with the place that has been reached.
        flags: the flags that hold at the place.
        groups: what each capturing group holds, by number, as far as they are closed.
        opened: the number of the last group that was opened.
    """

    has_least: ClassVar[bool] = True
    """Whether a repeat must say how often at least: ``{,3}`` is none."""

    def __init__(self, pattern: str, flags: Flags) -> None:
        self.pattern = pattern
        self.text = PatternText(pattern)
        self.flags = flags
        self.groups: dict[int, Node] = {}
        self.opened = 0

    @abstractmethod
    def read_sequence(self) -> Node:
        """The items up to the end of a choice or of a group."""

    def either(self, *choices: Node) -> Node:
        """Two or more choices, the first of which is tried first."""
        return alternation(*choices)

    def end_group(self) -> None:
        """Pass the parenthesis that ends a group."""
        self.text.take(")")

    def set_flags(self, flags: Flags) -> None:
        """The flags that hold from here on."""
        self.flags = flags
        self.text.verbose = "x" in flags.on

    def read_choices(self) -> Node:
        """What stands up to the end of a group, or of the pattern."""
        choices = [self.read_sequence()]
        while self.text.take("|"):
            choices.append(self.read_sequence())
        return choices[0] if len(choices) == 1 else self.either(*choices)

    def read_inside(self, flags: Flags | None = None) -> Node:
        """What stands up to the end of a group, which is passed.

        Args:
            flags: that hold in the group; ``None``: those that hold here. Others that are set in
                it end with it.
        """
        before = self.flags
        self.set_flags(flags or before)
        node = self.read_choices()
        self.end_group()
        self.set_flags(before)
        return node

    def read_look(self) -> Look | None:
        """Lookaround, if it comes next; the parenthesis has been read."""
        for opening, (ahead, negative) in _LOOKS.items():
            if self.text.take(opening, exact=True):
                return Look(self.read_inside(), ahead=ahead, negative=negative)
        return None

    def read_bounds(self, sign: str) -> tuple[int, int | None] | None:
        """The bounds of a repeat whose sign has just been read; ``None``: it is none."""
        if sign != "{":
            return _BOUNDS[sign]
        start = self.text.position
        least = self.text.take_while(DIGITS)
        comma = self.text.take(",")
        most = self.text.take_while(DIGITS) if comma else least
        if not (least or (comma and not self.has_least)) or not self.text.take("}"):
            self.text.position = start
            return None
        return int(least or 0), int(most) if most else None
