"""Constraints in Python's notation, as ``--constraint`` and the playground take them; never run.

``integer(0, 130) | "unknown"`` means what it means in Python after ``from condit import *``. Only
calls of what makes constraints (those of ``condit.lexical`` as ``lexical.words(at_most=9)``), the
operators between constraints, and literal values are understood, so that reading a text that
somebody else wrote does nothing but make a constraint. Two more words open what they name, and are
for texts that the user wrote: ``file("path")`` reads a file and ``python("module:name")`` imports a
module. Texts of others are read without them, and without what takes paths or names of functions.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import condit
from condit import lexical
from condit.cli_streams import read_text
from condit.cli_where import named
from condit.constraint.algebra.literal import Literal
from condit.constraint.base import Constraint
from condit.constraint.source import ConstraintSource
from condit.errors import ArgumentError, CompileError, ConditError
from condit.plugins import call, find_source, registered, unknown

MAKERS = (
    *("regex", "grammar", "json_schema", "choice", "where", "where_prefix", "integer", "number"),
    *("date", "time", "datetime", "email", "url", "uuid", "iban", "checked_number", "phone"),
    *("line", "sentence", "csv", "xml", "markdown_table", "yaml", "then", "repeat", "optional"),
    *("free", "template", "triggered", "within", "ltlf", "quote", "one_of_many", "forbid"),
)
"""Functions of ``condit`` that the notation has, beside constraints that packages register."""

_CONSTANTS = {"true": True, "false": False, "null": None}
"""What JSON writes for constants, as schemas are pasted."""

_BY_PATH = ("json_schema", "quote", "one_of_many", "forbid")

_MOST_SHOWN = 60


_OPENS_THINGS = frozenset({"quote", "one_of_many", "where", "where_prefix"})
"""Makers that take paths, or functions by name: not for texts of others."""


def read(text: str, *, opens: bool = True) -> Constraint:
    """The constraint that a text in Python's notation stands for.

    >>> read('integer(0, 130) | "unknown"').accepts("unknown")
    True

    Args:
        text: the notation.
        opens: whether it may open files and import modules; for texts that others wrote, no.

    Raises:
        ArgumentError: it is no text.
        CompileError: it is none; the message shows the part that is not understood.
        ConditError: what the functions raise that it calls. The ``position`` of both is that of the
            part at fault.
    """
    if not isinstance(text, str):
        raise ArgumentError(
            f"an expression is a text such as 'integer(0, 130)', not {type(text).__name__}"
        )
    reader = _Reader(opens)
    try:
        return _constraint(reader.value(_parsed(text)))
    except RecursionError:
        raise CompileError(f"{_shown(text)} nests too deeply") from None
    except ConditError as error:
        if reader.at_fault is not None:
            line = f"({text.strip()}".split("\n")[reader.at_fault.lineno - 1]
            column = len(line.encode()[: reader.at_fault.col_offset].decode())
            error.position = _position(text, reader.at_fault.lineno, column)
        raise


def _parsed(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\\d" in a text that is not raw is taken as it stands
            # In brackets it may go on over several lines.
            body = ast.parse(f"({text.strip()}\n)", mode="eval").body
        if body.col_offset == 0 and body.lineno == 1 and not isinstance(body, ast.Tuple):
            raise SyntaxError("unmatched ')'")  # ours were closed within the text, as in a)|(b
        return body
    except SyntaxError as error:
        what, position = _fault(text, error)
        raise CompileError(
            f"{_shown(text)} is no constraint, at character {position + 1} ({what}): write "
            'NAME:VALUE, or an expression such as integer(0, 130) | "unknown"',
            position=position,
        ) from None
    except (MemoryError, ValueError) as error:  # nested too deeply, which says nothing; a NUL
        why = str(error) or "it nests too deeply"
        raise CompileError(f"{_shown(text)} cannot be read: {why}") from None


def _fault(text: str, error: SyntaxError) -> tuple[str, int]:
    """What is wrong, and where in characters; ``error`` is of the text in brackets."""
    stripped = text.strip()
    if "#" not in text:  # a comment would go on over the next lines
        # On one line without brackets, one that is open is not closed by ours.
        try:
            ast.parse(stripped.replace("\n", " "), mode="eval")
        except SyntaxError as own:
            column = own.offset - 1 if own.offset else len(stripped)
            return own.msg, text.index(stripped) + min(column, len(stripped))
        except (MemoryError, ValueError):
            pass
    # Where a bracket is missing, the one around it all is what is not understood.
    return error.msg, _position(text, error.lineno or 1, (error.offset or 1) - 1)


def _position(text: str, line: int, column: int) -> int:
    """Where something is, in characters; from its line and column in what was parsed."""
    stripped = text.strip()
    lines = stripped.split("\n")
    before = sum(len(each) + 1 for each in lines[: line - 1])
    inside = before + column - (1 if line == 1 else 0)
    return text.index(stripped) + min(max(0, inside), len(stripped))


class _Reader:
    """Reads the parts of one text.

    Args:
        opens: as in `read`.

    Attributes:
        at_fault: the innermost part that failed.
    """

    def __init__(self, opens: bool) -> None:
        self._opens = opens
        self.at_fault: ast.expr | None = None

    def value(self, node: ast.expr) -> Any:
        """What a part stands for."""
        try:
            return self._value(node)
        except ConditError:
            if self.at_fault is None:
                self.at_fault = node
            raise
        except TypeError as error:  # a value of a type that is not expected there
            self.at_fault = node
            raise CompileError(f"{_shown(ast.unparse(node))} is not taken: {error}") from error

    def _value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=str() | int() | float() | None as value):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return -value
            case ast.List(elts=parts):
                return [self.value(part) for part in parts]
            case ast.Tuple(elts=parts):
                return tuple(self.value(part) for part in parts)
            case ast.Dict(keys=keys, values=values) if None not in keys:
                pairs = zip(keys, values, strict=True)
                return {self.value(key): self.value(value) for key, value in pairs if key}
            case ast.UnaryOp(op=ast.Invert(), operand=operand):
                return ~_constraint(self.value(operand))
            case ast.BinOp(
                left=left, op=ast.BitAnd() | ast.BitOr() | ast.Add() | ast.Mult() as sign
            ):
                return _combined(sign, self.value(left), self.value(node.right))
            case ast.Name(id=name) if name in _CONSTANTS:
                return _CONSTANTS[name]
            case ast.Name() | ast.Attribute():
                return self._called(node, [], {})
            case ast.Call(func=function, args=arguments, keywords=options) if all(
                option.arg for option in options
            ):
                given = {str(option.arg): self.value(option.value) for option in options}
                return self._called(function, [self.value(each) for each in arguments], given)
        raise CompileError(
            f"{_shown(ast.unparse(node))} is not understood: a constraint is made of calls such as "
            "integer(0, 130), the operators & | ~ + *, texts, numbers, lists and dictionaries"
        )

    def _called(self, function: ast.expr, arguments: list[Any], options: dict[str, Any]) -> Any:
        match function:
            case ast.Attribute(value=ast.Name(id="lexical"), attr=rule) if rule in lexical.__all__:
                made = getattr(lexical, rule)
                return call(f"lexical.{rule}(...)", made, tuple(arguments), options)
            case ast.Attribute(value=ast.Name(id="forbid"), attr="recitation") if self._opens:
                made = condit.forbid.recitation
                corpus = tuple(_content("forbid", each) for each in arguments)
                return call("forbid.recitation(...)", made, corpus, options)
        name = _name(function)
        opening = _OPENING if self._opens else {}
        if name in opening:
            return call(name, opening[name], tuple(arguments), options)
        if not self._opens and self._opens_things(name):
            raise CompileError(f"{name}(...) opens files or modules, and is not taken from here")
        if name not in MAKERS and name not in registered("constraints"):
            known = {*MAKERS, *registered("constraints"), *opening}
            if not self._opens:
                known -= _OPENS_THINGS
            raise CompileError(unknown("constraint", _shown(name), known))
        contents = [_content(name, each) for each in arguments]
        if (
            name == "json_schema"
            and not self._opens
            and not (contents and isinstance(contents[0], dict | bool))
        ):
            raise CompileError("json_schema(...): write the schema itself, as an object")
        if name in MAKERS:
            return call(f"{name}(...)", getattr(condit, name), tuple(contents), options)
        if len(contents) > 1:
            raise CompileError(f"{name}(...) takes one value, and options by name")
        return condit.make_constraint(name, contents[0] if contents else "", **options)

    def _opens_things(self, name: str) -> bool:
        if name in _OPENING or name in _OPENS_THINGS:
            return True
        if name in MAKERS or name not in registered("constraints"):
            return False
        return find_source("constraints", name, ConstraintSource).given_as == "path"


def _name(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="condit"), attr=name):
            return name
    raise CompileError(f"{_shown(ast.unparse(function))} names nothing that can be called")


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
            raise CompileError(f"* {times!r}: write a number, or (least, most)")
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
    raise CompileError(f"{_shown(repr(value))} is no constraint")


def _shown(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "..."


EXPRESSION = ConstraintSource(
    name="expression",
    description='constraints joined, in Python\'s notation: integer(0, 130) | "unknown"',
    make=partial(read, opens=False),
)
