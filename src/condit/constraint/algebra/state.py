"""All readings of one text, and what is known of them. How they go on is in ``readings.py``."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property

from condit.constraint.algebra.reading import Reading
from condit.constraint.base import Outline
from condit.constraint.ending_tokens import Ending


@dataclass(eq=False)
class State:
    """All readings of one text.

    Attributes:
        readings: those of which the part may go on.
        may_end: whether the whole text may end here.
        after: the states after some tokens; ``None`` where the token is refused.
    """

    readings: tuple[Reading, ...]
    may_end: bool
    after: dict[int, State | None] = field(default_factory=dict, repr=False)
    counts: dict[tuple[int, ...], int] = field(default_factory=dict, repr=False)
    outline: Outline | None = field(default=None, repr=False)
    endings: dict[bool, tuple[Ending, int] | None] = field(default_factory=dict, repr=False)

    @cached_property
    def comes_again(self) -> bool:
        """Whether other texts lead to the same state, so that what is kept for it is of use."""
        return all(reading.comes_again for reading in self.readings)

    @cached_property
    def key(self) -> Hashable:
        """Equal keys have equal futures."""
        return self.may_end, tuple(reading.key for reading in self.readings)
