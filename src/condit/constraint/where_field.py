"""``where("total", function)``: a Python function of fields of a JSON object, asked as they close.

As soon as all fields that the function needs are written to their end, it is asked, and the token
that would close the last of them with a refused value is refused. How paths lead through a schema
is in ``field_paths.py``, and what is known of a text in writing in ``schema/scanner.py``.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, NamedTuple

from pydantic import ValidationError

from condit.constraint.base import Constraint, Matcher, Violation
from condit.constraint.checked import Checked
from condit.constraint.field_paths import path_in
from condit.constraint.function import Function
from condit.constraint.json_fields import JsonFields
from condit.constraint.json_positions import position_of, read_json
from condit.constraint.json_schema import JsonSchema
from condit.constraint.schema.keywords import escape
from condit.constraint.schema.plan import Enforcement
from condit.constraint.schema.scanner import Mode, Scanner
from condit.constraint.user_function import Arguments, UserFunction, read_verdict, signature_of
from condit.constraint.where_ahead import leads_on
from condit.errors import ArgumentError

_WHO = "where"


class _State(Enum):
    OPEN = "open"
    """The field may still be written, or is being written."""
    MISSING = "missing"
    """Its object has closed without it."""


_Found = Any
"""What is known of a field: its JSON value, or a `_State`."""


class Parameter(NamedTuple):
    """One argument of the function.

    Attributes:
        path: the keys that lead to the field.
        name: the keyword; ``None``: given by position.
        default: the value where the field is missing; ``inspect.Parameter.empty``: none.
    """

    path: tuple[str, ...]
    name: str | None
    default: Any = inspect.Parameter.empty


@dataclass(frozen=True)
class WhereField(Checked):
    """JSON texts of which a function accepts some fields; made by ``where``.

    Attributes:
        function: asked about the values of the fields.
        blamed: the path of the field that is to blame.
        on: paths of further fields, if the function gets them by position.
        ahead: how many beginnings of a number are looked at before one of its digits is allowed.
        parameters: what the function is given; known where there is a constraint.
    """

    function: Callable[..., object]
    blamed: str
    on: tuple[str, ...] = ()
    ahead: int = 128
    parameters: tuple[Parameter, ...] = field(init=False, repr=False, compare=False, default=())
    path: tuple[str, ...] = field(init=False, repr=False, compare=False, default=())
    _asked: UserFunction[Violation | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if isinstance(self.ahead, bool) or not isinstance(self.ahead, int) or self.ahead < 0:
            raise ArgumentError(f"where: ahead={self.ahead!r} must be a whole number, 0 or more")
        asked = UserFunction(self.function, _WHO, read_verdict, self.seconds)
        object.__setattr__(self, "_asked", asked)
        wanted = _parameters(self.function, asked.name, self.blamed, self.on)
        asked.check_takes(*_trial(wanted))
        if self.typed is None:
            return
        schema = _json_schema(self.typed).schema
        found = [each._replace(path=path_in(schema, each.path[0])) for each in wanted]
        object.__setattr__(self, "parameters", tuple(found))
        object.__setattr__(self, "path", path_in(schema, self.blamed))

    @property
    def enforcement(self) -> Enforcement:
        """At the close of the last field that it needs."""
        pointer = "".join(f"/{escape(key)}" for key in self.path)
        return Enforcement(pointer, f"where {self._asked.name}", "close", self.summary)

    @property
    def summary(self) -> str:
        """The first line of the function's docstring; empty without one."""
        return self._asked.summary

    @property
    def within(self) -> Constraint:
        """The constraint beside the check.

        Raises:
            ArgumentError: there is none yet.
        """
        if self.typed is None:
            raise ArgumentError(
                f'where("{self.blamed}", ...) is about a field of a JSON schema, and there is '
                "none: give it as of="
            )
        return self.typed

    def reading(self) -> _Fields:
        """The reading of the empty text."""
        return _Fields(self, Scanner())

    def objection(self, text: str) -> Violation | None:
        """What the function says against a finished text that the constraint accepts."""
        value = read_json(text)
        refused = self.refusal([_inside(value, each.path) for each in self.parameters])
        if refused is None or refused.position is not None:
            return refused
        return Violation(refused.reason, position_of(text, self.path))

    def refusal(self, found: Sequence[_Found]) -> Violation | None:
        """What the function says against the JSON values of its parameters, none of them open.

        ``None`` also where it cannot be asked: a field without a default is missing, or pydantic
        refuses a value.
        """
        schema = _json_schema(self.within)
        if any(
            value is _State.MISSING and _default(schema, each) is inspect.Parameter.empty
            for each, value in zip(self.parameters, found, strict=True)
        ):
            return None
        texts = tuple(
            None if value is _State.MISSING else json.dumps(value, ensure_ascii=False)
            for value in found
        )
        given = list(zip(self.parameters, texts, strict=True))
        shown = ", ".join(f"{'.'.join(each.path)}: {text}" for each, text in given if text)
        try:
            refused = self._asked.ask(texts, lambda: _arguments(schema, given), shown)
        except ValidationError:
            return None
        if refused is None:
            return None
        return Violation(f"{self.blamed}: {refused.reason}", refused.position)


