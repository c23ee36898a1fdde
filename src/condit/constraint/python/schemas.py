"""The JSON schemas of types: pydantic's own, with the conditions that these leave out.

What a pattern can say becomes one, so that the grammar enforces it. What is left is remarked.
"""

from __future__ import annotations

import copy
import functools
import json
import math
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import annotated_types
import jsonschema_rs
from pydantic import ByteSize
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic.types import ImportString, PaymentCardNumber
from pydantic_core import core_schema

from condit.constraint.python import amounts, times
from condit.constraint.python.addresses import url_pattern
from condit.constraint.python.formats import BASE64_ASCII, translate
from condit.constraint.python.inner_json import TooInvolvedError, document_example, document_pattern
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
from condit.constraint.schema.patterns import matching
from condit.errors import CompileError

# Keys of other types than text, as they are written.
_KEYS = {
    "int": r"^-?(?:0|[1-9]\d*)$",
    "float": r"^-?(?:0|[1-9]\d*)(?:\.\d+)?$",
    "decimal": r"^-?(?:0|[1-9]\d*)(?:\.\d+)?$",
    "bool": r"^(?:true|false)$",
}

_VALIDATED_BYTES = {
    "hex": "(?:[0-9A-Fa-f]{2})",
    # The bits that fill up the last letter are 0.
    "base64": (
        "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?"
    ),
}

# What predicates of annotated_types ask for, where they are the methods of Python themselves.
_PREDICATES: dict[Any, str] = {
    str.islower: "^[^A-Z]*[a-z][^A-Z]*$",
    str.isupper: "^[^a-z]*[A-Z][^a-z]*$",
    str.isdigit: "^[0-9]+$",
    str.isascii: r"^[\x00-\x7f]*$",
}
_OF_FLOATS: dict[Any, bool] = {math.isfinite: True, math.isnan: False, math.isinf: False}

# What JSON Schema writes in another way than Rust and Python, and what it does not know at all,
# or takes for something else.
_RUST = re.compile(r"\\.|\(\?P<", re.DOTALL)
_RUST_AS_ECMA = {r"\A": "^", r"\z": "$", r"\Z": "$", "(?P<": "(?<"}
_ONLY_RUST = re.compile(
    r"(?<!\\)(?:\\\\)*(?:\\[aQEGhHRXKN]|\\[pP][^{]|\(\?[a-zA-Z-]+[:)]|\[\^?\[|&&|\(\?[#>(]|[*+?}]\+)"
)

_MOST_PATHS = 300
_LONGEST_COUNTED = 500

_CARDS = ["4242424242424242", "378282246310005", "5555555555554444", "000000000000"]


