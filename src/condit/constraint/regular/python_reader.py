r"""Reads patterns in the dialect of the ``regex`` module, version 1, a superset of Python's ``re``.

What a pattern means is what ``regex.fullmatch`` says. The module compiles each pattern first, so
that what is read here is known to be well formed; what it refuses is refused in its words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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
from condit.constraint.regular.folding import Letter, ordered, without_letters
from condit.constraint.regular.fuzzy_bounds import read_errors
from condit.constraint.regular.pattern import Pattern
from condit.constraint.regular.python_atoms import DIGITS, AtomReader
from condit.constraint.regular.python_flags import LETTERS, Flags
from condit.constraint.regular.verbs import Cut, with_scopes
from condit.errors import CompileError, UnsupportedConstraintError
from condit.foreign.regex import said

_LOOKS = {"?<=": (False, False), "?<!": (False, True), "?=": (True, False), "?!": (True, True)}
_NO_LISTS: Mapping[str, Iterable[str]] = MappingProxyType({})


def read(pattern: str, lists: Mapping[str, Iterable[str]] = _NO_LISTS) -> Pattern:
    r"""The meaning of a pattern.

    Args:
        pattern: the pattern.
        lists: the texts of each named list (``\L<name>``).

    Raises:
        CompileError: the ``regex`` module refuses it; ``position`` says where.
        UnsupportedConstraintError: it uses something whose meaning no expression has.
    """
    given = {name: list(texts) for name, texts in lists.items()}
    try:
        compiled = regex.compile(pattern, regex.V1, **given)
    except (regex.error, ValueError, IndexError, TypeError, OverflowError) as error:
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
    return _Reader(pattern, compiled, given).read()


class _Reader(AtomReader):
    """Goes over a pattern once, left to right."""

    def __init__(
        self, pattern: str, compiled: regex.Pattern[str], lists: dict[str, list[str]]
    ) -> None:
        whole = "a" if compiled.flags & regex.A else "u"
        super().__init__(pattern, dict(compiled.groupindex), Flags(frozenset("f"), whole), lists)
        self.backwards = bool(compiled.flags & regex.R)
        self.groups: dict[int, Node] = {}
        self.opened = 0
        self.named: set[int] = set()
        # Where the last lookaround as a condition stands.
        self.look_condition = -1

    def read(self) -> Pattern:
        node = with_scopes(self._read_choices())
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

    def _scoped(self, read: Callable[[], Node]) -> Node:
        """What ``read`` reads; flags that are set in it end with it."""
        flags = self.flags
        node = read()
        self._set_flags(flags)
        return node

    def _set_flags(self, flags: Flags) -> None:
        self.flags = flags
        self.text.verbose = "x" in flags.on

    def _read_choices(self) -> Node:
        choices = [self._read_sequence()]
        while self.text.take("|"):
            choices.append(self._read_sequence())
        return choices[0] if len(choices) == 1 else ordered(*choices)

    def _read_inside(self) -> Node:
        """What stands up to the end of a group."""

        def read() -> Node:
            node = self._read_choices()
            self.text.take(")")
            return node

        return self._scoped(read)

    def _read_sequence(self) -> Node:
        items: list[Node] = []
        # A branch reset leaks its flags to what follows, but not to literals beside it.
        folding = self.flags.folding
        begun = 0
        while (character := self.text.peek()) and character not in "|)":
            start = self.text.position
            self.text.next()
            if character not in "*+?{":
                begun = start
            if character == "(":
                if (node := self._read_group(start)) is None:
                    folding = self.flags.folding
                else:
                    items.append(node)
            elif character in "*+?{" and (bounds := self.read_bounds(character)):
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
        for opening, (is_ahead, negative) in _LOOKS.items():
            if self.takes(opening):
                return Look(self._read_inside(), ahead=is_ahead, negative=negative)
        for opening in ("?P<", "?<"):
            if self.takes(opening):
                name = text.take_until(">")
                text.take(">")
                return self._capture(name)
        if self.takes("?P="):
            return self.reference(self.read_name())
        for opening in ("?P>", "?P&", "?&"):
            if self.takes(opening):
                return Call(self.number(self.read_name()))
        if self.takes("?#"):
            self._skip_comment()
            return None
        if self.takes("?("):
            return self._scoped(self._read_conditional)
        if self.takes("?>"):
            return Atomic(self._read_inside())
        if self.takes("?|"):
            return self._read_branches()
        if self.takes("?"):
            return self._read_call() or self._read_flags()
        if self.pattern[text.position : text.position + 1] == "*":
            verb = self.pattern[text.position + 1 :].split(")")[0]
            if verb[:1].isalpha():
                text.position += len(verb) + 2
                return NOTHING if verb in ("FAIL", "F") else Cut()
        return self._capture(None)

    def _capture(self, name: str | None) -> Node:
        number = self._open(name)
        node = Capture(number, self._read_inside())
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
        choices = [self._read_sequence()]
        last = self.opened
        while self.text.take("|"):
            self.opened = first
            choices.append(self._read_sequence())
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
            before = self.flags
            self._set_flags(before.changed(on, off, scoped=True))
            node = self._read_choices()
            text.take(")")
            self._set_flags(before)
            return node
        text.take(")")
        self._set_flags(self.flags.changed(on, off, scoped=False))
        return None

    def _read_flag_letters(self) -> str:
        letters = self.text.take_while(LETTERS + "01")
        return "".join(letter for letter in letters if letter in "aufimswx")

    def _read_conditional(self) -> Node:
        for opening, (is_ahead, negative) in _LOOKS.items():
            if self.takes(opening):
                self.look_condition = self.text.position
                condition = self._read_inside()
                yes, no = self._read_sides()
                asked = Look(condition, ahead=is_ahead, negative=negative)
                return conditional(asked, yes, no)
        name = self.read_name()
        yes, no = self._read_sides()
        if name == "DEFINE" and name not in self.names:
            return EMPTY
        return Conditional(self.number(name), yes, no)

    def _read_sides(self) -> tuple[Node, Node]:
        yes = self._read_sequence()
        no = self._read_sequence() if self.text.take("|") else EMPTY
        self.text.take(")")
        return yes, no
