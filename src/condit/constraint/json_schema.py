"""The constraint ``json_schema``: JSON texts that satisfy a JSON schema or belong to a Python type.

Here the parts meet: schemas are compiled in ``condit.constraint.schema``, Python types are read in
``condit.constraint.python``, and the engine matches.
"""

from __future__ import annotations

import copy
import json
import os
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, overload

from pydantic import TypeAdapter, ValidationError

from condit.constraint.base import Constraint, Matcher, Violation
from condit.constraint.engine import EngineMatcher
from condit.constraint.json_ends import SPACES, last_bytes, value_ends
from condit.constraint.json_fields import JsonFields
from condit.constraint.json_positions import NotJsonError, position_of, read_json
from condit.constraint.plan import Plan
from condit.constraint.python.annotated import annotated_fields
from condit.constraint.python.checks import TypeChecks
from condit.constraint.python.places import Place, Type, failed
from condit.constraint.python.schemas import Described
from condit.constraint.python_types import adapter_of, described
from condit.constraint.schema.boundaries import JsonBoundaries, ranks_of
from condit.constraint.schema.closing import ClosingMatcher
from condit.constraint.schema.dialect import Draft
from condit.constraint.schema.grammar import Compiled, compile_schema
from condit.constraint.schema.index import ROOT
from condit.constraint.schema.keywords import Schema
from condit.constraint.schema.layout import LAYOUTS, Style
from condit.constraint.schema.oracle import complaints
from condit.constraint.schema.order import KeyOrder
from condit.constraint.schema.part_forms import PartForms
from condit.constraint.schema.plan import Enforcement, plan_of
from condit.constraint.schema.scanner import Scanner
from condit.constraint.schema.skeleton import skeleton
from condit.constraint.schema.source import (
    Source,
    canonical,
    has_long_lists,
    inlined,
    source_of,
    unsatisfiable_reason,
    validator,
)
from condit.constraint.source import ConstraintSource
from condit.constraint.verdicts import Verdict, Verdicts
from condit.errors import (
    ArgumentError,
    ConditError,
    UnknownEndingWarning,
    UnsatisfiableError,
    VocabularyError,
)
from condit.foreign.jsonschema_rs import CanonicalSchema
from condit.vocabulary import Vocabulary

_ORDERS = ("written", "any")
_NUMBERS = ("canonical", "any")
_FORMATS = ("assert", "annotate")
_LONGEST_REASON = 300


@overload
def json_schema(
    schema: object,
    *,
    fields: None = None,
    whitespace: str = "compact",
    order: str = "written",
    numbers: str = "canonical",
    formats: str = "assert",
    registry: Mapping[str, object] | None = None,
    deadline: float = 10.0,
) -> JsonSchema: ...


@overload
def json_schema(
    schema: object,
    *,
    fields: Mapping[str, Constraint],
    whitespace: str = "compact",
    order: str = "written",
    numbers: str = "canonical",
    formats: str = "assert",
    registry: Mapping[str, object] | None = None,
    deadline: float = 10.0,
) -> JsonFields: ...


