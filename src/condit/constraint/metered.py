"""A matcher whose questions are counted, so that a search for an ending takes a bounded time.

The searches of ``ending_walks.py`` count questions as if all cost the same. Of matchers that are
made of several, or that read a long text again, some cost a thousand times more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Matcher
from condit.constraint.ending_walks import Work
from condit.vocabulary import Vocabulary

_COPY, _MASK, _ADVANCE, _ALLOWS = 16, 10, 6, 3
"""What questions cost, in units of about ten microseconds for a part that the engine follows."""


class Metered:
    """What the walks need of a matcher; see ``Walkable``.

    Args:
        matcher: the matcher, which is not to be used otherwise.
        work: what questions may cost, which copies share.
    """

    def __init__(self, matcher: Matcher, work: Work) -> None:
        self._matcher, self._work = matcher, work

    @property
    def vocabulary(self) -> Vocabulary:
        """The tokens."""
        return self._matcher.vocabulary

    def allows(self, token: int) -> bool:
        """Whether ``token`` may come next.

        Raises:
            OutOfWorkError: nothing more may be asked; all other methods raise it, too.
        """
        self._work.spend(_ALLOWS)
        return self._matcher.allows(token)

    def mask(self) -> NDArray[np.uint32] | None:
        """All tokens at once."""
        self._work.spend(_MASK)
        mask = self._matcher.mask()
        if mask is None:
            self._work.spend(256 * _ALLOWS)  # each byte will be asked about
        return mask

    def advance(self, token: int) -> None:
        """Append ``token``."""
        self._work.spend(_ADVANCE)
        self._matcher.advance(token)

    def copy(self) -> Self:
        """An independent one in the same state."""
        self._work.spend(_COPY)
        return type(self)(self._matcher.copy(), self._work)

    def forced_text(self) -> bytes:
        """Bytes that must come next."""
        self._work.spend(_ALLOWS)
        return self._matcher.forced_text()

    def count_allowed(self, tokens: Sequence[int]) -> int:
        """How many of ``tokens`` may come next, one after the other."""
        self._work.spend(_ALLOWS + len(tokens) // 2)
        return self._matcher.count_allowed(tokens)
