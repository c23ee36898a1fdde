"""The two protocols of a constraint: the description, and the state machine over tokens."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from condit.constraint.ending import find_ending
from condit.constraint.ending_tokens import NEVER, Ending, spell
from condit.vocabulary import Vocabulary


class Strength(enum.Enum):
    """How early a matcher can say no."""

    EXACT = "exact"
    """Every allowed prefix can be finished, and no valid text is refused."""
    SOUND = "sound"
    """No valid text is refused, but an allowed prefix may turn out to be a dead end."""
    FINAL = "final"
    """Only the finished text is checked."""


@dataclass(frozen=True)
class Violation:
    """Why a text does not satisfy a constraint.

    Attributes:
        reason: one sentence, in the constraint's own terms.
        position: character offset in the text at which it goes wrong; the text's length where
            it ends too soon; ``None`` where no single place is to blame.
    """

    reason: str
    position: int | None = None

    def __str__(self) -> str:
        where = "" if self.position is None else f"at character {self.position}: "
        return where + self.reason


class Outline(NamedTuple):
    """What is known about all next tokens without asking about each.

    Attributes:
        mask: packed as by ``Matcher.mask``; nothing outside of it is allowed. ``None`` where
            nothing is known.
        exact: whether all in it is allowed.
    """

    mask: NDArray[np.uint32] | None
    exact: bool

    def tokens(self, size: int) -> NDArray[np.bool_] | None:
        """The mask as ``size`` booleans, one a token."""
        return None if self.mask is None else unpack(self.mask, size)


class Matcher(ABC):
    """A state machine over tokens: which tokens may come next, given the tokens so far.

    The end token asks "may the text stop here?". After it, nothing is allowed.
    """

    vocabulary: Vocabulary
    strength: Strength
    exact_costs: ClassVar[bool] = False
    """Whether ``ending`` is always one that takes the fewest tokens."""
    any_spelling: ClassVar[bool] = True
    """Whether a text may be spelled by any tokens, as soon as it may by some."""

    @abstractmethod
    def allows(self, token: int) -> bool:
        """Whether ``token`` may come next. Ids that are not text are refused, never an error."""

    @abstractmethod
    def mask(self) -> NDArray[np.uint32] | None:
        """All tokens at once, or ``None`` where asking one by one is the only way.

        Bit ``t % 32`` of word ``t // 32`` says whether token ``t`` is allowed; the shape is
        ``(ceil(len(vocabulary) / 32),)``. It agrees with ``allows`` on every token.
        """

    def outline(self) -> Outline:
        """A mask outside of which nothing is allowed, where that is cheaper than asking.

        What is in it and not ``exact`` still has to be asked about, token by token.
        """
        mask = self.mask()
        return Outline(mask, mask is not None)

    @abstractmethod
    def advance(self, token: int) -> None:
        """Append ``token``.

        Raises:
            RefusedTokenError: the token is not allowed; the state is unchanged.
        """

    def give(self, tokens: Sequence[int]) -> None:
        """Append tokens that nobody drew: text that the caller puts in.

        Raises:
            RefusedTokenError: they are not allowed.
        """
        for token in tokens:
            self.advance(token)

    @abstractmethod
    def copy(self) -> Matcher:
        """An independent matcher in the same state."""

    def forced(self) -> tuple[int, ...]:
        """Tokens that are the only choice from here, one after the other (maybe none).

        Every one of them is forced; not every forced token need be found.
        """
        return ()

    def forced_text(self) -> bytes:
        """Bytes that must come next, however they are split into tokens (maybe none).

        Where all spellings of a text are allowed, it hardly ever has forced *tokens*.
        """
        return b""

    def count_allowed(self, tokens: Sequence[int]) -> int:
        """How many of ``tokens`` may come next, one after the other; the end may be the last."""
        ahead = self.copy()
        for place, token in enumerate(tokens):
            if not ahead.allows(token):
                return place
            ahead.advance(token)
        return len(tokens)

    def ending(self, *, thorough: bool = False) -> Ending | None:
        """What would finish the text, as tokens; none if it may stop here. ``None``: not found.

        A function of the tokens so far alone, however they were reached. Looked for byte by byte
        unless a matcher knows better; one with ``any_spelling`` False must, and give it as
        `Ending.of_tokens`. Where no tokens spell what is found, its cost is ``NEVER``.

        Args:
            thorough: take more time to find one that takes fewer tokens.
        """
        found = find_ending(self, thorough=thorough)
        return None if found is None else spell(found, self.vocabulary)

    def cost_to_finish(self) -> int | None:
        """How many tokens surely suffice to where the text may stop, the end token not counted.

        The fewest that spell the ending that is known: an upper bound on the least number, and
        that number itself where ``exact_costs``; 0 exactly where the text may stop here; ``None``
        where no ending is known.
        """
        ending = self.ending(thorough=True)
        cost = NEVER if ending is None else ending.costs[0]
        return cost if cost < NEVER else None

    @abstractmethod
    def explain(self, token: int) -> str:
        """Why ``token`` is refused, in the constraint's own terms; ``""`` where it is allowed."""


class Constraint(ABC):
    """An immutable description of a set of texts."""

    @abstractmethod
    def bind(self, vocabulary: Vocabulary) -> Matcher:
        """A matcher at the empty text.

        Raises:
            VocabularyError: no token of this vocabulary can begin a text that satisfies it.
        """

    @abstractmethod
    def violation(self, text: str) -> Violation | None:
        """The first reason why ``text`` does not satisfy the constraint, or ``None``.

        Decided by an oracle that shares no code with the matcher.
        """

    def accepts(self, text: str) -> bool:
        """Whether ``text`` satisfies the constraint, by the oracle."""
        return self.violation(text) is None

    def explain(self, text: str) -> str:
        """Why ``text`` does not satisfy the constraint, and where; ``""`` if it does."""
        violation = self.violation(text)
        return "" if violation is None else str(violation)

    def longest(self) -> int | None:
        """The most bytes that a text may have, where that is known; so many tokens suffice."""
        return None

    def value(self, text: str) -> object:
        """What an accepted ``text`` means, where the constraint has a type; else ``None``."""
        return None


def unpack(mask: NDArray[np.uint32], size: int) -> NDArray[np.bool_]:
    """A packed mask as ``size`` booleans, one a token."""
    return np.unpackbits(mask.view(np.uint8), count=size, bitorder="little").view(np.bool_)


def few_tokens(mask: NDArray[np.uint32]) -> NDArray[np.intp] | None:
    """The tokens that a packed mask allows, in ascending order, where they lie in few words.

    ``None`` where many words allow some: then it takes longer than ``unpack``.
    """
    words = np.flatnonzero(mask != 0)  # numpy finds what is not 0 faster among booleans
    if 16 * len(words) > len(mask):
        return None
    bits = np.unpackbits(mask[words].view(np.uint8), bitorder="little").view(np.bool_)
    found = np.flatnonzero(bits)
    tokens: NDArray[np.intp] = 32 * words[found >> 5] + (found & 31)
    return tokens


def pack(allowed: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Booleans, one a token, as the packed mask that ``Matcher.mask`` returns."""
    octets = np.packbits(allowed, bitorder="little")
    padded = np.zeros(-(-len(allowed) // 32) * 4, dtype=np.uint8)
    padded[: len(octets)] = octets
    return padded.view(np.uint32)
