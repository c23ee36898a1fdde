"""What a boundary is: a place in a text at which it can fairly be compared with others.

Sequential Monte Carlo compares lanes there, and not in the middle of a string, where a lane that
runs on has paid for nothing yet (see ``condit.sampler.meeting``). Where the boundaries of JSON are
is in ``schema/boundaries.py``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from condit.errors import ArgumentError


class Boundary(NamedTuple):
    """The boundary that a text has reached last.

    Attributes:
        progress: how far the text is. Compared as tuples are; it never decreases along a text.
        kind: what begins there. Texts are comparable if both attributes are the same.
    """

    progress: tuple[int, ...] = ()
    kind: str = ""


def checked_boundary(found: object, who: object) -> Boundary | None:
    """What ``who.boundary`` has returned, if lanes can be compared by it.

    Raises:
        ArgumentError: it is neither ``None`` nor a `Boundary` of whole numbers and a text.
    """
    if found is None:
        return None
    if isinstance(found, Boundary) and isinstance(found.progress, tuple):
        whole = all(isinstance(each, int | np.integer) for each in found.progress)
        if whole and isinstance(found.kind, str):
            return found
    raise ArgumentError(
        f"{type(who).__name__}.boundary must return a Boundary, whose progress is a tuple of whole "
        f"numbers and whose kind is a text, or None where there is no structure, not {found!r}"
    )


START = Boundary()
"""Before the first token."""
