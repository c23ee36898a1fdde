"""The subschemas of some documents by their place, and where references among them lead.

Nothing is fetched here, and no error is raised: a reference that leads nowhere has no target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from condit.constraint.schema.dialect import Draft
from condit.constraint.schema.keywords import Schema, inside, step_into

ROOT = "json-schema:///"
"""The address of a schema that has none of its own."""

_NAMES = frozenset({"$schema", "$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor"})


def address_of(written: str, base: str) -> str:
    """The document that a reference leads to, without fragment."""
    if written.startswith("#"):
        return base
    if base.startswith(ROOT) and not urlsplit(written).scheme:
        # The standard library joins only addresses of schemes that it knows.
        joined = urljoin(f"file:///{base.removeprefix(ROOT)}", written)
        return urldefrag(ROOT + joined.removeprefix("file:///")).url
    return urldefrag(urljoin(base, written)).url


def identifier_of(part: object, draft: int) -> str:
    """What a schema calls itself; ``#`` where it does not."""
    if not isinstance(part, dict):
        return "#"
    # Up to draft 7 nothing beside a reference counts.
    if draft <= Draft.DRAFT_7 and "$ref" in part:
        return "#"
    own = part.get("id" if draft == Draft.DRAFT_4 else "$id")
    return own if isinstance(own, str) and own else "#"


def base_of(schema: Schema, base: str, draft: int) -> str:
    """What the references of a document are relative to, once it has said so itself.

    Args:
        schema: the document.
        base: where it comes from; ``""`` for nowhere.
        draft: what it is written for.

    Returns:
        An absolute address, or ``""`` where neither the one nor the other is known.
    """
    address = address_of(identifier_of(schema, draft), base or ROOT)
    return "" if address.startswith(ROOT) else address


@dataclass(frozen=True, eq=False)
class Subschema:
    """One subschema of a document, with what it inherits from around it.

    Attributes:
        schema: its keywords.
        draft: the draft in which they are read.
        base: the address that its references are relative to.
    """

    schema: dict[str, Any]
    draft: Draft
    base: str


class Index:
    """Every subschema of some documents; those that are ``true`` or ``false`` are left out.

    Attributes:
        subschemas: by their place: in the first document a JSON pointer, in the others the
            document's address, ``#`` and a pointer. A reference may lead to a place that no keyword
            holds: what is there is added when ``targets`` is asked.

    Args:
        documents: by their address; the first is the schema itself.
        draft: what is read where ``$schema`` names no draft; 2020-12, if not given.
    """

    def __init__(self, documents: Sequence[tuple[str, object]], draft: int | None = None) -> None:
        self.subschemas: dict[str, Subschema] = {}
        self._documents: dict[str, object] = {}
        self._resources: dict[str, str] = {}
        self._anchors: dict[str, str] = {}
        self._dynamic: dict[str, list[str]] = {}
        default = None if draft is None else Draft(draft)
        for address, document in documents:
            start = f"{address}#" if self._documents else ""
            self._documents[start] = document
            self._resources[address] = start
            self._add(start, document, Draft.of(document, default), address)

    def _add(self, place: str, schema: object, draft: Draft, base: str) -> None:
        """Take in a schema and all inside it, with their addresses and anchors."""
        ahead = [(place, schema, draft, base)]
        while ahead:
            place, schema, draft, base = ahead.pop()
            if not isinstance(schema, dict) or place in self.subschemas:
                continue
            # Most have no name: that is seen at once.
            if not _NAMES.isdisjoint(schema):
                draft = Draft.of(schema, draft)
                base = self._name(place, schema, draft, base)
            self.subschemas[place] = Subschema(schema, draft, base)
            ahead += [(place + step, part, draft, base) for _, step, part in inside(schema)]

    def _name(self, place: str, schema: dict[str, Any], draft: Draft, base: str) -> str:
        """Note what a schema calls itself; returns the address that its references start from."""
        own = identifier_of(schema, draft)
        if own != "#" and own.startswith("#"):
            self._anchors.setdefault(base + own, place)
        elif own != "#":
            base = address_of(own, base)
            self._resources.setdefault(base, place)
        for keyword in ("$anchor", "$dynamicAnchor"):
            if isinstance(anchor := schema.get(keyword), str):
                self._anchors.setdefault(f"{base}#{anchor}", place)
                if keyword == "$dynamicAnchor":
                    self._dynamic.setdefault(anchor, []).append(place)
        if schema.get("$recursiveAnchor") is True:
            self._dynamic.setdefault("", []).append(place)
        return base

    def targets(self, at: Subschema, keyword: str) -> list[str]:
        """The places that a reference may lead to.

        Args:
            at: the subschema that refers.
            keyword: ``$ref`` or another of ``dialect.REFERENCES``.
        """
        written = at.schema.get(keyword)
        if not isinstance(written, str):
            return []
        address, fragment = address_of(written, at.base), unquote(written.partition("#")[2])
        if fragment and not fragment.startswith("/"):
            place = self._anchors.get(f"{address}#{fragment}")
        else:
            resource = self._resources.get(address)
            place = None if resource is None else resource + fragment
        found = [] if place is None or not self._is_there(place) else [place]
        if keyword != "$ref":
            # Which of these it is depends on the way that led here: any may be.
            found += self._dynamic.get(fragment, ())
        return list(dict.fromkeys(found))

    def leads_outside(self, at: Subschema, keyword: str) -> bool:
        """Whether a reference leads to none of the documents."""
        return address_of(at.schema[keyword], at.base) not in self._resources

    def _is_there(self, place: str) -> bool:
        """Whether a subschema is at a place, which may be one that no keyword holds."""
        if place in self.subschemas:
            return True
        start = "" if place.startswith("/") else place[: place.find("#") + 1]
        here, value = start, self._documents[start]
        around = self.subschemas.get(start)
        for step in place.removeprefix(start).split("/")[1:]:
            here, value = f"{here}/{step}", step_into(value, step)
            around = self.subschemas.get(here, around)
        if around is not None:
            self._add(place, value, around.draft, around.base)
        return place in self.subschemas
