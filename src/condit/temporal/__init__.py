"""Temporal logic on finite traces (LTLf): what may happen in which order, as a constraint.

``condit.ltlf`` makes one. A transcript is a row of events. The text of each has a constraint of its
own, and a formula says in which order they may come. How events come about, by a model or by tools,
is no matter here.

Formulas are texts, or made in Python by the operators that are imported from here.
"""

from condit.temporal.operators import (
    WX,
    F,
    G,
    H,
    M,
    O,
    R,
    S,
    U,
    W,
    X,
    Y,
    Z,
    event,
    false,
    iff,
    last,
    true,
)

__all__ = [
    "WX",
    "F",
    "G",
    "H",
    "M",
    "O",
    "R",
    "S",
    "U",
    "W",
    "X",
    "Y",
    "Z",
    "event",
    "false",
    "iff",
    "last",
    "true",
]
