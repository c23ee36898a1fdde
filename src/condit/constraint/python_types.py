"""Python types as pydantic's type adapters and JSON schemas.

What a schema cannot express is noted in ``condit.constraint.python``.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
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

from condit.constraint.python.schemas import Described, SchemaOfType, tidy
from condit.errors import ArgumentError, MissingDependencyError
from condit.foreign.pydantic import probe

_QUALIFIERS: dict[Any, bool] = {Required: True, NotRequired: False}


def adapter_of(python_type: Any) -> TypeAdapter[Any]:
    """Pydantic's adapter of a type, which parses and validates its values.

    Raises:
        ArgumentError: pydantic cannot describe the type.
    """
    _probe_pydantic()
    with _described(python_type):
        return TypeAdapter[Any](portable(python_type))


@cache
def _probe_pydantic() -> None:
    probe()


def schema_of(python_type: Any) -> dict[str, Any]:
    """The JSON schema of a type.

    Raises:
        ArgumentError: pydantic cannot make a schema of it.
    """
    return described(python_type, adapter_of(python_type)).schema


def described(python_type: Any, adapter: TypeAdapter[Any]) -> Described:
    """The JSON schema of a type, and what it leaves to pydantic.

    Raises:
        ArgumentError: pydantic cannot make a schema of it.
    """
    with _described(python_type):
        return tidy(adapter.json_schema(schema_generator=SchemaOfType))


@contextmanager
def _described(python_type: Any) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise MissingDependencyError(
            f"json_schema: {_name(python_type)} needs a package that is not installed: {error}"
        ) from error
    except (PydanticUserError, NameError, TypeError) as error:
        reason = str(error).split("\n")[0]
        raise ArgumentError(
            f"json_schema: {_name(python_type)} is neither a JSON schema (a dict, a JSON text or "
            f"a bool) nor a type that pydantic can describe: {reason}"
        ) from error


def _name(python_type: Any) -> str:
    return getattr(python_type, "__name__", None) or repr(python_type)


def portable(python_type: Any, remade: dict[Any, Any] | None = None) -> Any:
    """The same type with ``typing_extensions.TypedDict`` for ``typing.TypedDict``, if need be.

    Pydantic refuses the latter before Python 3.12. Replaced at the top, inside type arguments, and
    in the fields of such a dictionary.

    Args:
        python_type: any type.
        remade: dictionaries that were replaced already, by the original; one may contain itself.
    """
    if sys.version_info >= (3, 12):
        return python_type
    remade = {} if remade is None else remade
    if is_typeddict(python_type):
        if python_type not in remade:
            _remake(python_type, remade)
        return remade[python_type]
    origin, arguments = get_origin(python_type), get_args(python_type)
    if origin is None or origin is Literal:
        return python_type
    if origin is Annotated:
        return Annotated[portable(arguments[0], remade), *arguments[1:]]
    parts = tuple(portable(argument, remade) for argument in arguments)
    if parts == arguments:
        return python_type
    return Union[parts] if origin is types.UnionType else origin[parts]  # noqa: UP007


def _remake(original: Any, remade: dict[Any, Any]) -> None:
    make: Any = typing_extensions.TypedDict
    made = make(original.__name__, {})
    remade[original] = made
    fields = fields_of(original)
    made.__annotations__ = {
        name: (typing_extensions.Required if required else NotRequired)[portable(kind, remade)]
        for name, (kind, required) in fields.items()
    }
    made.__required_keys__ = frozenset(name for name, (_, required) in fields.items() if required)
    made.__optional_keys__ = frozenset(fields) - made.__required_keys__
    for name in ("__doc__", "__module__", "__qualname__", "__pydantic_config__"):
        if hasattr(original, name):
            setattr(made, name, getattr(original, name))


def fields_of(typed_dict: Any) -> dict[str, tuple[Any, bool]]:
    """The keys of a ``TypedDict``: the type of each, and whether it is required."""
    fields: dict[str, tuple[Any, bool]] = {}
    for name, hint in get_type_hints(typed_dict, include_extras=True).items():
        required = name in typed_dict.__required_keys__
        # Python does not evaluate these qualifiers where annotations are strings.
        while (origin := get_origin(hint)) in _QUALIFIERS:
            required = _QUALIFIERS.get(origin, required)
            hint = get_args(hint)[0]
        fields[name] = hint, required
    return fields
