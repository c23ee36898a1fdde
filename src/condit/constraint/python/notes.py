"""What pydantic's JSON schemas leave out of its core schemas, for each kind of core schema.

What a pattern can express becomes one, so that the grammar enforces it. The rest becomes a remark:
pydantic is asked as the value closes. How both are noted in a schema is in ``remarks.py``.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

import annotated_types
import jsonschema_rs
from pydantic import ByteSize
from pydantic.types import PaymentCardNumber

from condit.constraint.python import amounts, times
from condit.constraint.python.addresses import url_pattern
from condit.constraint.python.remarks import (
    demand,
    example,
    instead,
    remark,
)
from condit.constraint.schema.patterns import matching
from condit.errors import CompileError

# Keys of other types than text, as they are written.
_KEYS = {
    "int": r"^-?(?:0|[1-9]\d*)$",
    "float": r"^-?(?:0|[1-9]\d*)(?:\.\d+)?$",
    "decimal": r"^-?(?:0|[1-9]\d*)(?:\.\d+)?$",
    "bool": r"^(?:true|false)$",
}

# Patterns of what predicates of annotated_types ask for, where they are methods of ``str``.
_PREDICATES: dict[Any, str] = {
    str.islower: "^[^A-Z]*[a-z][^A-Z]*$",
    str.isupper: "^[^a-z]*[A-Z][^a-z]*$",
    str.isdigit: "^[0-9]+$",
    str.isascii: r"^[\x00-\x7f]*$",
}
_OF_FLOATS: dict[Any, bool] = {math.isfinite: True, math.isnan: False, math.isinf: False}

# What ECMA-262 (JSON Schema) writes in another way than Rust and Python, and what it does not know,
# or reads as something else.
_RUST = re.compile(r"\\.|\(\?P<", re.DOTALL)
_RUST_AS_ECMA = {r"\A": "^", r"\z": "$", r"\Z": "$", "(?P<": "(?<"}
_ONLY_RUST = re.compile(
    r"(?<!\\)(?:\\\\)*(?:\\[aQEGhHRXKN]|\\[pP][^{]|\(\?[a-zA-Z-]+[:)]|\[\^?\[|&&|\(\?[#>(]|[*+?}]\+)"
)

_MOST_PATHS = 300
_LONGEST_COUNTED = 500

_CARDS = ["4242424242424242", "378282246310005", "5555555555554444", "000000000000"]


Note = Callable[[dict[str, Any], Any], dict[str, Any] | None]
"""Takes pydantic's JSON schema of a core schema, and that core schema.

It notes in the JSON schema what that leaves out, or returns another one to use instead.
"""


def _decimal(made: dict[str, Any], schema: Any) -> None:
    """A number, or a string that holds one: digits and bounds are in the grammar."""
    for part in made.get("anyOf", [made]):
        # Pydantic's own pattern uses lookahead, and is hard to read.
        part.pop("pattern", None)
    instead(made, type=None, **amounts.decimal_schema(schema))
    if not amounts.is_exact(schema):
        remark(made, "Decimal", "close", "digits in all, and steps of a decimal in a string")


def _fraction(made: dict[str, Any], schema: Any) -> None:
    """A number, or a string with numerator and denominator."""
    for part in made.get("anyOf", [made]):
        if part.get("type") == "string":
            demand(part, amounts.FRACTION)
            if times.is_bounded(schema):
                remark(made, "Fraction", "close", "bounds of a fraction in a string")


def _complex(made: dict[str, Any], schema: Any) -> None:
    demand(made, amounts.COMPLEX)


def _date(made: dict[str, Any], schema: Any) -> None:
    """A date, from the year 1 on, within its bounds; today is the day of this call."""
    demand(made, *times.date_patterns(schema))
    if schema.get("now_op"):
        remark(made, "date", "close", f"a date in the {schema['now_op']}, as the clock has it then")
    example(made, times.examples(schema))


def _datetime(made: dict[str, Any], schema: Any) -> None:
    """A date and a time, without leap seconds."""
    offset = schema.get("tz_constraint")
    if isinstance(offset, int):
        remark(made, "datetime", "close", "an offset of so many seconds")
    form = times.NAIVE if offset == "naive" else times.DATETIME
    _timed(made, schema, "bounds on a time within a day of them", form)
    demand(made, *times.datetime_patterns(schema))


def _time(made: dict[str, Any], schema: Any) -> None:
    """A time of day, without leap seconds."""
    _timed(made, schema, "bounds on a time of day", times.TIME)
    demand(made, *times.time_patterns(schema))


def _timedelta(made: dict[str, Any], schema: Any) -> None:
    """A duration that Python can hold; a number of seconds is one anyway."""
    if made.get("type") == "string":
        _timed(made, schema, "bounds on a duration", times.duration_pattern(schema))


def _timed(made: dict[str, Any], schema: Any, bounds: str, form: str) -> None:
    if schema["type"] != "timedelta":
        instead(made, format=None)
    if times.is_bounded(schema):
        remark(made, schema["type"], "close", bounds)
    example(made, times.examples(schema))
    demand(made, form)


def _str(made: dict[str, Any], schema: Any) -> None:
    """A string; a pattern that JSON Schema cannot read is left to pydantic."""
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


def _url(made: dict[str, Any], schema: Any) -> None:
    """An address of a scheme that is allowed, with a host that can be one, or with several."""
    several = schema["type"] == "multi-host-url"
    schemes = schema.get("allowed_schemes")
    required = schema.get("host_required") and not schema.get("default_host")
    lacking = not required and (schema.get("default_host") is not None or not several)
    demand(made, url_pattern(schemes, may_lack_host=lacking, several=several))
    instead(made, minLength=None)
    if made.get("maxLength", 0) > _LONGEST_COUNTED:
        # An automaton that counts so far would be too large.
        instead(made, maxLength=None)
        remark(made, "Url", "close", f"at most {made['maxLength']} characters")
    first = (schemes or ["https"])[0]
    example(made, ["file:///a" if first == "file" else f"{first}://a@a.co", "a.co"])
    remark(made, "Url", "close", "hosts in an encoding (xn--)")


def _dict(made: dict[str, Any], schema: Any) -> None:
    """An object; pydantic's own lets keys that are numbers be any text."""
    pattern = _KEYS.get(schema.get("keys_schema", {}).get("type", ""))
    if pattern is not None:
        made["patternProperties"] = {pattern: made.pop("additionalProperties", True)}


