"""A cache of an oracle's verdicts on finished texts, so that each is parsed and judged once.

One text is judged when a matcher is asked whether it may stop, when a sampler asks whether it is
valid, and when its value is asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import LRUCache

from condit.constraint.base import Violation

_MOST = 64
"""Texts in the cache: somewhat more than lanes that finish at a time."""


@dataclass
class Verdict:
    """What an oracle says of a text.

    Attributes:
        violation: what is wrong with it, if anything.
        value: its parsed value, where nothing is.
        taken: whether the value was returned to a caller, who may change the object.
    """

    violation: Violation | None
    value: object = None
    taken: bool = False


class Verdicts:
    """Verdicts of one oracle. Safe to use from several threads; exceptions are not cached.

    Args:
        judge: the oracle.
    """

    def __init__(self, judge: Callable[[str], Verdict]) -> None:
        self._judge = judge
        self._lock = threading.Lock()
        self._known: LRUCache[str, Verdict] = LRUCache(_MOST)

    def violation(self, text: str) -> Violation | None:
        """What is wrong with ``text``, if anything."""
        return self._of(text).violation

    def value(self, text: str) -> object:
        """The parsed value of an accepted ``text``, a new object for each call.

        Raises:
            ValueError: the text is not accepted.
        """
        verdict = self._of(text)
        if verdict.violation is not None:
            raise ValueError(str(verdict.violation))
        with self._lock:
            first, verdict.taken = not verdict.taken, True
        return verdict.value if first else self._judge(text).value

    def _of(self, text: str) -> Verdict:
        with self._lock:
            verdict = self._known.get(text)
        if verdict is None:
            verdict = self._judge(text)
            with self._lock:
                self._known[text] = verdict
        return verdict
