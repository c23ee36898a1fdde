"""Reads a schema and all documents that it refers to; makes its oracle and its canonical form."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag

import jsonschema_rs
from jsonschema_rs import CanonicalSchema, Registry
from jsonschema_rs.canonical import CanonicalizationError, find_unsatisfiable

from condit.constraint.schema.annex_b import with_strict_patterns
from condit.constraint.schema.bounds import examine, is_ordinary, without
from condit.constraint.schema.branches import with_named_branches
from condit.constraint.schema.dialect import Draft
from condit.constraint.schema.documents import (
    Documents,
    collect,
    name_of,
    read_document,
    references,
)
from condit.constraint.schema.index import ROOT, address_of, base_of
from condit.constraint.schema.keywords import Schema
from condit.constraint.schema.refusal import refusal
from condit.constraint.schema.unsatisfiable import in_words
from condit.errors import (
    ArgumentError,
    CompileError,
    UnsupportedConstraintError,
)

_STANDARD = {
    Draft.DRAFT_2019_09: ("core", "applicator", "validation"),
    Draft.DRAFT_2020_12: ("core", "applicator", "unevaluated", "validation"),
}
_MOST_METASCHEMAS = 20
_MOST_INLINED = 50_000
"""Documents of more characters are not inlined."""


@dataclass(frozen=True)
class Source:
    """A schema and the documents that it refers to: all that its meaning depends on.

    Attributes:
        schema: the document.
        draft: the draft of JSON Schema that it is written for, as ``jsonschema_rs`` counts them.
        base: its address; ``""`` where it has none, ``file:///...`` where it is a file.
        documents: the addresses and the JSON texts of the documents that it refers to, directly
            or not.
        standard: whether all keywords mean what the draft says; not so where the schema's own
            metaschema leaves some out.
        text: the document, as ``json.dumps`` writes it.
        aside: keywords that the canonical form leaves out because it would grow too large, each
            with the pointer of its subschema. Without them the document accepts a superset; the
            oracle has them.
    """

    schema: Schema
    draft: int
    base: str = ""
    documents: Documents = ()
    standard: bool = True
    text: str = field(default="", repr=False, compare=False)
    aside: tuple[tuple[str, str], ...] = field(default=(), repr=False, compare=False)

    def __hash__(self) -> int:
        return hash((self.text, self.draft, self.base, self.documents))

    def loaded(self) -> list[tuple[str, Schema]]:
        """The documents by their addresses, the schema first."""
        start = base_of(self.schema, self.base, self.draft) or ROOT
        others = ((address, json.loads(text)) for address, text in self.documents)
        return [(start, self.schema), *others]


def source_of(
    schema: dict[str, Any] | bool | str | os.PathLike[str],
    registry: Mapping[str, object] | None = None,
) -> Source:
    """Read a schema and everything that it refers to; the network is never asked.

    Args:
        schema: an object, ``True`` or ``False``; a JSON text; or the path of a file. References
            of a file may lead to other files, by a relative path or by a ``file:`` address.
        registry: other documents by address, each as ``schema`` may be.

    Raises:
        ArgumentError: it is none of these.
        CompileError: it is not JSON; a file cannot be read.
        UnsupportedConstraintError: it refers to a document that is neither a file nor in the
            registry; ``$schema`` names a metaschema that is not known.
        ConstraintTooComplexError: it is nested too deeply.
    """
    base = ""
    if isinstance(schema, os.PathLike):
        path = Path(schema)
        base = path.absolute().as_uri()
        document, text = read_document(path, f"the schema file {path}")
    elif isinstance(schema, (dict, bool, str)):
        try:
            document, text = read_document(schema, "the schema")
        except CompileError as error:
            if isinstance(schema, str):
                if schema.lstrip()[:1] not in ("{", "[") and schema.rstrip().endswith(".json"):
                    raise CompileError(
                        f"{error}. A file is given as pathlib.Path({schema!r})"
                    ) from None
                raise
            raise ArgumentError(str(error)) from None
    else:
        raise ArgumentError(
            f"a schema is a dict, a bool, a JSON text or a path, not {type(schema).__name__}"
        )
    if not isinstance(registry, Mapping | None):
        raise ArgumentError(
            f"registry: give a mapping from addresses to schemas, not {type(registry).__name__}"
        )
    given = {
        address_of(address, base or ROOT): content for address, content in (registry or {}).items()
    }
    document, draft, metaschema, standard = _dialect(document, given)
    documents = collect(document, text, base, draft, given, metaschema)
    document, text = _readable(document, text)
    documents = tuple(
        (address, _readable(json.loads(other), other)[1]) for address, other in documents
    )
    base = base or (ROOT if documents else "")
    aside: tuple[tuple[str, str], ...] = ()
    if not is_ordinary([text, *(other for _, other in documents)]):
        others = [(address, json.loads(other)) for address, other in documents]
        aside = examine(document, base, draft, others)
    return Source(document, draft, base, documents, standard, text, aside)


def _readable(document: Schema, text: str) -> tuple[Schema, str]:
    """A document and its text, with patterns that the oracle reads."""
    # Almost every document is read as it stands: its text tells sooner than a walk.
    if '"pattern' not in text:
        return document, text
    strict = with_strict_patterns(document)
    return (document, text) if strict is document else (strict, json.dumps(strict))


def validator(source: Source, formats: bool) -> Any:
    """The oracle: a ``jsonschema_rs`` validator of the whole document.

    Args:
        source: the schema.
        formats: whether ``format`` is asserted.

    Raises:
        CompileError: it is not a valid schema, or refers to something that is not there; the
            message gives the JSON pointer.
        ConstraintTooComplexError: it is nested too deeply.
    """
    try:
        return jsonschema_rs.validator_for(
            source.schema, validate_formats=formats, ignore_unknown_formats=True, **_where(source)
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        raise _refusal(source, error) from error


def canonical(source: Source, formats: bool, *, named: bool = False) -> CanonicalSchema:
    """The schema in canonical form; a ``Raw`` node where that cannot be had.

    Args:
        source: the schema.
        formats: whether ``format`` is asserted.
        named: whether the alternatives of long lists are put behind references first.

    Raises:
        CompileError: as of ``validator``.
        ConstraintTooComplexError: it is nested too deeply.
    """
    try:
        schema = _plain(source)
        if named:
            schema = with_named_branches(schema, source.text, source.draft)
        return jsonschema_rs.canonicalize(schema, validate_formats=formats, **_where(source))
    except (
        jsonschema_rs.ValidationError,
        jsonschema_rs.ReferencingError,
        CanonicalizationError,
        ValueError,
    ) as error:
        # The oracle's error is more helpful.
        validator(source, formats)
        raise _refusal(source, error) from error


def has_long_lists(source: Source) -> bool:
    """Whether ``canonical`` with ``named`` differs from that without."""
    schema = _plain(source)
    return with_named_branches(schema, source.text, source.draft) is not schema


def inlined(source: Source) -> Source | None:
    """The schema with what it refers to in the place of its references, where that is not large.

    Only references in a circle are left. What they lead to could not be combined with what stands
    beside them.
    """
    if source.aside or len(source.text) > _MOST_INLINED:
        return None
    try:
        schema = jsonschema_rs.dereference(_plain(source), **_where(source))
    except (jsonschema_rs.ReferencingError, ValueError):
        return None
    text = json.dumps(schema)
    if text == source.text or len(text) > 10 * _MOST_INLINED:
        return None
    return replace(source, schema=schema, text=text)


def unsatisfiable_reason(source: Source, formats: bool = True) -> str:
    """Why no value satisfies a schema whose canonical form is known to be unsatisfiable.

    Args:
        source: the schema.
        formats: whether ``format`` is asserted.
    """
    reasons = find_unsatisfiable(_plain(source), validate_formats=formats, **_where(source))
    return f"no value satisfies the schema: {in_words(source.schema, reasons)}"


def _where(source: Source) -> dict[str, Any]:
    """The arguments of jsonschema-rs for the base address and the documents of a source."""
    # A base given along outranks the document's own, so that one has to be given.
    where: dict[str, Any] = {"offline": True}
    if base := base_of(source.schema, source.base, source.draft):
        where["base_uri"] = base
    if source.documents:
        resources = [(address, json.loads(text)) for address, text in source.documents]
        where["registry"] = Registry(resources)
    return where


def _plain(source: Source) -> Schema:
    """What is put into canonical form: the document as one of its draft, within bounds."""
    schema = without(source.schema, source.text, source.aside)
    if isinstance(schema, bool) or not source.standard:
        return schema
    # A custom metaschema that changes no meaning is of no use here.
    if any(address == schema.get("$schema") for address, _ in source.documents):
        return {**schema, "$schema": Draft(source.draft).meta_schema}
    return schema


def _dialect(schema: Schema, given: Mapping[str, object]) -> tuple[Schema, int, str | None, bool]:
    """The document, its draft, its own metaschema, and whether all keywords have their meaning."""
    written = schema.get("$schema") if isinstance(schema, dict) else None
    if isinstance(schema, bool) or written is None:
        return schema, Draft.DRAFT_2020_12, None, True
    if not isinstance(written, str):
        raise CompileError(
            f"the schema is not valid at /$schema: {json.dumps(written)[:60]} is not the address "
            "of a metaschema",
            keywords=("$schema",),
        )
    address = urldefrag(written).url
    draft = Draft.named(written)
    if draft is not None:
        if "hyper-schema" in address or "#/" in written:
            schema = {**schema, "$schema": draft.meta_schema}
        return schema, draft, None, True
    if address in given:
        return schema, *_custom(address, given)
    meant = next((each.meta_schema for each in Draft if _short(each) in written), None)
    raise UnsupportedConstraintError(
        f"the schema is written for {written!r} at /$schema, which is not known. "
        + (f"Perhaps {meant!r} is meant. " if meant else "")
        + "Known are drafts 4, 6, 7, 2019-09 and 2020-12; a metaschema of your own is given along "
        f"as registry={{{address!r}: ...}}",
        keywords=("$schema",),
    )


def _custom(address: str, given: Mapping[str, object]) -> tuple[int, str, bool]:
    """The draft behind a metaschema of the user's, and whether it keeps all its vocabularies."""
    metaschema, _ = read_document(given[address], f"the metaschema {address!r}")
    vocabularies = metaschema.get("$vocabulary") if isinstance(metaschema, dict) else None
    here = metaschema
    for _ in range(_MOST_METASCHEMAS):
        above = here.get("$schema") if isinstance(here, dict) else None
        draft = Draft.DRAFT_2020_12 if above is None else Draft.named(str(above))
        if draft is not None:
            break
        if not isinstance(above, str) or above not in given:
            raise UnsupportedConstraintError(
                f"the metaschema {address!r} is written for {above!r}, which is not known",
                keywords=("$schema",),
            )
        here, _ = read_document(given[above], f"the metaschema {above!r}")
    else:
        raise CompileError(
            f"the metaschemas from {address!r} on lead to one another without end",
            keywords=("$schema",),
        )
    names = _STANDARD.get(draft, ())
    prefix = draft.meta_schema.removesuffix("schema") + "vocab/"
    standard = not isinstance(vocabularies, dict) or all(
        prefix + name in vocabularies for name in names
    )
    return draft, address, standard


