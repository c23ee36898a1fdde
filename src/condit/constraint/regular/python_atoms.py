r"""What a pattern of the ``regex`` module says about one place: ``a``, ``[a-z]``, ``\1``, ``^``.

Sequences and groups are the reader's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from condit.constraint.regular.boundaries import last_line_end, line_end, line_start
from condit.constraint.regular.characters import EVERY, Characters
from condit.constraint.regular.expression import (
    NOTHING,
    START,
    Backreference,
    Node,
    One,
    concatenation,
    one,
)
from condit.constraint.regular.flags import Flags
from condit.constraint.regular.folding import Letter, folded_strings, ordered, without_letters
from condit.constraint.regular.properties import members
from condit.constraint.regular.python_class import class_end
from condit.constraint.regular.python_escape import read_escape
from condit.constraint.regular.reader import DIGITS, Reader
from condit.errors import UnsupportedConstraintError

_NEWLINE = Characters.single("\n")
_SEPARATORS = Characters.of(((0x0A, 0x0D), (0x85, 0x85), (0x2028, 0x2029)))


class AtomReader(Reader):
    """Reads one thing after the other; which flags hold, who goes over the pattern sets.

    Attributes:
        names: the numbers of named groups.
        lists: the texts of named lists.
    """

    has_least = False

    def __init__(
        self,
        pattern: str,
        names: Mapping[str, int],
        flags: Flags,
        lists: Mapping[str, Sequence[str]],
    ) -> None:
        super().__init__(pattern, flags)
        self.names = names
        self.lists = lists

    def unsupported(self, construct: str, name: str, position: int) -> UnsupportedConstraintError:
        """The error for a construct that is refused."""
        return UnsupportedConstraintError(
            f"regex {self.pattern!r} uses {name}, {construct!r}, at character {position}, in a way "
            "that cannot be followed. Write the pattern without it",
            position=position,
            keywords=(construct,),
        )

    def read_plain(self, character: str, start: int) -> Node | None:
        """What a character means; ``None``: it stands for itself."""
        on = self.flags.on
        separators = _SEPARATORS if "w" in on else _NEWLINE
        match character:
            case ".":
                return one(EVERY if "s" in on else separators.complement())
            case "^":
                return line_start(separators) if "m" in on else START
            case "$":
                return line_end(separators) if "m" in on else last_line_end(separators)
            case "[":
                return self._read_class(start)
            case "\\":
                return self._read_escape(start)
            case _:
                return None

    def _read_class(self, start: int) -> Node:
        end = class_end(self.pattern, start)
        item = self.pattern[start:end]
        self.text.position = end
        encoding, folding = self.flags.encoding, self.flags.folding
        plain = members(item, encoding)
        if not folding:
            return one(plain)
        if len(plain.ranges) == 1 and plain.ranges[0][0] == plain.ranges[0][1]:
            return Letter(chr(plain.ranges[0][0]), folding)
        node = one(members(item, encoding, folded=True))
        if folding == "full" and self.flags.whole == "u" and not item.startswith("[^"):
            return ordered(node, *folded_strings(plain, encoding))
        return node

    def _read_escape(self, start: int) -> Node:
        text = self.text
        following = text.peek(exact=True)
        if following == "L":
            text.next(exact=True)
            text.take("<")
            return self._named_list(text.take_until(">"))
        if following == "g":
            position = text.position
            text.next(exact=True)
            if text.take("<") and (name := text.take_until(">")) and text.take(">"):
                return self.reference(name)
            text.position = position
        elif following and following in "123456789":
            octal = self.pattern[text.position : text.position + 3]
            if len(octal) < 3 or set(octal) - set("01234567"):
                return self.reference(self._read_reference_number())
        node = read_escape(text, self.flags)
        if isinstance(node, Letter) and 0xD800 <= ord(node.character) < 0xE000:
            return NOTHING
        return node

    def _read_reference_number(self) -> str:
        digits = self.text.next(exact=True)
        if self.text.peek() in tuple(DIGITS):
            digits += self.text.next()
        return digits

    def _named_list(self, name: str) -> Node:
        self.text.take(">")
        texts = sorted(self.lists[name], key=len, reverse=True)
        folding = self.flags.folding
        rows = [concatenation(*(Letter(each, folding) for each in text)) for text in texts]
        return ordered(*rows) if rows else NOTHING

    def number(self, name: str) -> int:
        """The number of a group that is referred to by number or name."""
        return int(name) if name.isdigit() else self.names[name]

    def reference(self, name: str) -> Node:
        """What a group has captured, once more."""
        return Backreference(self.number(name), bool(self.flags.folding))

    def read_test(self) -> Characters:
        """The characters that a fuzzy group allows in place of others."""
        start = self.text.position
        character = self.text.next()
        node = self.read_plain(character, start) or Letter(character, self.flags.folding)
        found = without_letters(node, replace(self.flags.encoding, here=""))
        if isinstance(found, One):
            return found.characters
        raise self.unsupported(character, "more than one character in fuzzy matching", start)

    def read_name(self) -> str:
        """What stands up to a parenthesis, which is passed."""
        name = self.text.take_until(")")
        self.text.take(")")
        return name
