"""How a text is laid out: lines, paragraphs, bullet points, sections, highlights, placeholders."""

from __future__ import annotations

import re

from condit.constraint.lexical.alphabet import among, members, numbered
from condit.constraint.lexical.bounds import bounds, outside, text_of, times
from condit.constraint.lexical.component import Component
from condit.constraint.lexical.constraint import Lexical, Rule

OTHER_BREAKS = "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
"""Where ``str.splitlines`` splits, but for the line feed."""


def lines(
    *,
    at_least: int | None = None,
    at_most: int | None = None,
    exactly: int | None = None,
    blank: bool = False,
) -> Lexical:
    r"""Texts of so many lines.

    Only ``"\n"`` breaks lines: other characters that may are refused. Each line has something on
    it; or with ``blank`` there may be empty ones, which are not counted.

    >>> lines(exactly=2).accepts(chr(10).join(["one", "two"]))
    True

    Args:
        at_least: how many at least.
        at_most: how many at most.
        exactly: how many exactly.
        blank: whether lines of white space alone may be among them.

    Raises:
        ArgumentError: a bound is no count, or none is given.
        UnsatisfiableError: the least is more than the most.
    """
    least, most = bounds("lines", at_least, at_most, exactly, default=-1)

    def step(state: bool, number: int) -> tuple[bool, int] | None:
        if number == 0:
            return (False, 0) if state or blank else None
        if number == 1:
            return None
        return (state, 0) if number == 2 else (True, int(not state))

    def objection(text: str) -> str | None:
        found = text.split("\n")
        if any(each in text for each in OTHER_BREAKS):
            return "it has a line break other than a line feed"
        full = [each for each in found if each.strip()]
        if not blank and len(full) < len(found):
            return "a line is empty"
        return outside(len(full), least, most, "lines")

    component = Component.explored(
        [among("\n"), among(OTHER_BREAKS), members(r"\s")],
        False,
        step,
        lambda state: 0 if state or blank else None,
        least=least,
        most=most,
    )
    said = f"it has {times(least, most, 'lines')}"
    return Lexical((Rule(said, component, objection, ("\nAnd",)),))


def paragraphs(
    *,
    at_least: int | None = None,
    at_most: int | None = None,
    exactly: int | None = None,
    separator: str = "\n\n",
) -> Lexical:
    """Texts of so many paragraphs, none of them empty.

    A separator counts wherever it stands, with white space around it or without. If it is a blank
    line, the line must be empty, and there may be only one of them.

    >>> paragraphs(exactly=2, separator="***").accepts("One. *** Two.")
    True

    Args:
        at_least: how many at least.
        at_most: how many at most.
        exactly: how many exactly.
        separator: what stands between paragraphs: a blank line, or a text such as ``"***"``.

    Raises:
        ArgumentError: a bound is no count, or none is given, or the separator is no text.
        UnsatisfiableError: the least is more than the most.
    """
    least, most = bounds("paragraphs", at_least, at_most, exactly, default=-1)
    text_of("paragraphs", separator, "separator")
    said = f"it has {times(least, most, 'paragraphs')}, divided by {separator!r}"
    is_blank = separator == "\n\n"

    def objection(text: str) -> str | None:
        if is_blank and _UNCLEAR.search(text):
            return "paragraphs are not divided by exactly one empty line"
        found = text.split(separator)
        if not all(each.strip() for each in found):
            return "a paragraph is empty"
        return outside(len(found), least, most, "paragraphs")

    component = (
        blank_line_paragraphs(least, most) if is_blank else _separated(separator, least, most)
    )
    piece = "\n\nAnd" if is_blank else f"\n{separator}\nAnd"
    return Lexical((Rule(said, component, objection, (piece,)),))


_UNCLEAR = re.compile(r"\n[^\S\n]+\n|\n\n\n|\A[^\S\n]*\n|\n\s*\Z|\A\s*\Z")


def blank_line_paragraphs(least: int, most: int | None) -> Component:
    """So many paragraphs that are divided by exactly one empty line."""

    def step(
        state: tuple[bool, int, bool], number: int
    ) -> tuple[tuple[bool, int, bool], int] | None:
        begun, breaks, spaces = state  # something is written; line feeds, and then white space
        if number == 0:
            if not begun or breaks == 2 or (breaks and spaces):
                return None
            return (True, breaks + 1, False), 0
        if number == 1:
            if not begun:
                return state, 0
            return (begun, breaks, spaces or breaks > 0), 0
        return (True, 0, False), int(not begun or breaks == 2)

    return Component.explored(
        [among("\n"), members(r"\s")],
        (False, 0, False),
        step,
        lambda state: 0 if state[0] and not state[1] else None,
        least=least,
        most=most,
    )