def _short(draft: Draft) -> str:
    return draft.meta_schema.removesuffix("#").removesuffix("/schema").rpartition("/")[2]


def _refusal(source: Source, error: Exception) -> Exception:
    """The error to raise for one of jsonschema-rs."""
    kind = getattr(error, "kind", None)
    about_references = isinstance(
        error, (jsonschema_rs.ReferencingError, CanonicalizationError)
    ) or isinstance(kind, jsonschema_rs.ValidationErrorKind.Referencing)
    if about_references and (found := _broken_reference(source)) is not None:
        return found
    for address, text in source.documents:
        document = json.loads(text)
        try:
            jsonschema_rs.meta.validate(document)
        except jsonschema_rs.ValidationError as reason:
            # The oracle does not say in which document it found this.
            return type(told := refusal(document, reason))(f"in {name_of(address)}: {told}")
        except ValueError:
            continue
    return refusal(source.schema, error)


def _broken_reference(source: Source) -> CompileError | None:
    """The first reference that leads nowhere, as the error to raise."""
    documents = source.loaded()
    for address, document in documents:
        for reference in references(document, address, source.draft):
            try:
                registry = Registry(documents)
                registry.resolver(reference.base).lookup(reference.written)
            except (jsonschema_rs.ReferencingError, ValueError) as error:
                reason = str(error).split("\n")[0]
                return CompileError(
                    f"{reference.place}, which is not there: {reason}", keywords=("$ref",)
                )
    return None
