"""Characters that are equivalent at a state of a matcher, so that one answer serves many tokens.

Inside a string nearly every character leads back to the same state, and in a pattern such as
``[a-z]{50}`` all letters lead to the same next one. A matcher's states cannot be compared, so two
characters are taken to be equivalent (*alike*) where no question in a finite set tells them apart:
the equivalence of Myhill and Nerode, approximated as in Angluin (1987). The questions are the mask
after them, and whether some given texts (*probes*) may follow. Characters that lead back to the
state itself are *idle*.

The result is a good guess, not a proof, and depends on the matcher's state alone: a caller must
check each answer that it draws from it.
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
"""So many probes at most are compared among characters after which some answer changes."""

_FEW = 6
"""The masks after about so many of those are compared before all are."""

_OFFERED = 256
"""A state further on is examined if at least so many of the offered texts lead there."""

_DEPTH = 3
"""How many states further on are examined one after the other."""


@dataclass(frozen=True)
class Alike:
    """Which characters are equivalent at one state.

    Attributes:
        idle: kinds of characters (indices of ``ALPHABET``) that lead back to the same state.
        groups: sets of two or more other kinds that are equivalent, by a representative.
        further: the same for later states, by the text that leads there from here.
        known: what ``read`` gives for some texts.
    """

    idle: frozenset[int]
    groups: dict[str, frozenset[int]]
    further: dict[str, Alike] = field(default_factory=dict)
    known: dict[bytes, bytes] = field(default_factory=dict)

    def read(self, text: bytes) -> bytes:
        """A normal form: texts with the same one are taken to lead to the same state.

        Idle characters at the beginning are left out, and those of one group that come next are
        replaced by its representative. What follows is read by ``further``, or else left as it is,
        except that the first bytes of an idle character become those of its kind in ``ALPHABET``.
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
        """The normal form of the first part of ``text`` that is not idle, and what follows it."""
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
        """The missing bytes, where ``text`` (a normal form) is the beginning of an idle character.

        ``b""`` for other texts.
        """
        kind = kind_of_fragment(text) if text else -1
        return ALPHABET[kind].encode()[len(text) :] if kind in self.idle else b""


def alike_at(
    matcher: Matcher, probes: Sequence[Tokens], offered: Callable[[Alike], Iterable[bytes]]
) -> Alike:
    """Which characters are equivalent at the state of ``matcher``, and at some later ones.

    For each state this takes at most two masks a character, and some of the probes.

    Args:
        matcher: not changed.
        probes: token sequences: characters differ where one of them may follow only some.
        offered: gives the texts whose later states matter, when the first state is known.
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
    """Examine the states that many of ``texts`` lead to; returns the normal form of each text."""
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
    idle, masks = _same_mask(matcher, {each: spelled[each] for each in unmoved})
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


def _same_mask(matcher: Matcher, spelled: dict[str, Tokens]) -> tuple[list[str], dict[str, bytes]]:
    """The characters that do not change the mask; and the masks after the others."""
    own = _mask_after(matcher.copy(), ())
    same: list[str] = []
    masks: dict[str, bytes] = {}
    here, fresh = matcher.copy(), True
    for character, tokens in spelled.items():
        # One after the other: cheaper than from the start each time, and a stricter question.
        mask = _mask_after(here, tokens)
        if mask != own and not fresh:
            here = matcher.copy()
            mask = _mask_after(here, tokens)
        fresh = mask != own
        if fresh:
            masks[character] = mask
            here = matcher.copy()
        else:
            same.append(character)
    return same, masks


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
    """Which of the probes may follow some characters."""

    def __init__(
        self, matcher: Matcher, probes: Sequence[Tokens], spelled: dict[str, Tokens]
    ) -> None:
        self._matcher, self._probes, self._spelled = matcher, probes, spelled
        self._here = [self._ask((), probe) for probe in probes]

    def _ask(self, characters: Sequence[str], probe: Tokens) -> bool:
        tokens = [token for character in characters for token in self._spelled[character]]
        return self._matcher.count_allowed((*tokens, *probe)) == len(tokens) + len(probe)

    def idle(self, characters: Sequence[str]) -> list[str]:
        """Those that change no answer, by group testing (Dorfman 1943), in halves.

        Where all of them in a row change nothing, none does. What is returned was also asked about
        in a row, as several may change together what each alone does not.
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
        """Sets of two or more characters after which the answers are the same.

        Only a few probes are asked: those whose answer after the first character of a set differs
        from that of a neighbouring probe.
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
