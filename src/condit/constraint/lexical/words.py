"""Which words occur in a text, how often, and how many there are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from condit.constraint.lexical.alphabet import (
    Members,
    among,
    capital_letters,
    members,
    small_letters,
    spellings,
)
from condit.constraint.lexical.bounds import bounds, outside, text_of, texts_of, times
from condit.constraint.lexical.component import Component
from condit.constraint.lexical.constraint import Lexical, Rule
from condit.errors import ArgumentError

_Active = frozenset[tuple[int, int]]
"""Which words may be in writing: their numbers, and how many of their characters are written."""


_Found = tuple[_Active, bool, bool]
"""The same, whether a word is written if no character of words follows, and if one came before."""
_Place = tuple[int, _Found]
"""Which word is looked for, and how far."""


def contains(
    *words: str | Sequence[str],
    at_least: int | None = None,
    at_most: int | None = None,
    exactly: int | None = None,
    match_case: bool = False,
    anywhere: bool = False,
) -> Lexical:
    r"""Texts in which each of some words or phrases occurs; once at least, or as often as is said.

    A word counts where it stands as a word: no character of words (``\w``) stands before or behind
    it. Occurrences that overlap count once.

    >>> contains("weekend").accepts("See you on the Weekend!")
    True
    >>> contains("end").accepts("See you on the weekend!")
    False
    >>> contains(["go", "goes", "went"], exactly=2).accepts("She goes, and he went.")
    True

    Args:
        words: words or phrases. In place of one, a list of forms of which each counts.
        at_least: how often each must occur at least; 1 if nothing is given.
        at_most: how often at most.
        exactly: how often exactly.
        match_case: whether small and capital letters are told apart.
        anywhere: count it also within longer words.

    Raises:
        ArgumentError: no words are given, one is no text, or a bound is no count.
        UnsatisfiableError: the least is more than the most.
    """
    if not words:
        raise ArgumentError("contains: give at least one word")
    least, most = bounds("contains", at_least, at_most, exactly, default=1)
    rules = []
    for each in words:
        forms = texts_of("contains", (each,) if isinstance(each, str) else each)
        rules.append(_occurrences(forms, least, most, match_case, anywhere))
    return Lexical(tuple(rules))


def without(*words: str, match_case: bool = False, anywhere: bool = False) -> Lexical:
    """Texts in which none of some words or phrases occurs, counted as `contains` does.

    >>> without("rock", "roll").accepts("It rocks.")
    True
    >>> without("rock", anywhere=True).accepts("It rocks.")
    False

    Args:
        words: words or phrases.
        match_case: whether small and capital letters are told apart.
        anywhere: forbid them also within longer words.

    Raises:
        ArgumentError: no words are given, or one is no text.
    """
    if not words:
        raise ArgumentError("without: give at least one word")
    for word in words:
        text_of("without", word, "word")
    return Lexical((_occurrences(words, 0, 0, match_case, anywhere),))


def in_order(*words: str, match_case: bool = False) -> Lexical:
    """Texts in which some words or phrases occur one after the other; others may stand between.

    >>> in_order("first", "then").accepts("First this, then that.")
    True
    >>> in_order("first", "then").accepts("Then that, first this.")
    False

    Args:
        words: words or phrases, as in `contains`.
        match_case: whether small and capital letters are told apart.

    Raises:
        ArgumentError: no words are given, or one is no text.
    """
    if not words:
        raise ArgumentError("in_order: give at least one word")
    for word in words:
        text_of("in_order", word, "word")
    finders = [_Finder((word,), match_case, anywhere=False) for word in words]
    sets = _joined_sets(words, match_case)
    classes = [_translation(sets, finder.sets) for finder in finders]

    def step(state: _Place, number: int) -> tuple[_Place, int]:
        place, inner = state
        if place == len(words):
            return state, 0
        after, gain = finders[place].step(inner, classes[place][number])
        if not gain:
            return (place, after), 0
        if place + 1 == len(words):
            return (place + 1, finders[0].start), 1
        # The character behind a word may begin the next one.
        later, _ = finders[place + 1].step(finders[place + 1].start, classes[place + 1][number])
        ended_in_it = finders[place].ends_in_word[0]
        here = later if ended_in_it else finders[place + 1].after(classes[place + 1][number])
        return (place + 1, here), 0

    def stop(state: _Place) -> int | None:
        place, inner = state
        if place == len(words):
            return 0
        last = place + 1 == len(words)
        return 0 if last and finders[place].stop(inner) else None

    def objection(text: str) -> str | None:
        place = 0
        for word in words:
            found = _next_end(text, (word,), place, match_case, False)
            if found is None:
                return f"{word!r} does not occur, in this order: {', '.join(words)}"
            place = found
        return None

    start: _Place = (0, finders[0].start)
    component = Component.explored(sets, start, step, stop)
    said = f"it has these, in this order: {', '.join(map(repr, words))}"
    return Lexical((Rule(said, component, objection, tuple(f" {word}" for word in words)),))


def words(
    *,
    at_least: int | None = None,
    at_most: int | None = None,
    exactly: int | None = None,
    apart: str = "both",
) -> Lexical:
    r"""Texts of so many words.

    There are two ways to count: runs of letters, digits and underscores (``\w+``), by which
    *don't* is two words, and what white space divides, by which it is one.

    >>> words(at_most=4).accepts("One two three four.")
    True
    >>> words(exactly=3).accepts("I don't"), words(exactly=3, apart="letters").accepts("I don't")
    (False, True)

    Args:
        at_least: how many at least.
        at_most: how many at most.
        exactly: how many exactly.
        apart: ``"letters"``: count runs of ``\w``. ``"spaces"``: count what white space divides.
            ``"both"``: it must hold for both.

    Raises:
        ArgumentError: a bound is no count, none is given, or ``apart`` is none of these.
        UnsatisfiableError: the least is more than the most.
    """
    if apart not in ("letters", "spaces", "both"):
        raise ArgumentError(f"words: apart={apart!r}: give 'letters', 'spaces' or 'both'")
    least, most = bounds("words", at_least, at_most, exactly, default=-1)
    patterns = {"letters": (r"\w", "words"), "spaces": (r"\S", "words between white space")}
    chosen = patterns if apart == "both" else {apart: patterns[apart]}
    return Lexical(tuple(_runs(of, what, least, most) for of, what in chosen.values()))


def _runs(of: str, what: str, least: int, most: int | None) -> Rule:
    """So many runs of the characters of a class."""

    def step(inside: bool, number: int) -> tuple[bool, int]:
        return number == 0, int(number == 0 and not inside)

    def objection(text: str) -> str | None:
        return outside(len(re.findall(f"{of}+", text)), least, most, what)

    component = Component.explored(
        [members(of)], False, step, lambda inside: 0, least=least, most=most
    )
    return Rule(f"it has {times(least, most, what)}", component, objection)


def capital_words(
    *, at_least: int | None = None, at_most: int | None = None, exactly: int | None = None
) -> Lexical:
    r"""Texts with so many words in capital letters.

    A word is a run of ``\w`` of which no character stands next to ``'``, ``-``, ``.`` or another
    sign but white space, ``,``, ``;``, ``:``, ``!``, ``?``, ``"`` and brackets: where tokenizers
    differ, the text is refused. All its cased letters are capitals, and it has one.

    >>> capital_words(at_least=2).accepts("STOP RIGHT there")
    True

    Args:
        at_least: how many at least.
        at_most: how many at most.
        exactly: how many exactly.

    Raises:
        ArgumentError: a bound is no count, or none is given.
        UnsatisfiableError: the least is more than the most.
    """
    least, most = bounds("capital_words", at_least, at_most, exactly, default=-1)
    word = members(r"\w")
    joins = ~(word | members(r"""[\s,;:!?"()\[\]{}]"""))
    upper = np.array(word & capital_letters())
    sets = [joins, word & small_letters(), upper, word]

    def step(state: tuple[str, bool], number: int) -> tuple[tuple[str, bool], int] | None:
        kind, joined = state  # of the word in writing: "", "none", "capital", "small"
        if number in (0, 4) and kind == "capital" and (joined or number == 0):
            return None  # of one that a sign joins to others one cannot say how many it is
        if number == 4:
            return ("", False), int(kind == "capital")
        if number == 0:
            return ("", True), 0
        if kind == "small" or number == 1:
            return ("small", joined), 0
        if number == 2:
            return ("capital", joined), 0
        return (kind or "none", joined), 0

    def stop(state: tuple[str, bool]) -> int | None:
        return None if state == ("capital", True) else int(state[0] == "capital")

    def objection(text: str) -> str | None:
        count = 0
        for piece in re.split(r"""[\s,;:!?"()\[\]{}]+""", text):
            parts = re.split(r"(\w+)", piece)
            alone = [each for each in parts if each]
            capital = [each for each in re.findall(r"\w+", piece) if each.isupper()]
            if capital and len(alone) > 1:
                return f"{piece!r} is not clearly one word"
            count += len(capital)
        return outside(count, least, most, "words in capitals")

    component = Component.explored(sets, ("", False), step, stop, least=least, most=most)
    said = f"it has {times(least, most, 'words in capital letters')}"
    return Lexical((Rule(said, component, objection, (" NOW", " YES")),))


