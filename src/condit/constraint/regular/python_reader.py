r"""Reads patterns in the dialect of the ``regex`` module, version 1, a superset of Python's ``re``.

What a pattern means is what ``regex.fullmatch`` says. The module compiles each pattern first, so
that what is read here is known to be well formed; what it refuses is refused in its words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

import regex  # type: ignore[import-untyped]

from condit.constraint.regular.calls import finished
from condit.constraint.regular.conditions import conditional
from condit.constraint.regular.expression import (
    ANYTHING,
    EMPTY,
    NOTHING,
    START,
    Atomic,
    Call,
    Capture,
    Conditional,
    Look,
    Node,
    concatenation,
    repetition,
)
from condit.constraint.regular.flags import Flags
from condit.constraint.regular.folding import Letter, ordered, without_letters
from condit.constraint.regular.fuzzy_bounds import read_errors
from condit.constraint.regular.pattern import Pattern
from condit.constraint.regular.python_atoms import AtomReader
from condit.constraint.regular.reader import DIGITS, REPEATS
from condit.constraint.regular.verbs import Cut, with_scopes
from condit.errors import CompileError, UnsupportedConstraintError
from condit.foreign.regex import said

_FLAGS = "abefiLmprsuwxV01"
_NO_LISTS: Mapping[str, Iterable[str]] = MappingProxyType({})


def read(
    pattern: str, lists: Mapping[str, Iterable[str]] = _NO_LISTS, *, full_case: bool = True
) -> Pattern:
    r"""The meaning of a pattern.

    Args:
        pattern: the pattern.
        lists: the texts of each named list (``\L<name>``).
        full_case: whether one character may stand for several where case is ignored, as ``ß``
            for ``SS``, unless the pattern says otherwise (flag ``f``).

    Raises:
        CompileError: the ``regex`` module refuses it; ``position`` says where.
        UnsupportedConstraintError: it uses something whose meaning no expression has.
    """
    given = {name: list(texts) for name, texts in lists.items()}
    try:
        compiled = regex.compile(pattern, regex.V1, **given)
    except (regex.error, ValueError, LookupError, TypeError, OverflowError) as error:
        position = getattr(error, "pos", None)
        place = "" if position is None else f", at character {position}"
        raise CompileError(
            f"regex {pattern!r} does not parse: {said(error)}{place}", position=position
        ) from error
    if compiled.flags & regex.L:
        raise UnsupportedConstraintError(
            f"regex {pattern!r} uses the flag 'L', which depends on the computer's locale. Write "
            "the pattern without it",
            keywords=("(?L)",),
        )
    return _Reader(pattern, compiled, given, frozenset("f" * full_case)).read()


class _Reader(AtomReader):
    """Goes over a pattern once, left to right."""

    def __init__(
        self,
        pattern: str,
        compiled: regex.Pattern[str],
        lists: dict[str, list[str]],
        on: frozenset[str],
    ) -> None:
        whole = "a" if compiled.flags & regex.A else "u"
        super().__init__(pattern, dict(compiled.groupindex), Flags(on, whole), lists)
        self.backwards = bool(compiled.flags & regex.R)
        self.named: set[int] = set()
        # Where the last lookaround as a condition stands.
        self.look_condition = -1

    def read(self) -> Pattern:
        node = with_scopes(self.read_choices())
        if self.backwards:
            # As lookbehind does, it takes what stands last first.
            node = concatenation(
                ANYTHING, Look(concatenation(START, node), ahead=False, negative=False)
            )
        encoding = self.flags.encoding
        root = without_letters(node, replace(encoding, here=""))
        groups = {
            number: without_letters(each, replace(encoding, here=""))
            for number, each in self.groups.items()
        }
        return finished(Pattern(root, groups, self.names))

    def either(self, *choices: Node) -> Node:
        """The choices, the first of which is tried first."""
        return ordered(*choices)

    def read_sequence(self) -> Node:
        """The items up to the end of a choice or of a group."""
        items: list[Node] = []
        # A branch reset leaks its flags to what follows, but not to literals beside it.
        folding = self.flags.folding
        begun = 0
        while (character := self.text.peek()) and character not in "|)":
            start = self.text.position
            self.text.next()
            if character not in REPEATS:
                begun = start
            if character == "(":
                if (node := self._read_group(start)) is None:
                    folding = self.flags.folding
                else:
                    items.append(node)
            elif character in REPEATS and (bounds := self.read_bounds(character)):
                items.append(self._repeated(items.pop(), *bounds))
            elif character == "{" and (errors := read_errors(self.text, self.read_test)):
                if self.look_condition > begun:
                    # The module allows errors in the condition, too.
                    raise self.unsupported("(?(?", "a condition in fuzzy matching", begun)
                items.append(errors.applied(items.pop()))
            else:
                items.append(self.read_plain(character, start) or Letter(character, folding))
        return concatenation(*items)

    def _repeated(self, item: Node, least: int, most: int | None) -> Node:
        lazy = self.text.take("?")
        possessive = not lazy and self.text.take("+")
        if (least, most) == (1, 1):
            return item
        node = repetition(item, least, most, lazy=lazy)
        return Atomic(node) if possessive else node

    def _read_group(self, start: int) -> Node | None:
        """A group whose parenthesis has just been read; ``None`` if it is flags or a comment."""
        text = self.text
        if look := self.read_look():
            return look
        for opening in ("?P<", "?<"):
            if text.take(opening, exact=True):
                name = text.take_until(">")
                text.take(">")
                return self._capture(name)
        if text.take("?P=", exact=True):
            return self.reference(self.read_name())
        for opening in ("?P>", "?P&", "?&"):
            if text.take(opening, exact=True):
                return Call(self.number(self.read_name()))
        if text.take("?#", exact=True):
            self._skip_comment()
            return None
        if text.take("?(", exact=True):
            return self._read_conditional()
        if text.take("?>", exact=True):
            return Atomic(self.read_inside())
        if text.take("?|", exact=True):
            return self._read_branches()
        if text.take("?", exact=True):
            return self._read_call() or self._read_flags()
        if self.pattern[text.position : text.position + 1] == "*":
            verb = self.pattern[text.position + 1 :].split(")")[0]
            if verb[:1].isalpha():
                text.position += len(verb) + 2
                return NOTHING if verb in ("FAIL", "F") else Cut()
        return self._capture(None)

    def _capture(self, name: str | None) -> Node:
        number = self._open(name)
        node = Capture(number, self.read_inside())
        self.groups[number] = node
        return node

    def _open(self, name: str | None) -> int:
        if name is None:
            self.opened += 1
            return self.opened
        number = self.names[name]
        if number not in self.named:
            self.named.add(number)
            self.opened = number
        return number

    def _skip_comment(self) -> None:
        text = self.text
        while (character := text.next(exact=True)) and character != ")":
            if character == "\\":
                text.next(exact=True)

    def _read_branches(self) -> Node:
        first = self.opened
        last = first
        choices = [self.read_sequence()]
        last = self.opened
        while self.text.take("|"):
            self.opened = first
            choices.append(self.read_sequence())
            last = max(last, self.opened)
        self.opened = last
        self.text.take(")")
        return choices[0] if len(choices) == 1 else ordered(*choices)

    def _read_call(self) -> Node | None:
        text = self.text
        if text.take("R"):
            text.take(")")
            return Call(0)
        position = text.position
        sign = text.next() if text.peek() in ("+", "-") else ""
        digits = text.take_while(DIGITS)
        if not digits:
            text.position = position
            return None
        text.take(")")
        offset = {"": 0, "+": self.opened, "-": self.opened + 1}[sign]
        return Call(offset + (-int(digits) if sign == "-" else int(digits)))

    def _read_flags(self) -> Node | None:
        text = self.text
        on, off = self._read_flag_letters(), ""
        if text.take("-"):
            off = self._read_flag_letters()
        if text.take(":"):
            return self.read_inside(self.flags.changed(on, off, scoped=True))
        text.take(")")
        self.set_flags(self.flags.changed(on, off, scoped=False))
        return None

    def _read_flag_letters(self) -> str:
        letters = self.text.take_while(_FLAGS)
        return "".join(letter for letter in letters if letter in "aufimswx")

    def _read_conditional(self) -> Node:
        flags = self.flags
        position = self.text.position
        if asked := self.read_look():
            self.look_condition = max(self.look_condition, position)
            node = conditional(asked, *self._read_sides())
        else:
            name = self.read_name()
            sides = self._read_sides()
            is_definition = name == "DEFINE" and name not in self.names
            node = EMPTY if is_definition else Conditional(self.number(name), *sides)
        self.set_flags(flags)
        return node

    def _read_sides(self) -> tuple[Node, Node]:
        yes = self.read_sequence()
        no = self.read_sequence() if self.text.take("|") else EMPTY
        self.text.take(")")
        return yes, no
