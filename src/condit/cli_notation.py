"""Constraints in Python's notation, as ``--constraint`` takes them; read, never executed.

``integer(0, 130) | "unknown"`` means what it means in Python after ``from condit import *``. Only
calls of what makes constraints, the operators between constraints, and literal values are
understood, so that reading a text that somebody else wrote does nothing but make a constraint. Two
more words open what they name, and are for texts that the user wrote: ``file("path")`` reads a file
and ``python("module:name")`` imports a module.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import condit
from condit.cli_streams import read_text
from condit.cli_where import named
from condit.constraint.algebra.literal import Literal
from condit.constraint.base import Constraint
from condit.errors import ArgumentError
from condit.plugins import call, registered, unknown

MAKERS = (
    *("regex", "grammar", "json_schema", "choice", "where", "where_prefix", "integer", "number"),
    *("date", "time", "datetime", "email", "url", "uuid", "iban", "checked_number", "phone"),
    *("line", "sentence", "csv", "xml", "markdown_table", "yaml", "then", "repeat", "optional"),
    *("free", "template", "triggered", "within", "ltlf", "quote", "one_of_many"),
    "forbid",
)
"""Functions of ``condit`` that the notation has, beside constraints that packages register."""

_CONSTANTS = {"true": True, "false": False, "null": None}
"""What JSON writes for constants, as schemas are pasted."""

_BY_PATH = ("json_schema", "quote", "one_of_many", "forbid")

_MOST_SHOWN = 60


def read(text: str) -> Constraint:
    """The constraint that a text in Python's notation stands for.

    >>> read('integer(0, 130) | "unknown"').accepts("unknown")
    True

    Raises:
        ArgumentError: it is none; the message shows the part that is not understood.
        ConditError: what the functions raise that it calls.
    """
    try:
        return _constraint(_value(_parsed(text)))
    except RecursionError:
        raise ArgumentError(f"{_shown(text)} nests too deeply") from None


def _parsed(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\\d" in a text that is not raw is taken as it stands
            return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        column = f" at character {error.offset}" if error.offset else ""
        raise ArgumentError(
            f"{_shown(text)} is no constraint{column} ({error.msg}): write NAME:VALUE, or an "
            'expression such as integer(0, 130) | "unknown"'
        ) from None
    except (MemoryError, ValueError) as error:  # nested too deeply; a NUL
        raise ArgumentError(f"{_shown(text)} cannot be read: {error}") from None


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=str() | int() | float() | None as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.List(elts=parts):
            return [_value(part) for part in parts]
        case ast.Tuple(elts=parts):
            return tuple(_value(part) for part in parts)
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return {
                _value(key): _value(value) for key, value in zip(keys, values, strict=True) if key
            }
        case ast.UnaryOp(op=ast.Invert(), operand=operand):
            return ~_constraint(_value(operand))
        case ast.BinOp(left=left, op=ast.BitAnd() | ast.BitOr() | ast.Add() | ast.Mult() as sign):
            return _combined(sign, _value(left), _value(node.right))
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.Name() | ast.Attribute():
            return _called(node, [], {})
        case ast.Call(func=function, args=arguments, keywords=options) if all(
            option.arg for option in options
        ):
            given = {str(option.arg): _value(option.value) for option in options}
            return _called(function, [_value(each) for each in arguments], given)
    raise ArgumentError(
        f"{_shown(ast.unparse(node))} is not understood: a constraint is made of calls such as "
        "integer(0, 130), the operators & | ~ + *, texts, numbers, lists and dictionaries"
    )


def _called(function: ast.expr, arguments: list[Any], options: dict[str, Any]) -> Any:
    match function:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="condit"), attr=name):
            pass
        case _:
            raise ArgumentError(f"{_shown(ast.unparse(function))} names nothing that can be called")
    if name in _OPENING:
        return call(name, _OPENING[name], tuple(arguments), options)
    if name not in MAKERS and name not in registered("constraints"):
        known = {*MAKERS, *registered("constraints"), *_OPENING}
        raise ArgumentError(unknown("constraint", name, known))
    contents = [_content(name, each) for each in arguments]
    if name in MAKERS:
        return call(f"{name}(...)", getattr(condit, name), tuple(contents), options)
    if len(contents) > 1:
        raise ArgumentError(f"{name}(...) takes one value, and options by name")
    return condit.make_constraint(name, contents[0] if contents else "", **options)


class _File:
    """A file that is to be read for what it is given to."""

    def __init__(self, path: str) -> None:
        self.path = path


def _content(name: str, value: Any) -> Any:
    """What a function gets for a file: its text, or the path.

    ``json_schema`` gets the path for its references, and others as the file may be an index.
    """
    if not isinstance(value, _File):
        return value
    by_path = name in _BY_PATH and value.path != "-"
    return Path(value.path) if by_path else read_text(value.path)


def _python(path: str) -> Any:
    return named("--constraint", path, path)


_OPENING: dict[str, Callable[..., Any]] = {"file": _File, "python": _python}


def _combined(sign: ast.operator, left: Any, right: Any) -> Any:
    if isinstance(sign, ast.Mult):
        part, times = (right, left) if isinstance(left, int | tuple) else (left, right)
        if not (type(times) is int or (isinstance(times, tuple) and len(times) == 2)):
            raise ArgumentError(f"* {times!r}: write a number, or (least, most)")
        return _constraint(part) * times
    if isinstance(sign, ast.Add):
        return _constraint(left) + _constraint(right)
    both = _constraint(left), _constraint(right)
    return both[0] & both[1] if isinstance(sign, ast.BitAnd) else both[0] | both[1]


def _constraint(value: Any) -> Constraint:
    """A constraint as it is; a text stands for itself."""
    if isinstance(value, str):
        return Literal(value)
    if isinstance(value, Constraint):
        return value
    raise ArgumentError(f"{_shown(repr(value))} is no constraint")


def _shown(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "..."