@dataclass(frozen=True)
class _Fields:
    """The JSON text so far.

    Attributes:
        check: the check.
        scanner: what has been read, never to be fed itself; of no use once ``asked``.
        asked: whether all fields were known, so that the function has been asked.
        refusal: what it said against them.
    """

    check: WhereField
    scanner: Scanner
    asked: bool = False
    refusal: Violation | None = None
    asks_end: ClassVar[bool] = False

    @property
    def asks_next(self) -> bool:
        return not self.asked

    @property
    def in_number(self) -> bool:
        return not self.asked and self.scanner.mode is Mode.NUMBER

    def after(self, piece: bytes) -> _Fields:
        if self.asked:
            return self
        scanner = self.scanner.peek()
        if not scanner.feed(piece):
            return _Fields(self.check, scanner)
        found = [_seen(scanner, each.path) for each in self.check.parameters]
        if any(value is _State.OPEN for value in found):
            return _Fields(self.check, scanner)
        return _Fields(self.check, scanner, True, self.check.refusal(found))

    def end_refusal(self) -> Violation | None:
        return None

    def dead_end(self, matcher: Callable[[], Matcher]) -> Violation | None:
        if not self.in_number or leads_on(self, matcher, self.check.ahead):
            return None
        begun = self.scanner.spelled.decode()
        return Violation(f"{self.check.blamed}: no number that begins with {begun} is accepted")


def _seen(scanner: Scanner, path: tuple[str, ...]) -> _Found:
    """What is known of the field under ``path`` in a text that is being written."""
    frames = scanner.stack
    if len(frames) == 1:
        closed = frames[0].items
        return _inside(closed[0].value, path) if closed else _State.OPEN
    for depth, key in enumerate(path, start=1):
        # Below the first object that is open: what is open in it is the value of its last key.
        if depth == len(frames):
            return _State.OPEN
        frame = frames[depth]
        if frame.kind != "object":
            return _State.MISSING
        if key not in frame.members:
            return _State.OPEN
        member = frame.members[key]
        if member is not None:
            return _inside(member.value, path[depth:])
    return _State.OPEN


def _inside(value: object, path: Sequence[str]) -> _Found:
    """The value under ``path`` in a JSON value."""
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return _State.MISSING
        value = value[key]
    return value


def _json_schema(constraint: Constraint) -> JsonSchema:
    """The schema constraint that tells the fields."""
    while True:
        if isinstance(constraint, JsonSchema):
            return constraint
        if isinstance(constraint, Checked) and constraint.typed is not None:
            constraint = constraint.typed
        elif isinstance(constraint, Function):
            constraint = constraint.arguments
        elif isinstance(constraint, JsonFields):
            constraint = constraint.within
        else:
            raise ArgumentError(
                "where: fields have names in a JSON schema or a Python type, and "
                f"{type(constraint).__name__} has neither: give condit.json_schema(...) as of=, or "
                "leave out the field, to check the whole text"
            )


def _parameters(
    function: Callable[..., object], name: str, blamed: str, on: tuple[str, ...]
) -> list[Parameter]:
    """What the function takes, each with the path as the user wrote it."""
    signature = signature_of(function)
    if on or signature is None:
        return [Parameter((path,), None) for path in (blamed, *on)]
    taken = list(signature.parameters.values())
    for each in taken:
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD):
            raise ArgumentError(
                f"where: {name}{signature} does not name the fields that it needs: give their "
                'paths, such as on=("items",), or a function whose parameters have their names'
            )
    if not taken:
        raise ArgumentError(f"where: {name} takes no argument, so that it cannot judge a field")
    if len(taken) == 1 and taken[0].kind is not taken[0].KEYWORD_ONLY:
        return [Parameter((blamed,), None, taken[0].default)]
    last = blamed.rpartition(".")[2]
    return [
        Parameter(
            (blamed if each.name in (last, blamed) else each.name,),
            None if each.kind is each.POSITIONAL_ONLY else each.name,
            each.default,
        )
        for each in taken
    ]


def _trial(parameters: Sequence[Parameter]) -> tuple[Arguments, str]:
    """Arguments of the same form, and what they are, in words."""
    named = {each.name: None for each in parameters if each.name is not None}
    positional = tuple(None for each in parameters if each.name is None)
    paths = ", ".join(repr(each.path[0]) for each in parameters)
    return Arguments(positional, named), f"the values of {paths}"


def _default(schema: JsonSchema, parameter: Parameter) -> Any:
    """The value of a missing field: that of the type, or else that of the function."""
    place = schema.place(parameter.path)
    known = None if place is None else place.default()
    return parameter.default if known is None else known.value


def _arguments(schema: JsonSchema, given: Sequence[tuple[Parameter, str | None]]) -> Arguments:
    """New objects for one call of the function, from the JSON texts of the values."""
    positional: list[object] = []
    named: dict[str, object] = {}
    for parameter, text in given:
        place = schema.place(parameter.path)
        value: object
        if text is None:
            value = _default(schema, parameter)
        else:
            value = json.loads(text) if place is None else place.read(text)
        if parameter.name is None:
            positional.append(value)
        else:
            named[parameter.name] = value
    return Arguments(tuple(positional), named)
