"""The JSON schemas of types: pydantic's own, extended by the conditions that those leave out."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic.types import ImportString
from pydantic_core import core_schema

from condit.constraint.python.formats import BASE64_ASCII, translate
from condit.constraint.python.inner_json import TooInvolvedError, document_example, document_pattern
from condit.constraint.python.notes import NOTES, Note, name_of
from condit.constraint.python.remarks import (
    Remark,
    demand,
    enforced,
    example,
    instead,
    put_patterns,
    remark,
    take_out,
    without_notes,
)
from condit.constraint.schema.keywords import subschemas

_VALIDATED_BYTES = {
    "hex": "(?:[0-9A-Fa-f]{2})",
    # The padding bits of the last letter are 0.
    "base64": (
        "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?"
    ),
}


class SchemaOfType(GenerateJsonSchema):
    """Pydantic's generator of JSON schemas, which also notes what its schemas omit."""

    # A default that JSON cannot express is left out of the schema without a warning.
    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012

    def build_schema_type_to_method(self) -> dict[Any, Any]:
        """The method for each kind of core schema: pydantic's, and then the function in `NOTES`."""
        methods: dict[Any, Any] = super().build_schema_type_to_method()
        for kind in NOTES.keys() & methods:
            methods[kind] = functools.partial(self._noted, methods[kind], NOTES[kind])
        return methods

    def _noted(self, method: Any, note: Note, schema: Any) -> JsonSchemaValue:
        made: JsonSchemaValue = method(schema)
        instead_of_it = note(made, schema)
        return made if instead_of_it is None else instead_of_it

    def generate_inner(self, schema: Any) -> JsonSchemaValue:
        """The JSON schema of one core schema."""
        if schema["type"] == "function-plain" and _imports(schema["function"]["function"]):
            return self.handle_invalid_for_json_schema(
                schema,
                f"{ImportString.__name__}, which imports whatever is written: "
                "let it be a Literal of the names that may be",
            )
        made = super().generate_inner(schema)
        encoded = made.get("format") in ("base64", "base64url")
        if encoded and schema["type"] == "function-after" and schema["schema"]["type"] == "str":
            demand(made, BASE64_ASCII)
        return made

    def bytes_schema(self, schema: core_schema.BytesSchema) -> JsonSchemaValue:
        """A string, in the encoding that the configuration has for bytes in JSON."""
        made = super().bytes_schema(schema)
        encoding = getattr(getattr(self, "_config", None), "val_json_bytes", "utf8")
        least, most = schema.get("min_length"), schema.get("max_length")
        if encoding == "hex":
            count = f"{{{least or 0},{'' if most is None else most}}}"
            demand(made, f"^{_VALIDATED_BYTES['hex']}{count}$")
        elif encoding == "base64":
            demand(made, f"^{_VALIDATED_BYTES['base64']}$")
        if least is not None or most is not None:
            # A character of a text has four bytes at most, and one at least.
            fewest = -(-(least or 0) // 4) if encoding == "utf8" else None
            instead(made, minLength=fewest, maxLength=most if encoding == "utf8" else None)
            if encoding != "hex":
                remark(made, "bytes", "close", "the number of bytes")
        return made

    def is_subclass_schema(self, schema: core_schema.IsSubclassSchema) -> JsonSchemaValue:
        """Refused: JSON has no classes."""
        return self.handle_invalid_for_json_schema(schema, "core_schema.IsSubclassSchema")


def _imports(function: Any) -> bool:
    return getattr(function, "__name__", "") == "import_string" and name_of(function) is None


@dataclass(frozen=True)
class Described:
    """A type as a JSON schema.

    Attributes:
        schema: the JSON schema, for readers.
        enforced: the JSON schema that is enforced.
        remarks: the conditions that are left to pydantic.
        examples: strings that values of the type may hold, as hints for endings.
    """

    schema: dict[str, Any]
    enforced: dict[str, Any]
    remarks: tuple[Remark, ...]
    examples: tuple[str, ...]


def tidy(schema: dict[str, Any]) -> Described:
    """Make pydantic's JSON schema of a type one that can be enforced.

    Objects have the declared fields and no others, unless the type allows them (``extra="allow"``):
    a plain JSON schema would allow any.
    """
    noted = copy.deepcopy(schema)
    for _, part in list(subschemas(noted)):
        if "properties" in part or "patternProperties" in part:
            part.setdefault("additionalProperties", False)
        translate(part)
        if "discriminator" in part and "oneOf" in part:
            # The tag is a different constant in each alternative: at most one can hold.
            del part["discriminator"]
            part["anyOf"] = part.pop("oneOf")
    made = enforced(noted)
    for _, part in reversed(list(subschemas(made))):
        if part.get("contentMediaType") == "application/json" and part.get("type") == "string":
            _hold_document(part, made.get("$defs", {}))
    remarks, examples = take_out(made)
    return Described(without_notes(noted), made, remarks, examples)


def _hold_document(part: dict[str, Any], definitions: Mapping[str, Any]) -> None:
    """Make a string hold a JSON document of its ``contentSchema``."""
    inner = copy.deepcopy(part.get("contentSchema", {}))
    shared = copy.deepcopy(dict(definitions))
    for each in (inner, *shared.values()):
        remarks, _ = take_out(each) if isinstance(each, dict) else ((), ())
        if remarks:
            remark(part, "Json", "close", "what the document inside it leaves to pydantic")
    try:
        pattern, exact = document_pattern(inner, shared)
    except TooInvolvedError:
        exact = False
    else:
        put_patterns(part, [pattern])
    example(part, [json.dumps(document_example(inner, shared))])
    if not exact:
        remark(part, "Json", "close", "the document inside it")
