"""``condit.where``: a Python function that the finished text, or a field of it, must satisfy.

The finished text is checked here. Fields are checked in ``where_field.py``, as they close; texts
that are still being written, in ``where_prefix.py``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, overload

from condit.constraint.base import Constraint, Matcher, Strength, Violation
from condit.constraint.checked import Checked
from condit.constraint.schema.plan import Enforcement
from condit.constraint.user_function import Arguments, UserFunction, read_verdict
from condit.constraint.where_field import WhereField
from condit.errors import ArgumentError

_WHO = "where"


@overload
def where(
    function: Callable[[Any], object],
    /,
    *,
    of: Constraint | None = None,
    seconds: float | None = 1.0,
) -> Where: ...


@overload
def where(
    field: str,
    function: Callable[..., object],
    /,
    *,
    on: Sequence[str] = (),
    ahead: int = 128,
    of: Constraint | None = None,
    seconds: float | None = 1.0,
) -> WhereField: ...


def where(
    first: str | Callable[[Any], object],
    function: Callable[..., object] | None = None,
    /,
    *,
    on: Sequence[str] = (),
    ahead: int = 128,
    of: Constraint | None = None,
    seconds: float | None = 1.0,
) -> Where | WhereField:
    """Texts that a Python function accepts.

    ``where(function, of=constraint)`` asks the function about the value of each finished text of
    the constraint, or about the text itself where it has no value.

    >>> import condit
    >>> even = condit.where(lambda number: number % 2 == 0, of=condit.json_schema(int))
    >>> even.accepts("4"), even.accepts("5"), even.accepts("four")
    (True, False, False)

    ``where("total", function, of=schema)`` asks about fields of a JSON object as soon as all that
    the function needs are written to their end, so that a wrong value is refused at once:

    >>> from pydantic import BaseModel
    >>> class Trip(BaseModel):
    ...     days: int
    ...     nights: int
    >>> def fits(nights: int, days: int) -> bool:
    ...     return nights == days - 1
    >>> trip = condit.where("nights", fits, of=condit.json_schema(Trip))
    >>> trip.explain('{"days": 3, "nights": 5}')
    'at character 22: nights: fits refuses it'

    The function returns ``True`` or ``False``, or the reason for a refusal as a text or a
    `Violation`. It must depend on its arguments alone; it may change them. Answers are cached.

    Args:
        first: the function; or the field that is to blame, a path such as ``"order.total"``, and
            then the function comes second.
        function: of the value. Of fields: a single parameter gets the value of the first field;
            else parameters have the names of fields of the outermost object, or the last name of
            the first path. A parameter with a default may belong to a field that may be missing;
            without one, a missing field leaves the function unasked.
        on: paths of further fields; the function then gets the values by position: that of the
            first field, then those of ``on``.
        ahead: where the last of the fields is a number, its digits are allowed only if some number
            that begins so may be accepted; so many beginnings are looked at (and about as many
            numbers asked about) to find out. It takes a bound, as ``maximum`` in the schema, for
            them to be few enough. 0: the function is asked about finished numbers alone.
        of: the constraint, of a JSON schema or Python type for fields. Without it, any text; the
            method ``of`` gives the check to a constraint later.
        seconds: time limit of a call, which is made in a thread of its own; ``None``: no limit,
            and the call is made in the thread that draws.

    Returns:
        one constraint: ``of`` together with the check. Drawing with it raises ``CheckError`` if
        the function fails, and ``CheckTimeoutError`` if it does not answer in time.

    Raises:
        ArgumentError: it is no function that can be called so, or there is no such field.
    """
    if isinstance(first, str):
        if function is None:
            raise ArgumentError(
                f"where: {first!r} is a field; give the function behind it: where({first!r}, check)"
            )
        return WhereField(
            function, first, _paths(on), ahead, seconds=seconds, typed=_constraint(of)
        )
    if function is not None or on:
        raise ArgumentError(
            "where: the first argument is the field to blame, as text: "
            'where("total", check); without fields there is only the function'
        )
    return Where(first, seconds=seconds, typed=_constraint(of))


def _constraint(of: object) -> Constraint | None:
    if of is None or isinstance(of, Constraint):
        return of
    raise ArgumentError(f"where: of={of!r} is a {type(of).__name__}, not a constraint")


def _paths(on: object) -> tuple[str, ...]:
    if isinstance(on, str):
        return (on,)
    if isinstance(on, Sequence) and all(isinstance(path, str) for path in on):
        return tuple(on)
    raise ArgumentError(f'where: on={on!r} must be paths of fields, such as on=("items",)')


@dataclass(frozen=True)
class Where(Checked):
    """Texts whose value a function accepts; made by ``where``.

    Attributes:
        function: asked about the value of a finished text, or the text where there is no value.
    """

    unbound_strength: ClassVar[Strength] = Strength.FINAL

    function: Callable[[Any], object]
    _asked: UserFunction[Violation | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        asked = UserFunction(self.function, _WHO, read_verdict, self.seconds)
        asked.check_takes(Arguments((None,)), "the value of a text")
        object.__setattr__(self, "_asked", asked)

    @property
    def enforcement(self) -> Enforcement:
        """At the end of the text."""
        return Enforcement("", f"where {self._asked.name}", "end", self.summary)

    @property
    def summary(self) -> str:
        """The first line of the function's docstring; empty without one."""
        return self._asked.summary

    def reading(self) -> _Whole:
        """The reading of the empty text."""
        return _Whole(self)

    def objection(self, text: str) -> Violation | None:
        """What the function says against a finished text that the constraint accepts."""
        return self._asked.ask(text, lambda: Arguments((judged(self.within, text),)), repr(text))


@dataclass(frozen=True)
class _Whole:
    """The bytes so far; the function is asked about them where the text may stop."""

    check: Where
    text: bytes = b""
    refusal: ClassVar[None] = None
    asks_next: ClassVar[bool] = False
    asks_end: ClassVar[bool] = True

    def after(self, piece: bytes) -> _Whole:
        return _Whole(self.check, self.text + piece)

    def end_refusal(self) -> Violation | None:
        try:
            text = self.text.decode()
        except UnicodeDecodeError:
            return Violation("it breaks off inside a character")
        return self.check.violation(text)

    def dead_end(self, matcher: Callable[[], Matcher]) -> None:
        return None


def judged(constraint: Constraint, text: str) -> object:
    """What a function is asked about: the value of an accepted text; itself, if it has no type."""
    while isinstance(constraint, Checked):
        constraint = constraint.within
    if type(constraint).value is Constraint.value:
        return text
    value = constraint.value(text)
    # The function may change what it is given, which a constraint may give to others, too.
    return copy.deepcopy(value) if isinstance(value, list | dict | set) else value