def no_same_initials() -> Lexical:
    r"""Texts in which no two words in a row begin with the same letter; words are runs of ``\w``.

    >>> no_same_initials().accepts("Big cats run"), no_same_initials().accepts("big Bears")
    (True, False)
    """
    word = members(r"\w")
    letters = [among(spellings(letter)) for letter in "abcdefghijklmnopqrstuvwxyz"]
    digits = [among(digit) for digit in "0123456789_"]
    sets = [*letters, *digits, word]
    other = len(sets)

    def step(state: tuple[int, bool], number: int) -> tuple[tuple[int, bool], int] | None:
        last, inside = state
        if number == other:
            return (last, False), 0
        if inside:
            return (last, True), 0
        # Letters beyond ASCII are one class: of two in a row they may be the same.
        return None if number == last else ((number, True), 0)

    def objection(text: str) -> str | None:
        found = re.findall(r"\w+", text)
        for one, other_ in pairwise(found):
            first, second = one[0], other_[0]
            same = not first.isascii() and not second.isascii()
            if same or first.lower() == second.lower() or second in spellings(first):
                return f"{one!r} and {other_!r} begin with the same letter, or perhaps do"
        return None

    component = Component.explored(sets, (-1, False), step, lambda state: 0)
    return Lexical(
        (Rule("no two words in a row begin with the same letter", component, objection),)
    )


