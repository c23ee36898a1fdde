"""Python types as JSON schemas: whatever pydantic understands."""

from __future__ import annotations

import copy
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import typing_extensions
from pydantic import TypeAdapter
from pydantic.errors import PydanticUserError

from condit.constraint.json_keywords import subschemas
from condit.errors import ArgumentError

# Formats that pydantic writes down for the reader: every text satisfies them.
_REMARKS = frozenset({"path", "file-path", "directory-path", "password", "binary"})

# Pydantic's decimal looks ahead; this matches the same texts without.
_DECIMAL = r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"
_PLAIN_DECIMAL = r"^[+-]?(?:\d+\.?\d*|\.\d+)$"


def adapter_of(python_type: Any) -> TypeAdapter[Any]:
    """What pydantic makes of a type: it parses and validates its values.

    Raises:
        ArgumentError: pydantic cannot describe the type.
    """
    with _described(python_type):
        return TypeAdapter[Any](_portable(python_type))


def schema_of(python_type: Any) -> dict[str, Any]:
    """The JSON schema of a type.

    Raises:
        ArgumentError: pydantic cannot make a schema of it.
    """
    adapter = adapter_of(python_type)
    with _described(python_type):
        return _tidy(adapter.json_schema())


@contextmanager
def _described(python_type: Any) -> Iterator[None]:
    try:
        yield
    except (PydanticUserError, NameError, TypeError) as error:
        reason = str(error).split("\n")[0]
        name = getattr(python_type, "__name__", None) or repr(python_type)
        raise ArgumentError(
            f"json_schema: {name} is neither a JSON schema (a dict, a JSON text or a bool) nor a "
            f"type that pydantic can describe: {reason}"
        ) from error


def _portable(python_type: Any) -> Any:
    """The same type with each ``typing.TypedDict`` that pydantic refuses before Python 3.12 remade.

    Found at the top, inside type arguments, and in the fields of such a dictionary.
    """
    if sys.version_info >= (3, 12):
        return python_type
    if is_typeddict(python_type):
        hints = get_type_hints(python_type, include_extras=True)
        required = python_type.__required_keys__
        fields = {
            name: (typing_extensions.Required if name in required else NotRequired)[
                _portable(_unwrapped(hint))
            ]
            for name, hint in hints.items()
        }
        return typing_extensions.TypedDict(python_type.__name__, fields)  # type: ignore[operator]
    origin, arguments = get_origin(python_type), get_args(python_type)
    if origin is None or origin is Literal:
        return python_type
    if origin is Annotated:
        return Annotated[_portable(arguments[0]), *arguments[1:]]
    remade = tuple(_portable(argument) for argument in arguments)
    if remade == arguments:
        return python_type
    return Union[remade] if origin is types.UnionType else origin[remade]  # noqa: UP007


def _unwrapped(hint: Any) -> Any:
    """A field's type without ``Required`` and ``NotRequired``."""
    return get_args(hint)[0] if get_origin(hint) in (Required, NotRequired) else hint


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """The fields that the type declares and no others, in keywords that can be enforced.

    A JSON schema leaves an object open unless it says otherwise, but who writes down a type means
    its fields: extra keys are allowed only where the type asks for them (``extra="allow"``).
    """
    schema = copy.deepcopy(schema)
    for _, part in subschemas(schema):
        if "properties" in part:
            part.setdefault("additionalProperties", False)
        if part.get("format") in _REMARKS:
            del part["format"]
        if part.get("pattern") == _DECIMAL:
            part["pattern"] = _PLAIN_DECIMAL
        if "discriminator" in part and "oneOf" in part:
            # The tag is a different constant in each alternative: at most one can hold.
            del part["discriminator"]
            part["anyOf"] = part.pop("oneOf")
    return schema
