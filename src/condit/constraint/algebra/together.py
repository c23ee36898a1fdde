"""Texts that satisfy several constraints at once, and the matcher that runs these side by side."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from condit.constraint.algebra.common import UndecidedError
from condit.constraint.algebra.labels import BY_EXAMPLE, MATCHES, listed, reason_in, wanted
from condit.constraint.algebra.plan import Enforcement, plan_of
from condit.constraint.algebra.regular import bind_tree, trees_of
from condit.constraint.algebra.satisfiable import InCommon, is_dead_end
from condit.constraint.base import Constraint, Matcher, Outline, Strength, Violation, few_tokens
from condit.constraint.boundary import Boundary, checked_boundary
from condit.constraint.ending import find_ending
from condit.constraint.ending_tokens import NEVER, Ending, spell
from condit.constraint.ending_walks import OutOfWorkError, Work
from condit.constraint.example_texts import for_readers
from condit.constraint.metered import Metered
from condit.constraint.regular.expression import Node, intersection
from condit.errors import (
    ConstraintTooComplexError,
    RefusedTokenError,
    UnsatisfiableError,
    VocabularyError,
)
from condit.vocabulary import Vocabulary


@dataclass(frozen=True)
class AllOf(Constraint):
    """Texts that satisfy all parts; made by ``a & b``.

    Attributes:
        parts: the constraints.
    """

    parts: tuple[Constraint, ...]

    @cached_property
    def tree(self) -> Node | None:
        """All parts as one regular expression; ``None`` where they are not regular."""
        trees = trees_of(self.parts)
        return None if trees is None else intersection(*trees)

    @property
    def plan(self) -> tuple[Enforcement, ...]:
        """Where each part is enforced."""
        note = "they are not all regular: what each allows may have no end that all allow"
        return plan_of(self, self.parts, "side by side", note)

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        """A matcher at the empty text; EXACT only where all parts are one regular expression.

        Raises:
            VocabularyError: no token of this vocabulary can begin a text.
            UnsatisfiableError: the parts have no text in common, and that is found out.
        """
        try:
            found = bind_tree(self.tree, vocabulary)
        except UnsatisfiableError:
            raise UnsatisfiableError(self._in_common.reason()) from None
        if found is not None:
            return found
        if self._is_empty:
            raise UnsatisfiableError(self._in_common.reason())
        matchers = [part.bind(vocabulary) for part in self.parts]
        matcher = TogetherMatcher(matchers, self._in_common)
        if not matcher.begins():
            raise VocabularyError(
                "no token of this vocabulary can begin a text that satisfies all constraints; "
                "use a vocabulary with a token for each byte, or loosen one of them"
            )
        return matcher

    @cached_property
    def _in_common(self) -> InCommon:
        return InCommon(self.parts)

    @cached_property
    def _is_empty(self) -> bool:
        """Whether the parts surely have no text in common."""
        if self._in_common.is_empty:
            return True
        # Functions of the user's are not asked: without them there are more texts.
        parts = [part.bind(Vocabulary.of_bytes()).unchecked() for part in self.parts]
        matcher = TogetherMatcher(parts, self._in_common)
        if (text := self._in_common.candidate) is not None:
            asked = [*text.encode(), matcher.vocabulary.end]
            if matcher.count_allowed(asked) == len(asked):
                return False
        return matcher.ending() is None and is_dead_end(matcher)

    def accepts(self, text: str) -> bool:
        """Whether all parts accept ``text``."""
        return all(part.accepts(text) for part in self.parts)

    def violation(self, text: str) -> Violation | None:
        """The first violation of a part, in the order of the text."""
        found = [
            Violation(reason_in(part, own.reason), own.position)
            for part in self.parts
            if (own := part.violation(text)) is not None
        ]
        size = len(text)
        return min(
            found, key=lambda own: size if own.position is None else own.position, default=None
        )

    def longest(self) -> int | None:
        """The shortest of those that are known."""
        return min((s for part in self.parts if (s := part.longest()) is not None), default=None)

    def last_bytes(self) -> frozenset[int] | None:
        """What the parts have in common."""
        known = [own for part in self.parts if (own := part.last_bytes()) is not None]
        return frozenset.intersection(*known) if known else None

    def possible_ends(self, text: str, start: int) -> Iterable[int] | None:
        """What the parts have in common."""
        ends = [part.possible_ends(text, start) for part in self.parts]
        known = [set(each) for each in ends if each is not None]
        return sorted(set.intersection(*known)) if known else None

    def value(self, text: str) -> object:
        """That of the first part that has a value."""
        values = (part.value(text) for part in self.parts)
        return next((value for value in values if value is not None), None)

    def describe(self) -> str:
        """The parts, as an instruction to a model to satisfy all."""
        said = [wanted(part, examples=False) for part in self.parts]
        by_example = any(each.startswith((MATCHES, BY_EXAMPLE)) for each in said)
        found = self.example_texts() if by_example else []
        if not found:
            return listed("a text that is all of these:", said)
        # Examples of a part that are none of the whole would mislead.
        others = [each for each in said if not each.startswith(BY_EXAMPLE)]
        if not others:
            return super().describe()
        shown = for_readers(found)
        return listed("a text that is all of these:", others) + f"\nMade-up examples:\n{shown}"


class TogetherMatcher(Matcher):
    """What all parts allow. It is EXACT only if there is one part that is.

    Args:
        parts: matchers over one vocabulary, which belong to this one from now on.
        in_common: what their constraints have in common, for endings.
    """

    def __init__(self, parts: Sequence[Matcher], in_common: InCommon) -> None:
        self._parts, self._in_common = tuple(parts), in_common
        self._text = b""
        self.vocabulary = self._parts[0].vocabulary
        strengths = {part.strength for part in self._parts}
        self.strength = Strength.SOUND
        if Strength.FINAL in strengths:
            self.strength = Strength.FINAL
        elif len(self._parts) == 1:
            self.strength = self._parts[0].strength
        # An instance attribute: it depends on the parts.
        self.any_spelling = all(part.any_spelling for part in self._parts)  # type: ignore[misc]
        self.keeps_ending = any(part.keeps_ending for part in self._parts)
        # Endings at this state; copies share them until they advance.
        self._endings: dict[bool, Ending | None] = {}

    def begins(self) -> bool:
        """Whether any token may come, or the text may end."""
        mask, exact = self.outline()
        if mask is None or not exact:
            tokens = range(len(self.vocabulary))
            return any(map(self.allows, tokens))
        return bool(mask.any())

    def allows(self, token: int) -> bool:
        """Whether all parts allow ``token``."""
        return all(part.allows(token) for part in self._parts)

    def outline(self) -> Outline:
        """What the outlines have in common; exact where all are, or where few tokens are left."""
        together: NDArray[np.uint32] | None = None
        exact = True
        asked: list[Matcher] = []
        for part in self._parts:
            mask, own = part.outline()
            if not own:
                exact = False
                asked.append(part)
            if mask is not None:
                together = mask if together is None else together & mask
        if together is not None and not exact:
            few = few_tokens(together)
            if few is not None and len(few) <= _FEW:
                together = together.copy()
                for token in few.tolist():
                    if not all(part.allows(token) for part in asked):
                        together[token // 32] &= ~np.uint32(1 << token % 32)
                exact = True
        return Outline(together, exact and together is not None)

    def mask(self) -> NDArray[np.uint32] | None:
        """All allowed tokens, packed; ``None`` where tokens are better asked about one by one."""
        mask, exact = self.outline()
        return mask if exact else None

    def advance(self, token: int) -> None:
        """Append ``token`` to all.

        Raises:
            RefusedTokenError: a part refuses it; the state is unchanged.
        """
        if not self.allows(token):
            raise RefusedTokenError(self.explain(token))
        for part in self._parts:
            part.advance(token)
        self._text += self.vocabulary.bytes[token]
        self._endings = {}

    def copy(self) -> TogetherMatcher:
        """An independent matcher in the same state."""
        twin = TogetherMatcher.__new__(TogetherMatcher)
        twin.__dict__.update(self.__dict__)
        twin._parts = tuple(part.copy() for part in self._parts)
        return twin

    def state_key(self) -> Hashable | None:
        """Those of all parts; ``None`` where one has none."""
        keys = tuple(part.state_key() for part in self._parts)
        return None if None in keys else keys

    def boundary(self) -> Boundary | None:
        """That of the first part that has boundaries."""
        found = (checked_boundary(part.boundary(), part) for part in self._parts)
        return next((each for each in found if each is not None), None)

    def forced(self) -> tuple[int, ...]:
        """The tokens that a part forces, as far as the others allow them."""
        forced = max((part.forced() for part in self._parts), key=len)
        return forced[: self.count_allowed(forced)]

    def forced_text(self) -> bytes:
        """The longest that a part forces."""
        return max((part.forced_text() for part in self._parts), key=len)

    def count_allowed(self, tokens: Sequence[int]) -> int:
        """As many as all parts allow."""
        count = len(tokens)
        for part in self._parts:
            count = min(count, part.count_allowed(tokens[:count]))
        return count

    def ending(self, *, thorough: bool = False) -> Ending | None:
        """The cheapest ending of a part that all others allow; else one that is searched for."""
        if thorough not in self._endings:
            self._endings[thorough] = self._find_ending(thorough)
        return self._endings[thorough]

    def _find_ending(self, thorough: bool) -> Ending | None:
        best: Ending | None = None
        for part in self._parts:
            ending = part.ending(thorough=thorough)
            if ending is None and part.keeps_ending:
                # A walk through all parts would hardly find what its own search has not.
                return None
            if ending is None or ending.costs[0] == NEVER:
                continue
            tokens = (*ending.tokens(), self.vocabulary.end)
            fits = best is None or ending.costs[0] < best.costs[0]
            if fits and self.count_allowed(tokens) == len(tokens):
                best = ending
        if best is None and self.keeps_ending:
            best = self._one_after_the_other(thorough)
        if best is None and not (self.keeps_ending and self._text):
            # What is drawn need not reach a state at which a part gives up.
            with suppress(ConstraintTooComplexError, OutOfWorkError, _NoneAtAllError):
                walked = Metered(self.copy(), Work(_WORK))
                found = find_ending(walked, known=self._known_ending, thorough=thorough)
                best = None if found is None else spell(found, self.vocabulary)
        if best is None or self.any_spelling or best.costs[0] == NEVER:
            return best
        return Ending.of_tokens(best.tokens(), self.vocabulary)

    def _one_after_the_other(self, thorough: bool) -> Ending | None:
        """The endings of parts written one behind the other, until all parts may stop."""
        for is_reversed in (False, True):
            ending = self._in_order(thorough, is_reversed)
            if ending is not None:
                return ending
        return None

    def _in_order(self, thorough: bool, is_reversed: bool) -> Ending | None:
        """The same, the last part first or last."""
        ahead, text = self.copy(), b""
        end = self.vocabulary.end
        for _ in range(_ROUNDS):
            for part in reversed(ahead._parts) if is_reversed else ahead._parts:
                if part.allows(end):
                    continue
                own = part.ending(thorough=thorough)
                if own is None or own.costs[0] == NEVER:
                    continue
                # "And Copyright", unless only "AndCopyright" may be: nothing between is tried last.
                are_words = text[-1:].isalnum() and own.text[:1].isalnum()
                for bridge in _BRIDGES[1:] if are_words else _BRIDGES:
                    tokens = spell(bridge + own.text, self.vocabulary).tokens()
                    if ahead.count_allowed(tokens) == len(tokens):
                        break
                else:
                    continue
                for token in tokens:
                    ahead.advance(token)
                text += bridge + own.text
            if ahead.allows(end):
                found = spell(text, self.vocabulary)
                asked = (*found.tokens(), end) if found.costs[0] < NEVER else ()
                return found if asked and self.count_allowed(asked) == len(asked) else None
        return None

    def _known_ending(self) -> bytes | None:
        """A shortest ending by the rules of the parts, if it holds for all of them."""
        try:
            text = self._text.decode()
            found = self._in_common.shortest(text)
        except (UndecidedError, UnicodeDecodeError):
            return None
        if found is None:
            raise _NoneAtAllError
        ending = spell(found.encode(), self.vocabulary)
        tokens = (*ending.tokens(), self.vocabulary.end) if ending.costs[0] < NEVER else ()
        fits = bool(tokens) and self.count_allowed(tokens) == len(tokens)
        return ending.text if fits else None

    def explain(self, token: int) -> str:
        """Why the first part that refuses ``token`` does; ``""`` where all allow it."""
        return next((said for part in self._parts if (said := part.explain(token))), "")


class _NoneAtAllError(Exception):
    """There is no ending, so that none need be looked for."""


_ROUNDS = 3

"""So often each part is asked for its ending, behind those of the others."""

_BRIDGES = (b"", b" ", b" the ", b" The ", b"The ", b"\n", b"")
"""What may have to stand between what one part needs and what another does."""

_WORK = 30_000
"""What a search for an ending may cost; see `Metered`: some tenths of a second."""

_FEW = 64
"""So few tokens are asked about one by one for a mask."""
