"""What a boundary is: a place in a text at which it can fairly be compared with others.

Sequential Monte Carlo compares lanes there, and not in the middle of a string, where a lane that
runs on has paid for nothing yet (see ``condit.sampler.meeting``). Where the boundaries of JSON are
is in ``schema/boundaries.py``.
"""

from __future__ import annotations

from typing import NamedTuple


class Boundary(NamedTuple):
    """The boundary that a text has reached last.

    Attributes:
        progress: how far the text is. Compared as tuples are; it never decreases along a text.
        kind: what begins there. Texts are comparable if both attributes are the same.
    """

    progress: tuple[int, ...] = ()
    kind: str = ""


START = Boundary()
"""Before the first token."""
