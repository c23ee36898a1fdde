"""Rules about how each word of a text is spelled: first letters, lengths, vowels, consonants.

Words are what white space divides. Where a sign stands within a word, as in *don't*, people
disagree about its letters, so most of these rules refuse that.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from condit.constraint.lexical.alphabet import among, members, numbered, spellings
from condit.constraint.lexical.bounds import bounds, outside, texts_of
from condit.constraint.lexical.component import Component
from condit.constraint.lexical.constraint import Lexical, Rule
from condit.constraint.lexical.words import contains
from condit.errors import ArgumentError

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_PLAIN = r"[^\w\s]*(\w+)[^\w\s]*"

PALINDROMES = (
    "level",
    "radar",
    "civic",
    "kayak",
    "refer",
    "rotor",
    "madam",
    "stats",
    "tenet",
    "sagas",
    "rotator",
    "racecar",
    "reviver",
    "deified",
)


def alphabetical() -> Lexical:
    """Texts whose words begin with one letter after the other, with A again after Z.

    >>> alphabetical().accepts("Zebras always bring cake."), alphabetical().accepts("A cat")
    (True, False)
    """
    sets = [*(among(spellings(each)) for each in _LETTERS), members(r"\s"), members(r"\w")]
    space, word = 26, 27

    def step(state: tuple[int, str], number: int) -> tuple[tuple[int, str], int] | None:
        last, phase = state
        if number == space:
            return (last, ""), 0
        if number < 26:
            if not phase:
                good = last < 0 or number == (last + 1) % 26
                return ((number, "word"), 0) if good else None
            return None if phase == "behind" else (state, 0)
        if number == word:
            return (state, 0) if phase == "word" else None
        return (last, "behind" if phase else ""), 0

    def objection(text: str) -> str | None:
        last = None
        for word in _plain_words(text):
            if word is None:
                return "a word has a sign within it"
            first = word[0].lower().replace("\u017f", "s").replace("\u212a", "k")
            if first not in _LETTERS:
                return f"{word!r} begins with no letter from A to Z"
            if last is not None and (_LETTERS.index(first) - last) % 26 != 1:
                return f"{word!r} does not begin with the next letter"
            last = _LETTERS.index(first)
        return None

    component = Component.explored(sets, (-1, ""), step, lambda state: 0)
    said = "each word begins with the next letter of the alphabet"
    return Lexical((Rule(said, component, objection),))


def word_lengths(allowed: Collection[int]) -> Lexical:
    """Texts of words whose lengths are some numbers of characters; no sign stands within a word.

    >>> word_lengths({2, 3, 5, 7}).accepts("We saw seven!"), word_lengths({2}).accepts("a")
    (True, False)

    Args:
        allowed: the lengths.

    Raises:
        ArgumentError: these are no numbers from 1.
    """
    if (
        not isinstance(allowed, Collection)
        or not allowed
        or any(not isinstance(each, int) or each < 1 for each in allowed)
    ):
        raise ArgumentError(f"word_lengths: {allowed!r} are no lengths: give numbers from 1")
    most, lengths = max(allowed), frozenset(allowed)

    def step(state: int, number: int) -> tuple[int, int] | None:
        # how many characters of a word are written; -1: signs behind one
        if number == 0:
            return (state + 1, 0) if 0 <= state < most else None
        if state > 0 and state not in lengths:
            return None
        return (0 if number == 1 or state == 0 else -1), 0

    def objection(text: str) -> str | None:
        for word in _plain_words(text):
            if word is None:
                return "a word has a sign within it"
            if len(word) not in allowed:
                return f"{word!r} has {len(word)} characters"
        return None

    component = Component.explored(
        [members(r"\w"), members(r"\s")],
        0,
        step,
        lambda state: 0 if state <= 0 or state in lengths else None,
    )
    said = f"its words have lengths of {', '.join(map(str, sorted(allowed)))} characters"
    return Lexical((Rule(said, component, objection),))


def consonant_clusters() -> Lexical:
    """Texts each word of which has two consonants next to each other; y counts as none.

    >>> consonant_clusters().accepts("This old ship"), consonant_clusters().accepts("a ship")
    (True, False)
    """
    consonants = "bcdfghjklmnpqrstvwxz"
    sets = [among(consonants + consonants.upper()), members(r"\s")]

    def step(state: int, number: int) -> tuple[int, int] | None:
        # 0 between words; 1 in one; 2 behind a consonant; 3 behind two
        if number == 1:
            return (0, 0) if state in (0, 3) else None
        if state == 3:
            return 3, 0
        return (min(max(state, 1) + 1, 3) if number == 0 else 1), 0

    def objection(text: str) -> str | None:
        for word in text.split():
            if not re.search(f"[{consonants}{consonants.upper()}]{{2}}", word):
                return f"{word!r} has no two consonants next to each other"
        return None

    component = Component.explored(sets, 0, step, lambda state: 0 if state in (0, 3) else None)
    said = "each word has two consonants next to each other"
    return Lexical((Rule(said, component, objection, (" this", "This")),))


def vowel_kinds(*, at_most: int) -> Lexical:
    """Texts in which at most so many of the vowels a, e, i, o, u occur.

    >>> vowel_kinds(at_most=2).accepts("Eleven big bikes"), vowel_kinds(at_most=1).accepts("ae")
    (True, False)

    Args:
        at_most: how many different ones.

    Raises:
        ArgumentError: it is no count.
    """
    _, most = bounds("vowel_kinds", None, at_most, None, default=-1)
    sets = [among(each + each.upper()) for each in "aeiou"]

    def step(state: frozenset[int], number: int) -> tuple[frozenset[int], int] | None:
        after = state | {number} if number < 5 else state
        return (after, 0) if len(after) <= at_most else None

    def objection(text: str) -> str | None:
        return outside(len(set(text.lower()) & set("aeiou")), 0, most, "kinds of vowels")

    component = Component.explored(sets, frozenset[int](), step, lambda state: 0)
    return Lexical(
        (Rule(f"it has at most {at_most} of the vowels a, e, i, o, u", component, objection),)
    )


def kinds_of(words: Sequence[str], *, at_least: int) -> Lexical:
    r"""Texts in which so many different ones of some words occur, as words, in any case.

    >>> kinds_of(["and", "but", "or"], at_least=2).accepts("This and that, or neither")
    True

    Args:
        words: at most 10 words of ``\w``.
        at_least: how many different ones.

    Raises:
        ArgumentError: these are no such words, or ``at_least`` is no count, or more than there are.
    """
    found = list(dict.fromkeys(texts_of("kinds_of", words)))
    if not 0 < len(found) <= 10 or any(not re.fullmatch(r"\w+", each) for each in found):
        raise ArgumentError(f"kinds_of: {words!r}: give at most 10 words of letters and digits")
    least, _ = bounds("kinds_of", at_least, None, None)
    if least > len(found):
        raise ArgumentError(f"kinds_of: at_least={least} of {len(found)} words")
    kinds, numbers = numbered(found, match_case=False)
    spelled = list(map(tuple, numbers))
    beginnings = {word[:size] for word in spelled for size in range(len(word) + 1)}
    other = len(kinds)  # other characters of words

    def step(
        state: tuple[frozenset[int], tuple[int, ...] | None], number: int
    ) -> tuple[tuple[frozenset[int], tuple[int, ...] | None], int]:
        seen, word = state  # word: of the one in writing; None: none of these
        if number <= other:
            grown = None if word is None else (*word, number)
            return (seen, grown if grown in beginnings else None), 0
        return closed(seen, word), 0

    def closed(
        seen: frozenset[int], word: tuple[int, ...] | None
    ) -> tuple[frozenset[int], tuple[int, ...]]:
        if word in spelled and len(seen) < least:
            seen |= {spelled.index(word)}
        return seen, ()

    def stop(state: tuple[frozenset[int], tuple[int, ...] | None]) -> int | None:
        return 0 if len(closed(*state)[0]) >= least else None

    def objection(text: str) -> str | None:
        flags = re.IGNORECASE
        count = sum(bool(re.search(rf"\b{re.escape(each)}\b", text, flags)) for each in found)
        return outside(count, least, None, "different ones of these words")

    start: tuple[frozenset[int], tuple[int, ...] | None] = (frozenset(), ())
    component = Component.explored([*map(among, kinds), members(r"\w")], start, step, stop)
    said = f"it has at least {least} different ones of {', '.join(found)}"
    pieces = tuple(f" {each}" for each in found)
    return Lexical((Rule(said, component, objection, pieces),))


def palindromes(*, at_least: int, among_words: Sequence[str] = PALINDROMES) -> Lexical:
    """Texts with so many words that are the same read backwards, of those that are given.

    >>> palindromes(at_least=2).accepts("A civic radar")
    True

    Args:
        at_least: how many at least; one that comes again counts again.
        among_words: the palindromes that count.

    Raises:
        ArgumentError: one is no palindrome, or ``at_least`` is no count.
    """
    words = texts_of("palindromes", among_words)
    for word in words:
        if word.lower() != word.lower()[::-1]:
            raise ArgumentError(f"palindromes: {word!r} is none")
    return contains(words, at_least=at_least)


def _plain_words(text: str) -> list[str | None]:
    """The words without the signs around them; ``None`` for one with a sign within it."""
    found: list[str | None] = []
    for chunk in text.split():
        if re.search(r"\w", chunk):
            match = re.fullmatch(_PLAIN, chunk)
            found.append(match[1] if match else None)
    return found
