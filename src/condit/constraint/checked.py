"""A constraint together with a user's function: what the kinds of checks have in common.

`Checked` is such a constraint, `CheckedMatcher` its matcher, and a `Reading` what the check knows
of the text so far. When the function is asked, and about what, is said by ``where.py``,
``where_prefix.py`` and ``where_field.py``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Constraint, Matcher, Outline, Strength, Violation
from condit.constraint.boundary import Boundary
from condit.constraint.describe import excerpt
from condit.constraint.ending_tokens import NEVER, Ending, spell
from condit.constraint.plan import Plan
from condit.constraint.regex import regex
from condit.constraint.schema.plan import Enforcement
from condit.errors import ArgumentError, RefusedTokenError
from condit.vocabulary import Vocabulary


class Reading(Protocol):
    """What a check knows of a text; immutable, and a function of its bytes.

    Attributes:
        refusal: why no text that begins so is valid, if that is so.
        asks_next: whether the check may refuse a token that goes on from here.
        asks_end: whether it may refuse that the text stops, here or later.
    """

    @property
    def refusal(self) -> Violation | None: ...  # noqa: D102 - said above

    @property
    def asks_next(self) -> bool: ...  # noqa: D102

    @property
    def asks_end(self) -> bool: ...  # noqa: D102

    def after(self, piece: bytes) -> Reading:
        """The reading after further bytes, which the constraint allows."""

    def end_refusal(self) -> Violation | None:
        """Why the text may not stop here, where the constraint lets it stop."""

    def dead_end(self, matcher: Callable[[], Matcher]) -> Violation | None:
        """Why nothing valid can follow, found by a look ahead.

        Args:
            matcher: gives the matcher of the constraint here, for the look alone.
        """


@dataclass(frozen=True, kw_only=True)
class Checked(Constraint):
    """A constraint, and a function of the user's that its texts must satisfy as well.

    Attributes:
        typed: the constraint; ``None``: any text.
        seconds: the time limit of a call of the function; ``None``: none.
    """

    unbound_strength: ClassVar[Strength] = Strength.SOUND
    """The strength where there is no constraint beside the check."""

    typed: Constraint | None = None
    seconds: float | None = 1.0

    def of(self, typed: Constraint) -> Self:
        """The same check together with ``typed``; itself where it has a constraint already."""
        return self if self.typed is not None else replace(self, typed=typed)

    @property
    def within(self) -> Constraint:
        """The constraint beside the check."""
        return _any_text() if self.typed is None else self.typed

    @property
    @abstractmethod
    def enforcement(self) -> Enforcement:
        """Where the check is enforced."""

    @property
    @abstractmethod
    def summary(self) -> str:
        """The first line of the function's docstring; empty without one."""

    @abstractmethod
    def reading(self) -> Reading:
        """The reading of the empty text."""

    @abstractmethod
    def objection(self, text: str) -> Violation | None:
        """What the function says against a finished text that the constraint accepts."""

    @property
    def _may_end_by(self) -> Callable[[Any], bytes | None] | None:
        """Of a reading, bytes that may finish the text; ``None``: none are known."""
        return None

    @property
    def plan(self) -> Plan[Any]:
        """Where the parts of the constraint are enforced, as far as it tells, and the check."""
        return Plan([*getattr(self.within, "plan", ()), self.enforcement])

    @property
    def schema(self) -> Any:
        """The JSON schema of the constraint.

        Raises:
            AttributeError: it has none.
        """
        return self.within.schema  # type: ignore[attr-defined]

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        """A matcher at the empty text.

        Raises:
            VocabularyError: no token of this vocabulary can begin a text.
            CheckError: the function failed.
        """
        inner = self.within.bind(vocabulary)
        strength = self.unbound_strength
        if self.typed is not None:
            final = inner.strength is Strength.FINAL
            strength = Strength.FINAL if final else Strength.SOUND
        return CheckedMatcher(inner, self.reading(), strength, self._may_end_by)

    def violation(self, text: str) -> Violation | None:
        """What is wrong with ``text``: by the constraint, and then by the function.

        Raises:
            CheckError: the function failed.
        """
        return self.within.violation(text) or self.objection(text)

    def value(self, text: str) -> object:
        """The value by the constraint."""
        return self.within.value(text)

    def longest(self) -> int | None:
        """The most bytes that a text may have, by the constraint."""
        return self.within.longest()

    def describe(self) -> str:
        """What the constraint says of its texts, and the first line of the function's docstring.

        Raises:
            ArgumentError: there is neither a constraint nor a docstring.
        """
        if self.typed is not None:
            form = self.typed.describe()
            return f"{form}\nIt must also hold: {self.summary}" if self.summary else form
        if not self.summary:
            raise ArgumentError(
                "what texts of a function look like is not known: give it a docstring that says so"
            )
        return f"Respond only with a text of which this holds: {self.summary}"

    def example_texts(self, most: int = 3) -> list[str]:
        """Example texts of the constraint that the function accepts; none may be found."""
        if self.typed is None:
            return []
        return [text for text in self.typed.example_texts(most) if self.accepts(text)]


@cache
def _any_text() -> Constraint:
    return regex("(?s:.*)")