def json_schema(
    schema: object,
    *,
    fields: Mapping[str, Constraint] | None = None,
    whitespace: str = "compact",
    order: str = "written",
    numbers: str = "canonical",
    formats: str = "assert",
    registry: Mapping[str, object] | None = None,
    deadline: float = 10.0,
) -> JsonSchema | JsonFields:
    """JSON texts that satisfy a schema.

    Drawn texts keep to one layout: keys in the order in which the schema names them, then the
    others; spaces as ``whitespace`` says; integers without a point. ``accepts`` takes any layout.
    No key comes twice in one object. Every keyword of drafts 4 to 2020-12 is enforced; ``plan``
    says where.

    >>> json_schema({"type": "integer", "minimum": 3}).accepts("4")
    True
    >>> json_schema(list[int]).value("[1, 2]")
    [1, 2]

    Args:
        schema: a dict, a JSON text, ``True`` or ``False``; a ``pathlib.Path`` to a file; or a
            Python type, as pydantic knows them (a model, a dataclass, a ``TypedDict``, an
            ``Enum``, ``list[int] | None``).
        fields: constraints that strings in it must satisfy as well, by path: ``"title"``,
            ``"notes[*].quote"`` (``[*]``: any item; ``*``: any key). Each is about the text that
            the string holds, such as ``condit.quote(corpus)``. Values that are no strings, where
            the schema allows them there, are left alone. In a type an annotation says the same:
            ``Annotated[str, condit.quote(corpus)]``.
        whitespace: ``"compact"`` (at most one space after a comma or a colon) or ``"flexible"``
            (up to 24 spaces and newlines before and after a punctuation mark).
        order: of keys: as ``"written"`` in the schema, or ``"any"``.
        numbers: how integers are written: ``"canonical"``, as ``34``; or ``"any"`` of the texts
            that JSON Schema takes for one, ``34.0`` and ``3.4e1`` among them.
        formats: ``"assert"``: the formats that the drafts define are enforced, others have no
            effect; ``"annotate"``: none has.
        registry: schemas by their address, for references that lead out of the document: dicts,
            JSON texts or paths. References to files are read beside a schema that is a path.
            Nothing is ever fetched from a network.
        deadline: seconds after which compiling is given up.

    Returns:
        the constraint; with constraints on fields, given or in annotations, a `JsonFields`, whose
        ``field_values(text)`` says what each of them found, such as where a quotation stands.

    Raises:
        ArgumentError: it is neither a schema nor a type, an option has no such value, or a path of
            ``fields`` leads to no string.
        CompileError: it is not a valid schema; the message gives the JSON pointer.
        UnsatisfiableError: no value satisfies it.
        ConstraintTooComplexError: it is beyond the mask engine's limits, or the deadline.
    """
    for name, given, known in (
        ("whitespace", whitespace, tuple(LAYOUTS)),
        ("order", order, _ORDERS),
        ("numbers", numbers, _NUMBERS),
        ("formats", formats, _FORMATS),
    ):
        if given not in known:
            choices = " or ".join(map(repr, known))
            raise ArgumentError(f"json_schema: {name}={given!r} is unknown; use {choices}")
    if fields is not None and not isinstance(fields, Mapping):
        raise ArgumentError(
            f"json_schema: fields is {type(fields).__name__}, not a dict of paths and constraints"
        )
    if isinstance(schema, (dict, bool, str, os.PathLike)):
        source = source_of(schema, registry)
        made = JsonSchema(source, whitespace, order, numbers, formats, None, deadline)
    else:
        typed = described(schema, adapter_of(schema))
        source = source_of(typed.enforced, registry)
        made = JsonSchema(source, whitespace, order, numbers, formats, schema, deadline, typed)
        made.warn_of_endings()
        fields = {**annotated_fields(schema), **(fields or {})}
    return JsonFields(made, tuple(fields.items())) if fields else made


