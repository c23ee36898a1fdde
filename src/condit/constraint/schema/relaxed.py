"""The record of a keyword that the grammar of a schema does not enforce, but a later check does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Relaxed:
    """One keyword that the grammar allows more than, at one kind of place of the value.

    The grammar is then a superset of the schema there. The check that decides runs when the
    value closes, or at the end of the text.

    Attributes:
        keyword: The keyword as JSON Schema writes it, such as `"uniqueItems"`, or `"raw"` for a
            part of the schema that only the check at the end understands.
        detail: What the grammar allows too much, in words for a reader.
        pointers: JSON pointers of the subschemas of the original document that apply at that
            place. The empty pointer is the whole document.
    """

    keyword: str
    detail: str
    pointers: frozenset[str]