def _separated(separator: str, least: int, most: int | None) -> Component:
    """So many texts with something in them, divided by a separator (found as `str.split` does)."""
    kinds, (numbers,) = numbered([separator], match_case=True)
    sets = [*map(among, kinds), members(r"\s")]
    blank = [not each.strip() for each in kinds]

    def step(state: tuple[int, bool], number: int) -> tuple[tuple[int, bool], int] | None:
        written, full = state
        sequence = [*numbers[:written], number]
        keep = next(
            k for k in range(len(sequence), -1, -1) if sequence[len(sequence) - k :] == numbers[:k]
        )
        for each in sequence[: len(sequence) - keep]:
            is_blank = blank[each] if each < len(kinds) else each == len(kinds)
            full = full or not is_blank
        if keep == len(numbers):
            return ((0, False), 1) if full else None
        return (keep, full), 0

    def stop(state: tuple[int, bool]) -> int | None:
        written, full = state
        return 1 if full or not all(blank[each] for each in numbers[:written]) else None

    return Component.explored(sets, (0, False), step, stop, least=least, most=most)


def bullets(
    *,
    at_least: int | None = None,
    at_most: int | None = None,
    exactly: int | None = None,
    marks: str = "*-",
) -> Lexical:
    """Texts with so many bullet points: lines that begin with a mark, a space and something more.

    Lines that begin like one and are none, such as ``---`` or ``*so*``, are refused, since some
    would count them; ``**so**`` is no bullet point to anyone.

    >>> bullets(exactly=2).accepts(chr(10).join(["Buy:", "* milk", "* eggs"]))
    True

    Args:
        at_least: how many at least.
        at_most: how many at most.
        exactly: how many exactly.
        marks: the characters that mark them.

    Raises:
        ArgumentError: a bound is no count, or none is given, or there are no marks.
        UnsatisfiableError: the least is more than the most.
    """
    least, most = bounds("bullets", at_least, at_most, exactly, default=-1)
    text_of("bullets", marks, "marks")
    stars = "*" if "*" in marks else ""
    others = marks.replace("*", "") or marks

    def step(state: str, number: int) -> tuple[str, int] | None:
        # "line": nothing but white space on it; "star"; "mark"; "space" behind one; "text"
        if number == 1 and not stars:
            number = 4
        if number == 0:
            return None if state in ("star", "mark", "space") else ("line", 0)
        if state == "line":
            return ("line", "", "star", "mark")[
                {1: 2, 2: 3, 3: 0}[number]
            ] if number < 4 else "text", 0
        if state == "star" and number == 1:
            return "text", 0
        if state in ("star", "mark"):
            return ("space", 0) if number == 3 else None
        if state == "space":
            return ("space", 0) if number == 3 else ("text", 1)
        return "text", 0

    def objection(text: str) -> str | None:
        count = 0
        for line in text.split("\n"):
            bare = line.strip()
            if not bare or bare[0] not in marks or bare.startswith("**" if stars else "\0"):
                continue
            if not re.match(r".[^\S\n]+\S", bare):
                return f"{line!r} is not clearly a bullet point"
            count += 1
        return outside(count, least, most, "bullet points")

    component = Component.explored(
        [among("\n"), among("*"), among(others), members(r"\s")],
        "line",
        step,
        lambda state: 0 if state in ("line", "text") else None,
        least=least,
        most=most,
    )
    said = (
        f"it has {times(least, most, 'bullet points')} (lines that begin with {' or '.join(marks)})"
    )
    return Lexical((Rule(said, component, objection, (f"\n{marks[0]} And",)),))


