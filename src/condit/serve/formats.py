"""The forms that requests say an answer must have: ``response_format`` and ``structured_outputs``.

Each is enforced whether or not it is said to be strict. What tools may be called with is in
`condit.serve.tools`.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from condit.serve.request_errors import invalid
from condit.serve.specification import ANY_JSON_OBJECT, Specification
from condit.serve.structural_tags import structural_tag


class StructuredOutputs(BaseModel):
    """vLLM's: what a text must satisfy; one of these."""

    model_config = ConfigDict(extra="forbid")

    json_: Any = Field(default=None, alias="json", description="A JSON Schema.")
    regex: str | None = None
    choice: list[str] | None = None
    grammar: str | None = Field(default=None, description="In Lark or GBNF notation.")
    json_object: bool | None = None
    structural_tag: Any = None
    # How vLLM's engines are to work. Each that would change the texts is refused.
    disable_fallback: bool | None = None
    disable_any_whitespace: Literal[False] | None = None
    disable_additional_properties: Literal[False] | None = None
    whitespace_pattern: None = None

    def specification(self) -> Specification | None:
        """The constraint."""
        where = "structured_outputs"
        given = {
            "json": self.json_,
            "regex": self.regex,
            "choice": self.choice,
            "grammar": self.grammar,
            "json_object": self.json_object or None,
            "structural_tag": self.structural_tag,
        }
        said = {name: value for name, value in given.items() if value is not None}
        if not said:
            raise invalid(f"{where}: give one of {', '.join(given)}", where)
        if len(said) > 1:
            raise invalid(f"{where}: give one of {', '.join(said)}, not several", where)
        ((name, value),) = said.items()
        param = f"{where}.{name}"
        if name == "structural_tag":
            return structural_tag(value, param)
        if name == "json_object":
            return Specification.of("json_schema", ANY_JSON_OBJECT, param)
        if name == "json":
            return Specification.of("json_schema", _schema(value, param), param)
        return Specification.of(name, value, param)


def _schema(given: Any, param: str) -> Any:
    """A JSON Schema that may be written as a text, as vLLM allows."""
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given)
    except ValueError as error:
        raise invalid(f"{param} is no JSON: {error}", param) from error


class JsonSchemaFormat(BaseModel):
    """What stands in ``json_schema`` of a ``response_format``."""

    model_config = ConfigDict(extra="allow")

    name: str | None = None
    description: str | None = None
    schema_: dict[str, Any] | bool | None = Field(default=None, alias="schema")
    strict: bool | None = None


class ResponseFormat(BaseModel):
    """``response_format`` as OpenAI and as llama.cpp write it; others may be grammars and tags."""

    model_config = ConfigDict(extra="allow")

    type: Literal["text", "json_object", "json_schema", "grammar", "regex", "structural_tag"]
    json_schema: JsonSchemaFormat | None = None
    schema_: dict[str, Any] | bool | None = Field(default=None, alias="schema")
    grammar: str | None = None
    pattern: str | None = None

    def specification(self, param: str, *, flat: bool = False) -> Specification | None:
        """The constraint; enforced whether or not it is said to be strict.

        Args:
            param: the field of the request that this is.
            flat: whether the protocol has the schema here, not in ``json_schema``; for messages.
        """
        if self.type == "text":
            return None
        if self.type == "structural_tag":
            return structural_tag({"type": self.type, **(self.model_extra or {})}, param)
        if self.type == "grammar":
            if self.grammar is None:
                raise invalid(f"{param}.grammar is missing", f"{param}.grammar")
            return Specification.of("grammar", self.grammar, f"{param}.grammar")
        if self.type == "regex":
            if self.pattern is None:
                raise invalid(f"{param}.pattern is missing", f"{param}.pattern")
            return Specification.of("regex", self.pattern, f"{param}.pattern")
        nested = self.json_schema.schema_ if self.json_schema is not None else None
        schema = nested if nested is not None else self.schema_
        if schema is not None:
            where = f"{param}.json_schema.schema" if nested is not None else f"{param}.schema"
            return Specification.of("json_schema", schema, where)
        if self.type == "json_schema":
            where = f"{param}.schema" if flat else f"{param}.json_schema.schema"
            raise invalid(f"{where} is missing", where)
        return Specification.of("json_schema", ANY_JSON_OBJECT, param)
