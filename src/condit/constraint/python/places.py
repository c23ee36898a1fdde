"""The core schema of a type as a tree of *places*, one for each value that a text may contain.

A place has pydantic's validator of the value there, and gives the places of its items and members;
they are made as they are asked for. Where a function may change a value before it is validated,
nothing is known of the places below.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pydantic_core import (
    PydanticOmit,
    PydanticUseDefault,
    SchemaValidator,
    Some,
    ValidationError,
)

from condit.errors import ValidatorError

_UNCONDITIONAL = frozenset({"any", "none", "bool", "float", "literal", "enum"})
"""Core schemas of scalars that JSON Schema expresses in full."""

_ARRAYS = frozenset({"list", "set", "frozenset", "deque"})
_MAPPINGS = frozenset({"dict", "ordered-dict", "frozendict", "counter"})
_FIELDS = frozenset({"model-fields", "typed-dict", "dataclass-args"})
HOLD_ITEMS = _ARRAYS | {"tuple", "arguments", "named-tuple"}
HOLD_MEMBERS = _MAPPINGS | _FIELDS
"""Core schemas of arrays and of objects."""

_SCALARS = frozenset(
    {
        *("none", "bool", "int", "float", "str", "bytes", "literal", "enum", "decimal", "fraction"),
        *("complex", "date", "time", "datetime", "timedelta", "url", "multi-host-url", "uuid"),
        *("json", "is-instance", "is-subclass", "callable"),
    }
)
"""Core schemas that take no array and no object of JSON."""

_ASKED = frozenset({"function-after", "lax-or-strict", "chain"})
"""Core schemas that pass values to an inner one, and may refuse them themselves."""

_FUNCTIONS = frozenset({"function-before", "function-after", "function-wrap", "function-plain"})


class Type:
    """A type: its root place, and the definitions that all its places share."""

    def __init__(self, core_schema: Mapping[str, Any]) -> None:
        self.definitions: dict[str, Mapping[str, Any]] = {}
        self._places: dict[tuple[int, int], Place] = {}
        self.root = self.place(core_schema, None)

    def place(self, core: Mapping[str, Any], config: Mapping[str, Any] | None) -> Place:
        """The place of a core schema; the same for the same one."""
        key = id(core), id(config)
        found = self._places.get(key)
        if found is None:
            found = self._places[key] = Place(core, config, self)
        return found

    def define(self, core: Mapping[str, Any]) -> None:
        """Add the definitions in a core schema."""
        if core["type"] == "definitions":
            self.definitions.update((each["ref"], each) for each in core["definitions"])

    def passed_on(self, core: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
        """The inner core schemas to which one passes values unchanged; ``None`` without any."""
        match core["type"]:
            case "definition-ref":
                return [self.definitions[core["schema_ref"]]]
            case "definitions" | "nullable" | "custom-error" | "function-after" | "default":
                self.define(core)
                return [core["schema"]]
            case "model" | "dataclass":
                return [core["schema"]]
            case "json-or-python":
                return [core["json_schema"]]
            case "lax-or-strict":
                return [core["lax_schema"]]
            case "chain":
                return [core["steps"][0]]
            case "call":
                return [core["arguments_schema"]]
            case "union" | "tagged-union":
                choices = core["choices"]
                held = choices.values() if isinstance(choices, Mapping) else choices
                found = [each[0] if isinstance(each, tuple) else each for each in held]
                return [each for each in found if isinstance(each, Mapping)]
        return None

    def validator(
        self, core: Mapping[str, Any], config: Mapping[str, Any] | None
    ) -> SchemaValidator:
        """Pydantic's validator of a core schema inside the type."""
        if self.definitions and core["type"] != "definitions":
            core = {
                "type": "definitions",
                "schema": core,
                "definitions": list(self.definitions.values()),
            }
        return SchemaValidator(core, config)  # type: ignore[arg-type]


