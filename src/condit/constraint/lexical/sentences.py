"""How many sentences a text has.

Where a sentence ends is a matter of opinion after *Mr.*, *e.g.*, a list number or a heading. Texts
are kept to sentences of which there is only one opinion, and Punkt (``nltk``) is asked for their
number, too.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

from condit.constraint.lexical.alphabet import (
    Members,
    among,
    capital_letters,
    members,
)
from condit.constraint.lexical.bounds import bounds, outside, times
from condit.constraint.lexical.component import Component
from condit.constraint.lexical.constraint import Lexical, Rule
from condit.constraint.types.extras import imported

ABBREVIATIONS = frozenset(
    """mr mrs ms dr prof st vs etc inc ltd co corp jr sr no nos fig figs eq approx dept est
    govt jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri
    sat sun vol vols gen col sgt capt lt cmdr maj rev hon messrs mt ave blvd rd tel ed eds al
    cf viz ca op pp pg ch sec sen rep gov pres adm assn bros cie dist esq ext ft lb lbs oz sq
    yd min max misc ph ref calif ariz ore penn pa va fla ga ill ky mich minn mo okla tenn tex
    wash wis ind conn mass hr hrs univ wt am pm eg ie usu abbr adj adv anon art bibl""".split()  # noqa: SIM905
)
"""Words that may be abbreviations, so that no sentence ends with one of these and a period."""

_CLOSE, _OPEN = "\"')]*\u201d\u2019", "\"'([*\u201c\u2018"
_NEVER = "\u2026\u3002\uff01\uff1f\u061f\u0964"
_BREAKS = "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"


def sentences(
    *,
    at_least: int | None = None,
    at_most: int | None = None,
    exactly: int | None = None,
    capitals: bool = True,
) -> Lexical:
    """Texts of so many sentences, none of which can be taken for two, or two for one.

    A sentence begins with a capital letter or a number, perhaps behind a bullet, a quotation mark
    or an opening bracket. It ends with a period, or one question or exclamation mark, and perhaps
    closing marks behind it; white space or the end of the text follows. No period stands anywhere
    else but between digits, none behind a single letter, a number or what may be an abbreviation.
    A line ends with a sentence, so there are no headings. Their number is judged by Punkt
    (``nltk``), too.

    >>> sentences(exactly=2).accepts("It rains. Does it?")
    True
    >>> sentences(exactly=1).accepts("Mr. Smith is here.")
    False

    Args:
        at_least: how many at least.
        at_most: how many at most.
        exactly: how many exactly.
        capitals: whether each sentence must begin with a capital letter or a number.

    Raises:
        ArgumentError: a bound is no count, or none is given.
        UnsatisfiableError: the least is more than the most.
        MissingDependencyError: ``nltk`` is not installed.
    """
    least, most = bounds("sentences", at_least, at_most, exactly, default=-1)
    punkt = imported("lexical.sentences", "nltk.tokenize.punkt", "nltk", "lexical")
    tokenizer = punkt.PunktSentenceTokenizer()

    def objection(text: str) -> str | None:
        reason = _unclear(text, capitals)
        if reason is not None:
            return reason
        for count in (len(_ends(text)), len(tokenizer.tokenize(text))):
            if (reason := outside(count, least, most, "sentences")) is not None:
                return reason
        return None

    said = f"it has {times(least, most, 'sentences')}"
    pieces = (" Yes.", "Yes.", "\nYes.", " Yes!", " Yes?", ".", "!", "?")
    return Lexical((Rule(said, _component(least, most, capitals), objection, pieces),))


@lru_cache(maxsize=1)
def _classes() -> tuple[list[Members], int]:
    letters = [among(each) for each in "abcdefghijklmnopqrstuvwxyz"]
    capitals = [among(each.upper()) for each in "abcdefghijklmnopqrstuvwxyz"]
    both = "\"'*"
    sets = [
        *letters,
        *capitals,
        among("\n"),
        among(_BREAKS + _NEVER),
        members(r"\s"),
        among("."),
        among("!?"),
        among(both),
        among("".join(set(_CLOSE) - set(both)) + "%"),
        among("".join(set(_OPEN) - set(both))),
        among("-"),
        members(r"\d"),
        capital_letters(),
        members(r"[^\W\d_]"),
    ]
    return sets, 52


def _component(least: int, most: int | None, capitals: bool) -> Component:
    sets, after = _classes()
    newline, never, space, period, mark, both, close, open_, dash, digit, capital, letter = range(
        after, len(sets)
    )
    prefixes = {word[:size] for word in ABBREVIATIONS for size in range(1, len(word) + 1)}
    names = "abcdefghijklmnopqrstuvwxyz"

    def begun(number: int) -> str:
        return names[number % 26] if number < 52 else "?"

    def longer(word: str, number: int) -> str:
        """What a word is after one letter more: "?" one other letter, "" no abbreviation."""
        grown = word + names[number % 26] if number < 52 and word != "?" else ""
        return grown if grown in prefixes else ""

    def step(state: tuple[str, str], number: int) -> tuple[tuple[str, str], int] | None:
        phase, word = state
        if number == never:
            return None
        is_letter = number < 52 or number in (capital, letter)
        if phase in ("start", "opened"):
            if number in (space, newline):
                return state if phase == "start" or number == space else None, 0  # type: ignore[return-value]
            if number in (both, open_) or (number == dash and phase == "start"):
                return ("opened", ""), 0
            if number == digit:
                return ("digit", ""), 0
            if 26 <= number < 52 or number == capital or (is_letter and not capitals):
                return ("word", begun(number)), 0
            return None
        if phase in ("ended", "closed"):
            if number in (space, newline):
                return ("start", ""), 0
            if number in (both, close) and number != digit:
                return ("closed", ""), 0
            return None
        if phase == "decimal":
            return (("digit", ""), 0) if number == digit else None
        if is_letter:
            if phase == "word":
                return ("word", longer(word, number) if word else ""), 0
            # Behind a digit it is no word of its own.
            return ("word", "" if phase == "digit" else begun(number)), 0
        if number == digit:
            return ("digit", ""), 0
        if number == newline:
            return None
        if number == period:
            if phase == "digit":
                return ("decimal", ""), 0
            is_short = word in ABBREVIATIONS or len(word) == 1
            good = phase == "closing" or (phase == "word" and not is_short)
            return (("ended", ""), 1) if good else None
        if number == mark:
            return (("ended", ""), 1) if phase in ("word", "digit", "closing") else None
        return ("closing" if number in (both, close) else "inside", ""), 0

    def checked(state: tuple[str, str], number: int) -> tuple[tuple[str, str], int] | None:
        found = step(state, number)
        return None if found is None or found[0] is None else found

    return Component.explored(
        sets,
        ("start", ""),
        checked,
        lambda state: 0 if state[0] in ("start", "ended", "closed") else None,
        least=least,
        most=most,
    )


_END = re.compile(r"(?<!\d)\.|\.(?!\d)|[!?]")


def _ends(text: str) -> list[tuple[int, int]]:
    """Where the signs stand that end sentences."""
    return [each.span() for each in _END.finditer(text)]


def _unclear(text: str, capitals: bool) -> str | None:
    """Why opinions on where sentences end may differ, or ``None``."""
    if re.search(f"[{_NEVER}{_BREAKS}]", text):
        return "it has a sign that only some take for the end of a sentence, or of a line"
    ends = [0]
    for start, end in _ends(text):
        before, behind = text[ends[-1] : start], text[end:]
        if text[start] == ".":
            word = re.search(r"([^\W_]+)\Z", before)
            if word:
                letters = word[1]
                if letters[-1].isdecimal():
                    return f"{letters}. may be the end of a sentence, or not"
                short = len(letters) == 1 or letters.lower() in ABBREVIATIONS
                if short and letters != letters.lower() and len(letters) > 1:
                    short = letters.lower() in ABBREVIATIONS
                if short:
                    return f"{letters}. may be the end of a sentence, or an abbreviation"
        if not re.search(rf"(?:[^\W_]|[%{re.escape(_CLOSE)}])\Z", before):
            return f"what ends with {text[start:end]!r} is no sentence"
        after = re.match(rf"[%{re.escape(_CLOSE)}]*(?:\s+|\Z)", behind)
        if not after:
            return f"{text[start:end]!r} is followed by neither white space nor the end"
        ends.append(end + after.end())
    bounds_ = [*ends, len(text)]
    for start, end in pairwise(bounds_):
        sentence = text[start:end].lstrip()
        if not sentence:
            continue
        if end == len(text) and start == ends[-1]:
            return "its last sentence does not end"
        if not re.match(
            rf"(?:[-{re.escape(_OPEN)}][^\S\n]*)?(?:[{re.escape(_OPEN)}][^\S\n]*)*[A-Z\d]", sentence
        ):
            first = re.match(
                rf"(?:-[^\S\n]*)?(?:[{re.escape(_OPEN)}][^\S\n]*)*(.)", sentence, re.DOTALL
            )
            good = first and (first[1].isdecimal() or first[1].isalpha())
            if (
                not first
                or not good
                or (capitals and not (first[1].isupper() or first[1].isdecimal()))
            ):
                return "a sentence does not begin with a capital letter or a number"
        if "\n" in sentence.rstrip():
            return "a line does not end with a sentence"
    return None
