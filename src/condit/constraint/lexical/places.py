"""What stands at the beginning and the end: of a text, of its lines, of its paragraphs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from condit.constraint.lexical.alphabet import Members, among, members, numbered, spellings
from condit.constraint.lexical.bounds import text_of
from condit.constraint.lexical.component import Component
from condit.constraint.lexical.constraint import Lexical, Rule
from condit.errors import ArgumentError

Of = Literal["text", "line", "paragraph"]
"""Whose word is meant: of the text, of each line that is not blank, of each paragraph."""

_BREAKS = {"text": 0, "line": 1, "paragraph": 2}
_PARTS = {"text": "text", "line": "line that is not blank", "paragraph": "paragraph"}
_DIVIDED = {"text": r"\Z", "line": "\n", "paragraph": "\n\n"}


def starts_with(text: str, *, match_case: bool = True) -> Lexical:
    """Texts that begin with a text.

    >>> starts_with("Dear ").accepts("Dear all,")
    True

    Args:
        text: the beginning.
        match_case: whether small and capital letters are told apart.

    Raises:
        ArgumentError: it is no text, or empty.
    """
    text_of("starts_with", text)
    kinds, (wanted,) = numbered([text], match_case=match_case)

    def step(state: int, number: int) -> tuple[int, int] | None:
        if state == len(wanted):
            return state, 0
        return (state + 1, 0) if number == wanted[state] else None

    def objection(found: str) -> str | None:
        flags = 0 if match_case else re.IGNORECASE
        return (
            None if re.match(re.escape(text), found, flags) else f"it does not begin with {text!r}"
        )

    component = Component.explored(
        list(map(among, kinds)), 0, step, lambda state: 0 if state == len(wanted) else None
    )
    return Lexical((Rule(f"it begins with {text!r}", component, objection, (text,)),))


def ends_with(text: str, *, match_case: bool = False) -> Lexical:
    """Texts that end with a text; quotation marks and then white space may stand behind it.

    >>> ends_with("Any questions?").accepts("That is all. Any questions?")
    True

    Args:
        text: the end.
        match_case: whether small and capital letters are told apart.

    Raises:
        ArgumentError: it is no text, or empty.
    """
    text_of("ends_with", text)
    kinds, (wanted,) = numbered([text], match_case=match_case)
    sets = [*map(among, kinds), among('"'), members(r"\s")]
    quote = next(n for n, each in enumerate(sets) if each[ord('"')])
    spaces = {n for n, each in enumerate(kinds) if not each.strip()} | {len(sets) - 1}

    def step(
        state: tuple[frozenset[int], int], number: int
    ) -> tuple[tuple[frozenset[int], int], int]:
        written, tail = state  # tail: 0 nothing; 1 the end was written, and quotes; 2 white space
        after = {place + 1 for place in written | {0} if wanted[place] == number}
        if len(wanted) in after:
            return (frozenset(after - {len(wanted)}), 1), 0
        tail = 1 if tail == 1 and number == quote else 2 if tail and number in spaces else 0
        return (frozenset(after), tail), 0

    def objection(found: str) -> str | None:
        flags = 0 if match_case else re.IGNORECASE
        pattern = re.escape(text) + r'"*\s*\Z'
        return None if re.search(pattern, found, flags) else f"it does not end with {text!r}"

    component = Component.explored(
        sets, (frozenset[int](), 0), step, lambda state: 0 if state[1] else None
    )
    said = f"it ends with {text!r}"
    return Lexical((Rule(said, component, objection, (f" {text}", f"\n{text}", text)),))


def quoted() -> Lexical:
    """Texts wrapped in double quotation marks.

    >>> quoted().accepts('"All of this."')
    True
    """

    def step(state: int, number: int) -> tuple[int, int] | None:
        if state == 0:
            return (1, 0) if number == 0 else None
        return (2 if number == 0 else 1, 0)

    def objection(text: str) -> str | None:
        return None if re.fullmatch('".*"', text, re.DOTALL) else "it is not wrapped in quotes"

    component = Component.explored([among('"')], 0, step, lambda state: 0 if state == 2 else None)
    return Lexical((Rule("it is wrapped in double quotation marks", component, objection, ('"',)),))


def titled() -> Lexical:
    """Texts with a title in double angular brackets, ``<<so>>``, on a line.

    The title begins with a letter or a digit, and has no angular bracket in it.

    >>> titled().accepts("<<The Sea>> Once upon a time")
    True
    """

    def step(state: int, number: int) -> tuple[int, int]:
        # 0 outside; 1 "<"; 2 "<<", nothing yet; 3 within; 4 ">"; 5 a title was written
        if state == 5:
            return 5, 0
        if number == 0:
            return (2 if state in (1, 2) else 1), 0
        if number == 1:
            return {3: 4, 4: 5}.get(state, 0), 0
        if number == 2 or state in (0, 1, 4):
            return 0, 0
        if state == 2 and number == 5:
            return 0, 0
        return (state if number == 3 else 3), 0

    def objection(text: str) -> str | None:
        found = re.search(r"<<[^\S\n]*\w[^<>\n]*>>", text)
        return None if found else "it has no title in double angular brackets"

    component = Component.explored(
        [among("<"), among(">"), among("\n"), members(r"\s"), members(r"\w")],
        0,
        step,
        lambda state: 0 if state == 5 else None,
    )
    pieces = ("<<Title>>", "\n<<Title>>")
    said = "it has a title in double angular brackets, such as <<title>>"
    return Lexical((Rule(said, component, objection, pieces),))


def postscript(marker: str = "P.S.", *, match_case: bool = False) -> Lexical:
    """Texts that end with a postscript: a line that begins with a marker, a space and more.

    >>> postscript().accepts("Bye!" + chr(10) + "P.S. Do write.")
    True

    Args:
        marker: what it begins with, such as ``P.P.S``.
        match_case: whether small and capital letters are told apart.

    Raises:
        ArgumentError: the marker is no text, or empty.
    """
    text_of("postscript", marker, "marker")
    written = f"{marker} "
    kinds, (wanted, (newline,)) = numbered([written, "\n"], match_case=match_case)
    blank = len(kinds)
    spaces = {newline, blank, kinds.index(" ")}
    done = len(wanted) + 1

    def step(state: int, number: int) -> tuple[int, int]:
        # how much of the marker is written; -1: another line
        if state == done:
            return done, 0
        if state == len(wanted):
            return (0 if number == newline else state if number in spaces else done), 0
        if number == newline:
            return 0, 0
        return (state + 1 if state >= 0 and wanted[state] == number else -1), 0

    def objection(text: str) -> str | None:
        flags = re.MULTILINE | (0 if match_case else re.IGNORECASE)
        found = re.search(rf"^{re.escape(written)}[^\S\n]*\S", text, flags)
        return None if found else f"no line begins with {written!r} and something behind it"

    component = Component.explored(
        [*map(among, kinds), members(r"\s")], 0, step, lambda state: 0 if state == done else None
    )
    pieces = (f"\n{written}Bye.", f"\n\n{written}Bye.", f"\n{written.lower()}bye.")
    return Lexical(
        (Rule(f"it has a postscript that begins with {marker}", component, objection, pieces),)
    )


def first_word(
    *words: str, of: Of = "text", nth: int | None = None, match_case: bool = False
) -> Lexical:
    """Texts whose first word is one of some; or that of each of their lines or paragraphs.

    A quotation mark may stand before the word. Behind it stands white space, one of ``.,;:?!``, or
    nothing. Lines end with a line feed, paragraphs with two of them.

    >>> first_word("once").accepts("Once, it rained.")
    True
    >>> first_word("then", of="paragraph", nth=2).accepts(chr(10).join(["One.", "", "Then two."]))
    True

    Args:
        words: of which it is one.
        of: whose first word is meant.
        nth: of which line or paragraph alone, from 1; it must be there. ``None``: of each.
        match_case: whether small and capital letters are told apart.

    Raises:
        ArgumentError: there are no words, or one is not made of letters and digits alone; or
            ``of`` or ``nth`` is none.
    """
    return Lexical((_word_at("first_word", words, of, nth, match_case, last=False),))


def last_word(
    *words: str, of: Of = "text", nth: int | None = None, match_case: bool = False
) -> Lexical:
    r"""Texts whose last word is one of some; or that of each of their lines or paragraphs.

    A word is a run of ``\w``; what is behind the last one is no letter and no digit. A list of
    rhymes makes all lines end with one of these: ``last_word("tree", "sea", "free", of="line")``.

    >>> last_word("end").accepts("This is the end."), last_word("end").accepts("The end is near")
    (True, False)

    Args:
        words: of which it is one.
        of: whose last word is meant.
        nth: of which line or paragraph alone, from 1; it must be there. ``None``: of each.
        match_case: whether small and capital letters are told apart.

    Raises:
        ArgumentError: as for `first_word`.
    """
    return Lexical((_word_at("last_word", words, of, nth, match_case, last=True),))


def _word_at(
    who: str, words: Sequence[str], of: str, nth: int | None, match_case: bool, *, last: bool
) -> Rule:
    if not words:
        raise ArgumentError(f"{who}: give at least one word")
    for word in words:
        if not isinstance(word, str) or not re.fullmatch(r"\w+", word):
            raise ArgumentError(f"{who}: {word!r} is no word: give letters and digits alone")
    if not isinstance(of, str) or of not in _BREAKS:
        raise ArgumentError(f"{who}: of={of!r}: give 'text', 'line' or 'paragraph'")
    if nth is not None and (not isinstance(nth, int) or isinstance(nth, bool) or nth < 1):
        raise ArgumentError(f"{who}: nth={nth!r} is no number from 1")
    if nth is not None and of == "text":
        raise ArgumentError(f"{who}: nth={nth} is for of='line' or of='paragraph'")
    component = _last(words, of, nth, match_case) if last else _first(words, of, nth, match_case)
    flags = 0 if match_case else re.IGNORECASE
    any_of = "|".join(map(re.escape, words))
    pattern = (
        rf"\A\W*(?:.*\W)?(?:{any_of})\W*\Z" if last else rf'\A\s*"?(?:{any_of})(?=[\s.,;:?!]|\Z)'
    )
    which = "last" if last else "first"
    named = " or ".join(map(repr, words))

    def objection(text: str) -> str | None:
        parts = [text] if of == "text" else re.split(_DIVIDED[of], text)
        full = [each for each in parts if each.strip()] if of != "text" else parts
        if nth is not None and len(full) < nth:
            return f"it has no {of} number {nth}"
        for each in full if nth is None else [full[nth - 1]]:
            if not re.search(pattern, each, flags | re.DOTALL):
                return f"the {which} word of {each!r} is not {named}"
        return None

    whose = (
        "the text" if of == "text" else f"{'each' if nth is None else f'the {nth}.'} {_PARTS[of]}"
    )
    pieces = tuple(form for word in words for form in (f" {word}", word, f"{word.capitalize()}"))
    return Rule(f"the {which} word of {whose} is {named}", component, objection, pieces)


_Forms = frozenset[tuple[int, int]]
_NONE: _Forms = frozenset()


def _first(words: Sequence[str], of: str, nth: int | None, match_case: bool) -> Component:
    sets, forms = _of_words(words, match_case)
    newline, space, quote, mark = (len(sets) - 5 + n for n in range(4))
    breaks = _BREAKS[of]

    def step(
        state: tuple[int, str, _Forms, int], number: int
    ) -> tuple[tuple[int, str, _Forms, int], int] | None:
        # which part this is, as far as it matters; what is written of it; line feeds before
        part, phase, active, feeds = state
        asked = nth is None or part == nth
        if phase == "word" and asked:
            after = frozenset(
                (f, n + 1) for f, n in active if n < len(forms[f]) and forms[f][n] == number
            )
            if after:
                return (part, "word", after, 0), 0
            is_whole = any(n == len(forms[f]) for f, n in active)
            if not is_whole or number not in (newline, space, mark):
                return None
            phase, active = "rest", frozenset()
        if number == newline:
            feeds = min(feeds + 1, 2)
            if breaks and feeds % breaks == 0 and phase in ("rest", "word"):
                return (min(part + 1, (nth or 0) + 1), "", frozenset(), 0), 0
            return (part, phase, frozenset(), 0 if feeds == breaks else feeds), 0
        if number == space:
            return (part, phase, frozenset(), 0), 0
        if phase in ("", "quote"):
            if not asked:
                return (part, "rest", frozenset(), 0), 0
            if number == quote and not phase:
                return (part, "quote", frozenset(), 0), 0
            after = frozenset((f, 1) for f, form in enumerate(forms) if form[0] == number)
            return ((part, "word", after, 0), 0) if after else None
        return (part, phase, frozenset(), 0), 0

    def checked(
        state: tuple[int, str, _Forms, int], number: int
    ) -> tuple[tuple[int, str, _Forms, int], int] | None:
        if state[1] == "quote" and number in (newline, space):
            return None
        return step(state, number)

    def stop(state: tuple[int, str, _Forms, int]) -> int | None:
        part, phase, active, _ = state
        if phase == "quote":
            return None
        if phase == "word":
            good = any(n == len(forms[f]) for f, n in active)
        else:
            good = phase == "rest" or (of != "text" and phase == "")
        if not good:
            return None
        if nth is None:
            return 0
        full = part if phase else part - 1
        return 0 if full >= nth else None

    first = 1 if nth is not None else 0
    return Component.explored(sets, (first, "", _NONE, 0), checked, stop)


def _last(words: Sequence[str], of: str, nth: int | None, match_case: bool) -> Component:
    sets, forms = _of_words(words, match_case)
    newline, space = len(sets) - 5, len(sets) - 4
    word_class = len(sets) - 1
    breaks = _BREAKS[of]
    letters = set(range(len(sets) - 5)) | {word_class}
    whole = frozenset((f, 0) for f in range(len(forms)))

    def good(active: _Forms) -> bool:
        return any(n == len(forms[f]) for f, n in active)

    def step(
        state: tuple[int, bool, bool, _Forms, int], number: int
    ) -> tuple[tuple[int, bool, bool, _Forms, int], int] | None:
        # which part; whether something is in it; whether a word is in writing; what of the words
        # the last one may be; line feeds before
        part, full, inside, active, feeds = state
        if number in letters:
            begun = active if inside else whole
            after = frozenset(
                (f, n + 1) for f, n in begun if n < len(forms[f]) and forms[f][n] == number
            )
            return (part, True, True, after, 0), 0
        if number != newline:
            return (part, full or number != space, False, active, 0), 0
        feeds = feeds + 1 if breaks else 0
        if feeds < breaks or not breaks:
            return (part, full, False, active, feeds), 0
        if not full:
            return (part, False, False, frozenset(), 0), 0
        if (nth is None or part == nth) and not good(active):
            return None
        return (min(part + 1, (nth or 0) + 1), False, False, frozenset(), 0), 0

    def stop(state: tuple[int, bool, bool, _Forms, int]) -> int | None:
        part, full, _, active, _ = state
        if (full or of == "text") and (nth is None or part == nth) and not good(active):
            return None
        if nth is None:
            return 0
        return 0 if (part if full else part - 1) >= nth else None

    first = 1 if nth is not None else 0
    return Component.explored(sets, (first, False, False, _NONE, 0), step, stop)


def _of_words(words: Sequence[str], match_case: bool) -> tuple[list[Members], list[list[int]]]:
    """The classes (letters, line feed, space, quote, marks, other letters), and the words."""
    kinds, wanted = numbered(words, match_case=match_case)
    sets = [
        *map(among, kinds),
        among("\n"),
        members(r"\s"),
        among('"'),
        among(".,;:?!"),
        members(r"\w"),
    ]
    return sets, wanted


def acrostic(letters: str, *, of: Literal["line", "word"] = "line") -> Lexical:
    """Texts whose lines (or words) begin with these letters, one after the other, and are no more.

    What is before the first letter or digit of a line is left out; lines without any are not
    counted. Words are what white space divides.

    >>> acrostic("sea").accepts(chr(10).join(["Sun", "Every day", "again"]))
    True

    Args:
        letters: what they spell; capital letters are the same as small ones.
        of: what begins with them.

    Raises:
        ArgumentError: these are no letters or digits, or ``of`` is none of the two.
    """
    if not isinstance(letters, str) or not re.fullmatch(r"\w+", letters):
        raise ArgumentError(f"acrostic: {letters!r} is no word: give letters and digits alone")
    if of not in ("line", "word"):
        raise ArgumentError(f"acrostic: of={of!r}: give 'line' or 'word'")
    kinds, (wanted,) = numbered([letters], match_case=False)
    newline, space = len(kinds), len(kinds) + 1
    word = len(kinds) + 2
    ends = (newline,) if of == "line" else (newline, space)

    def step(state: tuple[int, bool], number: int) -> tuple[tuple[int, bool], int] | None:
        place, begun = state
        if number in ends:
            return (place, False), 0
        if begun or not (number < newline or number == word):
            return state, 0
        good = place < len(wanted) and wanted[place] == number
        return ((place + 1, True), 0) if good else None

    def objection(text: str) -> str | None:
        parts = text.split("\n") if of == "line" else text.split()
        firsts = [found[0] for each in parts if (found := re.search(r"\w", each))]
        same = len(firsts) == len(letters) and all(
            one in spellings(other) for one, other in zip(firsts, letters, strict=True)
        )
        return None if same else f"its {of}s begin with {''.join(firsts)!r}, not {letters!r}"

    component = Component.explored(
        [*map(among, kinds), among("\n"), members(r"\s"), members(r"\w")],
        (0, False),
        step,
        lambda state: 0 if state[0] == len(wanted) else None,
    )
    said = f"its {of}s begin with the letters {', '.join(letters)}, in this order"
    return Lexical((Rule(said, component, objection),))
