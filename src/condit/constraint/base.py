"""The protocols of constraints: `Constraint`, a set of texts, and `Matcher`, its state machine.

Also how masks are packed. No particular constraint is here, and no model.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from condit.constraint.boundary import Boundary
from condit.constraint.ending import find_ending
from condit.constraint.ending_tokens import NEVER, Ending, spell
from condit.constraint.example_texts import example_texts, for_readers
from condit.errors import ArgumentError, ConditError
from condit.vocabulary import Vocabulary


class Strength(enum.Enum):
    """How early a matcher refuses what cannot become a valid text."""

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
    """A superset of the tokens that may come next, found without asking about each.

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
    """Whether every sequence of tokens that spells an allowed text is allowed."""
    searches_first: bool = False
    """Whether ``ending`` is cheaper than asking whether some dozens of texts are allowed."""
    keeps_ending: bool = False
    """Whether texts follow the ending that is known where it takes all tokens that are left:
    another one would take long to find, and hardly be shorter."""

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

        Unless it is ``exact``, a token in it still has to be asked about.
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

    def state_key(self) -> Hashable | None:
        """A value that matchers of one constraint share only if the same tokens may follow.

        ``None``, as here, where the matcher cannot tell: then only equal texts are taken to be
        equal.
        """
        return None

    def boundary(self) -> Boundary | None:
        """The boundary that the text has reached last, a function of the tokens so far.

        ``None`` where the constraint has no structure that it could tell of.
        """
        return None

    def forced(self) -> tuple[int, ...]:
        """Tokens that are the only choice from here, one after the other (maybe none).

        Every one of them is forced; not every forced token need be found.
        """
        return ()

    def forced_text(self) -> bytes:
        """Bytes that must come next, however they are split into tokens (maybe none).

        There are more of these than of forced tokens, as most texts have several tokenizations.
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
        """Tokens that would finish the text: no tokens if it may stop here; ``None``: not found.

        Depends on the tokens so far alone. Searched byte by byte by default. A matcher with
        ``any_spelling`` False must override it and return `Ending.of_tokens`. Where no tokens of
        the vocabulary spell what is found, its cost is ``NEVER``.

        Args:
            thorough: take more time to find one that takes fewer tokens.
        """
        found = find_ending(self, thorough=thorough)
        return None if found is None else spell(found, self.vocabulary)

    def unchecked(self) -> Matcher:
        """The matcher by whose endings a text is finished within a budget: as a rule this one.

        One that asks functions of which no ending can be found gives a matcher in the same state
        that does not ask them, and so allows more. It is not to be changed.
        """
        return self

    def cost_to_finish(self) -> int | None:
        """An upper bound on how many tokens it takes to finish, the end token not counted.

        The fewest that spell ``ending(thorough=True)``: the least number itself where
        ``exact_costs``; 0 exactly where the text may stop here; ``None`` where no ending is known.
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

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """Itself: it never changes, and holds compiled parts that cannot be copied."""
        return self

    def accepts(self, text: str) -> bool:
        """Whether ``text`` satisfies the constraint, by the oracle."""
        violation = self.violation(text)
        if violation is not None and not isinstance(violation, Violation):
            raise ArgumentError(
                f"{type(self).__name__}.violation must return a condit.Violation, or None where "
                f"the text is valid; of {text!r} it returned {violation!r}"
            )
        return violation is None

    def explain(self, text: str) -> str:
        """Why ``text`` does not satisfy the constraint, and where; ``""`` if it does."""
        violation = self.violation(text)
        return "" if violation is None else str(violation)

    def longest(self) -> int | None:
        """The most bytes that a text may have, and so the most tokens; ``None``: not known."""
        return None

    def last_bytes(self) -> frozenset[int] | None:
        """The bytes that a text which is not empty may end with, or more; ``None``: not known.

        The fewer they are, the cheaper it is to let another constraint follow this one.
        """
        return None

    def possible_ends(self, text: str, start: int) -> Iterable[int] | None:
        """Offsets at which a valid text that begins at ``start`` may end within ``text``.

        A superset, for the oracle of constraints that are made of several; ``None``: any offset.
        """
        return None

    def value(self, text: str) -> object:
        """The parsed value of an accepted ``text``; ``None`` where the constraint has no type."""
        return None

    def describe(self) -> str:
        """The format of the texts in words, as an instruction to a model; see ``condit.describe``.

        By default some example texts.

        Raises:
            ArgumentError: no short text is found that satisfies the constraint.
        """
        found = self.example_texts()
        if not found:
            raise ArgumentError(
                f"no short text is found that satisfies {type(self).__name__}: give it a method "
                "describe() that says in words what its texts look like"
            )
        shown = for_readers(found)
        return f"Respond only with a text of the same shape as these made-up examples:\n{shown}"

    def __and__(self, other: Constraint | str) -> Constraint:
        """The texts that satisfy both; see ``condit.constraint.algebra``."""
        return _combined("all_of", self, other)

    def __rand__(self, other: str) -> Constraint:
        return _combined("all_of", other, self)

    def __or__(self, other: Constraint | str) -> Constraint:
        """The texts that satisfy one of the two, or both."""
        return _combined("any_of", self, other)

    def __ror__(self, other: str) -> Constraint:
        return _combined("any_of", other, self)

    def __invert__(self) -> Constraint:
        """All other texts."""
        return _combined("complement", self)

    def __add__(self, other: Constraint | str) -> Constraint:
        """A text that satisfies this one, and right after it one that satisfies the other."""
        return _combined("concatenation", self, other)

    def __radd__(self, other: str) -> Constraint:
        return _combined("concatenation", other, self)

    def __mul__(self, times: int | tuple[int, int | None]) -> Constraint:
        """So many texts in a row: a number, or the least and the most (``None``: no limit)."""
        return _combined("repetition", self, times)

    def __rmul__(self, times: int | tuple[int, int | None]) -> Constraint:
        return _combined("repetition", self, times)

    def example_texts(self, most: int = 3) -> list[str]:
        """Some texts that satisfy the constraint, the same ones each time; none if none is found.

        They look usual rather than being probable, and have at most some hundred characters.
        """
        try:
            start = self.bind(Vocabulary.of_bytes())
        except ConditError:
            return []
        accepted = (text for text in example_texts(start) if self.accepts(text))
        return list(islice(accepted, most))


def _combined(operation: str, *operands: object) -> Constraint:
    """What an operator makes; ``NotImplemented`` where it cannot take the operands.

    The constraints that operators make are subclasses of ``Constraint``: they are looked up when an
    operator is used, so that this module imports none of them.
    """
    operators: Any = import_module("condit.constraint.algebra.operators")
    made: Constraint = getattr(operators, operation)(*operands)
    return made


def outlined(matcher: Matcher | None) -> tuple[NDArray[np.bool_] | None, bool]:
    """The outline as booleans, one a token (``None``: unknown), and whether it is exact.

    Without a constraint everything is allowed, of which no array is made.
    """
    if matcher is None:
        return None, True
    outline = matcher.outline()
    return outline.tokens(len(matcher.vocabulary)), outline.exact


def unpack(mask: NDArray[np.uint32], size: int) -> NDArray[np.bool_]:
    """A packed mask as ``size`` booleans, one a token."""
    return np.unpackbits(mask.view(np.uint8), count=size, bitorder="little").view(np.bool_)


def few_tokens(mask: NDArray[np.uint32]) -> NDArray[np.intp] | None:
    """The tokens that a packed mask allows, in ascending order, if few of its words are not 0.

    ``None`` if more are: then ``unpack`` is faster.
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
