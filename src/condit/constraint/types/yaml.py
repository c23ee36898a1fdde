"""The constraint ``yaml``: YAML in block style whose value satisfies a JSON schema.

How documents are written is told twice: by the parts of a byte matcher (``yaml_parts.py``), and by
the writer of the oracle (``yaml_written.py``), which writes again what PyYAML has read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jsonschema_rs

from condit.constraint.source import ConstraintSource
from condit.constraint.types.arguments import from_json
from condit.constraint.types.base import SmallType
from condit.constraint.types.extras import imported
from condit.constraint.types.yaml_parts import Blocks, Parts
from condit.constraint.types.yaml_written import StrangeError, written
from condit.errors import (
    ArgumentError,
    ConstraintTooComplexError,
)


def yaml(schema: Mapping[str, Any]) -> Yaml:
    """YAML documents in block style whose value satisfies a JSON schema.

    Two spaces a level, keys in the order of the schema and no others, strings in double quotation
    marks, numbers without an exponent, ``[]`` and ``{}`` for what is empty; without comments, or a
    line break at the end. The value is what PyYAML reads.

    >>> pet = yaml({"type": "object", "properties": {"name": {"type": "string"}}})
    >>> pet.value('name: "Rex"')
    {'name': 'Rex'}

    Args:
        schema: with ``type`` (one, or several that have no parts), ``enum`` and ``const`` of such,
            ``properties`` and ``required``, ``items``, ``minItems`` and ``maxItems``, ``minimum``
            and ``maximum``, and annotations.

    Raises:
        ArgumentError: it is no such mapping, or no JSON schema.
        UnsupportedConstraintError: it has other keywords; the message says where.
        UnsatisfiableError: it has a place that no value satisfies.
        ConstraintTooComplexError: it counts too many items.
        MissingDependencyError: PyYAML is not installed; it is in ``condit[types]``.
    """
    if not isinstance(schema, Mapping):
        raise ArgumentError(f"yaml: the schema is {type(schema).__name__}, not a mapping")
    try:
        text = json.dumps(schema)
        jsonschema_rs.validator_for(json.loads(text))
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"yaml: this is no JSON schema: {error}") from error
    return Yaml(text)


@dataclass(frozen=True)
class Yaml(SmallType):
    """YAML documents in block style; made by ``yaml``.

    Attributes:
        schema: the JSON schema, as JSON.
    """

    schema: str
    machine: Blocks = field(init=False, repr=False, compare=False)
    _library: Any = field(init=False, repr=False, compare=False)
    _validator: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        schema = json.loads(self.schema)
        object.__setattr__(self, "_library", imported("yaml", "yaml", "PyYAML"))
        object.__setattr__(self, "_validator", jsonschema_rs.validator_for(schema))
        try:
            object.__setattr__(self, "machine", Parts().document(schema))
        except RecursionError:
            raise ConstraintTooComplexError("yaml: the schema is nested too deep") from None

    def objection(self, text: str) -> str | None:
        """Why it is no such document, by PyYAML and jsonschema-rs."""
        library = self._library
        try:
            found = library.safe_load(text)
            # Every scalar as it is written.
            spelled = library.load(text, Loader=library.BaseLoader)
        except (library.YAMLError, ValueError, RecursionError) as error:
            return f"it is no YAML: {str(error).splitlines()[0]}"
        try:
            self._validator.validate(found)
            lines = "\n".join(written(json.loads(self.schema), found, spelled))
        except (jsonschema_rs.ValidationError, StrangeError) as error:
            return str(error).splitlines()[0]
        except (TypeError, ValueError) as error:
            return f"it has a value that JSON does not have: {error}"
        return None if lines == text else "it is not written in block style as it should be"

    def value(self, text: str) -> object:
        """What PyYAML reads."""
        return self._library.safe_load(text)

    def describe(self) -> str:
        """The schema, as an instruction to a model."""
        return (
            "Respond only with YAML in block style, with strings in double quotation marks, whose "
            f"value satisfies this JSON schema:\n{self.schema}"
        )


def _make(value: object) -> Yaml:
    found = from_json("yaml", value) if isinstance(value, str) else value
    return yaml(found)  # type: ignore[arg-type]


YAML = ConstraintSource(
    name="yaml",
    description="YAML in block style; the JSON schema of its value",
    make=_make,
    given_as="file",
)
