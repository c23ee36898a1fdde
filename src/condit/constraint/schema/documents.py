"""The other documents that a schema refers to: from the registry, from files, or metaschemas.

Nothing is fetched from a network.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urlsplit
from urllib.request import url2pathname

import jsonschema_rs

from condit.constraint.json_positions import NotJsonError, read_json
from condit.constraint.schema.dialect import REFERENCES, Draft
from condit.constraint.schema.index import ROOT, address_of, base_of, identifier_of
from condit.constraint.schema.keywords import Schema, pointer_to
from condit.errors import CompileError, ConstraintTooComplexError, UnsupportedConstraintError

Documents = tuple[tuple[str, str], ...]
"""Addresses, without fragment, and the JSON texts that stand there."""

_OUTWARD = re.compile(r'"\$(?:ref|dynamicRef|recursiveRef)": "[^#]')
_TO_METASCHEMA = re.compile(r'"\$ref": "(https?://json-schema\.org/[^"#]+)')
_VALUES = ("const", "enum", "default", "examples", "example")
_MAPS = (
    *("properties", "patternProperties", "$defs", "definitions"),
    *("dependentSchemas", "dependencies"),
)
_LARGEST_FILE = 64_000_000
_LONGEST_EXCERPT = 60
_HALF_SURROGATE = "\\ud"


@dataclass(frozen=True)
class Reference:
    """One place of a document that refers to something.

    Attributes:
        document: the address of the document that it stands in.
        pointer: where in that document.
        written: what it says.
        base: what it is relative to.
    """

    document: str
    pointer: str
    written: str
    base: str

    @property
    def address(self) -> str:
        """The document that it leads to."""
        return address_of(self.written, self.base)

    @property
    def place(self) -> str:
        """Which document and where in it, in words, for a message."""
        if self.document == ROOT:
            return f"the schema refers to {self.written!r} at {self.pointer}"
        return f"{name_of(self.document)} refers to {self.written!r} at {self.pointer}"


def name_of(address: str) -> str:
    """A document's name for a message."""
    path = path_of(address)
    return f"the schema file {path}" if path else f"the document {address!r}"


def path_of(address: str) -> Path | None:
    """The file at an address, if it is one of a file."""
    parts = urlsplit(address)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        return None
    return Path(url2pathname(parts.path))


def read_document(content: object, name: str) -> tuple[Schema, str]:
    """A schema as a fresh object, and as ``json.dumps`` writes it.

    Args:
        content: an object, a JSON text, or the path of a file with one.
        name: what it is called in messages.

    Raises:
        CompileError: it is not JSON, not an object or a boolean, or there is no such file.
        ConstraintTooComplexError: it is nested too deeply, or the file is too large.
    """
    if isinstance(content, os.PathLike):
        content = _read_file(Path(content), name)
    try:
        if isinstance(content, str):
            document = read_json(content)
            text = json.dumps(document)
        else:
            text = json.dumps(content, allow_nan=False)
            # Strictly only where that makes a difference: it takes several times as long.
            document = read_json(text) if _HALF_SURROGATE in text else json.loads(text)
    except NotJsonError as error:
        if error.violation.position is None:
            raise ConstraintTooComplexError(f"{name}: {error.violation.reason}") from None
        position = error.violation.position
        before = (content if isinstance(content, str) else text)[:position]
        line, column = before.count("\n") + 1, position - before.rfind("\n")
        raise CompileError(
            f"{name} is not a JSON text: {error} (line {line}, column {column})", position=position
        ) from None
    except RecursionError:
        raise ConstraintTooComplexError(f"{name} is nested too deeply") from None
    except (TypeError, ValueError) as error:
        raise CompileError(f"{name} is not JSON: {error}") from None
    if not isinstance(document, (dict, bool)):
        raise CompileError(
            f"{name} is not a schema: a schema is a JSON object, true or false, and this is "
            f"{text[:_LONGEST_EXCERPT]}"
        )
    return document, text


def collect(
    schema: Schema,
    text: str,
    base: str,
    draft: int,
    given: Mapping[str, object],
    metaschema: str | None = None,
) -> Documents:
    """All documents that ``schema`` refers to, and those that they refer to.

    Args:
        schema: the document to start from.
        text: the same, as ``json.dumps`` writes it.
        base: its address; files are read only where it is the address of a file.
        draft: what the documents are written for that do not say it themselves.
        given: documents by absolute address, as ``read_document`` takes them.
        metaschema: the address of the schema's own metaschema, where that is among the given.

    Raises:
        UnsupportedConstraintError: a reference leads to a document that is not there; the message
            names the reference and its place.
        CompileError: a document is no JSON, or its file cannot be read.
    """
    if metaschema is None and not _OUTWARD.search(text):
        return ()
    library = _Library(base.startswith("file:"), draft, given)
    library.note_metaschemas(text)
    if metaschema is not None:
        library.documents[metaschema] = library.read(metaschema)
    start = (base_of(schema, base, draft) or ROOT, schema)
    while True:
        known = len(library.documents)
        try:
            jsonschema_rs.Registry([start, *library.documents.items()], retriever=library.fetch)
            break
        except (jsonschema_rs.ReferencingError, ValueError) as error:
            # A retrieved document may need metaschemas, which cannot be retrieved themselves.
            if len(library.documents) > known and not library.refused:
                continue
            raise library.refusal(start, str(error)) from error
    return tuple((address, json.dumps(document)) for address, document in library.documents.items())