@dataclass(frozen=True)
class JsonSchema(Constraint):
    """JSON texts that satisfy a schema; made by ``json_schema``.

    Attributes:
        source: the schema, with the documents that it refers to.
        whitespace: where drawn texts have spaces.
        order: the order of keys in drawn texts.
        numbers: how integers are written.
        formats: whether formats are asserted.
        type: the Python type it stands for, if any.
        deadline: seconds after which compiling is given up.
        described: what the type says as a schema, and what it leaves to pydantic.
    """

    source: Source
    whitespace: str = "compact"
    order: str = "written"
    numbers: str = "canonical"
    formats: str = "assert"
    type: object = None
    deadline: float = field(default=10.0, compare=False)
    described: Described | None = field(default=None, repr=False, compare=False)
    _adapter: TypeAdapter[Any] | None = field(init=False, repr=False, compare=False)
    _places: Type | None = field(init=False, repr=False, compare=False)
    _validator: Any = field(init=False, repr=False, compare=False)
    _compiled: Compiled = field(init=False, repr=False, compare=False)
    _verdicts: Verdicts = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        deadline = time.monotonic() + self.deadline
        asserts = self.formats == "assert"
        source = self.source
        object.__setattr__(self, "_validator", validator(source, asserts))
        object.__setattr__(self, "_verdicts", Verdicts(self._judge))
        adapter = None if self.type is None else adapter_of(self.type)
        object.__setattr__(self, "_adapter", adapter)
        places = None if adapter is None else Type(adapter.core_schema)
        object.__setattr__(self, "_places", places)
        root = canonical(source, asserts, named=True)
        if str(root.satisfiability()) == "no":
            raise UnsatisfiableError(unsatisfiable_reason(source, asserts))
        order = KeyOrder(source.loaded(), source.draft)
        compiled = self._compile(root, order, deadline)
        if compiled.relaxed and has_long_lists(source):
            # The target of a reference cannot always be combined with the keywords beside it.
            other = self._compile(canonical(source, asserts), order, deadline)
            compiled = other.if_better_than(compiled)
        if compiled.leaves_out_logic and (expanded := inlined(source)) is not None:
            other = self._compile(canonical(expanded, asserts), order, deadline)
            compiled = other.if_better_than(compiled)
        object.__setattr__(self, "_compiled", compiled)

    @property
    def schema(self) -> Schema:
        """The schema, as a fresh object; of a type, as pydantic writes it for readers.

        What is enforced for a type may have further keywords: see ``source``.
        """
        if self.described is not None:
            return copy.deepcopy(self.described.schema)
        schema: Schema = json.loads(self.source.text)
        return schema

    @property
    def engine_grammar(self) -> str:
        """The values, and perhaps some more, in the mask engine's language."""
        return self._compiled.grammar

    @property
    def plan(self) -> Plan[Enforcement]:
        """Where each keyword is enforced: at the token, at the close of a value, or at the end.

        ``str`` of it is a table.
        """
        found = plan_of(
            self.source.schema,
            self._compiled.relaxed,
            formats=self.formats == "assert",
            draft=Draft(self.source.draft),
        )
        late = "it combines in too many ways to be followed"
        keywords = [
            replace(each, where="end", note=late)
            if (each.pointer, each.keyword) in self.source.aside
            else each
            for each in found
        ]
        remarks = [] if self.described is None else self.described.remarks
        left = [Enforcement(each.pointer, each.what, each.where, each.note) for each in remarks]
        return Plan([*keywords, *left])

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        """A matcher at the empty text; SOUND up to the layout.

        The end token is allowed only where the oracle accepts the text.

        Raises:
            VocabularyError: no token of this vocabulary can begin a value.
            UnsatisfiableError: no value exists: patterns of a string exclude each other.
        """
        compiled = self._compiled
        try:
            engine = self._engine(vocabulary)
        except VocabularyError as error:
            try:
                self._engine(Vocabulary.of_bytes())
            except VocabularyError:
                raise UnsatisfiableError("no JSON value satisfies the schema") from None
            raise error
        checks = None
        if self._places is not None and self._places.root.late:
            checks = self._checks(self._places)
        if compiled.relaxed:
            below, here = compiled.relaxed_below, compiled.relaxed_here
            return ClosingMatcher(
                engine, compiled.root, below.__contains__, here.__contains__, checks
            )
        if compiled.repeats or checks is not None:
            return ClosingMatcher(engine, None, checks=checks)
        return engine

    def place(self, path: Sequence[str]) -> Place | None:
        """What the type says of the value under a path of keys.

        ``None`` where there is no type, or it has several alternatives there.
        """
        place = None if self._places is None else self._places.root
        for key in path:
            containers = (place.containers if place is not None else None) or ()
            found = containers[0].member(key) if len(containers) == 1 else None
            place = found if isinstance(found, Place) else None
        return place

    def warn_of_endings(self) -> None:
        """Warn if no text is found that all validators of the type accept.

        Warns:
            UnknownEndingWarning: draws may not finish within ``max_tokens``.
        """
        asked = [] if self.described is None else self.described.remarks
        if not any(each.what in ("validator", "str") for each in asked):
            return
        try:
            known = self.bind(Vocabulary.of_bytes()).ending() is not None
        except ConditError:
            # It is raised again by the first draw.
            return
        if not known:
            name = getattr(self.type, "__name__", None) or repr(self.type)
            notes = "; ".join(dict.fromkeys(each.note for each in asked))
            warnings.warn(
                f"{name}: no value is known that its validators accept, so draws may not finish "
                f"within max_tokens ({notes}). Give a value of each such field: "
                "Field(examples=[...])",
                UnknownEndingWarning,
                stacklevel=3,
            )

    def describe(self) -> str:
        """The form of the values, as an instruction to a model.

        A skeleton such as ``{"name": string, "age": integer (0 to 150)}``, with the keys in the
        order in which they are drawn. Of a large schema a part, and how much is left out.
        Conditions that have no short form are not in it.
        """
        form = skeleton(self._documents(), self.source.draft)
        return f"Respond only with JSON in this format:\n{form}"

    def part_forms(self) -> PartForms:
        """The forms of single parts of the values, such as ``integer (0 to 150)``."""
        return PartForms(self._documents(), self.source.draft)

    def _documents(self) -> Sequence[tuple[str, object]]:
        return [(ROOT, self.schema)] if self.described is not None else self.source.loaded()

    def violation(self, text: str) -> Violation | None:
        """What is wrong with ``text``, and where the offending value begins.

        Raises:
            ValidatorError: a validator of the type failed in another way than by refusing.
        """
        return self._verdicts.violation(text)

    def value(self, text: str) -> object:
        """The value of an accepted ``text``: an object of the type, or plain JSON.

        Raises:
            ValueError: the text is not accepted.
        """
        return self._verdicts.value(text)

    def last_bytes(self) -> frozenset[int]:
        """The bytes with which a value of the schema's types may end."""
        found = last_bytes(self.source.schema)
        return found if self.whitespace == "compact" else found | SPACES

    def possible_ends(self, text: str, start: int) -> list[int] | None:
        """Where the JSON value that begins there ends; of a number each of its digits."""
        return value_ends(text, start)

    def _judge(self, text: str) -> Verdict:
        verdict = self._judge_by_schema(text)
        if verdict.violation is not None or self._adapter is None:
            return verdict
        try:
            return Verdict(None, self._adapter.validate_json(text))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            return Verdict(Violation(first["msg"], position_of(text, first["loc"])))
        except Exception as error:
            self._ask_each(text)
            raise failed(error, text) from error

    def _judge_by_schema(self, text: str) -> Verdict:
        """The verdict of the schema alone, without the validators of a type."""
        try:
            value = read_json(text, unique_keys=True)
        except NotJsonError as error:
            return Verdict(error.violation)
        violations = [
            Violation(_shortened(reason), position_of(text, path))
            for reason, path in complaints(self.source, self._validator, value)
        ]
        first = min(violations, key=lambda violation: violation.position or 0, default=None)
        return Verdict(first, value)

    def _compile(self, root: CanonicalSchema, order: KeyOrder, deadline: float) -> Compiled:
        style = Style(LAYOUTS[self.whitespace], self.order == "any", self.numbers == "any")
        return compile_schema(root, order, style, deadline)

    def _engine(self, vocabulary: Vocabulary) -> EngineMatcher:
        # A type may have validators that are not part of the schema.
        doubtful = bool(self._compiled.relaxed or self.source.aside) or self.type is not None
        matcher = EngineMatcher.bind(
            self._compiled.grammar,
            vocabulary,
            exact_over=None,
            objection=self.violation,
            doubtful=doubtful,
            hints=lambda: (*self._hints, *self._compiled.examples),
        )
        matcher.boundaries = JsonBoundaries(self._ranks)
        return matcher

    @cached_property
    def _ranks(self) -> dict[bytes, int]:
        return ranks_of(self.source.schema)

    @cached_property
    def _hints(self) -> tuple[bytes, ...]:
        """The examples of the type, as JSON without the quotation marks."""
        examples = () if self.described is None else self.described.examples
        spelled = (json.dumps(each, ensure_ascii=False)[1:-1] for each in examples)
        return tuple(each.encode() for each in spelled)

    def _ask_each(self, text: str) -> None:
        """Validate the values of a text one by one, so that an error names the field."""
        if self._places is None:
            return
        checks = self._checks(self._places)
        scanner = Scanner()
        for byte in text.encode():
            before = scanner.copy()
            scanner.feed(bytes([byte]))
            checks.objection(before, scanner)

    def _checks(self, places: Type) -> TypeChecks:
        return TypeChecks(
            places,
            written=self.order == "written",
            schema_objection=lambda text: self._judge_by_schema(text).violation,
        )


def _shortened(reason: str) -> str:
    return reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}…"


JSON_SCHEMA = ConstraintSource(
    name="json_schema",
    description="a JSON Schema, of drafts 4 to 2020-12",
    make=json_schema,
    given_as="path",
)
