"""Rules that relate sentences of a text to each other, or say which word stands in which.

No automaton of bounded size follows most of these, so a function looks at each text as it is
written (`condit.where_prefix`), and says how the text may be finished. Sentences are those of
`sentences`, of which there is one opinion; a word is what white space divides. What is used for
which instruction is in ``ifbench.py``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from condit.constraint.base import Constraint
from condit.constraint.lexical.sentences import sentences
from condit.constraint.lexical.shares import FILLERS
from condit.constraint.where_prefix import Answer, where_prefix

_END = re.compile(r"(?<!\d)[.!?]|[.!?](?!\d)")


@dataclass(frozen=True)
class Sentences:
    """The sentences of a text that is being written.

    Attributes:
        whole: those that have ended, with their sign.
        last: what is behind them.
        grows: whether the last word may still grow.
    """

    whole: tuple[str, ...]
    last: str
    grows: bool

    @classmethod
    def of(cls, text: str) -> Sentences:
        """Read a text."""
        ends = [0, *(each.end() for each in _END.finditer(text))]
        whole = tuple(text[a:b].strip() for a, b in pairwise(ends))
        # Closing marks behind a sign belong to the sentence that it ends.
        last = re.sub(r"\A[\"')\]*\u201d\u2019]+(?=\s|\Z)", "", text[ends[-1] :]) if whole else text
        return cls(whole, last, bool(re.search(r"\S\Z", last)))

    @property
    def begun(self) -> list[str]:
        """The words of the sentence in writing."""
        return self.last.split()

    @property
    def settled(self) -> list[str]:
        """Those of them that cannot grow any more."""
        found = self.last.split()
        return found[:-1] if self.grows else found

    def gap(self) -> str:
        """What divides the next word from the text."""
        return " " if self.grows or (self.whole and not self.last) else ""


def _stopped(found: Sentences, least: int) -> Answer:
    return "yes" if len(found.whole) >= least and not found.begun else "not yet"


def _bare(word: str) -> str:
    return re.sub(r"\A\W+|\W+\Z", "", word).lower()


def growing_sentences(more: int) -> Constraint:
    """At least two sentences, each of which has exactly so many words more than the one before."""

    def answer(text: str) -> Answer:
        found = Sentences.of(text)
        sizes = [len(each.split()) for each in found.whole]
        odd = any(not re.search(r"\w", word) for each in found.whole for word in each.split())
        if odd or any(not re.search(r"\w", word) for word in found.settled):
            return "no"
        if any(b != a + more for a, b in pairwise(sizes)):
            return "no"
        if sizes and len(found.begun) > sizes[-1] + more:
            return "no"
        return _stopped(found, 2)

    def ending(text: str) -> str:
        found = Sentences.of(text)
        sizes = [len(each.split()) for each in found.whole]
        begun, gap, given = len(found.begun), found.gap(), ""
        if not sizes:
            given = _sentence(max(3 - begun, 1), begun > 0)
            sizes, begun = [max(3, begun + 1)], 0
            given = gap + given
            gap = " "
        elif not begun and len(sizes) > 1:
            return ""
        missing = sizes[-1] + more - begun
        if missing == 0:
            return f"{given}."
        return given + gap + _sentence(missing, begun > 0)

    return where_prefix(answer, of=sentences(at_least=2), ending=ending, seconds=None)


def _sentence(size: int, goes_on: bool) -> str:
    """So many words and a period."""
    words = [FILLERS[n % len(FILLERS)] for n in range(size)]
    if words[-1] in ("the", "our", "with", "for"):
        words[-1] = "there"
    found = " ".join(words)
    return f"{found if goes_on else found[0].upper() + found[1:]}."


def growing_alliteration() -> Constraint:
    """At least two sentences, each with more alliteration than the one before.

    That is so of the longest run of words that begin with the same letter, and of the words in such
    runs.
    """

    def runs(words: Sequence[str]) -> tuple[int, int]:
        firsts = [bare[0] for each in words if (bare := re.sub(r"\A[\W_]+", "", each.lower()))]
        found = [0]
        for first, second in pairwise(firsts):
            if first == second:
                found[-1] = found[-1] + 1 if found[-1] else 2
            else:
                found.append(0)
        return max(found), sum(found)

    def answer(text: str) -> Answer:
        found = Sentences.of(text)
        sizes = [runs(each.split()) for each in found.whole]
        if any(b[0] <= a[0] or b[1] <= a[1] for a, b in pairwise(sizes)):
            return "no"
        return _stopped(found, 2)

    def ending(text: str) -> str:
        found = Sentences.of(text)
        given, gap, goes_on = "", found.gap(), bool(found.begun)
        here = runs(found.begun)
        if not found.whole:
            given, gap = gap + ("it is so." if goes_on else "It is."), " "
            words = [*found.begun, "it", "is", "so"] if goes_on else ["It", "is"]
            before, here, goes_on = runs(words), (0, 0), False
        elif not goes_on and len(found.whole) > 1:
            return ""
        else:
            before = runs(found.whole[-1].split())
        size = max(before[0] + 1, before[1] + 1 - here[1], 2)
        words = ["some", "soft", "slow", "sweet", "small", "silver"]
        said = " ".join(words[n % len(words)] for n in range(size))
        return given + gap + (said if goes_on else said.capitalize()) + "."

    return where_prefix(answer, of=sentences(at_least=2), ending=ending, seconds=None)


def linked_sentences() -> Constraint:
    """At least two sentences, each of which begins with the last word of the one before."""

    def answer(text: str) -> Answer:
        found = Sentences.of(text)
        for one, other in pairwise([*found.whole, found.last]):
            last = re.search(r"(?:\A|\s)(\w+)[.!?]\Z", one)
            if last is None:
                return "no"
            is_whole = other is not found.last
            first = other.split()[0] if other.split() else ""
            if is_whole and len(other.split()) < 2:
                return "no"  # its first word has a sign behind it
            wanted = last[1].lower()
            grows = not is_whole and len(found.begun) == 1 and found.grows
            if grows or (not is_whole and not first):
                if not wanted.startswith(first.lower()):
                    return "no"
            elif first.lower() != wanted:
                return "no"
        return _stopped(found, 2)

    def ending(text: str) -> str:
        found = Sentences.of(text)
        if not found.whole:
            begun = found.gap() + ("this" if found.begun else "This")
            return f"{begun} is so. So it is."
        word = _bare(found.whole[-1].split()[-1])
        if not found.begun:
            return "" if len(found.whole) > 1 else f"{found.gap()}{word.capitalize()} it is."
        if len(found.begun) == 1 and found.grows and len(found.begun[0]) < len(word):
            return f"{word[len(found.begun[0]) :]} it is."
        return f"{found.gap()}it is."

    return where_prefix(answer, of=sentences(at_least=2), ending=ending, seconds=None)


def keyword_in_sentence(word: str, nth: int) -> Constraint:
    """Texts whose sentence of this number has a word or phrase in it, in any case."""
    pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)

    def answer(text: str) -> Answer:
        found = Sentences.of(text)
        if len(found.whole) >= nth and not pattern.search(found.whole[nth - 1]):
            return "no"
        return _stopped(found, nth)

    def ending(text: str) -> str:
        found = Sentences.of(text)
        if not found.begun and len(found.whole) >= nth:
            return ""
        given, gap, number = "", found.gap(), len(found.whole) + 1
        goes_on = bool(found.begun)
        while number < nth:
            given += gap + ("it was so." if goes_on else "Yes.")
            gap, goes_on, number = " ", False, number + 1
        if number > nth or (number == len(found.whole) + 1 and pattern.search(found.last)):
            return f"{given}{gap}it is." if goes_on else given
        return f"{given}{gap}{'it has' if goes_on else 'It has'} {word} there."

    return where_prefix(answer, of=sentences(at_least=nth), ending=ending, seconds=None)


def keyword_at(word: str, nth: int, place: int) -> Constraint:
    """Texts in which a word is the word of this place in the sentence of this number.

    In that sentence there are letters and spaces alone up to that word.
    """

    def answer(text: str) -> Answer:
        found = Sentences.of(text)
        if len(found.whole) == nth - 1:
            words = found.begun
            settled = found.settled
            if any(not _plain(each) for each in settled[:place]):
                return "no"
            if len(settled) >= place and settled[place - 1] != word:
                return "no"
            if len(words) == place and found.grows and not word.startswith(words[-1]):
                return "no"
            if len(words) < place and found.grows and not re.fullmatch("[A-Za-z]+", words[-1]):
                return "no"
        elif len(found.whole) >= nth:
            own = found.whole[nth - 1][:-1].split()
            if len(own) < place or own[place - 1] != word or not all(map(_plain, own[:place])):
                return "no"
        return _stopped(found, nth)

    def ending(text: str) -> str | None:
        found = Sentences.of(text)
        if not found.begun and len(found.whole) >= nth:
            return ""
        given, gap, number = "", found.gap(), len(found.whole) + 1
        begun = list(found.begun)
        while number < nth:
            given += gap + ("it was so." if begun else "Yes.")
            gap, begun, number = " ", [], number + 1
        if number > nth or len(begun) > place:
            return f"{given}{gap}it is." if begun else given
        if len(begun) == place:
            return word[len(begun[-1]) :] + " there."
        said = [FILLERS[n % len(FILLERS)] for n in range(place - 1 - len(begun))]
        if not begun and said:
            said[0] = said[0].capitalize()
        return given + gap + " ".join([*said, word, "there."])

    lenient = sentences(at_least=nth, capitals=place > 1)
    return where_prefix(answer, of=lenient, ending=ending, seconds=None)


def _plain(word: str) -> bool:
    """Whether a word is one word to any tokenizer."""
    apart = {"cannot", "gimme", "gonna", "gotta", "lemme", "wanna"}
    return bool(re.fullmatch("[A-Za-z]+", word)) and word.lower() not in apart


def lettered_sentences(letters: str) -> Constraint:
    """Sentences that begin with these letters, one after the other, and no more of them."""
    words = """All Birds Cats Dogs Everybody Friends Girls Horses It Jays Kings Lions Mice Nobody
        Others People Queens Rabbits She They Uncles Visitors We Xerxes You
        Zebras""".split()  # noqa: SIM905

    def answer(text: str) -> Answer:
        found = Sentences.of(text)
        for place, each in enumerate([*found.whole, found.last]):
            first = each.strip()[:1].lower()
            if first and (place >= len(letters) or first != letters[place]):
                return "no"
        return _stopped(found, len(letters))

    def ending(text: str) -> str:
        found = Sentences.of(text)
        place, given, gap = len(found.whole), "", found.gap()
        if found.begun:
            given, place, gap = f"{gap}ran.", place + 1, " "
        for letter in letters[place:]:
            given += f"{gap}{words[ord(letter) - ord('a')]} ran."
            gap = " "
        return given

    exact = sentences(exactly=len(letters))
    return where_prefix(answer, of=exact, ending=ending, seconds=None)


def equal_sentences(number_of: int) -> Constraint:
    """So many sentences of equally many characters, no word of which comes twice."""

    def repeats(words: Sequence[str]) -> bool:
        return len(set(words)) < len(words)

    def answer(text: str) -> Answer:
        found = Sentences.of(text)
        sizes = {len(each) for each in found.whole}
        if len(sizes) > 1:
            return "no"
        words = re.findall(r"\w+", text.lower())
        if repeats(words[:-1] if re.search(r"\w\Z", text) else words):
            return "no"
        if sizes and len(found.last.lstrip()) >= next(iter(sizes)):
            return "no"
        return "not yet" if repeats(words) else _stopped(found, number_of)

    def ending(text: str) -> str | None:
        found = Sentences.of(text)
        used = set(re.findall(r"\w+", text.lower()))
        given, gap = "", found.gap() if found.begun or not text else _next_line(text)
        written = len(found.last.strip()) if found.begun else 0
        wanted = len(found.whole[0]) if found.whole else max(written + 12, 30)
        for number in range(len(found.whole), number_of):
            goes_on = number == len(found.whole) and written > 0
            spare = wanted - 1 - (written + len(gap) if goes_on else 0)
            chosen = _of_length(spare, [each for each in FILLERS if each not in used])
            if chosen is None:
                return None
            used |= set(chosen)
            said = " ".join(chosen)
            given += gap + (said if goes_on else said[0].upper() + said[1:]) + "."
            gap = _next_line(text + given)
        return given

    return where_prefix(answer, of=sentences(exactly=number_of), ending=ending, seconds=None)


def _next_line(text: str) -> str:
    """A line feed, and as many spaces more than before as it was so far."""
    indents = [0, *(len(each[1]) for each in re.finditer(r"(?:\A|\n)( *)\S", text))]
    step = indents[-1] - indents[-2] if len(indents) > 2 else 1
    return "\n" + " " * (indents[-1] + max(step, 1))


def _of_length(size: int, words: Sequence[str]) -> list[str] | None:
    """Some words that, with spaces between them, have so many characters."""
    reached: dict[int, list[str]] = {-1: []}
    for word in words:
        for length, chosen in list(reached.items()):
            after = length + 1 + len(word)
            if after <= size and after not in reached:
                reached[after] = [*chosen, word]
    found = reached.get(size)
    return found or None
