"""Which keywords of JSON Schema can refuse a value, in which draft."""

from __future__ import annotations

import enum
from functools import lru_cache
from typing import Any
from urllib.parse import urldefrag

import jsonschema_rs


class Draft(enum.IntEnum):
    """The drafts of JSON Schema that are understood, in order; numbers as of jsonschema-rs."""

    DRAFT_4 = 4
    DRAFT_6 = 6
    DRAFT_7 = 7
    DRAFT_2019_09 = 19
    DRAFT_2020_12 = 20

    def __str__(self) -> str:
        return f"draft {self.name.removeprefix('DRAFT_').replace('_', '-')}"

    @property
    def meta_schema(self) -> str:
        """The address by which `$schema` names the draft."""
        if self < Draft.DRAFT_2019_09:
            return f"http://json-schema.org/draft-0{int(self)}/schema#"
        return f"https://json-schema.org/{str(self).replace(' ', '/')}/schema"

    @classmethod
    @lru_cache(maxsize=256)
    def named(cls, address: str) -> Draft | None:
        """The draft that an address stands for; many write it a little differently."""
        name = urldefrag(address).url.partition("://")[2].rstrip("/")
        name = name.replace("/hyper-schema", "/schema")
        if name == "json-schema.org/schema":
            return cls.DRAFT_2020_12
        known = (
            draft for draft in cls if draft.meta_schema.partition("://")[2].rstrip("#") == name
        )
        return next(known, None)

    @classmethod
    def of(cls, schema: object, default: Draft | None = None) -> Draft:
        """The draft that a schema names by `$schema`; `default` (usually 2020-12) where none."""
        named = schema.get("$schema") if isinstance(schema, dict) else None
        known = cls.named(named) if isinstance(named, str) else None
        return known or default or cls.DRAFT_2020_12


_FIRST, _LAST = Draft.DRAFT_4, Draft.DRAFT_2020_12

# The drafts in which the oracle refuses values by a keyword, from the first to the last. It reads
# `dependencies` in the newest drafts, too, and `$dynamicRef` only in the newest.
ASSERTIONS: dict[str, tuple[Draft, Draft]] = {
    **dict.fromkeys(
        (
            *("type", "enum", "format", "allOf", "anyOf", "oneOf", "not", "$ref"),
            *("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
            *("minLength", "maxLength", "pattern"),
            *("items", "minItems", "maxItems", "uniqueItems"),
            *("properties", "patternProperties", "additionalProperties", "dependencies"),
            *("required", "minProperties", "maxProperties"),
        ),
        (_FIRST, _LAST),
    ),
    **dict.fromkeys(("const", "contains", "propertyNames"), (Draft.DRAFT_6, _LAST)),
    **dict.fromkeys(("if", "then", "else"), (Draft.DRAFT_7, _LAST)),
    **dict.fromkeys(("contentMediaType", "contentEncoding"), (Draft.DRAFT_6, Draft.DRAFT_7)),
    **dict.fromkeys(
        (
            *("minContains", "maxContains", "dependentRequired", "dependentSchemas"),
            *("unevaluatedItems", "unevaluatedProperties"),
        ),
        (Draft.DRAFT_2019_09, _LAST),
    ),
    "additionalItems": (_FIRST, Draft.DRAFT_2019_09),
    "$recursiveRef": (Draft.DRAFT_2019_09, Draft.DRAFT_2019_09),
    "prefixItems": (Draft.DRAFT_2020_12, _LAST),
    "$dynamicRef": (Draft.DRAFT_2020_12, _LAST),
}

REMARKS = frozenset(
    {
        *("title", "description", "default", "examples", "$comment"),
        *("deprecated", "readOnly", "writeOnly"),
        *("contentMediaType", "contentEncoding", "contentSchema"),
    }
)
"""Keywords that are annotations in every draft in which they do not assert."""

REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
"""Keywords that stand for another schema."""

HERE = frozenset(
    [
        *("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"),
        *("dependencies", *REFERENCES),
    ]
)
"""Keywords that apply their subschemas to the very value that they are applied to."""

_NAMING = frozenset({"$schema", "$id", "$anchor", "$dynamicAnchor", "$recursiveAnchor"})
_CONTAINERS = frozenset({"$defs", "definitions", "$vocabulary"})

# Keywords that say something only beside others.
_BESIDE = {
    "then": "if",
    "else": "if",
    "minContains": "contains",
    "maxContains": "contains",
}


def is_identifier(keyword: str, draft: Draft) -> bool:
    """Whether a keyword names a schema or holds definitions, and so refuses no value."""
    return (
        keyword in _NAMING or keyword in _CONTAINERS or (keyword == "id" and draft == Draft.DRAFT_4)
    )


def asserts(keyword: str, schema: dict[str, Any], draft: Draft) -> bool:
    """Whether a keyword of `schema` can refuse a value."""
    return remark(keyword, schema, draft) is None


def remark(keyword: str, schema: dict[str, Any], draft: Draft) -> str | None:
    """Why a keyword of `schema` refuses no value; `None` where it may refuse one."""
    if keyword not in ASSERTIONS:
        return "for the reader" if keyword in REMARKS else "unknown keyword"
    if "$ref" in schema and draft <= Draft.DRAFT_7 and keyword != "$ref":
        return f"ignored beside $ref in {draft}"
    first, last = ASSERTIONS[keyword]
    if not first <= draft <= last:
        return "for the reader" if keyword in REMARKS else f"no keyword of {draft}"
    if keyword in _BESIDE and _BESIDE[keyword] not in schema:
        return f"without effect where {_BESIDE[keyword]} is missing"
    # Later drafts let an `if` alone tell which properties and items are evaluated.
    if keyword == "if" and draft == Draft.DRAFT_7 and not schema.keys() & {"then", "else"}:
        return "without effect where then and else are missing"
    if keyword == "additionalItems" and not isinstance(schema.get("items"), list):
        return "without effect where items is no list"
    if keyword == "format" and not is_checked_format(schema["format"], draft):
        return f"{schema['format']!r} is no format of {draft}"
    return None


@lru_cache(maxsize=1024)
def is_checked_format(name: str, draft: Draft = Draft.DRAFT_2020_12) -> bool:
    """Whether the oracle knows a format in a draft, and refuses strings by it."""
    schema = {"$schema": draft.meta_schema, "format": name}
    try:
        jsonschema_rs.validator_for(schema, validate_formats=True, ignore_unknown_formats=False)
    except jsonschema_rs.ValidationError:
        return False
    return True
