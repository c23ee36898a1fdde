"""Where each keyword of a schema is enforced: at the token, at the close of a value, at the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from condit.constraint.plan import Plan
from condit.constraint.schema.dialect import REFERENCES, Draft, asserts, is_identifier, remark
from condit.constraint.schema.graph import SchemaGraph, order_of
from condit.constraint.schema.keywords import Schema, escape
from condit.constraint.schema.relaxed import Relaxed

Where = Literal["token", "close", "end", "annotation"]
"""How early a keyword is enforced.

`"token"`: a token that breaks it is never drawn. `"close"`: the text is refused when the key,
value, item or object closes that breaks it. `"end"`: only the finished text is refused.
`"annotation"`: it asks nothing of a value.
"""

RAW = "raw"
"""The keyword of a `Relaxed` for what only the check at the end understands."""

# Rewriting turns each of these into the others.
_LOGIC = frozenset(
    {
        *("not", "oneOf", "if", "then", "else"),
        *("dependencies", "dependentRequired", "dependentSchemas"),
    }
)
_FAMILIES = (
    _LOGIC,
    frozenset({"contains", "minContains", "maxContains"}),
    frozenset({"minProperties", "maxProperties"}),
)
# What a keyword may have come from that is written nowhere at its place.
_SOURCES = _LOGIC | {"allOf", "anyOf", "unevaluatedItems", "unevaluatedProperties"}

# While these are relaxed, the grammar asks nothing that stands in the schema they hold.
_HOLDING = frozenset({"contains", "propertyNames", "not", "if", "dependentSchemas"})


@dataclass(frozen=True)
class Enforcement:
    """Where one keyword of a schema is enforced.

    Attributes:
        pointer: JSON pointer of the subschema that has the keyword; empty for the whole document.
        keyword: the keyword.
        where: how early it is enforced.
        note: what there is to say about it; often empty.
    """

    pointer: str
    keyword: str
    where: Where
    note: str = ""


def plan_of(
    schema: Schema, relaxed: Sequence[Relaxed], *, formats: bool = True, draft: Draft | None = None
) -> Plan[Enforcement]:
    """Where each keyword of a schema is enforced, in the order of the document.

    There is one entry for each keyword of each subschema that can apply to a value: those that
    keywords hold, and those that references lead to. Identifiers and containers of definitions
    have none. Where a definition is used in several places, its keywords are listed as in the
    place where they are enforced last.

    A compiler rewrites a schema before it relaxes something, so what it relaxed is not always a
    keyword that the document has. The rule is careful: a keyword that the grammar does not enforce
    is never listed under the token, while one that it does enforce may be listed under a later
    check.

    1. A relaxed keyword stands for its family at its pointers: `contains`, `minContains` and
       `maxContains`; `minProperties` and `maxProperties`; or `not`, `oneOf`, `if`, `then`, `else`
       and dependencies, which are rewritten into one another.
    2. If nothing of the family is written there, it came from a keyword that combines schemas:
       those of the last family, `allOf`, `anyOf`, `unevaluatedItems`, `unevaluatedProperties`. If
       there is none either, from any keyword there.
    3. What stands under a relaxed `contains`, `propertyNames`, `not`, `if` or `dependentSchemas` is
       enforced when that one is.
    4. A `not` or an `if` waits for what stands under it: while that is relaxed, so is its contrary.
    5. Under `"raw"` all is left to the end.

    Args:
        schema: the document, as Python's `json` reads it.
        relaxed: what its grammar relaxes. Pointers that lead to no subschema are passed over; one
            without any other is taken to be about the whole document.
        formats: whether formats are asserted.
        draft: how the schema is read where its `$schema` names no draft; as 2020-12, if not given.
    """
    graph = SchemaGraph.of(schema, draft)
    marks = _Marks(graph, formats)
    for each in relaxed:
        marks.relax(each)
    marks.spread()
    places = order_of(schema)
    found: list[tuple[int, Enforcement]] = []
    for pointer, subschema in graph.subschemas.items():
        for keyword in subschema.schema:
            if not is_identifier(keyword, subschema.draft):
                place = places[f"{pointer}/{escape(keyword)}"]
                found.append((place, marks.enforcement(pointer, keyword)))
    return Plan(enforcement for _, enforcement in sorted(found, key=lambda each: each[0]))


class _Marks:
    """Which keywords are enforced later than at the token, and why."""

    def __init__(self, graph: SchemaGraph, formats: bool) -> None:
        self._graph = graph
        self._formats = formats
        self._notes: dict[Where, dict[tuple[str, str], dict[str, None]]] = {"close": {}, "end": {}}
        self._below: set[str] = set()
        self._raw: set[str] = set()

    def relax(self, relaxed: Relaxed) -> None:
        """Mark the keywords that a relaxation stands for."""
        known = self._graph.subschemas
        pointers = [pointer for pointer in relaxed.pointers if pointer in known] or list(known)
        # What stands in another document has no pointer here: the reference stands for it.
        outside = [each for each in self._asserting(pointers) if each in self._graph.outside]
        if relaxed.keyword == RAW:
            self._mark("end", self._asserting(pointers), relaxed.detail)
            self._raw.update(pointers)
            return
        family = {relaxed.keyword}.union(*(each for each in _FAMILIES if relaxed.keyword in each))
        asserting = self._asserting(pointers)
        meant = [(pointer, keyword) for pointer, keyword in asserting if keyword in family]
        meant = meant or [(p, keyword) for p, keyword in asserting if keyword in _SOURCES]
        self._mark("close", [*meant, *outside] or asserting, relaxed.detail)
        for pointer, keyword in meant:
            if keyword == relaxed.keyword and keyword in _HOLDING:
                edges = self._graph.leads_to[pointer]
                self._below.update(target for held, target in edges if held == keyword)

    def spread(self) -> None:
        """Mark what is enforced later because of what was marked."""
        below = self._graph.reached(self._below)
        self._mark("close", self._asserting(below), "under a keyword that is checked then")
        raw = self._graph.reached(self._raw)
        self._mark("end", self._asserting(raw), "in a part that is checked then")
        for where in ("close", "end"):
            late = self._graph.reaching({pointer for pointer, _ in self._notes[where]})
            waiting = [
                (pointer, keyword)
                for pointer, edges in self._graph.leads_to.items()
                for keyword, target in edges
                if keyword in ("not", "if") and target in late
            ]
            branches = [
                (pointer, branch)
                for pointer, keyword in waiting
                if keyword == "if"
                for branch in ("then", "else")
                if branch in self._graph.subschemas[pointer].schema
            ]
            self._mark(where, [*waiting, *branches], "waits for what decides it")

    def enforcement(self, pointer: str, keyword: str) -> Enforcement:
        """Where a keyword is enforced."""
        here = self._graph.subschemas[pointer]
        note = remark(keyword, here.schema, here.draft)
        if note is None and keyword == "format" and not self._formats:
            note = "formats are not asserted"
        if note is not None:
            return Enforcement(pointer, keyword, "annotation", note)
        later: tuple[Where, ...] = ("end", "close")
        for where in later:
            if (pointer, keyword) in self._notes[where]:
                notes = filter(None, self._notes[where][pointer, keyword])
                return Enforcement(pointer, keyword, where, "; ".join(notes))
        return Enforcement(pointer, keyword, "token", self._target(pointer, keyword))

    def _target(self, pointer: str, keyword: str) -> str:
        """Where a reference leads; empty for other keywords."""
        if (pointer, keyword) in self._graph.outside:
            return "to another document"
        if keyword not in REFERENCES:
            return ""
        edges = self._graph.leads_to[pointer]
        targets = [target or "the top" for held, target in edges if held == keyword]
        return f"to {', '.join(targets)}" if targets else ""

    def _asserting(self, pointers: Iterable[str]) -> list[tuple[str, str]]:
        return [
            (pointer, keyword)
            for pointer in pointers
            for here in [self._graph.subschemas[pointer]]
            for keyword in here.schema
            if asserts(keyword, here.schema, here.draft)
        ]

    def _mark(self, where: Where, keywords: Iterable[tuple[str, str]], note: str) -> None:
        for each in keywords:
            self._notes[where].setdefault(each, {}).setdefault(note)
