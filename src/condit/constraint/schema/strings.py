"""JSON strings as a schema restricts them, written as terminals of the mask engine."""

from __future__ import annotations

import re
from functools import lru_cache
from math import inf

from jsonschema_rs import CanonicalSchema
from jsonschema_rs import canonical as views

from condit.constraint.schema.characters import FREE
from condit.constraint.schema.cost import Texts, cheap
from condit.constraint.schema.expression import (
    ANY,
    ANYTHING,
    EMPTY,
    NOTHING,
    Node,
    alternation,
    complement,
    intersection,
    repetition,
    word,
)
from condit.constraint.schema.formats import format_texts
from condit.constraint.schema.language import (
    Language,
    any_string,
    both,
    either,
    no_string,
    without,
)
from condit.constraint.schema.patterns import matching
from condit.constraint.schema.spelling import escapes, spelled

__all__ = [
    "Language",
    "any_string",
    "both",
    "either",
    "key_pattern",
    "literal",
    "names_language",
    "no_string",
    "string_language",
    "without",
]

# The drafts that check what a string encodes.
_CHECKS_CONTENT = (6, 7, None)
# The engine looks ahead as far as it takes to finish, and gives up silently after some millions of
# steps: about 12 for each character that must come, 250 where other conditions hold as well.
_LONGEST_LEAST = 20_000
_LONGEST_LEAST_OF_SOME = 1_000
_PLAIN_ASCII = re.compile(r"[ !#-\[\]-~]*")
_SPECIAL = re.compile(r"[^0-9A-Za-z_ :,;<=>@%'!`]")


@lru_cache(maxsize=4096)
def literal(value: str) -> Language:
    """The normal spellings of one string; none where it holds half a surrogate pair."""
    if _PLAIN_ASCII.fullmatch(value):
        return Language(f'/"{_SPECIAL.sub(_escaped, value)}"/')
    if any("\ud800" <= character <= "\udfff" for character in value):
        return no_string()
    return _language(word(value))


def string_language(view: views.StringView, draft: int | None = None) -> Language:
    """The strings that a canonical string node admits.

    Args:
        view: the node.
        draft: as ``CanonicalSchema.draft`` has it: which formats are asserted depends on it.
            ``None``: not known.
    """
    parts: list[Node] = []
    relaxed: dict[str, None] = {}
    for pattern in view.patterns:
        texts = matching(pattern)
        parts.append(texts.node)
        if not texts.exact:
            relaxed["pattern"] = None
    for pattern in view.excluded_patterns:
        texts = matching(pattern)
        if texts.exact:
            parts.append(complement(texts.node))
        else:
            relaxed["pattern"] = None
    for name in view.formats:
        asserted = format_texts(name, draft)
        if asserted is not None:
            parts.append(asserted.node)
            if not asserted.exact:
                relaxed["format"] = None
    for name in view.excluded_formats:
        asserted = format_texts(name, draft)
        if asserted is None:
            # What is not asserted holds for every string.
            return no_string()
        if asserted.exact:
            parts.append(complement(asserted.node))
        else:
            relaxed["format"] = None
    if view.excluded:
        parts.append(complement(alternation(*(word(value) for value in view.excluded))))
    if draft in _CHECKS_CONTENT:
        relaxed.update(dict.fromkeys(["contentEncoding"] if view.content_encodings else []))
        relaxed.update(dict.fromkeys(["contentMediaType"] if view.content_media_types else []))
    texts = cheap(Texts(intersection(*parts)))
    if not texts.exact:
        relaxed["pattern"] = None
    return _bounded(texts.node, view.min_length or 0, view.max_length, tuple(relaxed))


def key_pattern(pattern: str) -> Language:
    """The property names in which ``pattern`` matches somewhere."""
    texts = matching(pattern)
    return _bounded(texts.node, 0, None, () if texts.exact else ("pattern",))


def names_language(node: CanonicalSchema, root: CanonicalSchema) -> Language:
    """The property names that a canonical node admits.

    Args:
        node: the node, as it applies to each name.
        root: the document, where references lead.
    """
    return _names(node, root, frozenset())


def _names(node: CanonicalSchema, root: CanonicalSchema, seen: frozenset[str]) -> Language:
    """Like ``names_language``; the references in ``seen`` are being followed."""
    match node.view():
        case views.TrueView():
            return any_string()
        case views.FalseView():
            return no_string()
        case views.StringView() as view:
            return string_language(view, node.draft)
        case views.MultiTypeView(types):
            return any_string() if "string" in types else no_string()
        case views.TypedGroupView(type_name, body):
            return _names(body, root, seen) if type_name == "string" else no_string()
        case views.ConstView(value):
            return literal(value) if isinstance(value, str) else no_string()
        case views.EnumView(values):
            return literals([value for value in values if isinstance(value, str)])
        case views.NotView(schema):
            return without(any_string(), _names(schema, root, seen))
        case views.AllOfView(branches):
            return both(*(_names(branch, root, seen) for branch in branches))
        case views.AnyOfView(branches):
            return either(*(_names(branch, root, seen) for branch in branches))
        case views.OneOfView(branches):
            found = [_names(branch, root, seen) for branch in branches]
            possible = [language for language in found if not language.is_nothing]
            one_of = either(*possible)
            if len(possible) < 2:
                return one_of
            return Language(
                one_of.expression,
                False,
                tuple(dict.fromkeys((*one_of.relaxed, "oneOf"))),
                one_of.complete,
                one_of.free,
            )
        case views.ReferenceView(uri):
            target = None if uri in seen else root.definition(uri)
            if target is None:
                return _unknown("$ref")
            return _names(target, root, seen | {uri})
        case views.NumberView() | views.IntegerView() | views.ArrayView() | views.ObjectView():
            return no_string()
        case _:
            return _unknown("raw")


def literals(values: list[str]) -> Language:
    """The normal spellings of several strings."""
    return either(*(literal(value) for value in values))


def _unknown(keyword: str) -> Language:
    return Language(any_string().expression, False, (keyword,), free=True)


def _bounded(node: Node, least: int, most: int | None, relaxed: tuple[str, ...]) -> Language:
    """The texts of ``node`` that have as many characters."""
    if most is not None and most < least:
        return no_string()
    longest = _LONGEST_LEAST if node == ANYTHING else _LONGEST_LEAST_OF_SOME
    if least > longest:
        least, relaxed = longest, tuple(dict.fromkeys((*relaxed, "minLength")))
    if node != ANYTHING:
        if node.shortest < least or node.longest > (inf if most is None else most):
            node = intersection(node, repetition(ANY, least, most))
        return _language(node, relaxed)
    if not least and most is None:
        return Language(any_string().expression, not relaxed, relaxed, free=True)
    if most == 0:
        return _language(EMPTY, relaxed)
    count = f"{{{least},{'' if most is None else most}}}"
    return Language(f'/"{FREE}{count}"/', not relaxed, relaxed, free=True)


def _language(node: Node, relaxed: tuple[str, ...] = ()) -> Language:
    if node == NOTHING:
        return no_string()
    complete = escapes(node)
    text = spelled(node, complete)
    quoted = f'/"{text[1:-1]}"/' if text.startswith("/") else f'("\\"" {text} "\\"")'
    return Language(quoted, not relaxed, relaxed, complete)


def _escaped(found: re.Match[str]) -> str:
    return "\\" + found[0]
