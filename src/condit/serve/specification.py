"""What a request says of a constraint, as a value that can be compared, sent and kept.

Compiling happens in another process first (`condit.serve.compiler`), so a constraint travels as
what it is made of.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from condit.constraint.algebra.free import free
from condit.constraint.algebra.in_order import in_order
from condit.constraint.algebra.literal import Literal
from condit.constraint.algebra.repeated import repeat
from condit.constraint.algebra.sequence import then
from condit.constraint.algebra.triggered import triggered
from condit.constraint.base import Constraint
from condit.constraint.choice import choice
from condit.constraint.grammar import grammar
from condit.constraint.json_schema import json_schema
from condit.constraint.regex import regex
from condit.constraint.source import ConstraintSource
from condit.errors import ArgumentError
from condit.plugins import find_source

ANY_JSON_OBJECT: Mapping[str, object] = {"type": "object"}


@dataclass(frozen=True)
class Specification:
    """A constraint as a request says it.

    Attributes:
        kind: how it is made: see ``_MAKERS``.
        given: what it is made of, as JSON with sorted keys only where order has no meaning.
        param: the field of the request that says it, for messages; equal ones may differ in it.
        parts: those it is made of, if fields of their own say them, for messages.
    """

    kind: str
    given: str
    param: str = "response_format"
    parts: tuple[Specification, ...] = ()

    @classmethod
    def of(cls, kind: str, given: object, param: str) -> Specification:
        """Of a value that JSON can hold.

        Keys stay in their order: a JSON schema's texts are written in it.
        """
        return cls(kind, json.dumps(given, ensure_ascii=False, separators=(",", ":")), param)

    @property
    def key(self) -> bytes:
        """What tells different constraints apart; short, as many are kept."""
        return hashlib.sha256(f"{self.kind} {self.given}".encode()).digest()

    def build(self) -> Constraint:
        """The constraint.

        Raises:
            ConditError: it cannot be made.
        """
        return made(self.kind, json.loads(self.given))


def named(constraints: Mapping[str, Any] | None) -> list[Specification]:
    """The constraints of ``condit.constraint``, by name."""
    return [
        Specification.of(name, value, f"condit.constraint.{name}")
        for name, value in (constraints or {}).items()
    ]


def all_of(found: Sequence[Specification]) -> Specification | None:
    """The constraint that holds where all of them do; ``None`` if there is none."""
    if len(found) <= 1:
        return found[0] if found else None
    parts = [[each.kind, json.loads(each.given)] for each in found]
    return replace(Specification.of("all", parts, found[0].param), parts=tuple(found))


def made(kind: str, given: Any) -> Constraint:
    """The constraint of a kind, from what it is made of."""
    if kind in _MAKERS:
        maker: Callable[[Any], Constraint] = _MAKERS[kind]
        return maker(given)
    source = find_source("constraints", kind, ConstraintSource)
    if source.given_as == "path":
        raise ArgumentError(f"the constraint {kind!r} is made of a file, which no request can name")
    return source.make(given)


def _json_schema(given: Any) -> Constraint:
    if not isinstance(given, dict | bool):  # a text might be taken for a path
        raise ArgumentError(f"a JSON Schema is an object or a boolean, not {str(given)[:40]!r}")
    return json_schema(given)


def _all(given: Sequence[Sequence[Any]]) -> Constraint:
    first, *rest = (made(kind, of) for kind, of in given)
    for each in rest:
        first = first & each
    return first


def _lacks(word: str) -> Constraint:
    """Texts in which a word is nowhere."""
    return ~then(free(until=word), free())


def _then(given: Sequence[Any]) -> Constraint:
    return then(*(part if isinstance(part, str) else made(*part) for part in given))


def _one_of(given: Sequence[Sequence[Any]]) -> Constraint:
    first, *rest = (made(kind, of) for kind, of in given)
    for each in rest:
        first = first | each
    return first


def _tags(given: Mapping[str, Any]) -> Constraint:
    tags = [(tag["begin"], made(*tag["holds"]), tag["end"]) for tag in given["tags"]]
    return triggered(*tags, at_least=given.get("at_least", 0), at_most=given.get("at_most"))


def _repeated(given: Mapping[str, Any]) -> Constraint:
    part = made(*given["part"])
    return repeat(part, given["least"], given["most"], separator=given["separator"])


def _in_order(given: Mapping[str, Any]) -> Constraint:
    return in_order([made(*part) for part in given["parts"]], given["steps"], given["ends"])


_MAKERS: dict[str, Any] = {
    "json_schema": _json_schema,
    "regex": regex,
    "grammar": grammar,
    "lark": lambda text: grammar(text, syntax="lark"),
    "gbnf": lambda text: grammar(text, syntax="gbnf"),
    "choice": lambda options: choice(*options),
    "literal": Literal,
    "free": lambda until: free(until=until),
    "lacks": _lacks,
    "all": _all,
    "one_of": _one_of,
    "then": _then,
    "repeated": _repeated,
    "tags": _tags,
    "in_order": _in_order,
}