class SchemaOfType(GenerateJsonSchema):
    """Pydantic's own schemas, where they say what can be enforced."""

    # A default that JSON cannot write is no part of the schema, and no reason to warn.
    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012

    def generate_inner(self, schema: Any) -> JsonSchemaValue:
        """The schema of one core schema, after what pydantic and the type have made of it."""
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

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """A number, or a string that holds one: digits and bounds are in the grammar."""
        made = super().decimal_schema(schema)
        for part in made.get("anyOf", [made]):
            # Pydantic's own pattern looks ahead, and is no help to a reader.
            part.pop("pattern", None)
        instead(made, type=None, **amounts.decimal_schema(schema))
        if not amounts.is_exact(schema):
            note = "digits in all, and steps of a decimal in a string"
            remark(made, "Decimal", "close", note)
        return made

    def fraction_schema(self, schema: Any) -> JsonSchemaValue:
        """A number, or a string with numerator and denominator."""
        made: JsonSchemaValue = super().fraction_schema(schema)  # type: ignore[misc,unused-ignore]
        for part in made.get("anyOf", [made]):
            if part.get("type") == "string":
                demand(part, amounts.FRACTION)
                if times.is_bounded(schema):
                    remark(made, "Fraction", "close", "bounds of a fraction in a string")
        return made

    def complex_schema(self, schema: core_schema.ComplexSchema) -> JsonSchemaValue:
        """A string such as ``1.5-2j``."""
        made = super().complex_schema(schema)
        demand(made, amounts.COMPLEX)
        return made

    def date_schema(self, schema: core_schema.DateSchema) -> JsonSchemaValue:
        """A date, from the year 1 on, within its bounds; today is the day of this call."""
        made = super().date_schema(schema)
        demand(made, *times.date_patterns(schema))
        if schema.get("now_op"):
            note = f"a date in the {schema['now_op']}, as the clock has it then"
            remark(made, "date", "close", note)
        example(made, times.examples(schema))
        return made

    def datetime_schema(self, schema: core_schema.DatetimeSchema) -> JsonSchemaValue:
        """A date and a time, without leap seconds."""
        patterns = times.datetime_patterns(schema)
        made = super().datetime_schema(schema)
        naive = schema.get("tz_constraint") == "naive"
        instead(made, format=None)
        patterns.insert(0, times.NAIVE if naive else times.DATETIME)
        if isinstance(schema.get("tz_constraint"), int):
            remark(made, "datetime", "close", "an offset of so many seconds")
        if times.is_bounded(schema):
            remark(made, "datetime", "close", "bounds on a time within a day of them")
        example(made, times.examples(schema))
        demand(made, *patterns)
        return made

    def time_schema(self, schema: core_schema.TimeSchema) -> JsonSchemaValue:
        """A time of day, without leap seconds."""
        made = super().time_schema(schema)
        instead(made, format=None)
        patterns = [times.TIME, *times.time_patterns(schema)]
        if times.is_bounded(schema):
            remark(made, "time", "close", "bounds on a time of day")
        example(made, times.examples(schema))
        demand(made, *patterns)
        return made

    def timedelta_schema(self, schema: core_schema.TimedeltaSchema) -> JsonSchemaValue:
        """A duration that Python can hold."""
        made = super().timedelta_schema(schema)
        if made.get("type") != "string":
            # Of seconds, where the configuration has numbers.
            return made
        if times.is_bounded(schema):
            remark(made, "timedelta", "close", "bounds on a duration")
        example(made, times.examples(schema))
        demand(made, times.duration_pattern(schema))
        return made

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        """A string; a pattern that JSON Schema cannot read is left to pydantic."""
        made = super().str_schema(schema)
        if made.get("pattern") == ByteSize.byte_string_pattern:
            instead(made, pattern=amounts.BYTE_SIZE)
        elif "pattern" in made:
            read = _as_ecma(made["pattern"])
            instead(made, pattern=read)
            if read is None:
                note = f"the pattern {made['pattern']!r}, which JSON Schema does not know"
                remark(made, "str", "close", note)
        least = schema.get("min_length") or 0
        if schema.get("strip_whitespace") and least:
            further = rf"[\s\S]{{{least - 2},}}\S" if least > 1 else ""
            demand(made, rf"\S{further}")
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

    def url_schema(self, schema: core_schema.UrlSchema) -> JsonSchemaValue:
        """An address of a scheme that is allowed, with a host that can be one."""
        return self._url(super().url_schema(schema), schema, several=False)

    def multi_host_url_schema(self, schema: core_schema.MultiHostUrlSchema) -> JsonSchemaValue:
        """The same with one or more hosts."""
        return self._url(super().multi_host_url_schema(schema), schema, several=True)

    def _url(
        self, made: JsonSchemaValue, schema: Mapping[str, Any], *, several: bool
    ) -> JsonSchemaValue:
        schemes = schema.get("allowed_schemes")
        required = schema.get("host_required") and not schema.get("default_host")
        lacking = not required and (schema.get("default_host") is not None or not several)
        demand(made, url_pattern(schemes, may_lack_host=lacking, several=several))
        instead(made, minLength=None)
        if made.get("maxLength", 0) > _LONGEST_COUNTED:
            # To count so far would cost more than it is worth.
            instead(made, maxLength=None)
            remark(made, "Url", "close", f"at most {made['maxLength']} characters")
        first = (schemes or ["https"])[0]
        example(made, ["file:///a" if first == "file" else f"{first}://a@a.co", "a.co"])
        remark(made, "Url", "close", "hosts in an encoding (xn--)")
        return made

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """An object; pydantic's own lets keys that are numbers be any text."""
        made = super().dict_schema(schema)
        pattern = _KEYS.get(schema.get("keys_schema", {}).get("type", ""))
        if pattern is not None:
            made["patternProperties"] = {pattern: made.pop("additionalProperties", True)}
        return made

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """An object; what runs after its fields are known may refuse it."""
        made = super().model_schema(schema)
        if schema.get("post_init") or schema.get("custom_init"):
            name = schema.get("post_init") or "__init__"
            _ask_class(made, schema["cls"], name)
        return made

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        """The same of a dataclass."""
        made = super().dataclass_schema(schema)
        if schema.get("post_init"):
            _ask_class(made, schema["cls"], "__post_init__")
        return made

    def custom_error_schema(self, schema: core_schema.CustomErrorSchema) -> JsonSchemaValue:
        """What is inside; of values that can be keys of a dictionary, those that JSON has."""
        made = super().custom_error_schema(schema)
        if schema.get("custom_error_type") == "is_hashable" and made == {}:
            return {"type": ["string", "number", "boolean", "null"]}
        return made

    def is_subclass_schema(self, schema: core_schema.IsSubclassSchema) -> JsonSchemaValue:
        """Refused: JSON has no classes."""
        return self.handle_invalid_for_json_schema(schema, "core_schema.IsSubclassSchema")

    def function_plain_schema(
        self, schema: core_schema.PlainValidatorFunctionSchema
    ) -> JsonSchemaValue:
        """Any value, unless the type says more; the function is asked when it closes."""
        return self._validated(super().function_plain_schema(schema), schema)

    def function_before_schema(
        self, schema: core_schema.BeforeValidatorFunctionSchema
    ) -> JsonSchemaValue:
        """What is inside; the function is asked when the value closes."""
        return self._validated(super().function_before_schema(schema), schema)

    def function_wrap_schema(
        self, schema: core_schema.WrapValidatorFunctionSchema
    ) -> JsonSchemaValue:
        """What is inside; the function is asked when the value closes."""
        return self._validated(super().function_wrap_schema(schema), schema)

    def function_after_schema(
        self, schema: core_schema.AfterValidatorFunctionSchema
    ) -> JsonSchemaValue:
        """What is inside; the function is asked when the value closes."""
        made = super().function_after_schema(schema)
        function = schema["function"]["function"]
        if getattr(function, "__self__", None) is PaymentCardNumber:
            made = {"type": "string"}
            demand(made, "^[0-9]{12,19}$")
            example(made, _CARDS)
            remark(made, "PaymentCardNumber", "close", "the check digit, and the digits of a brand")
            return made
        if getattr(function, "__qualname__", "").startswith("PathType.validate_"):
            kind = function.__name__.removeprefix("validate_")
            note = {"new": "nothing may be there yet, but its folder"}.get(kind, f"a {kind}")
            remark(made, "Path", "close", f"the file system is asked: {note}")
            if kind == "new":
                example(made, ["new"])
                return made
            # By name what is in the working directory now; all else begins with a dot or a slash.
            paths = _paths(kind)
            example(made, paths)
            names = "|".join(re.sub(r"[\\^$.|?*+()\[\]{}]", r"\\\g<0>", each) for each in paths)
            demand(made, f"^(?:(?:{names})|[./].*)$" if paths else "^[./]")
            return made
        predicate = _predicate_in(function)
        if predicate is not None:
            wanted, asked = predicate
            asked = asked if isinstance(asked, Hashable) else None
            if asked in _OF_FLOATS:
                # In JSON all numbers are finite.
                return made if wanted == _OF_FLOATS[asked] else {"not": {}}
            if wanted and asked in _PREDICATES:
                demand(made, _PREDICATES[asked])
        return self._validated(made, schema)

    def _validated(self, made: JsonSchemaValue, schema: Mapping[str, Any]) -> JsonSchemaValue:
        name = name_of(schema["function"]["function"])
        if name is None:
            return made
        about = "asked when its value closes"
        if schema["function"]["type"] == "with-info":
            about += ", and told of the fields before it"
        remark(made, "validator", "close", f"{name} is {about}")
        return made


