"""Finds schemas that are too expensive for the functions of jsonschema-rs, before these are called.

They cannot be interrupted, and three things make them crash or take for ever: a chain of references
that is longer than their stack, conditions that multiply when they are put into one normal form,
and references that lead to one place along exponentially many paths.

The number of alternatives of a conjunction is the product of those of its parts, as in a
disjunctive normal form; that of a disjunction is the sum. A negation exchanges the two.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from condit.constraint.nesting import depth_either_way
from condit.constraint.schema.dialect import HERE, REFERENCES
from condit.constraint.schema.index import ROOT, base_of
from condit.constraint.schema.keywords import Schema, at_pointer
from condit.constraint.schema.reference_graph import Edge, Graph, SchemaNode
from condit.errors import ConstraintTooComplexError

MOST_ALTERNATIVES = 256
"""Alternatives of one conjunction in the normal form at most; what makes more is checked later."""

_MOST_VISITS = 200_000
_MOST_BESIDE = 4
_MOST_DIVISORS = 16
_DEEPEST = 800
_MOST_MERGED = 5_000
_SATURATED = 10**12
_BRANCHES = (
    *('"anyOf"', '"oneOf"', '"allOf"', '"if"', '"not"', '"dependentSchemas"'),
    *('"dependencies"', '"dependentRequired"'),
)
_NOT_MONOTONE = frozenset(["oneOf", "not", "if", "contains"])
"""Keywords that may refuse more when their subschemas accept more."""
_FACTORS = (
    *("anyOf", "oneOf", "if", "not", "dependentSchemas", "dependencies", "dependentRequired"),
    *REFERENCES,
)


def is_ordinary(texts: Sequence[str]) -> bool:
    """Whether documents are surely too small to be expensive; takes some microseconds.

    Args:
        texts: the documents, as ``json.dumps`` writes them.
    """
    references = sum(text.count('ef": "') for text in texts)
    branches = sum(text.count(keyword) for text in texts for keyword in _BRANCHES)
    divisors = sum(text.count('"multipleOf"') for text in texts)
    if references + branches > _DEEPEST // 4 or divisors > _MOST_DIVISORS:
        return False
    if branches < 2:
        return True
    # The largest product of so many factors that have so many members together.
    members = sum(text.count("{") for text in texts)
    return branches * math.log(members / branches + 1) < math.log(8 * MOST_ALTERNATIVES)


def examine(
    schema: Schema, base: str, draft: int, documents: Sequence[tuple[str, Any]]
) -> tuple[tuple[str, str], ...]:
    """The keywords that a schema's normal form must leave out so that it does not grow too large.

    Args:
        schema: the document.
        base: its address.
        draft: the draft that it is written for.
        documents: the others.

    Returns:
        Pointers of subschemas, each with a keyword of theirs, such that the document without
        these keywords accepts every value that the document accepts.

    Raises:
        ConstraintTooComplexError: references lead to one another too deep, or along too many ways.
    """
    graph = _Counted([(base_of(schema, base, draft) or ROOT, schema), *documents], draft)
    graph.refuse_deep()
    graph.refuse_many_ways()
    return graph.set_aside()


def without(schema: Schema, text: str, aside: Sequence[tuple[str, str]]) -> Schema:
    """A document without the keywords from ``examine``; the same object where there are none."""
    if not aside:
        return schema
    copy: Schema = json.loads(text)
    for pointer, keyword in aside:
        for gone in _gone(keyword):
            at_pointer(copy, pointer).pop(gone, None)
    return copy


class _Counted(Graph):
    """A graph with the numbers of alternatives and of visits of each schema."""

    def refuse_deep(self) -> None:
        """Refuse what is nested deeper, references followed, than the native stack is.

        Raises:
            ConstraintTooComplexError: it is.
        """
        leads_to = {name: [to for _, to in node.edges] for name, node in self._nodes.items()}
        if depth_either_way([""], leads_to) > _DEEPEST:
            raise ConstraintTooComplexError(
                f"the schema's references lead to one another more than {_DEEPEST} deep. "
                "Make the chain shorter"
            )

    def refuse_many_ways(self) -> None:
        """Refuse what takes too many steps to check against a single value; count alternatives.

        Raises:
            ConstraintTooComplexError: it does.
        """
        for node in self._bottom_up():
            self._count(node)
            if node.visits > _MOST_VISITS:
                raise ConstraintTooComplexError(
                    f"the schema at {_shown(node.name)} refers to the same schemas along more "
                    f"than {_MOST_VISITS:,} ways, and each would be checked. Refer to them once"
                )

    def set_aside(self) -> tuple[tuple[str, str], ...]:
        """The keywords that are too many for a normal form; see ``examine``.

        Raises:
            ConstraintTooComplexError: there are too many that nothing can be done about.
        """
        fixed = self._fixed()
        aside: list[Edge] = []
        for node in self._bottom_up():
            if aside:
                self._count(node)
            self._reduce([node.name], fixed, aside)
        self._reduce_merged(fixed, aside)
        if aside:
            # What they evaluated is no longer known.
            aside += [
                (node.name, keyword)
                for node in self._nodes.values()
                for keyword in ("unevaluatedItems", "unevaluatedProperties")
                if keyword in node.schema and self._is_movable(node.name, keyword, fixed)
            ]
        gone = tuple(f"{name}/{each}/" for name, keyword in aside for each in _gone(keyword))
        return tuple(
            (name, keyword)
            for name, keyword in aside
            # What stands inside of something else has gone with it.
            if not f"{name}/".startswith(gone)
        )

    def _reduce_merged(self, fixed: set[str], aside: list[Edge]) -> None:
        """The same for what several schemas say together about one key or one item."""
        joining = ("allOf", *REFERENCES)
        work = [
            frozenset([name])
            for name, node in self._nodes.items()
            if any(keyword in joining for keyword, _ in node.edges) and len(node.edges) > 1
        ]
        seen = set(work)
        while work and len(seen) < _MOST_MERGED:
            names = work.pop()
            if len(names) > 1:
                self._reduce(sorted(names), fixed, aside)
            merged: dict[str, set[str]] = {}
            for name in self._flattened(names, joining):
                for keyword, target in self._nodes[name].edges:
                    if keyword not in HERE and keyword not in ("$defs", "definitions"):
                        step = target.removeprefix(name)
                        merged.setdefault(step, set()).add(target)
            for group in map(frozenset, merged.values()):
                if len(group) > 1 and group not in seen:
                    seen.add(group)
                    work.append(group)

    def _reduce(self, names: Sequence[str], fixed: set[str], aside: list[Edge]) -> None:
        """Set aside what makes a conjunction of schemas have too many alternatives."""
        parts = self._flattened(names, ("allOf",))
        # Their least common multiple grows with each of them.
        divided = [name for name in parts if "multipleOf" in self._nodes[name].schema]
        for name in divided[_MOST_DIVISORS:]:
            if self._is_movable(name, "multipleOf", fixed):
                aside.append((name, "multipleOf"))
                self._leave_out(name, "multipleOf")
        if _product([self._nodes[name].alternatives for name in names]) <= MOST_ALTERNATIVES:
            return
        factors = [
            (count, name, keyword)
            for name in parts
            for keyword, count in self._own_factors(self._nodes[name])
        ]
        linear = max(MOST_ALTERNATIVES, len(self._nodes))
        most = max([1, *(count for count, _, _ in factors if count <= linear)])
        limit = max(MOST_ALTERNATIVES, _MOST_BESIDE * most)
        kept = 1
        for count, name, keyword in sorted(factors, key=lambda factor: -factor[0]):
            if count <= linear and kept * count <= limit:
                kept *= count
            elif self._is_movable(name, keyword, fixed):
                aside.append((name, keyword))
                self._leave_out(name, keyword)
            elif name not in fixed:
                raise ConstraintTooComplexError(
                    f"the schema combines too many alternatives at {_shown(name)}/{keyword}. "
                    "Write fewer conditions beside one another there"
                )
        for name in reversed(parts):
            self._count(self._nodes[name])

    def _is_movable(self, name: str, keyword: str, fixed: set[str]) -> bool:
        """Whether a keyword can be left out without refusing more, or breaking a reference."""
        inside = tuple(f"{name}/{each}/" for each in _gone(keyword))
        return (
            (not name or name.startswith("/"))
            and name not in fixed
            and not any(f"{target}/".startswith(inside) for target in self._referred)
        )

    def _leave_out(self, name: str, keyword: str) -> None:
        node = self._nodes[name]
        node.schema = {key: node.schema[key] for key in node.schema if key != keyword}

    def _fixed(self) -> set[str]:
        """The schemas that may not be loosened: something is stricter where they are not."""
        stack = [
            target
            for node in self._nodes.values()
            for keyword, target in node.edges
            if keyword in _NOT_MONOTONE
        ]
        fixed: set[str] = set()
        while stack:
            name = stack.pop()
            if name not in fixed:
                fixed.add(name)
                stack += [target for _, target in self._nodes[name].edges]
        return fixed

    def _count(self, node: SchemaNode) -> None:
        own = self._own_factors(node)
        parts = [self._nodes[name] for name in self._under(node, "allOf")]
        node.alternatives = _product(
            [count for _, count in own] + [part.alternatives for part in parts]
        )
        if self._negates:
            negated = sum(self._negated(node, keyword) for keyword in node.schema)
            node.alternatives_of_negation = min(_SATURATED, max(1, negated))
        node.visits = 1 + sum(self._nodes[name].visits for name in self._here(node.name))

    def _own_factors(self, node: SchemaNode) -> list[tuple[str, int]]:
        found = []
        for keyword in _FACTORS:
            if keyword in node.schema and (count := self._factor(node, keyword)) > 1:
                found.append((keyword, count))
        return found

    def _factor(self, node: SchemaNode, keyword: str) -> int:
        """How many alternatives one keyword has."""
        inner = [self._nodes[name] for name in self._under(node, keyword)]
        if keyword in ("anyOf", "oneOf"):
            value = node.schema[keyword]
            others = len(value) - len(inner) if isinstance(value, list) else 0
            return min(_SATURATED, others + sum(part.alternatives for part in inner))
        if keyword == "not":
            return _product([part.alternatives_of_negation for part in inner])
        if keyword == "if":
            then = _product([self._nodes[name].alternatives for name in self._under(node, "then")])
            other = _product([self._nodes[name].alternatives for name in self._under(node, "else")])
            held = _product([part.alternatives for part in inner])
            failed = _product([part.alternatives_of_negation for part in inner])
            return min(_SATURATED, held * then + failed * other)
        if keyword in REFERENCES:
            return _product([part.alternatives for part in inner])
        # Each key is there, with its consequences, or is not there.
        value = node.schema[keyword]
        names = len(value) if isinstance(value, dict) else 0
        return _product([1 + part.alternatives for part in inner] + [2] * (names - len(inner)))

    def _negated(self, node: SchemaNode, keyword: str) -> int:
        """How many alternatives the negation of one keyword has."""
        inner = [self._nodes[name] for name in self._under(node, keyword)]
        value = node.schema[keyword]
        if keyword in ("anyOf", "oneOf"):
            product = _product([part.alternatives_of_negation for part in inner])
            return product if keyword == "anyOf" else product + len(inner)
        if keyword == "not":
            return _product([part.alternatives for part in inner])
        if keyword == "allOf" or keyword in REFERENCES:
            return sum(part.alternatives_of_negation for part in inner)
        if isinstance(value, (list, dict)) and keyword in ("properties", "required"):
            return len(value)
        return 1


def _product(counts: Sequence[int]) -> int:
    product = 1
    for count in counts:
        product = min(_SATURATED, product * count)
    return product


def _gone(keyword: str) -> tuple[str, ...]:
    """The keywords that mean nothing without this one, and itself."""
    return ("if", "then", "else") if keyword == "if" else (keyword,)


def _shown(name: str) -> str:
    return name or "the top"
