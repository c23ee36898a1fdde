"""Characters that make the same difference at a place, so that one answer serves many tokens.

Inside a string nearly every character leads to where the matcher is already, and in a pattern such
as ``[a-z]{50}`` all letters lead to the same place. A matcher does not say so: it knows no names
for its states. So two characters are taken to be alike where nothing that is asked tells them
apart (Myhill and Nerode: states are the same if no text that follows tells them apart; Angluin
1987: taken to be, by a finite set of them). What is asked is the mask after them, which tells what
single tokens can tell, and whether some given texts finish after them.

This is a guess, if a good one, and a function of the matcher's state alone. Whoever relies on it
must check what matters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Matcher
from condit.constraint.characters import ALPHABET, kind_of, kind_of_fragment
from condit.errors import RefusedTokenError

Tokens: TypeAlias = tuple[int, ...]
_Mask: TypeAlias = NDArray[np.uint32]

_TURNS = 6
"""So many answers are compared among characters that change some."""

_FEW = 6
"""The masks after about so many of those are compared before all are."""


_OFFERED = 256
"""By so many texts that are offered a place must be led to for a look at it."""

_DEPTH = 3
"""So many looks are taken one after the other, not counting the first."""


@dataclass(frozen=True)
class Alike:
    """What was found at one place.

    Attributes:
        idle: kinds of characters that make no difference at all; see ``ALPHABET``.
        groups: other kinds of which two or more are alike, by the one that stands for them.
        further: what was found at places that many texts lead to, by what leads there from here.
        known: texts and what they are read as, where it was found out before.
    """

    idle: frozenset[int]
    groups: dict[str, frozenset[int]]
    further: dict[str, Alike] = field(default_factory=dict)
    known: dict[bytes, bytes] = field(default_factory=dict)

    def read(self, text: bytes) -> bytes:
        """A text that leads to the same place, and is the same for many that do.

        Idle characters at the beginning are left out. Those of one group that come next are
        written as the one that stands for it. All after that is left as it is, where nothing was
        found further on, but for the first bytes of an idle character: they become those of the
        one that stands for its kind.
        """
        known = self.known.get(text)
        return _encode(self._read(_decode(text))) if known is None else known

    def _read(self, text: str) -> str:
        head, rest = self.split(text)
        if head in self.further:
            return head + self.further[head]._read(rest)
        return head + rest if head.isascii() else self._fragment(head + rest)

    def _fragment(self, text: str) -> str:
        spelled = _encode(text)
        kind = kind_of_fragment(spelled)
        return _decode(ALPHABET[kind].encode()[: len(spelled)]) if kind in self.idle else text

    def split(self, text: str) -> tuple[str, str]:
        """The first part of ``text`` that makes a difference, as it is read, and what follows."""
        match = self._pattern.match(text)
        assert match is not None
        assert match.lastindex is not None
        head = match[match.lastindex]
        if match.lastindex <= len(self.groups):
            head = self._representatives[match.lastindex - 1] * len(head)
        return head, text[match.end() :]

    @cached_property
    def _representatives(self) -> tuple[str, ...]:
        return tuple(self.groups)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """Idle characters, then a run of one group, or one character of none."""
        idle = f"{_one_of(self.idle)}*" if self.idle else ""
        runs = "".join(f"({_one_of(group)}+)|" for group in self.groups.values())
        return re.compile(f"{idle}(?:{runs}(.?))", re.DOTALL)

    def rest_of(self, text: bytes) -> bytes:
        """What completes an idle character of which ``text``, as it was read, is a beginning.

        ``b""`` for other texts.
        """
        kind = kind_of_fragment(text) if text else -1
        return ALPHABET[kind].encode()[len(text) :] if kind in self.idle else b""


def alike_at(
    matcher: Matcher, probes: Sequence[Tokens], offered: Callable[[Alike], Iterable[bytes]]
) -> Alike:
    """Which characters are alike where ``matcher`` stands, and where many texts lead from there.

    A place takes at most two masks a character, and about as many of the probes as differ.

    Args:
        matcher: the place; not changed.
        probes: token sequences; whether all of each may come next is part of what is asked.
        offered: the texts that may come next, but for those that what was found here settles.
    """
    here = _alike_at(matcher, probes)
    texts = list(offered(here))
    if len(texts) >= _OFFERED:
        read = _go_further(matcher, probes, here, list(map(_decode, texts)), _DEPTH)
        here.known.update(zip(texts, map(_encode, read), strict=True))
    return here


def _go_further(
    matcher: Matcher, probes: Sequence[Tokens], here: Alike, texts: Sequence[str], depth: int
) -> list[str]:
    """Look further on where many of ``texts`` lead, and give back as what each of them is read."""
    read = list(texts)
    by_head: dict[str, tuple[list[int], list[str]]] = {}
    for number, text in enumerate(texts):
        head, rest = here.split(text)
        read[number] = head + rest if head.isascii() else here._fragment(head + rest)
        if rest:
            numbers, rests = by_head.setdefault(head, ([], []))
            numbers.append(number)
            rests.append(rest)
    first_token = matcher.vocabulary.first_token
    for head, (numbers, rests) in by_head.items():
        if not depth or len(rests) < _OFFERED:
            continue
        tokens = tuple(first_token.get(bytes((byte,)), -1) for byte in _encode(head))
        if matcher.count_allowed(tokens) < len(tokens):
            continue
        after = matcher.copy()
        for token in tokens:
            after.advance(token)
        here.further[head] = _alike_at(after, probes)
        further = _go_further(after, probes, here.further[head], rests, depth - 1)
        for number, rest in zip(numbers, further, strict=True):
            read[number] = head + rest
    return read


def _decode(text: bytes) -> str:
    return text.decode(errors="surrogateescape")


def _encode(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _one_of(kinds: Iterable[int]) -> str:
    """A class of a regular expression: the characters of these kinds."""
    longer = ("\x80-\u07ff", "\u0800-\ud7ff\ue000-\uffff", "\U00010000-\U0010ffff")
    some = (re.escape(chr(kind)) if kind < 128 else longer[kind - 128] for kind in sorted(kinds))
    return f"[{''.join(some)}]"


def _alike_at(matcher: Matcher, probes: Sequence[Tokens]) -> Alike:
    spelled = _spelled(matcher)
    answers = _Answers(matcher, probes, spelled)
    unmoved = answers.idle(list(spelled))
    idle, masks = _quiet(matcher, {each: spelled[each] for each in unmoved})
    groups = _by_mask(masks)
    for some in answers.groups([each for each in spelled if each not in unmoved]):
        few = some[:: max(1, len(some) // _FEW)]
        if len(_by_mask(_masks_after(matcher, few, spelled))) == 1:
            groups.append(some)
        else:
            groups += _by_mask(_masks_after(matcher, some, spelled))
    return Alike(_kinds(idle), {group[0]: _kinds(group) for group in groups if len(group) > 1})


def _by_mask(masks: dict[str, bytes]) -> list[list[str]]:
    groups: dict[bytes, list[str]] = {}
    for character, mask in masks.items():
        groups.setdefault(mask, []).append(character)
    return list(groups.values())


def _masks_after(
    matcher: Matcher, characters: Sequence[str], spelled: dict[str, Tokens]
) -> dict[str, bytes]:
    return {each: _mask_after(matcher.copy(), spelled[each]) for each in characters}


def _spelled(matcher: Matcher) -> dict[str, Tokens]:
    """The kinds of characters that may come next, as tokens of one byte."""
    first_token = matcher.vocabulary.first_token
    found: dict[str, Tokens] = {}
    for character in ALPHABET:
        tokens = tuple(first_token.get(bytes((byte,)), -1) for byte in character.encode())
        if -1 not in tokens and matcher.count_allowed(tokens) == len(tokens):
            found[character] = tokens
    return found


def _quiet(matcher: Matcher, spelled: dict[str, Tokens]) -> tuple[list[str], dict[str, bytes]]:
    """Characters after which the mask is what it was; and that after the others."""
    own = _mask_after(matcher.copy(), ())
    quiet: list[str] = []
    masks: dict[str, bytes] = {}
    here, fresh = matcher.copy(), True
    for character, tokens in spelled.items():
        # One after the other, which is cheaper than from the start each time, and asks for more.
        mask = _mask_after(here, tokens)
        if mask != own and not fresh:
            here = matcher.copy()
            mask = _mask_after(here, tokens)
        fresh = mask != own
        if fresh:
            masks[character] = mask
            here = matcher.copy()
        else:
            quiet.append(character)
    return quiet, masks


def _mask_after(matcher: Matcher, tokens: Tokens) -> bytes:
    """The mask after ``tokens``, which are appended; ``b"refused"`` where they may not come."""
    try:
        for token in tokens:
            matcher.advance(token)
    except RefusedTokenError:
        return b"refused"
    mask = matcher.mask()
    return b"" if mask is None else mask.tobytes()


class _Answers:
    """To which of the probes the matcher says yes after some characters."""

    def __init__(
        self, matcher: Matcher, probes: Sequence[Tokens], spelled: dict[str, Tokens]
    ) -> None:
        self._matcher, self._probes, self._spelled = matcher, probes, spelled
        self._here = [self._ask((), probe) for probe in probes]

    def _ask(self, characters: Sequence[str], probe: Tokens) -> bool:
        tokens = [token for character in characters for token in self._spelled[character]]
        return self._matcher.count_allowed((*tokens, *probe)) == len(tokens) + len(probe)

    def idle(self, characters: Sequence[str]) -> list[str]:
        """Those that change no answer: all together, or else some of the one half and the other.

        Group testing (Dorfman 1943): where even all of them together change nothing, none does.
        What is given back has been asked about together: many a little may make a difference.
        """
        if self._change_nothing(characters):
            return list(characters)
        if len(characters) < 2:
            return []
        middle = len(characters) // 2
        halves = self.idle(characters[:middle]), self.idle(characters[middle:])
        if all(halves):
            both = [*halves[0], *halves[1]]
            return both if len(both) < len(characters) and self._change_nothing(both) else []
        return halves[0] or halves[1]

    def _change_nothing(self, characters: Sequence[str]) -> bool:
        pairs = zip(self._probes, self._here, strict=True)
        return all(self._ask(characters, probe) == here for probe, here in pairs)

    def groups(self, characters: list[str]) -> list[list[str]]:
        """Those after which the answers are the same; where there are two or more.

        Which answers are asked for is told by those after the first: where they turn.
        """
        groups: list[list[str]] = []
        while len(characters) > 1:
            first, *others = characters
            answers = [self._ask([first], probe) for probe in self._probes]
            turns = [
                (self._probes[place], answers[place])
                for place in range(len(answers))
                if answers[place] != answers[max(place - 1, 0)]
                or answers[place] != answers[min(place + 1, len(answers) - 1)]
            ][:_TURNS] or [(self._probes[0], answers[0])]
            same = [
                other
                for other in others
                if all(self._ask([other], probe) == answer for probe, answer in turns)
            ]
            if same:
                groups.append([first, *same])
            characters = [other for other in others if other not in same]
        return groups


def _kinds(characters: Iterable[str]) -> frozenset[int]:
    return frozenset(map(kind_of, characters))