def _class(made: dict[str, Any], schema: Any) -> None:
    """An object; its ``__post_init__`` or ``__init__`` may refuse it."""
    name = schema.get("post_init") or ("__init__" if schema.get("custom_init") else None)
    if name:
        name = "__post_init__" if schema["type"] == "dataclass" else name
        note = f"{schema['cls'].__qualname__}.{name} is asked when its value closes"
        remark(made, "validator", "close", note)


def _custom_error(made: dict[str, Any], schema: Any) -> dict[str, Any] | None:
    """The inner schema; for hashable values, the scalars of JSON."""
    if schema.get("custom_error_type") == "is_hashable" and made == {}:
        return {"type": ["string", "number", "boolean", "null"]}
    return None


def _validated(made: dict[str, Any], schema: Any) -> None:
    """The inner schema, or any value: the function is called when the value closes."""
    name = name_of(schema["function"]["function"])
    if name is not None:
        about = "asked when its value closes"
        if schema["function"]["type"] == "with-info":
            about += ", and told of the fields before it"
        remark(made, "validator", "close", f"{name} is {about}")


def _validated_after(made: dict[str, Any], schema: Any) -> dict[str, Any] | None:
    """The inner schema, with a pattern for known functions; others are called at the close."""
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
        # Existing names in the working directory, or what begins with a dot or a slash.
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
    _validated(made, schema)
    return None


NOTES: dict[str, Note] = {
    "decimal": _decimal,
    "fraction": _fraction,
    "complex": _complex,
    "date": _date,
    "datetime": _datetime,
    "time": _time,
    "timedelta": _timedelta,
    "str": _str,
    "url": _url,
    "multi-host-url": _url,
    "dict": _dict,
    "model": _class,
    "dataclass": _class,
    "custom-error": _custom_error,
    "function-plain": _validated,
    "function-before": _validated,
    "function-wrap": _validated,
    "function-after": _validated_after,
}


def name_of(function: Any) -> str | None:
    """The name of a validator of the user's; ``None`` for those of pydantic itself."""
    predicate = _predicate_in(function)
    if predicate is not None:
        wanted, asked = predicate
        return ("" if wanted else "not ") + str(getattr(asked, "__qualname__", repr(asked)))
    while isinstance(function, functools.partial):
        function = function.func
    # For an encoded text, pydantic's method calls an encoder, which may be the user's.
    encoder = getattr(getattr(function, "__self__", None), "encoder", None)
    function = encoder or function
    module = getattr(function, "__module__", None) or ""
    if module.partition(".")[0] in ("pydantic", "pydantic_core", "ipaddress"):
        return None
    return str(getattr(function, "__qualname__", repr(function)))


def _predicate_in(function: Any) -> tuple[bool, Any] | None:
    """The predicate of annotated_types in a validator that pydantic made of one; else ``None``.

    Whether it has to be true, and the function.
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
    """Paths of a kind in the working directory, without hidden ones."""
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
    """A pattern of Rust or Python in the syntax of ECMA-262; ``None`` if it has no such form."""
    translated = _RUST.sub(lambda found: _RUST_AS_ECMA.get(found[0], found[0]), pattern)
    if _ONLY_RUST.search(translated):
        return None
    try:
        matching(translated)
        jsonschema_rs.validator_for({"pattern": translated})
    except (CompileError, jsonschema_rs.ValidationError):
        return None
    return translated
