"""Which characters a text is made of, and how many: letters, alphabets, case."""

from __future__ import annotations

import re

from condit.constraint.lexical.alphabet import (
    among,
    capital_letters,
    members,
    small_letters,
    spellings,
    that_are,
)
from condit.constraint.lexical.bounds import bounds, outside, text_of, times
from condit.constraint.lexical.component import Component
from condit.constraint.lexical.constraint import Lexical, Rule
from condit.errors import ArgumentError


def characters(
    *, at_least: int | None = None, at_most: int | None = None, exactly: int | None = None
) -> Lexical:
    """Texts of so many characters (code points, as ``len`` counts them).

    >>> characters(at_most=3).accepts("abcd")
    False

    Args:
        at_least: how many at least.
        at_most: how many at most.
        exactly: how many exactly.

    Raises:
        ArgumentError: a bound is no count, or none is given.
        UnsatisfiableError: the least is more than the most.
    """
    least, most = bounds("characters", at_least, at_most, exactly, default=-1)
    component = Component.explored(
        [], 0, lambda state, number: (0, 1), lambda state: 0, least=least, most=most
    )
    said = f"it has {times(least, most, 'characters')}"

    def objection(text: str) -> str | None:
        return outside(len(text), least, most, "characters")

    return Lexical((Rule(said, component, objection),))


def letter(
    character: str,
    *,
    at_least: int | None = None,
    at_most: int | None = None,
    exactly: int | None = None,
    match_case: bool = False,
) -> Lexical:
    """Texts in which a character occurs so often.

    >>> letter("e", exactly=2).accepts("Every ear"), letter("e", exactly=2).accepts("Even here")
    (False, False)
    >>> letter("e", exactly=2).accepts("Each tree")
    False

    Args:
        character: a letter, or any other character.
        at_least: how often at least; 1 if nothing is given.
        at_most: how often at most.
        exactly: how often exactly.
        match_case: whether small and capital letters are told apart.

    Raises:
        ArgumentError: it is not one character, or a bound is no count.
        UnsatisfiableError: the least is more than the most.
    """
    if not isinstance(character, str) or len(character) != 1:
        raise ArgumentError(f"letter: {character!r} is not one character")
    least, most = bounds("letter", at_least, at_most, exactly, default=1)
    forms = character if match_case else spellings(character)
    component = Component.explored(
        [among(forms)],
        0,
        lambda state, number: (0, 1 - number),
        lambda state: 0,
        least=least,
        most=most,
    )

    def objection(text: str) -> str | None:
        flags = 0 if match_case else re.IGNORECASE
        found = re.findall(re.escape(character), text, flags)
        return outside(len(found), least, most, f"times {character!r}")

    said = f"it has {times(least, most, f'times the character {character!r}')}"
    return Lexical((Rule(said, component, objection, (character,) if least else ()),))


def only(allowed: str) -> Lexical:
    """Texts made of some characters alone.

    >>> only("01 ").accepts("0 1 1 0"), only("01").accepts("012")
    (True, False)

    Args:
        allowed: the characters.

    Raises:
        ArgumentError: it is no text, or empty.
    """
    text_of("only", allowed, "allowed")
    component = Component.explored(
        [among(allowed)], 0, lambda state, number: None if number else (0, 0), lambda state: 0
    )

    def objection(text: str) -> str | None:
        others = sorted(set(text) - set(allowed))
        return f"it has {others[0]!r}" if others else None

    return Lexical((Rule(f"it is made of these characters: {allowed}", component, objection),))


def never(forbidden: str) -> Lexical:
    """Texts without some characters, such as commas or all white space.

    >>> never(",").accepts("one, two")
    False

    Args:
        forbidden: the characters, as they are: add capital letters if they are meant.

    Raises:
        ArgumentError: it is no text, or empty.
    """
    text_of("never", forbidden, "forbidden")
    component = Component.explored(
        [among(forbidden)], 0, lambda state, number: (0, 0) if number else None, lambda state: 0
    )

    def objection(text: str) -> str | None:
        found = next((each for each in text if each in forbidden), None)
        return None if found is None else f"it has {found!r}"

    shown = ", ".join(map(repr, forbidden))
    return Lexical((Rule(f"it has none of these characters: {shown}", component, objection),))


def no_white_space() -> Lexical:
    """Texts without spaces, line breaks, or other white space, that are not empty.

    >>> no_white_space().accepts("one_word")
    True
    """
    component = Component.explored(
        [members(r"\s") | that_are("isspace")],
        False,
        lambda state, number: (True, 0) if number else None,
        lambda state: 0 if state else None,
    )

    def objection(text: str) -> str | None:
        return None if re.fullmatch(r"\S+", text) else "it has white space, or is empty"

    return Lexical((Rule("it has no white space", component, objection),))


def upper() -> Lexical:
    """Texts in capital letters, with one at least, as ``str.isupper`` has it.

    >>> upper().accepts("ALL OF IT!"), upper().accepts("1, 2")
    (True, False)
    """
    return _case("capital", str.isupper, small_letters(), capital_letters())


def lower() -> Lexical:
    """Texts in small letters, with one at least, as ``str.islower`` has it.

    >>> lower().accepts("all of it!"), lower().accepts("Not this")
    (True, False)
    """
    title = that_are("istitle") & ~that_are("isupper")
    return _case("small", str.islower, capital_letters() | title, that_are("islower"))


def _case(name: str, holds, refused, wanted) -> Lexical:  # type: ignore[no-untyped-def]
    def step(state: bool, number: int) -> tuple[bool, int] | None:
        return None if number == 0 else (state or number == 1, 0)

    component = Component.explored(
        [refused, wanted], False, step, lambda state: 0 if state else None
    )

    def objection(text: str) -> str | None:
        return None if holds(text) else f"it is not all in {name} letters"

    return Lexical((Rule(f"all of its letters are {name} letters", component, objection),))


def title_case() -> Lexical:
    """Texts each word of which is one capital letter, and small letters behind it.

    A word is a run of letters and apostrophes. There is one at least.

    >>> title_case().accepts("The Cat Sat On It"), title_case().accepts("The cat")
    (True, False)
    """
    letters, marks = members(r"[^\W\d_]"), among("'\u2019")
    capital, small = capital_letters() & letters, that_are("islower") & letters

    def step(state: int, number: int) -> tuple[int, int] | None:
        # 0: nothing yet; 1: within a word; 2: between words
        if number == 0:
            return None if state == 1 else (1, 0)
        if number == 1:
            return (1, 0) if state == 1 else None
        if number == 2:
            return (state, 0)
        if number == 3:
            return None  # letters that have no case
        return (2 if state else 0, 0)

    component = Component.explored(
        [capital, small, marks, letters], 0, step, lambda state: 0 if state else None
    )

    def objection(text: str) -> str | None:
        # An apostrophe before a word is no part of it.
        words = re.findall(r"[^\W\d_](?:[^\W\d_]|['\u2019](?=['\u2019]*[^\W\d_]))*", text)
        for word in words:
            bare = re.sub("['\u2019]", "", word)
            if not bare[0].isupper() or not all(each.islower() for each in bare[1:]):
                return f"{word!r} is not in title case"
        return None if words else "it has no word"

    return Lexical((Rule("each of its words begins with a capital letter", component, objection),))
