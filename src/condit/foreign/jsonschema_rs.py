"""What Condit relies on in ``jsonschema-rs``: the canonical form of a schema, kind by kind.

A new field of a view that is not read would make a constraint silently weaker, and a missing one
would raise an AttributeError for some schemas only. So all are checked before a schema is compiled.
"""

from __future__ import annotations

from typing import Any

from condit.foreign.versions import importing, incompatible, require

with importing("jsonschema-rs"):
    import jsonschema_rs
    from jsonschema_rs import CanonicalSchema, canonical

__all__ = ["CanonicalSchema", "probe"]

_NAMES = (
    *("CanonicalSchema", "Draft4", "Draft6", "Draft7", "Draft201909", "Draft202012"),
    *("Draft202012Validator", "ReferencingError", "Registry", "ValidationError"),
    *("ValidationErrorKind", "canonicalize", "meta", "validator_for"),
)
_KINDS = (
    *("ALL_OF", "ANY_OF", "ARRAY", "CONST", "ENUM", "FALSE", "INTEGER", "MULTI_TYPE", "NOT"),
    *("NUMBER", "OBJECT", "ONE_OF", "RAW", "REFERENCE", "STRING", "TRUE", "TYPED_GROUP"),
)
VIEWS: dict[str, tuple[str, ...]] = {
    "AllOfView": ("branches",),
    "AnyOfView": ("branches",),
    "ArrayView": (
        "min_items",
        "max_items",
        "distinctness",
        "prefix_items",
        "items",
        "contains",
    ),
    "ConstView": ("value",),
    "ContainsView": (
        "schema",
        "min_contains",
        "max_contains",
    ),
    "EnumView": ("values",),
    "FalseView": (),
    "IntegerView": (
        "minimum",
        "maximum",
        "multiple_of",
        "not_multiple_of",
    ),
    "MultiTypeView": ("types",),
    "NameFailsView": ("schema",),
    "NotView": ("schema",),
    "NumberView": (
        "minimum",
        "exclusive_minimum",
        "maximum",
        "exclusive_maximum",
        "multiple_of",
        "not_multiple_of",
        "excludes_integers",
    ),
    "ObjectView": (
        "min_properties",
        "max_properties",
        "required",
        "property_names",
        "properties",
        "pattern_properties",
        "additional_properties",
        "violations",
    ),
    "OneOfView": ("branches",),
    "PatternValueFailsView": (
        "pattern",
        "schema",
    ),
    "RawView": (
        "schema",
        "reason",
        "pointer",
    ),
    "ReferenceView": ("uri",),
    "StringView": (
        "min_length",
        "max_length",
        "patterns",
        "excluded_patterns",
        "formats",
        "excluded_formats",
        "content_media_types",
        "content_encodings",
        "excluded",
    ),
    "TrueView": (),
    "TypedGroupView": (
        "type_name",
        "body",
    ),
    "UndeclaredValueFailsView": (
        "names",
        "patterns",
        "additional",
    ),
}
"""The fields of each view, all of which are read or refused by name."""


def probe(found: Any = jsonschema_rs, canonical: Any = canonical) -> None:
    """Check that the library has the names, kinds and fields that are used, and no others.

    Raises:
        IncompatibleDependencyError: some are missing or new.
    """
    require("jsonschema-rs", found, _NAMES)
    require("jsonschema-rs", found.ValidationErrorKind, ("Format", "Referencing"))
    names = (
        *("CanonicalKind", "CanonicalizationError", "Cause", "Distinctness"),
        *("UnsatisfiableReason", "find_unsatisfiable"),
    )
    require("jsonschema-rs", canonical, names)
    require("jsonschema-rs", canonical.CanonicalKind, _KINDS)
    require("jsonschema-rs", canonical.Distinctness, ("ALL_DISTINCT",))
    require("jsonschema-rs", canonical, VIEWS)
    kinds = {name for name in dir(canonical.CanonicalKind) if name.isupper()}
    if unknown := sorted(kinds - set(_KINDS)):
        raise incompatible("jsonschema-rs", f"there are new kinds of schema, {', '.join(unknown)}")
    for name in sorted(each for each in dir(canonical) if each.endswith("View")):
        fields = set(getattr(getattr(canonical, name), "__match_args__", ()))
        if name not in VIEWS:
            raise incompatible("jsonschema-rs", f"there is a new view of a schema, {name}")
        if missing := sorted(set(VIEWS[name]) - fields):
            raise incompatible("jsonschema-rs", f"its {name} has no {', '.join(missing)}")
        if unknown := sorted(fields - set(VIEWS[name])):
            raise incompatible("jsonschema-rs", f"its {name} has new fields, {', '.join(unknown)}")


probe()
