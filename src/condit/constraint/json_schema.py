"""JSON texts that satisfy a JSON schema or belong to a Python type."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import jsonschema_rs
from pydantic import TypeAdapter, ValidationError

from condit.constraint.base import Constraint, Violation
from condit.constraint.engine import HEADER, EngineMatcher, probe
from condit.constraint.json_keywords import (
    Schema,
    pointer_to,
    reference_error,
    refusal,
    refuse_deep_references,
)
from condit.constraint.json_positions import NotJsonError, position_of, read_json
from condit.constraint.python_types import adapter_of, schema_of
from condit.errors import (
    ArgumentError,
    CompileError,
    ConstraintTooComplexError,
    UnsatisfiableError,
    UnsupportedConstraintError,
)
from condit.vocabulary import Vocabulary

# Separators are regexes here. Flexible whitespace is bounded, or a model could write it forever.
_LAYOUTS = {
    "compact": {"whitespace_flexible": False, "item_separator": ", ?", "key_separator": ": ?"},
    "flexible": {"whitespace_flexible": True, "whitespace_pattern": r"[ \n\t\r]{0,24}"},
}
_DRAFTS = ("draft-04", "draft-06", "draft-07", "draft/2019-09", "draft/2020-12")
_MOST_ERRORS = 20
_LONGEST_REASON = 300


def json_schema(schema: object, *, whitespace: str = "compact") -> JsonSchema:
    """JSON texts that satisfy a schema.

    What is written keeps to one layout: members in the order of ``properties``, then the others;
    spaces as ``whitespace`` says. What is accepted as valid may have any layout. Of two members
    with one key the later one counts. Formats are checked, and so are all keywords: a schema with
    one that cannot be enforced is refused.

    >>> json_schema({"type": "integer", "minimum": 3}).accepts("4")
    True
    >>> json_schema(list[int]).value("[1, 2]")
    [1, 2]

    Args:
        schema: a dict, a JSON text, ``True`` or ``False``; or a Python type, as pydantic knows
            them (a model, a dataclass, a ``TypedDict``, an ``Enum``, ``list[int] | None``).
        whitespace: ``"compact"`` (at most one space after a comma or a colon) or ``"flexible"``
            (up to 24 spaces and newlines wherever JSON allows them).

    Raises:
        ArgumentError: it is neither a schema nor a type, or there is no such ``whitespace``.
        CompileError: it is not a valid schema; the message gives the JSON pointer.
        UnsupportedConstraintError: it uses a keyword, a format or a pattern that cannot be
            enforced; ``keywords`` names them.
        UnsatisfiableError: no value satisfies it.
        ConstraintTooComplexError: it is beyond the mask engine's limits.
    """
    if whitespace not in _LAYOUTS:
        raise ArgumentError(
            f"json_schema: whitespace={whitespace!r} is unknown; use 'compact' or 'flexible'"
        )
    if isinstance(schema, str):
        try:
            return JsonSchema(json.dumps(read_json(schema)), whitespace)
        except NotJsonError as error:
            position = error.violation.position
            raise CompileError(
                f"the schema is not a JSON text: {error}", position=position
            ) from None
    if isinstance(schema, (dict, bool)):
        try:
            return JsonSchema(json.dumps(schema, allow_nan=False), whitespace)
        except (TypeError, ValueError, RecursionError) as error:
            if isinstance(error, CompileError):
                raise
            raise ArgumentError(f"json_schema: the schema is not JSON: {error}") from error
    return JsonSchema(json.dumps(schema_of(schema)), whitespace, schema)


@dataclass(frozen=True)
class JsonSchema(Constraint):
    """JSON texts that satisfy a schema; made by ``json_schema``.

    Attributes:
        text: the schema, as JSON.
        whitespace: how what is written is spaced.
        type: the Python type it stands for, if any.
    """

    text: str
    whitespace: str = "compact"
    type: object = None
    _adapter: TypeAdapter[Any] | None = field(init=False, repr=False, compare=False)
    _validator: Any = field(init=False, repr=False, compare=False)
    _grammar: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            schema = self.schema
            refuse_deep_references(schema)
        except RecursionError:
            raise ConstraintTooComplexError("the schema is nested too deeply") from None
        object.__setattr__(self, "_validator", _validator(schema))
        adapter = None if self.type is None else adapter_of(self.type)
        object.__setattr__(self, "_adapter", adapter)
        if isinstance(schema, dict) and schema.get("not") in ({}, True):
            raise UnsatisfiableError("no value satisfies the schema: /not refuses every value")
        # Whatever options the schema brings along are replaced: some drop keywords silently.
        options = {"x-guidance": _LAYOUTS[self.whitespace]}
        guided = schema if schema is False else {**({} if schema is True else schema), **options}
        grammar = f"{HEADER}start: %json {json.dumps(guided)}"
        probed = probe(grammar)
        if probed.error:
            raise refusal(schema, probed.error)
        if probed.warnings:
            raise refusal(schema, probed.warnings[0])
        if probed.is_empty:
            raise refusal(schema, "Unsatisfiable schema: nothing can be written")
        object.__setattr__(self, "_grammar", grammar)

    @property
    def schema(self) -> Schema:
        """The schema, as a fresh object."""
        schema: Schema = json.loads(self.text)
        return schema

    def bind(self, vocabulary: Vocabulary) -> EngineMatcher:
        """A matcher at the empty text; SOUND up to the layout.

        The end token is allowed only where the oracle accepts the text: the engine takes some
        formats too lightly.

        Raises:
            VocabularyError: no token of this vocabulary can begin a value.
        """
        return EngineMatcher.bind(
            self._grammar, vocabulary, exact_over=None, objection=self.violation
        )

    def violation(self, text: str) -> Violation | None:
        """What is wrong with ``text``, and where the offending value begins."""
        try:
            value = read_json(text)
        except NotJsonError as error:
            return error.violation
        violations = []
        for found in islice(self._validator.iter_errors(value), _MOST_ERRORS):
            reason = found.message
            if len(reason) > _LONGEST_REASON:
                reason = f"{reason[:_LONGEST_REASON]}…"
            violations.append(Violation(reason, position_of(text, found.instance_path)))
        if violations:
            return min(violations, key=lambda violation: violation.position or 0)
        return self._type_violation(text)

    def value(self, text: str) -> object:
        """The value of an accepted ``text``: an object of the type, or plain JSON.

        Raises:
            ValueError: the text is not accepted.
        """
        return self._adapter.validate_json(text) if self._adapter else read_json(text)

    def _type_violation(self, text: str) -> Violation | None:
        if self._adapter is None:
            return None
        try:
            self._adapter.validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            return Violation(first["msg"], position_of(text, first["loc"]))
        return None


def _validator(schema: Schema) -> Any:
    """The oracle for ``schema``.

    Raises:
        CompileError: it is not a valid schema.
    """
    draft = schema.get("$schema") if isinstance(schema, dict) else None
    if isinstance(draft, str) and not any(known in draft for known in _DRAFTS):
        raise UnsupportedConstraintError(
            f"the schema is written for {draft!r} at /$schema, which is not known. Known are "
            "drafts 4, 6, 7, 2019-09 and 2020-12",
            keywords=("$schema",),
        )
    try:
        return jsonschema_rs.validator_for(schema, validate_formats=True, retriever=_fetch_nothing)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
        reason = str(error).split("\n")[0]
        path = list(getattr(error, "instance_path", None) or [])
        kind = getattr(error, "kind", None)
        if kind is None or isinstance(kind, jsonschema_rs.ValidationErrorKind.Referencing):
            raise reference_error(schema, reason) from error
        raise CompileError(
            f"the schema is not valid at {pointer_to(path)}: {reason}",
            keywords=tuple(str(step) for step in path[-1:]),
        ) from error
    except ValueError as error:
        raise ConstraintTooComplexError(f"the schema is nested too deeply: {error}") from error


def _fetch_nothing(address: str) -> jsonschema_rs.JSONType:
    raise LookupError("nothing is fetched")
