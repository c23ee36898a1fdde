"""Constraints in the annotations of types: ``Annotated[str, condit.quote(corpus)]``.

Pydantic knows nothing of them: they are found in the annotations themselves.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import types
from collections import deque
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from typing_extensions import is_typeddict

from condit.constraint.base import Constraint
from condit.errors import ArgumentError
from condit.fields import path_of

ANNOTATIONS = "__condit_annotations__"
"""An attribute of a class made by Condit: the annotations of its keys."""

_ITEMS = (list, set, frozenset, deque, *(getattr(collections.abc, n) for n in ("Sequence", "Set")))
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


def annotated_fields(python_type: Any) -> dict[str, Constraint]:
    """The constraints on strings of a type, by the paths of these; see ``json_schema(fields=)``.

    Raises:
        ArgumentError: there is one in a type that contains itself, so that paths have no end.
    """
    found: dict[str, Constraint] = {}
    for path, constraint in _Walk().of(python_type, ""):
        found[path] = found[path] & constraint if path in found else constraint
    return found


class _Walk:
    """A walk through a type.

    Attributes:
        open: the classes that are being walked.
        repeated: those that contain themselves.
    """

    def __init__(self) -> None:
        self.open: list[Any] = []
        self.repeated: set[Any] = set()

    def of(self, hint: Any, path: str) -> Iterator[tuple[str, Constraint]]:
        """The paths and constraints of an annotation."""
        hint = getattr(hint, "__value__", hint) if type(hint).__name__ == "TypeAliasType" else hint
        origin, arguments = get_origin(hint), get_args(hint)
        if origin is Annotated:
            yield from _constraints(arguments[1:], path)
            yield from self.of(arguments[0], path)
        elif origin in (Union, types.UnionType):
            for each in arguments:
                yield from self.of(each, path)
        elif origin in _MAPPINGS:
            for each in arguments[1:]:
                yield from self.of(each, f"{path}.*" if path else "*")
        elif origin is tuple and arguments and arguments[-1] is not Ellipsis:
            for place, each in enumerate(arguments):
                yield from self.of(each, f"{path}[{place}]")
        elif origin in (*_ITEMS, tuple):
            for each in arguments[:1]:
                yield from self.of(each, f"{path}[*]")
        elif isinstance(hint, type):
            yield from self._of_class(hint, path)
        else:
            for each in arguments:  # Required, Final and the like
                yield from self.of(each, path)

    def _of_class(self, hint: Any, path: str) -> Iterator[tuple[str, Constraint]]:
        if hint in self.open:
            self.repeated.add(hint)
            return
        self.open.append(hint)
        found = [each for name, inner in _keys(hint) for each in self._of_key(inner, path, name)]
        self.open.pop()
        if found and hint in self.repeated:
            raise ArgumentError(
                f"json_schema: {hint.__name__} contains itself, and has a constraint in an "
                "annotation: of such a type give the constraints as fields={path: constraint}"
            )
        yield from found

    def _of_key(
        self, inner: tuple[Any, tuple[Any, ...]], path: str, name: str | int | None
    ) -> Iterator[tuple[str, Constraint]]:
        hint, further = inner
        if name is not None:
            step = path_of([name])
            path = f"{path}.{step}" if path and not step.startswith("[") else path + step
        yield from _constraints(further, path)
        yield from self.of(hint, path)


def _constraints(metadata: tuple[Any, ...], path: str) -> Iterator[tuple[str, Constraint]]:
    return ((path, each) for each in metadata if isinstance(each, Constraint))


def _keys(hint: Any) -> Iterator[tuple[str | int | None, tuple[Any, tuple[Any, ...]]]]:
    """The keys of a class in JSON, each with its annotation and further metadata."""
    if hasattr(hint, "model_fields"):  # of pydantic
        root = getattr(hint, "__pydantic_root_model__", False)
        for name, field in hint.model_fields.items():
            alias = field.validation_alias if isinstance(field.validation_alias, str) else None
            key = None if root else alias or field.alias or name
            yield key, (field.annotation, tuple(field.metadata))
    elif hasattr(hint, ANNOTATIONS):
        for name, annotation in getattr(hint, ANNOTATIONS).items():
            yield name, (annotation, ())
    elif dataclasses.is_dataclass(hint) or is_typeddict(hint):
        for name, annotation in _hints(hint).items():
            yield name, (annotation, ())
    elif issubclass(hint, tuple) and hasattr(hint, "_fields"):
        hints = _hints(hint)
        for place, name in enumerate(hint._fields):
            yield place, (hints.get(name), ())


def _hints(hint: Any) -> dict[str, Any]:
    try:
        return get_type_hints(hint, include_extras=True)
    except NameError:  # a name of the caller's, which pydantic may know: nothing is found in it
        return {}