class Place:
    """Where a value can stand in a type."""

    def __init__(
        self, core: Mapping[str, Any], config: Mapping[str, Any] | None, type_: Type
    ) -> None:
        self.core, self.config, self._type = core, config, type_
        type_.define(core)

    @cached_property
    def late(self) -> bool:
        """Whether pydantic may refuse a value here, or below, that its JSON schema admits."""
        return _is_late(self.core, self.config or {}, self._type, set())

    @cached_property
    def _validator(self) -> SchemaValidator:
        return self._type.validator(self.core, self.config)

    def objection(self, text: str) -> str | None:
        """Why pydantic refuses the value of the JSON text ``text``; ``None`` where it does not.

        Raises:
            ValidatorError: a validator of the type failed in another way than by refusing.
        """
        return asked(self._validator, text)

    def read(self, text: str) -> object:
        """The object that pydantic makes of the JSON text ``text``, a new one for each call.

        Raises:
            pydantic_core.ValidationError: it refuses the value.
        """
        return self._validator.validate_json(text)

    def default(self) -> Some[Any] | None:
        """The value where none is written; ``None`` where one must be."""
        return self._validator.get_default_value()

    @cached_property
    def containers(self) -> tuple[Container, ...] | None:
        """The arrays and objects that may stand here; ``None`` where they are not known."""
        found: list[Container] = []
        if not self._expand(self.core, self.config, found, set()):
            return None
        return tuple(found)

    def _expand(
        self,
        core: Mapping[str, Any],
        config: Mapping[str, Any] | None,
        found: list[Container],
        seen: set[str],
    ) -> bool:
        """Add the containers of a core schema; whether all are known."""
        kind = core["type"]
        if kind in HOLD_ITEMS | HOLD_MEMBERS:
            found.append(Container(core, core.get("config", config), self._type))
            return True
        if kind == "definition-ref":
            if core["schema_ref"] in seen:
                return True
            seen.add(core["schema_ref"])
        # A function makes the value, and may take anything.
        if core.get("on_error", "raise") != "raise" or core.get("custom_init"):
            return False
        if kind in ("model", "dataclass"):
            config = core.get("config", config if kind == "dataclass" else None)
        within = self._type.passed_on(core)
        if within is None:
            return kind in _SCALARS
        known = [self._expand(each, config, found, seen) for each in within]
        return all(known)


class Container:
    """The places inside an array or object of one core schema."""

    def __init__(
        self, core: Mapping[str, Any], config: Mapping[str, Any] | None, type_: Type
    ) -> None:
        self.core, self.config, self._type = core, config, type_
        self.kind = core["type"]
        self._members: dict[str, Place | Field | None] = {}

    def item(self, index: int) -> Place | None:
        """The place of an item of an array; ``None`` where it is not known."""
        items: Any = None
        if self.kind in _ARRAYS:
            items = self.core.get("items_schema")
        elif self.kind == "tuple":
            items = self._tuple_item(index)
        elif self.kind == "arguments":
            found = self.core["arguments_schema"]
            items = found[index]["schema"] if index < len(found) else None
        elif self.kind == "named-tuple":
            found = list(self.core["fields"])
            items = found[index]["schema"] if index < len(found) else None
        return None if items is None else self._type.place(items, self.config)

    def _tuple_item(self, index: int) -> Any:
        items, variadic = self.core["items_schema"], self.core.get("variadic_item_index")
        if variadic is not None and index >= variadic:
            # Items after variadic ones are known only when the array has closed.
            return items[variadic] if variadic == len(items) - 1 else None
        return items[index] if index < len(items) else None

    @cached_property
    def key(self) -> Place | None:
        """The place of the keys of a mapping; ``None`` where it is not known."""
        keys = self.core.get("keys_schema") if self.kind in _MAPPINGS else None
        if keys is None:
            return None
        alone = {"type": "dict", "keys_schema": keys, "values_schema": {"type": "any"}}
        return Place(alone, self.config, self._type)

    def member(self, key: str) -> Place | Field | None:
        """The place of the value of a key; ``None`` where it is not known."""
        if key not in self._members:
            self._members[key] = self._member(key)
        return self._members[key]

    def _member(self, key: str) -> Place | Field | None:
        if self.kind in _MAPPINGS:
            values = self.core.get("values_schema")
            return None if values is None else self._type.place(values, self.config)
        if self.kind not in _FIELDS:
            return None
        for place, (name, field) in enumerate(self.fields):
            if key in keys_of(name, field):
                if _is_told(field["schema"]):
                    return Field(self, place, key)
                return self._type.place(field["schema"], self.config)
        extras = self.core.get("extras_schema")
        return None if extras is None else self._type.place(extras, self.config)

    @cached_property
    def fields(self) -> list[tuple[str, Mapping[str, Any]]]:
        """The fields of an object in the order in which pydantic validates them."""
        fields = self.core["fields"]
        if isinstance(fields, Mapping):
            return list(fields.items())
        return [(field["name"], field) for field in fields if field.get("init", True)]

    def upto(self, place: int) -> SchemaValidator:
        """A validator of the fields up to the one with this index, which may use those before."""
        fields = self.core["fields"]
        kept: Any = [field for _, field in self.fields[: place + 1]]
        if isinstance(fields, Mapping):
            kept = dict(self.fields[: place + 1])
        core = {**self.core, "fields": kept, "extra_behavior": "ignore", "computed_fields": []}
        core.pop("extras_schema", None)
        core.pop("ref", None)
        return self._type.validator(core, self.config)