def sections(
    marker: str,
    *,
    at_least: int | None = None,
    at_most: int | None = None,
    exactly: int | None = None,
) -> Lexical:
    """Texts with so many sections: lines that begin with a marker and a number, as ``Section 1``.

    Where the marker and a number stand within a line, the text is refused.

    >>> sections("Part", exactly=1).accepts("Part 1: it begins")
    True

    Args:
        marker: the word before the number, capitals and small letters as they are.
        at_least: how many at least.
        at_most: how many at most.
        exactly: how many exactly.

    Raises:
        ArgumentError: a bound is no count, or none is given, or the marker is no text.
        UnsatisfiableError: the least is more than the most.
    """
    least, most = bounds("sections", at_least, at_most, exactly, default=-1)
    text_of("sections", marker, "marker")
    kinds, (numbers, (newline, space)) = numbered([marker, "\n "], match_case=True)
    digit, blank = len(kinds), len(kinds) + 1

    def step(
        state: tuple[int, bool, bool], number: int
    ) -> tuple[tuple[int, bool, bool], int] | None:
        # how much of the marker is written, whether it began a line, whether this is one
        written, began, fresh = state
        if written == len(numbers):
            if number == digit:
                return ((0, False, False), 1) if began else None
            if number in (space, blank, newline):
                # White space between marker and number may be any to some.
                return (written, began and number == space, number == newline), 0
        if number == newline:
            return (0, False, True), 0
        sequence = [*numbers[: min(written, len(numbers) - 1)], number]
        if written == len(numbers):
            sequence = [*numbers, number]
        longest = min(len(sequence), len(numbers))
        keep = next(
            k for k in range(longest, -1, -1) if sequence[len(sequence) - k :] == numbers[:k]
        )
        begins = fresh if keep == 1 else began and keep == written + 1
        return (keep, begins, False), 0

    def objection(text: str) -> str | None:
        inside = len(re.findall(rf"{re.escape(marker)}\s*\d", text))
        begin = len(re.findall(rf"^{re.escape(marker)} *\d", text, re.MULTILINE))
        if inside > begin:
            return f"{marker!r} and a number do not stand at the beginning of a line"
        return outside(begin, least, most, "sections")

    component = Component.explored(
        [*map(among, kinds), members(r"\d"), members(r"\s")],
        (0, False, True),
        step,
        lambda state: 0,
        least=least,
        most=most,
    )
    said = f"it has {times(least, most, 'sections')}, which begin with {marker} and a number"
    pieces = (f"\n{marker} 1", f"{marker} 1")
    return Lexical((Rule(said, component, objection, pieces),))


def placeholders(
    *, at_least: int | None = None, at_most: int | None = None, exactly: int | None = None
) -> Lexical:
    """Texts with so many placeholders in square brackets, such as ``[address]``.

    Between the brackets stands something other than white space, no bracket and no line break.

    >>> placeholders(at_least=2).accepts("Dear [name], in [city] it rains.")
    True

    Args:
        at_least: how many at least.
        at_most: how many at most.
        exactly: how many exactly.

    Raises:
        ArgumentError: a bound is no count, or none is given.
        UnsatisfiableError: the least is more than the most.
    """
    least, most = bounds("placeholders", at_least, at_most, exactly, default=-1)

    def step(state: int, number: int) -> tuple[int, int]:
        # 0: outside; 1: within, nothing yet; 2: within, something
        if number == 0:
            return 1, 0
        if number == 1:
            return 0, int(state == 2)
        if number == 2:
            return 0, 0
        return (state, 0) if number == 3 or state == 0 else (2, 0)

    def objection(text: str) -> str | None:
        found = [each for each in re.findall(r"\[([^\[\]\n]*)\]", text) if each.strip()]
        return outside(len(found), least, most, "placeholders")

    component = Component.explored(
        [among("["), among("]"), among("\n"), members(r"\s")],
        0,
        step,
        lambda state: 0,
        least=least,
        most=most,
    )
    said = f"it has {times(least, most, 'placeholders')} in square brackets, such as [address]"
    return Lexical((Rule(said, component, objection, (" [name]", "[name]")),))


def highlights(
    *, at_least: int | None = None, at_most: int | None = None, exactly: int | None = None
) -> Lexical:
    """Texts with so many passages in Markdown's ``*emphasis*`` or ``**strong emphasis**``.

    The passage begins with no white space, and has no star and no line break in it.

    >>> highlights(exactly=2).accepts("A *short* and **bold** text")
    True

    Args:
        at_least: how many at least.
        at_most: how many at most.
        exactly: how many exactly.

    Raises:
        ArgumentError: a bound is no count, or none is given.
        UnsatisfiableError: the least is more than the most.
    """
    least, most = bounds("highlights", at_least, at_most, exactly, default=-1)

    def step(state: str, number: int) -> tuple[str, int]:
        # "": outside; "*": one star; "*x": in emphasis; "**", "**x", "**x*": of strong emphasis
        if number == 1:
            return "", 0
        if number == 0:
            after = {"": "*", "*": "**", "*x": "", "**": "", "**x": "**x*", "**x*": ""}[state]
            return after, int(state in ("*x", "**x*"))
        if state in ("*", "**"):
            return ("" if number == 2 else f"{state}x"), 0
        return ("" if state == "**x*" else state), 0

    def objection(text: str) -> str | None:
        strong_or_not = (
            r"\*\*\*|\*\*[^\s*][^\n*]*(\*\*)|\*\*[^\s*][^\n*]*\*|\*\*|\*[^\s*][^\n*]*(\*)|\*"
        )
        found = [each for each in re.finditer(strong_or_not, text) if each[1] or each[2]]
        return outside(len(found), least, most, "highlights")

    component = Component.explored(
        [among("*"), among("\n"), members(r"\s")],
        "",
        step,
        lambda state: 0,
        least=least,
        most=most,
    )
    said = f"it has {times(least, most, 'highlighted passages')}, as *this* or **this**"
    return Lexical((Rule(said, component, objection, (" *so*", "*so*")),))