def references(document: object, address: str, draft: int) -> Iterator[Reference]:
    """Every reference in a document, with what it is relative to."""
    # A stack: documents may be nested deeper than Python calls may.
    stack: list[tuple[object, tuple[str, ...], str, bool]] = [(document, (), address, False)]
    while stack:
        part, path, base, is_map = stack.pop()
        if isinstance(part, list):
            members = [(str(index), inner) for index, inner in enumerate(part)]
            is_map = False
        elif isinstance(part, dict):
            members = list(part.items())
            if not is_map:
                base = address_of(identifier_of(part, draft), base)
        else:
            continue
        if not is_map and isinstance(part, dict):
            for keyword in REFERENCES:
                written = part.get(keyword)
                if isinstance(written, str):
                    yield Reference(address, pointer_to([*path, keyword]), written, base)
            members = [(key, inner) for key, inner in members if key not in _VALUES]
        stack.extend(
            (inner, (*path, key), base, not is_map and key in _MAPS)
            for key, inner in reversed(members)
        )


@lru_cache(maxsize=8)
def metaschema_documents(draft: int) -> dict[str, Any]:
    """The metaschema of a draft, and the documents it consists of, by address."""
    start = Draft(draft).meta_schema
    bundle: dict[str, Any] = jsonschema_rs.bundle({"$schema": start, "$ref": start}, offline=True)
    found: dict[str, Any] = bundle.get("$defs") or bundle["definitions"]
    return found


class _Library:
    """Finds documents by their address, and remembers which were found and which were not."""

    def __init__(self, reads_files: bool, draft: int, given: Mapping[str, object]) -> None:
        self.documents: dict[str, Any] = {}
        self.refused: dict[str, CompileError | ConstraintTooComplexError] = {}
        self._reads_files = reads_files
        self._draft = draft
        self._given = given
        self._by_identifier: dict[str, str] | None = None

    def fetch(self, address: str) -> Any:
        """What the native registry calls."""
        address = urldefrag(address).url
        try:
            document = self.read(address)
        except (CompileError, ConstraintTooComplexError) as error:
            self.refused.setdefault(address, error)
            raise LookupError(str(error)) from None
        if isinstance(document, dict):
            # The native registry would take the latest draft for it.
            document.setdefault("$schema", Draft(self._draft).meta_schema)
        self.documents[address] = document
        self.note_metaschemas(json.dumps(document))
        return document

    def read(self, address: str) -> Schema:
        """The document at an address."""
        content = self._given.get(address)
        if content is None:
            content = self._given.get(self._identifiers.get(address, ""))
        if content is not None:
            return read_document(content, f"the document {address!r} of the registry")[0]
        path = path_of(address)
        if self._reads_files and path is not None:
            return read_document(path, name_of(address))[0]
        shown = address.removeprefix(ROOT)
        raise UnsupportedConstraintError(
            f"it is outside of the schema, and nothing is fetched. Give it along as "
            f"registry={{{shown!r}: ...}}, or copy it under '$defs' and refer to it there",
            keywords=("$ref",),
        )

    def note_metaschemas(self, text: str) -> None:
        """Add the metaschemas that a document refers to."""
        for address in dict.fromkeys(_TO_METASCHEMA.findall(text)):
            for draft in Draft:
                # The registry knows those of its own draft.
                found = metaschema_documents(draft)
                if draft == self._draft and address in found:
                    continue
                for known, document in found.items():
                    # They are often referred to by the wrong one of http and https.
                    if known.partition(":")[2] == address.partition(":")[2]:
                        self.documents.update({**found, address: document})

    def refusal(self, start: tuple[str, Schema], reason: str) -> Exception:
        """The error to raise for a reference that cannot be resolved."""
        for address, document in [start, *self.documents.items()]:
            for reference in references(document, address, self._draft):
                error = self.refused.get(reference.address)
                if isinstance(error, ConstraintTooComplexError):
                    return ConstraintTooComplexError(f"{reference.place}: {error}")
                if error is not None:
                    return type(error)(f"{reference.place}: {error}", keywords=("$ref",))
        for error in self.refused.values():
            return error
        return CompileError(f"the schema's references cannot be followed: {reason}")

    @property
    def _identifiers(self) -> dict[str, str]:
        """The addresses that the given documents claim for themselves."""
        if self._by_identifier is None:
            self._by_identifier = {}
            for address, content in self._given.items():
                document, _ = read_document(content, f"the document {address!r} of the registry")
                for keyword in ("$id", "id"):
                    own = document.get(keyword) if isinstance(document, dict) else None
                    if isinstance(own, str):
                        self._by_identifier[address_of(own, address)] = address
        return self._by_identifier


def _read_file(path: Path, name: str) -> str:
    try:
        # Reading anything but a regular file might never end.
        if not path.is_file():
            raise CompileError(f"{name} cannot be read: there is no file {path}")
        if path.stat().st_size > _LARGEST_FILE:
            raise ConstraintTooComplexError(
                f"{name} has {path.stat().st_size:,} bytes; at most {_LARGEST_FILE:,} are read"
            )
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CompileError(f"{name} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise CompileError(f"{name} is not a text in UTF-8: {error.reason}") from error
