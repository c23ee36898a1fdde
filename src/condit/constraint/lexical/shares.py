"""Rules about how many words of a text are of a kind, and how often they come; and frames of lines.

A function looks at each text as it is written (`condit.where_prefix`), and says how the text may be
finished. What is used for which instruction is in ``ifbench.py``. Rules that relate sentences are
in ``relations.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, count, cycle

from condit.constraint.base import Constraint
from condit.constraint.where_prefix import Answer, WherePrefix, where_prefix

FILLERS = """then we went along the river until evening came with rain over hills where nobody knew
    our names anymore while small boats lay quiet under grey clouds waiting for better
    weather""".split()  # noqa: SIM905
"""Words that texts are filled up with where the budget runs out; all are different."""


def enough(
    counts: Sequence[Callable[[str], int]], least: int, pieces: Callable[[str], Iterator[str]]
) -> Constraint:
    """Texts of which each of some counts is so large.

    Args:
        counts: of a text, which never shrink as it grows but by its last word.
        least: how large.
        pieces: words that make them larger by one each, given the text so far.
    """

    def smallest(text: str) -> int:
        return min(each(text) for each in counts)

    def answer(text: str) -> Answer:
        return "yes" if smallest(text) >= least else "not yet"

    def ending(text: str) -> str:
        found = text
        for piece in pieces(text):
            if smallest(found) >= least:
                break
            found += f" {piece}"
        return found[len(text) :]

    return WherePrefix(answer, ending, refuses=False, seconds=None)


def new_words(text: str) -> Iterator[str]:
    """Words that a text does not have, without end."""
    seen = set(re.findall(r"\w+", text.lower()))
    numbered = (f"{word}{number}" for number in count(2) for word in FILLERS)
    yield from (each for each in chain(FILLERS, numbered) if each not in seen)


def few_of(words: frozenset[str], percent: float) -> Constraint:
    r"""Texts at most so many hundredths of whose words (of ``\w``) are some, at the end.

    At no place there are many more of them than that.
    """

    def counts(text: str) -> tuple[int, int]:
        found = re.findall(r"\w+", text.lower())
        return sum(each in words or len(each) < 3 for each in found), len(found)

    def answer(text: str) -> Answer:
        some, total = counts(text)
        whole = counts(re.sub(r"\w+\Z", "", text))
        if 100 * whole[0] > percent * (whole[1] + 8):
            return "no"
        return "yes" if total and 100 * some <= percent * total else "not yet"

    def ending(text: str) -> str:
        some, total = counts(text)
        missing = max(int(-(-100 * some // percent)) - total, not total) if percent else not total
        rare = ["mountains", "rivers", "green", "valleys", "forests", "clouds", "meadows"]
        return "".join(f" {rare[n % len(rare)]}" for n in range(missing + 1 if missing else 0))

    return where_prefix(answer, ending=ending, seconds=None)


def english(*, capitals: bool) -> Constraint:
    """Texts of five words or more, three tenths of which at least are common words of English.

    At most a twentieth of them are single letters other than a and I, and at most a twentieth of
    the characters are beyond ASCII.

    No program knows what is English; of a text of which this holds detectors say so.

    Args:
        capitals: whether what is written to finish a text is in capital letters.
    """
    said = "this is what they said and that was all of it for then we had been there with them"
    filler = said.upper() if capitals else said

    def right(text: str) -> bool:
        found = re.findall(r"[^\W_]+", text.lower())
        if 20 * sum(not each.isascii() for each in text) > len(text):
            return False
        odd = sum(len(each) == 1 and each not in "ai" for each in found)
        common = sum(each in _COMMON for each in found)
        return len(found) >= 5 and 10 * common >= 3 * len(found) and 20 * odd <= len(found)

    def answer(text: str) -> Answer:
        return "yes" if right(text) else "not yet"

    def ending(text: str) -> str:
        found = text
        for word in cycle(filler.split()):
            if right(found):
                return found[len(text) :]
            found += f" {word}"
        return ""

    return WherePrefix(answer, ending, refuses=False, seconds=None)


_COMMON = frozenset(
    """the of and to in is that was for it with as his he be on by at have are this not but had they
    you from she or which we an were been their has will would all her there can if what so when
    them up out who my more about into some could than then other its our only me your said these
    no do did how just because where after also very any many most such here even""".split()  # noqa: SIM905
)


def at_most_each(counted: Callable[[str], Mapping[str, int]], most: int) -> Constraint:
    """Texts in which nothing that is counted occurs more often than so."""

    def ending(text: str) -> str:
        # Only the word that is being written can be one too many: as another word it is not.
        holds = (
            end for end in _OTHER_WORDS if max(counted(text + end).values(), default=0) <= most
        )
        return next(holds, _OTHER_WORDS[-1])

    answer = partial(_at_most, counted=counted, most=most)
    return where_prefix(answer, seconds=None, ending=ending)


_OTHER_WORDS = ("", "s", "ed", "er", "ing", "like", "wise", "able", *("x" * n for n in range(1, 9)))
"""What makes another word of one."""


def _at_most(text: str, counted: Callable[[str], Mapping[str, int]], most: int) -> Answer:
    whole = re.sub(r"\S+\Z", "", text)
    if max(counted(whole).values(), default=0) > most:
        return "no"
    return "yes" if max(counted(text).values(), default=0) <= most else "not yet"


def framed_lines() -> Constraint:
    """Texts each line of which ends with the word that it began with."""

    def frame(line: str) -> tuple[str, str]:
        words = line.split()
        return (words[0], _bare(words[-1])) if words else ("", "")

    def good(line: str) -> bool:
        first, last = frame(line)
        return len(line.split()) > 1 and first.lower() == last and line.split()[-1][:1].isalnum()

    def answer(text: str) -> Answer:
        *whole, last = text.split("\n")
        for line in [*whole, last]:
            words = line.split()
            settled = words[:-1] if line is last and re.search(r"\S\Z", line) else words
            if settled and not re.fullmatch(r"[^\W_]+", settled[0]):
                return "no"
        if any(line.strip() and not good(line) for line in whole) or not text.strip():
            return "no" if text.strip() else "not yet"
        return "yes" if good(last) or (any(map(str.strip, whole)) and not last) else "not yet"

    def ending(text: str) -> str:
        line = text.split("\n")[-1]
        words = line.split()
        if not words:
            return "" if text.strip() else "Then and then."
        first = _bare(words[0])
        gap = " " if re.search(r"\S\Z", line) else ""
        return f"{gap}and {first}." if len(words) < 2 else f"{gap}{first}."

    return where_prefix(answer, ending=ending, seconds=None)


def _bare(word: str) -> str:
    return re.sub(r"\A\W+|\W+\Z", "", word).lower()