class _Finder:
    """Follows a text and says where one of some words ends; see `contains`."""

    def __init__(self, forms: Sequence[str], match_case: bool, *, anywhere: bool) -> None:
        self.forms, self.anywhere = forms, anywhere
        self.sets = _joined_sets(forms, match_case)
        self._word = [bool(members(r"\w")[np.flatnonzero(each)[0]]) for each in self.sets]
        self._word.append(False)
        whole = [self._class_of(form, match_case) for form in forms]
        self._forms = whole
        self._begins_in_word = [not anywhere and _is_word(form[0]) for form in forms]
        self.ends_in_word = [not anywhere and _is_word(form[-1]) for form in forms]
        self.start: tuple[_Active, bool, bool] = (frozenset(), False, False)

    def _class_of(self, form: str, match_case: bool) -> list[int]:
        points = [ord(each) for each in form]
        return [next(n for n, each in enumerate(self.sets) if each[point]) for point in points]

    def step(
        self, state: tuple[_Active, bool, bool], number: int
    ) -> tuple[tuple[_Active, bool, bool], int]:
        """The state after a character of a class, and whether a word was found by it."""
        active, pending, inside = state
        is_word = self._word[number]
        gain = 0
        if pending and not is_word:
            active, gain = frozenset(), 1
        begun = {(n, 0) for n, own in enumerate(self._begins_in_word) if not (own and inside)}
        after, pending = set(), False
        for form, written in active | begun:
            if self._forms[form][written] != number:
                continue
            if written + 1 < len(self._forms[form]):
                after.add((form, written + 1))
            elif self.ends_in_word[form]:
                pending = True
            else:
                # It ends here, and nothing that began before counts any more.
                return (frozenset(), False, is_word), gain + 1
        return (frozenset(after), pending, is_word), gain

    def after(self, number: int) -> tuple[_Active, bool, bool]:
        """The state at which a search begins behind a character of a class."""
        return frozenset(), False, self._word[number]

    def stop(self, state: tuple[_Active, bool, bool]) -> int:
        """Whether a word is found if the text ends."""
        return int(state[1])


def _occurrences(
    forms: Sequence[str], least: int, most: int | None, match_case: bool, anywhere: bool
) -> Rule:
    finder = _Finder(tuple(dict.fromkeys(forms)), match_case, anywhere=anywhere)
    component = Component.explored(
        finder.sets, finder.start, finder.step, finder.stop, least=least, most=most
    )
    named = " or ".join(map(repr, forms))

    def objection(text: str) -> str | None:
        count, place = 0, 0
        while (end := _next_end(text, forms, place, match_case, anywhere)) is not None:
            count, place = count + 1, end
        return outside(count, least, most, f"times {named}")

    pieces = tuple(piece for form in forms for piece in (f" {form}", form)) if least else ()
    how_often = times(least, most, f"times {named}")
    said = f"it does not have {named}" if most == 0 else f"it has {how_often}"
    return Rule(said, component, objection, pieces)


def _next_end(
    text: str, forms: Sequence[str], start: int, match_case: bool, anywhere: bool
) -> int | None:
    """Where the word ends that ends first of those that begin at ``start`` or later."""
    flags = 0 if match_case else re.IGNORECASE
    ends = []
    for form in forms:
        before = r"(?<!\w)" if not anywhere and _is_word(form[0]) else ""
        behind = r"(?!\w)" if not anywhere and _is_word(form[-1]) else ""
        found = re.compile(before + re.escape(form) + behind, flags).search(text, start)
        if found:
            ends.append(found.end())
    return min(ends, default=None)


def _is_word(character: str) -> bool:
    return bool(re.match(r"\w", character))


def _joined_sets(forms: Sequence[str], match_case: bool) -> list[Members]:
    """A set for each character of the words, and one for all other characters of words."""
    found = dict.fromkeys(
        each if match_case else spellings(each) for form in forms for each in form
    )
    return [*map(among, found), members(r"\w")]


def _translation(sets: Sequence[Members], own: Sequence[Members]) -> list[int]:
    """For each class of ``sets`` the class of ``own`` that its characters belong to."""
    found = []
    taken = np.zeros(len(sets[0]), dtype=np.bool_)
    for each in sets:
        point = int(np.flatnonzero(each & ~taken)[0]) if (each & ~taken).any() else 0
        taken |= each
        found.append(next((n for n, other in enumerate(own) if other[point]), len(own)))
    return [*found, len(own)]
