"""What Condit relies on in ``pydantic``: the hooks by which a JSON schema of a type is made.

A hook that is no longer called would leave a schema as pydantic writes it, without an error.
"""

from __future__ import annotations

from typing import Annotated, Any

import annotated_types

from condit.foreign.versions import importing, incompatible, require

with importing("pydantic"):
    from pydantic import TypeAdapter
    from pydantic.json_schema import GenerateJsonSchema
    from pydantic_core import core_schema

_CALLED = (
    *("bytes_schema", "complex_schema", "date_schema", "datetime_schema", "decimal_schema"),
    *("dict_schema", "str_schema", "time_schema", "timedelta_schema", "url_schema"),
)
"""Hooks for core schemas that need no arguments: the probe tests that they are called."""

_HOOKS = (
    *("build_schema_type_to_method", "custom_error_schema", "dataclass_schema"),
    "function_after_schema",
    *("function_before_schema", "function_plain_schema", "function_wrap_schema"),
    *("generate_inner", "handle_invalid_for_json_schema", "ignored_warning_kinds"),
    *("is_subclass_schema", "model_schema", "multi_host_url_schema"),
)
_CORE = ("typed_dict_field", "typed_dict_schema")


def probe(generator: Any = GenerateJsonSchema, core: Any = core_schema) -> None:
    """Check that the hooks exist and are called, and that core schemas have what is read.

    Raises:
        IncompatibleDependencyError: something is missing.
    """
    require("pydantic", generator, (*_CALLED, *_HOOKS))
    require("pydantic", core, (*_CALLED, *_CORE))
    for hook in _CALLED:
        made = type("Probe", (generator,), {hook: lambda self, schema: {"title": "ours"}})
        if made().generate(getattr(core, hook)()).get("title") != "ours":
            raise incompatible("pydantic", f"its GenerateJsonSchema does not call {hook}")
    asked = annotated_types.Predicate(str.isdigit)
    found: Any = TypeAdapter(Annotated[str, asked]).core_schema
    try:
        function = found["function"]["function"]
        held = [cell.cell_contents for cell in function.__closure__ or ()]
    except (AttributeError, KeyError, TypeError) as error:
        raise incompatible("pydantic", f"a core schema has no {error}") from error
    if found["type"] != "function-after" or asked not in held or function.__name__ != "val_func":
        raise incompatible("pydantic", "a core schema does not hold the predicate of its type")
