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
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from condit.constraint.schema.dialect import is_checked_format
from condit.constraint.schema.keywords import subschemas
from condit.errors import ArgumentError

# Texts that pydantic gives a format of its own, which no validator knows.
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_NETWORK = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_PATTERNS = {
    "base64": r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
    "base64url": r"^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}==|[A-Za-z0-9_-]{3}=)?$",
    "ipv4interface": rf"^{_NETWORK}(?:/(?:3[0-2]|[12]?\d))?$",
    "ipv4network": rf"^{_NETWORK}(?:/(?:3[0-2]|[12]?\d))?$",
}

# Keys of other types than text, as they are written.
_KEYS = {
    "int": r"^-?(?:0|[1-9]\d*)$",
    "float": r"^-?(?:0|[1-9]\d*)(?:\.\d+)?$",
    "decimal": r"^-?(?:0|[1-9]\d*)(?:\.\d+)?$",
    "bool": r"^(?:true|false)$",
}

_DECIMAL = r"^[+-]?(?:\d+\.?\d*|\.\d+)$"


_QUALIFIERS: dict[Any, bool] = {Required: True, NotRequired: False}


def adapter_of(python_type: Any) -> TypeAdapter[Any]:
    """What pydantic makes of a type: it parses and validates its values.

    Raises:
        ArgumentError: pydantic cannot describe the type.
    """
    with _described(python_type):
        return TypeAdapter[Any](portable(python_type))


def schema_of(python_type: Any) -> dict[str, Any]:
    """The JSON schema of a type.

    Raises:
        ArgumentError: pydantic cannot make a schema of it.
    """
    adapter = adapter_of(python_type)
    with _described(python_type):
        return _tidy(adapter.json_schema(schema_generator=_SchemaOfType))


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


def portable(python_type: Any, remade: dict[Any, Any] | None = None) -> Any:
    """The same type with each ``typing.TypedDict`` that pydantic refuses before Python 3.12 remade.

    Found at the top, inside type arguments, and in the fields of such a dictionary.

    Args:
        python_type: any type.
        remade: dictionaries that were remade already, by the original; one may hold itself.
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
        # Python itself does not see these where annotations are kept as text.
        while (origin := get_origin(hint)) in _QUALIFIERS:
            required = _QUALIFIERS.get(origin, required)
            hint = get_args(hint)[0]
        fields[name] = hint, required
    return fields


class _SchemaOfType(GenerateJsonSchema):
    """Pydantic's own schemas, where they say what can be enforced."""

    # A default that JSON cannot write is no part of the schema, and no reason to warn.
    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """A number, or a string that holds one: pydantic's own pattern for it looks ahead."""
        made = super().decimal_schema(schema)
        for part in made.get("anyOf", [made]):
            if part.get("type") == "string":
                part["pattern"] = _DECIMAL
        return made

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """An object; pydantic's own lets keys that are numbers be any text."""
        made = super().dict_schema(schema)
        pattern = _KEYS.get(schema.get("keys_schema", {}).get("type", ""))
        if pattern is not None:
            made["patternProperties"] = {pattern: made.pop("additionalProperties", True)}
        return made


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """The fields that the type declares and no others, in keywords that can be enforced.

    A JSON schema leaves an object open unless it says otherwise, but who writes down a type means
    its fields: extra keys are allowed only where the type asks for them (``extra="allow"``).
    """
    schema = copy.deepcopy(schema)
    for _, part in subschemas(schema):
        if "properties" in part or "patternProperties" in part:
            part.setdefault("additionalProperties", False)
        if "format" in part and not is_checked_format(part["format"]):
            pattern = _PATTERNS.get(part.pop("format"))
            if pattern is not None:
                part.setdefault("pattern", pattern)
        if "discriminator" in part and "oneOf" in part:
            # The tag is a different constant in each alternative: at most one can hold.
            del part["discriminator"]
            part["anyOf"] = part.pop("oneOf")
    return schema