class CheckedMatcher(Matcher):
    """What a matcher allows, less what a check refuses.

    The function is asked about single tokens that come into question, never about all: where it
    could refuse any, there is an outline, and no mask. Safe to use from several threads, if the
    inner matcher is.

    Attributes:
        vocabulary: the tokens.
        strength: as claimed by the constraint that made it.
    """

    def __init__(
        self,
        inner: Matcher,
        reading: Reading,
        strength: Strength,
        may_end_by: Callable[[Reading], bytes | None] | None = None,
    ) -> None:
        """A matcher in the state of ``inner``, which belongs to it from now on.

        Args:
            inner: the matcher of the constraint beside the check.
            reading: what the check knows of the text so far.
            strength: what is claimed.
            may_end_by: of a reading, bytes that may finish the text by the check.
        """
        self.vocabulary = inner.vocabulary
        self.strength = strength
        self._inner, self._reading = inner, reading
        self._may_end_by = may_end_by
        self.searches_first = may_end_by is not None
        self.keeps_ending = inner.keeps_ending or may_end_by is not None
        # What was found about tokens here; copies share it until they advance.
        self._refusals: dict[int, Violation | None] = {}

    def allows(self, token: int) -> bool:
        """Whether ``token`` may come next; for the end token, whether the text may stop here.

        Raises:
            CheckError: the function failed.
        """
        return self._inner.allows(token) and self._refusal(token) is None

    def _refusal(self, token: int) -> Violation | None:
        if token == self.vocabulary.end:
            return self._reading.end_refusal() if self._reading.asks_end else None
        if not self._reading.asks_next:
            return None
        if token not in self._refusals:
            after = self._reading.after(self.vocabulary.bytes[token])
            refusal = after.refusal or after.dead_end(lambda: self._inner_after(token))
            self._refusals[token] = refusal
        return self._refusals[token]

    def _inner_after(self, token: int) -> Matcher:
        after = self._inner.copy()
        after.advance(token)
        return after

    def mask(self) -> NDArray[np.uint32] | None:
        """All allowed tokens, packed; ``None`` where the function may refuse one but the end."""
        mask = None if self._reading.asks_next else self._inner.mask()
        if mask is not None and self._may_refuse_end(mask):
            mask = mask.copy()
            if self._reading.end_refusal() is not None:
                end = self.vocabulary.end
                mask[end // 32] &= ~np.uint32(1 << end % 32)
        return mask

    def outline(self) -> Outline:
        """The inner outline, exact where the function refuses none of it. Asks no function."""
        mask, exact = self._inner.outline()
        if mask is None:
            return Outline(None, exact=False)
        asked = self._reading.asks_next or self._may_refuse_end(mask)
        return Outline(mask, exact and not asked)

    def _may_refuse_end(self, mask: NDArray[np.uint32]) -> bool:
        end = self.vocabulary.end
        return self._reading.asks_end and bool(mask[end // 32] >> np.uint32(end % 32) & 1)

    def advance(self, token: int) -> None:
        """Append ``token``.

        Raises:
            RefusedTokenError: it is not allowed; the state is unchanged.
            CheckError: the function failed; the state is unchanged.
        """
        if not self.allows(token):
            raise RefusedTokenError(self.explain(token))
        reading = self._reading
        if token != self.vocabulary.end:
            reading = reading.after(self.vocabulary.bytes[token])
        self._inner.advance(token)
        self._reading, self._refusals = reading, {}

    def copy(self) -> CheckedMatcher:
        """An independent matcher in the same state."""
        twin = CheckedMatcher(self._inner.copy(), self._reading, self.strength, self._may_end_by)
        twin._refusals = self._refusals
        return twin

    def unchecked(self) -> Matcher:
        """The inner matcher: no ending can be found by asking a function yes or no alone."""
        return self._inner.unchecked() if self._may_end_by is None else self

    def boundary(self) -> Boundary | None:
        """That of the inner matcher."""
        return self._inner.boundary()

    def forced(self) -> tuple[int, ...]:
        """Tokens that are the only choice from here; the end token may be the last of them."""
        forced = self._inner.forced()
        return forced[: self.count_allowed(forced)]

    def forced_text(self) -> bytes:
        """Bytes that the inner matcher forces."""
        return self._inner.forced_text()

    def ending(self, *, thorough: bool = False) -> Ending | None:
        """The ending that the check gives, if all allow it, else the inner one."""
        given = None if self._may_end_by is None else self._may_end_by(self._reading)
        if given is not None and self._takes(found := spell(given, self.vocabulary)):
            return found
        inner = self._inner.ending(thorough=thorough)
        return inner if inner is not None and self._takes(inner) else None

    def _takes(self, ending: Ending) -> bool:
        if ending.costs[0] == NEVER:
            return False
        tokens = (*ending.tokens(), self.vocabulary.end)
        return self.count_allowed(tokens) == len(tokens)

    def explain(self, token: int) -> str:
        """Why ``token`` is refused, by the inner matcher or the function; ``""`` if allowed."""
        if not self._inner.allows(token):
            return self._inner.explain(token)
        refusal = self._refusal(token)
        if refusal is None:
            return ""
        if token == self.vocabulary.end:
            return f"the text cannot stop here: {refusal.reason}"
        return f"{excerpt(self.vocabulary.bytes[token])} cannot come here: {refusal.reason}"
