"""Formulas made in Python, with the operators of the text notation.

``G(event("search") >> X("observe")) & F[0, 5]("answer")`` is the formula
``G (search -> X observe) & F[0,5] answer``. Wherever a formula is taken, so is a text.
"""

from __future__ import annotations

from dataclasses import dataclass

from condit.errors import ArgumentError
from condit.temporal.formula import COUNTED, Bounds, Formula
from condit.temporal.formula import name as _name
from condit.temporal.parser import checked_bounds, parse


@dataclass(frozen=True)
class _Operator:
    """An operator of temporal logic: call it; ``F[2, 5]`` looks 2 to 5 steps ahead.

    ``F[2, None]`` looks 2 or more steps ahead. Only F, G, U and R take such bounds.
    """

    sign: str
    bounds: Bounds | None = None

    def __getitem__(self, bounds: Bounds) -> _Operator:
        if self.sign not in COUNTED or self.bounds is not None:
            raise ArgumentError(f"{self} takes no bounds: {', '.join(COUNTED)} do, once")
        if not (isinstance(bounds, tuple) and len(bounds) == 2):
            raise ArgumentError(f"{self}[{bounds!r}]: write {self}[2, 5], or {self}[2, None]")
        first, last = bounds
        if type(first) is not int or (last is not None and type(last) is not int) or first < 0:
            raise ArgumentError(f"{self}[{first!r}, {last!r}]: bounds are whole numbers from 0 on")
        if (wrong := checked_bounds(first, last)) is not None:
            raise ArgumentError(f"{self}[{first}, {last}]: {wrong}")
        return type(self)(self.sign, (first, last))

    def __str__(self) -> str:
        return self.sign


class _Unary(_Operator):
    """An operator before one formula."""

    def __call__(self, formula: Formula | str) -> Formula:
        return Formula(self.sign, (_formula(formula),), "", self.bounds)


class _Binary(_Operator):
    """An operator between two formulas."""

    def __call__(self, left: Formula | str, right: Formula | str) -> Formula:
        return Formula(self.sign, (_formula(left), _formula(right)), "", self.bounds)


def _formula(given: Formula | str) -> Formula:
    if isinstance(given, str):
        return parse(given)
    if not isinstance(given, Formula):
        raise ArgumentError(f"{given!r} is no formula: give event(name), or a formula, or its text")
    return given


def event(name: str) -> Formula:
    """The formula that at this position the event ``name`` happens, or one with that label.

    >>> search, answer = event("search"), event("answer")
    >>> print(G(search >> X("observe")) & F[0, 5](answer))
    G (search -> X observe) & F[0,5] answer

    Formulas are joined by ``&``, ``|``, ``~`` (not), ``^`` (either, not both) and ``>>`` (implies);
    ``>>`` binds closer than ``&`` in Python, unlike ``->`` in a text.

    Args:
        name: any text; no operator has to be quoted here.

    Raises:
        ArgumentError: it is no text, or empty.
    """
    if not isinstance(name, str) or not name:
        raise ArgumentError(f"event: {name!r} is no name of an event: give a text")
    return _name(name)


def iff(left: Formula | str, right: Formula | str) -> Formula:
    """``left <-> right``: both hold, or none."""
    return Formula("<->", (_formula(left), _formula(right)))


X = _Unary("X")
"""There is a next event, and there it holds."""
WX = _Unary("WX")
"""At the next event, if there is one."""
F = _Unary("F")
"""Now or later (eventually)."""
G = _Unary("G")
"""From now on (always)."""
Y = _Unary("Y")
"""At the event before."""
Z = _Unary("Z")
"""At the event before, if there is one."""
O = _Unary("O")  # noqa: E741 - the sign that the field uses
"""Now or before (once)."""
H = _Unary("H")
"""Up to now (historically)."""
U = _Binary("U")
"""The second now or later, and the first until then."""
W = _Binary("W")
"""The same, or the first from now on (weak until)."""
R = _Binary("R")
"""The second up to and including where the first does, or from now on (release)."""
M = _Binary("M")
"""The same, and the first does at some time (strong release)."""
S = _Binary("S")
"""The second now or before, and the first since then."""
last = Formula("last")
"""There is no next event."""
true = Formula("true")
"""Holds at each position."""
false = Formula("false")
"""Holds at none."""