def _imports(function: Any) -> bool:
    return getattr(function, "__name__", "") == "import_string" and name_of(function) is None


def _ask_class(schema: JsonSchemaValue, cls: type, name: str) -> None:
    note = f"{cls.__qualname__}.{name} is asked when its value closes"
    remark(schema, "validator", "close", note)


def name_of(function: Any) -> str | None:
    """What to call a validator of the user's; ``None`` for those that pydantic brings along."""
    predicate = _predicate_in(function)
    if predicate is not None:
        wanted, asked = predicate
        return ("" if wanted else "not ") + str(getattr(asked, "__qualname__", repr(asked)))
    while isinstance(function, functools.partial):
        function = function.func
    # The encoder of an encoded text is the user's, the method that asks it pydantic's.
    encoder = getattr(getattr(function, "__self__", None), "encoder", None)
    function = encoder or function
    module = getattr(function, "__module__", None) or ""
    if module.partition(".")[0] in ("pydantic", "pydantic_core", "ipaddress"):
        return None
    return str(getattr(function, "__qualname__", repr(function)))


def _predicate_in(function: Any) -> tuple[bool, Any] | None:
    """The predicate of annotated_types that pydantic made a validator of, if it is one.

    Whether it has to be true, and the function that is asked.
    """
    if getattr(function, "__name__", "") != "val_func":
        return None
    for cell in getattr(function, "__closure__", None) or ():
        asked, wanted = cell.cell_contents, True
        if not isinstance(asked, (annotated_types.Predicate, annotated_types.Not)):
            continue
        while isinstance(asked, (annotated_types.Predicate, annotated_types.Not)):
            wanted ^= isinstance(asked, annotated_types.Not)
            asked = asked.func
        return wanted, asked
    return None


