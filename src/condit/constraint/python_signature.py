"""The signature and docstring of a Python callable, as a pydantic type of its arguments.

The constraint made of it is ``function.py``.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import (
    Any,
    Unpack,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import docstring_parser
import typing_extensions
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticSerializationError, core_schema, to_jsonable_python

from condit.constraint.python.annotated import ANNOTATIONS
from condit.constraint.python_types import fields_of, portable
from condit.errors import ArgumentError

# Before Python 3.12 the two are not the same.
_UNPACK = (Unpack, typing_extensions.Unpack)


@dataclass(frozen=True)
class Parameter:
    """One argument that a callable takes.

    Attributes:
        name: the key under which the object has it.
        annotation: its type.
        required: whether the callable needs it.
        default: its default value; ``inspect.Parameter.empty`` without one.
        positional: whether it can be given by its position alone.
        description: its description in the docstring.
    """

    name: str
    annotation: Any
    required: bool
    default: Any = inspect.Parameter.empty
    positional: bool = False
    description: str = ""


@dataclass(frozen=True)
class Signature:
    """The arguments of a callable.

    Attributes:
        name: its name.
        summary: the first paragraph of its docstring.
        parameters: its arguments, in order.
        others: the type of further arguments under any name; ``None`` where it takes none.
        taken: names that further arguments may not have: they have a value already.
    """

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    others: Any
    taken: frozenset[str]


def signature_of(function: Callable[..., Any]) -> Signature:
    """Read the signature and the docstring of a callable.

    Arguments that ``functools.partial`` has bound are not part of it, and cannot be given.

    Raises:
        ArgumentError: it is not callable, has no signature, takes ``*args``, or has an annotation
            whose names cannot be found.
    """
    name = _name(function)
    if not callable(function):
        raise ArgumentError(f"function: {name} cannot be called: give a function or a class")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"function: {name} does not tell which arguments it takes: wrap it in a function "
            "with annotations"
        ) from error
    body, bound = _body(function)
    names = _names_around(body)
    summary, descriptions = _documentation(body)
    parameters: list[Parameter] = []
    others: Any = None
    for parameter in signature.parameters.values():
        annotation = _annotation(parameter, names, name)
        positional = parameter.kind is inspect.Parameter.POSITIONAL_ONLY
        if parameter.name in bound and not positional:
            continue
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            raise ArgumentError(
                f"function: {name} takes *{parameter.name}, and a JSON object has no place for "
                "arguments without a name: give it a parameter of type list instead"
            )
        if isinstance(parameter.default, FieldInfo):
            raise ArgumentError(
                f"function: the default of {parameter.name!r} of {name} is a pydantic Field, which "
                "Python would pass on as it is: write Annotated[type, Field(...)] = default"
            )
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD:
            parameters.append(
                Parameter(
                    name=parameter.name,
                    annotation=annotation,
                    required=parameter.default is inspect.Parameter.empty,
                    default=parameter.default,
                    positional=positional,
                    description=descriptions.get(parameter.name, ""),
                )
            )
        elif get_origin(annotation) in _UNPACK and _is_typeddict(get_args(annotation)[0]):
            parameters += _unpacked(get_args(annotation)[0], descriptions)
        else:
            others = annotation
    taken = frozenset(bound).difference(each.name for each in parameters)
    return Signature(name, summary, tuple(parameters), others, taken)


def arguments_type(signature: Signature) -> type:
    """A type whose values are dictionaries of arguments, as pydantic reads them from JSON.

    Arguments that were not given are left out, so that the callable uses its defaults.
    """

    class Arguments:
        @classmethod
        def __get_pydantic_core_schema__(
            cls, source: Any, handler: GetCoreSchemaHandler
        ) -> core_schema.CoreSchema:
            fields = {
                each.name: core_schema.typed_dict_field(
                    handler.generate_schema(portable(each.annotation)), required=each.required
                )
                for each in signature.parameters
            }
            if signature.others is None:
                return core_schema.typed_dict_schema(fields, extra_behavior="forbid")
            others = handler.generate_schema(portable(signature.others))
            return core_schema.typed_dict_schema(
                fields, extra_behavior="allow", extras_schema=others
            )

        @classmethod
        def __get_pydantic_json_schema__(
            cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
        ) -> JsonSchemaValue:
            made = handler.resolve_ref_schema(handler(schema))
            made["title"] = signature.name
            if signature.summary:
                made["description"] = signature.summary
            properties = made.setdefault("properties", {})
            for each in signature.parameters:
                _describe(properties[each.name], each)
            made["additionalProperties"] = (
                handler(schema["extras_schema"]) if "extras_schema" in schema else False
            )
            if signature.others is not None:
                properties.update(dict.fromkeys(sorted(signature.taken), False))
            return made

    setattr(Arguments, ANNOTATIONS, {each.name: each.annotation for each in signature.parameters})
    Arguments.__name__ = Arguments.__qualname__ = signature.name
    return Arguments


def _describe(schema: dict[str, Any], parameter: Parameter) -> None:
    if schema.get("title") == parameter.name.title().replace("_", " ").strip():
        # Pydantic's own title, which repeats the key.
        del schema["title"]
    if parameter.description:
        schema.setdefault("description", parameter.description)
    if parameter.default is inspect.Parameter.empty:
        return
    try:
        schema["default"] = to_jsonable_python(parameter.default)
    except PydanticSerializationError:
        # JSON cannot express it; the key is optional in any case.
        schema.pop("default", None)


def _name(function: Any) -> str:
    if isinstance(function, functools.partial):
        return _name(function.func)
    return str(getattr(function, "__name__", type(function).__name__))


def _body(function: Any) -> tuple[Any, set[str]]:
    """The function or class that holds the signature, and which names have a value already."""
    if isinstance(function, functools.partial):
        body, bound = _body(function.func)
        names = list(inspect.signature(function.func).parameters)
        return body, {*bound, *function.keywords, *names[: len(function.args)]}
    if inspect.ismethod(function):
        return inspect.unwrap(function.__func__), _first_name(function.__func__)
    if inspect.isclass(function):
        return function, _first_name(vars(function).get("__init__"))
    if inspect.isroutine(function):
        return inspect.unwrap(function), set()
    call = type(function).__call__
    return inspect.unwrap(call), _first_name(call)


def _first_name(method: Any) -> set[str]:
    """The name of ``self``, which a further argument may not have."""
    if not inspect.isfunction(method):
        return set()
    first = next(iter(inspect.signature(method).parameters.values()), None)
    if first is None or first.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
        return set()
    return {first.name}


def _names_around(body: Any) -> dict[str, Any]:
    """The names that annotations may use."""
    if not inspect.isclass(body):
        return dict(getattr(body, "__globals__", {}))
    names: dict[str, Any] = {}
    for each in reversed(body.__mro__):
        names.update(vars(sys.modules.get(each.__module__, types.ModuleType("none"))))
    return names


def _annotation(parameter: inspect.Parameter, names: dict[str, Any], name: str) -> Any:
    if parameter.annotation is inspect.Parameter.empty:
        return Any
    holder = types.SimpleNamespace(__annotations__={"it": parameter.annotation})
    try:
        annotation = get_type_hints(holder, names, include_extras=True)["it"]
    except (NameError, SyntaxError, TypeError, AttributeError) as error:
        raise ArgumentError(
            f"function: the annotation of {parameter.name!r} of {name}, "
            f"{parameter.annotation!r}, cannot be read: {error}. Its names must be found at the "
            "top of the module"
        ) from error
    return annotation.type if isinstance(annotation, dataclasses.InitVar) else annotation


def _is_typeddict(kind: Any) -> bool:
    return is_typeddict(kind) or typing_extensions.is_typeddict(kind)


def _unpacked(typed_dict: Any, descriptions: dict[str, str]) -> Iterator[Parameter]:
    """The keys of a dictionary type that ``**kwargs: Unpack[...]`` stands for."""
    for name, (annotation, required) in fields_of(typed_dict).items():
        yield Parameter(name, annotation, required, description=descriptions.get(name, ""))


def _documentation(body: Any) -> tuple[str, dict[str, str]]:
    """The summary of a docstring (Google, NumPy or Sphinx), and what it says of each argument."""
    if inspect.isclass(body):
        # Its own only: what it inherits describes another class.
        own = vars(body).get("__init__")
        # ``None`` has a docstring itself since Python 3.13.
        held = [body.__doc__, None if own is None else own.__doc__]
        # A dataclass and a named tuple write their signature where nothing else is said.
        texts = [text for text in held if text and not text.startswith(f"{body.__name__}(")]
    elif getattr(body, "__name__", "") == "__call__":
        # ``inspect.getdoc`` would give Python's own description of ``__call__``.
        texts = [body.__doc__ or ""]
    else:
        texts = [inspect.getdoc(body) or ""]
    summary = ""
    descriptions: dict[str, str] = {}
    for text in texts:
        try:
            parsed = docstring_parser.parse(text)
        except docstring_parser.ParseError:
            continue
        summary = summary or " ".join((parsed.short_description or "").split())
        for each in parsed.params:
            if each.description:
                descriptions.setdefault(each.arg_name, " ".join(each.description.split()))
    return summary, descriptions