class Field:
    """A field whose validator is given the fields before it (``ValidationInfo.data``).

    Attributes:
        before: the keys of the fields before it.
    """

    def __init__(self, container: Container, place: int, key: str) -> None:
        self._container, self._place, self._key = container, place, key
        before = container.fields[:place]
        self.before = frozenset(key for name, each in before for key in keys_of(name, each))
        self._name = container.fields[place][0]
        self.late = True

    @cached_property
    def _validator(self) -> SchemaValidator:
        return self._container.upto(self._place)

    @property
    def containers(self) -> tuple[Container, ...] | None:
        """See `Place.containers`."""
        container = self._container
        field = container.fields[self._place][1]
        return container._type.place(field["schema"], container.config).containers

    def objection(self, text: str) -> str | None:
        """See `Place.objection`; ``text`` is the object with the members so far."""
        return asked(self._validator, text, {self._key, self._name})


def asked(validator: SchemaValidator, text: str, about: set[str] | None = None) -> str | None:
    """Why pydantic refuses a JSON text; ``None`` where it does not.

    Args:
        validator: pydantic's.
        text: JSON.
        about: the fields whose errors count; all, if not given.

    Raises:
        ValidatorError: a validator failed in another way than by refusing.
    """
    try:
        validator.validate_json(text)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_context=False, include_input=False):
            place = each["loc"]
            if about is None or (place and place[0] in about):
                inside = ".".join(map(str, place if about is None else place[1:]))
                return f"{inside}: {each['msg']}" if inside else str(each["msg"])
    except (PydanticOmit, PydanticUseDefault):
        return None
    except Exception as error:
        raise failed(error, text) from error
    return None


def failed(error: Exception, text: str) -> ValidatorError:
    """The error for a validator that raised what pydantic does not take for a refusal."""
    shown = text if len(text) <= 80 else f"{text[:80]}…"
    where = ""
    step = error.__traceback__
    while step is not None:
        where = f" in {step.tb_frame.f_code.co_qualname}"
        step = step.tb_next
    return ValidatorError(
        f"a validator of the type failed{where}, with {type(error).__name__}: {error}, when it was "
        f"asked about {shown}. To refuse a value it has to raise ValueError or AssertionError"
    )


def _paths(field: Mapping[str, Any]) -> list[Any]:
    """The aliases of a field, as paths of keys and indices into the value."""
    alias = field.get("validation_alias")
    if alias is None or isinstance(alias, str):
        return [] if alias is None else [[alias]]
    return list(alias if alias and isinstance(alias[0], list) else [alias])


def keys_of(name: str, field: Mapping[str, Any]) -> list[str]:
    """The keys under which a field may be written: its name, and aliases of a single key."""
    return [path[0] for path in _paths(field) if len(path) == 1] + [name]


def _is_told(core: Mapping[str, Any]) -> bool:
    """Whether a user's function of a field is given the other fields."""
    if core["type"] in _FUNCTIONS:
        if core["function"]["type"] == "with-info":
            module = getattr(core["function"]["function"], "__module__", None) or ""
            if not module.startswith("pydantic"):
                return True
        return "schema" in core and _is_told(core["schema"])
    if core["type"] in ("default", "nullable", "custom-error"):
        return _is_told(core["schema"])
    return False


def _is_late(
    core: Mapping[str, Any], config: Mapping[str, Any], type_: Type, seen: set[str]
) -> bool:
    def below(*parts: Any, config: Mapping[str, Any] = config) -> bool:
        return any(_is_late(part, config, type_, seen) for part in parts if part is not None)

    kind = core["type"]
    if kind in _UNCONDITIONAL:
        return False
    if kind == "int":
        return bool(core.get("strict") or config.get("strict"))
    if kind == "str":
        odd = {"pattern", "strip_whitespace", "ascii_only"} & core.keys()
        return bool(odd) or any(name.startswith("str_") for name in config)
    if kind == "definition-ref":
        if core["schema_ref"] in seen:
            return False
        seen.add(core["schema_ref"])
    if kind in ("model", "dataclass"):
        if core.get("custom_init") or core.get("post_init"):
            return True
        config = core.get("config", {})
    if kind in _FIELDS:
        config = core.get("config", config)
        fields = core["fields"]
        held = fields.values() if isinstance(fields, Mapping) else fields
        if any(len(path) > 1 for field in held for path in _paths(field)):
            return True
        parts = [field["schema"] for field in held]
        return below(*parts, core.get("extras_schema"), config=config)
    if kind in _ARRAYS:
        return below(core.get("items_schema"))
    if kind == "tuple":
        return below(*core["items_schema"])
    if kind in _MAPPINGS:
        keys = core.get("keys_schema")
        plain = keys is None or keys["type"] in ("str", "any", "int", "bool")
        return not plain or below(keys, core.get("values_schema"))
    if kind in ("arguments", "named-tuple"):
        held = core["arguments_schema"] if kind == "arguments" else core["fields"]
        return below(*(each["schema"] for each in held))
    within = None if kind in _ASKED else type_.passed_on(core)
    return within is None or below(*within, config=config)