def _paths(kind: str) -> list[str]:
    """Paths of a kind in the working directory, without what is hidden."""
    tests = {"file": Path.is_file, "socket": Path.is_socket, "directory": Path.is_dir}
    found = ["."] if kind == "directory" else []
    try:
        for path in sorted(Path().iterdir())[:_MOST_PATHS]:
            if not path.name.startswith(".") and tests[kind](path):
                found.append(path.name)
    except OSError:
        pass
    return found


def _as_ecma(pattern: str) -> str | None:
    """A pattern of Rust's or Python's as JSON Schema has them; ``None`` where it has no such."""
    translated = _RUST.sub(lambda found: _RUST_AS_ECMA.get(found[0], found[0]), pattern)
    if _ONLY_RUST.search(translated):
        return None
    try:
        matching(translated)
        jsonschema_rs.validator_for({"pattern": translated})
    except (CompileError, jsonschema_rs.ValidationError):
        return None
    return translated


@dataclass(frozen=True)
class Described:
    """A type as a JSON schema.

    Attributes:
        schema: the JSON schema, for readers.
        enforced: the JSON schema that is enforced.
        remarks: what it leaves to pydantic.
        examples: strings that values of the type may hold, as hints for endings.
    """

    schema: dict[str, Any]
    enforced: dict[str, Any]
    remarks: tuple[Remark, ...]
    examples: tuple[str, ...]


def tidy(schema: dict[str, Any]) -> Described:
    """The fields that the type declares and no others, in keywords that can be enforced.

    A JSON schema leaves an object open unless it says otherwise, but who writes down a type means
    its fields: extra keys are allowed only where the type asks for them (``extra="allow"``).
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
