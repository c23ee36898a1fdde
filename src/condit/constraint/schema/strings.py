"""The JSON strings that a schema admits, as terminals of the mask engine.

How their texts are combined is in ``texts.py``, and how they are escaped in ``spelling.py``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from math import inf

from jsonschema_rs import CanonicalSchema
from jsonschema_rs import canonical as views

from condit.constraint.regular.characters import quoted
from condit.constraint.regular.engine_text import count
from condit.constraint.regular.expression import (
    ANY,
    ANYTHING,
    EMPTY,
    NOTHING,
    Node,
    Repetition,
    Written,
    alternation,
    intersection,
    repetition,
    word,
)
from condit.constraint.schema.cost import cheap
from condit.constraint.schema.formats import format_texts
from condit.constraint.schema.json_characters import FREE
from condit.constraint.schema.patterns import matching
from condit.constraint.schema.spelling import escapes, spelled
from condit.constraint.schema.texts import Texts, both, either, merged, without

# The drafts that check what a string encodes.
_CHECKS_CONTENT = (6, 7, None)
# The engine looks ahead as far as it takes to finish, and gives up silently after some millions of
# steps: about 12 for each character that must come, 250 where other conditions hold as well.
_LONGEST_LEAST = 20_000
_LONGEST_LEAST_OF_SOME = 1_000
_PLAIN_ASCII = re.compile(r"[ !#-\[\]-~]*")
_NOTHING = "/[a&&b]/"
_WITHOUT_STRINGS = (
    *(views.FalseView, views.NumberView, views.IntegerView, views.ArrayView, views.ObjectView),
    views.TypedGroupView,
)


@dataclass(frozen=True)
class Language:
    """JSON strings as the mask engine reads them, quotes included.

    Restricted strings have only their normal spellings (see ``characters.py``), or only the plain
    ones if the normal ones are too many to write out; unrestricted strings have all spellings.

    Attributes:
        expression: the right side of a Lark terminal's definition, self-contained, that can be
            used as one operand of any operator.
        relaxed: the keywords that the expression does not enforce in full.
    """

    expression: str
    relaxed: tuple[str, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether it is known, without the engine, that there is no such string."""
        return self.expression == _NOTHING


@lru_cache(maxsize=4096)
def language(texts: Texts) -> Language:
    """The JSON strings of some texts."""
    node = texts.node
    if node == NOTHING:
        return Language(_NOTHING)
    if node == ANY or (isinstance(node, Repetition) and node.item == ANY):
        least, most = (1, 1) if node == ANY else (node.least, node.most)  # type: ignore[attr-defined]
        return Language(f'/"{FREE}{count(least, most)}"/', texts.relaxed)
    text = spelled(node, escapes(node))
    quoted = f'/"{text[1:-1]}"/' if text.startswith("/") else f'("\\"" {text} "\\"")'
    return Language(quoted, texts.relaxed)


ANY_STRING = language(Texts(ANYTHING)).expression
"""All JSON strings, in any spelling without half surrogate pairs."""


@lru_cache(maxsize=4096)
def literal(value: str) -> Language:
    """The normal spellings of one string; none where it holds half a surrogate pair."""
    node = _word(value)
    return Language(f'/"{node.regex}"/') if isinstance(node, Written) else language(Texts(node))


@lru_cache(maxsize=4096)
def _word(value: str) -> Node:
    if value and _PLAIN_ASCII.fullmatch(value):
        return Written("".join(map(quoted, value)))
    return NOTHING if any("\ud800" <= each <= "\udfff" for each in value) else word(value)


@lru_cache(maxsize=4096)
def words(*values: str) -> Texts:
    """Just these texts."""
    return Texts(alternation(*map(_word, values)))


def string_texts(view: views.StringView, draft: int | None = None) -> Texts:
    """The texts that a canonical string node admits.

    Args:
        view: the node.
        draft: as ``CanonicalSchema.draft`` has it: which formats are asserted depends on it.
            ``None``: not known.
    """
    texts = both(*map(matching, view.patterns))
    for pattern in view.excluded_patterns:
        texts = without(texts, matching(pattern))
    # A format that is not asserted admits every string.
    for name in view.formats:
        texts = both(texts, format_texts(name, draft) or Texts(ANYTHING))
    for name in view.excluded_formats:
        texts = without(texts, format_texts(name, draft) or Texts(ANYTHING))
    texts = without(texts, words(*view.excluded))
    relaxed = texts.relaxed
    if draft in _CHECKS_CONTENT:
        relaxed += ("contentEncoding",) * bool(view.content_encodings)
        relaxed += ("contentMediaType",) * bool(view.content_media_types)
    return _bounded(cheap(Texts(texts.node, relaxed)), view.min_length or 0, view.max_length)


def names_texts(node: CanonicalSchema) -> Texts:
    """The property names that a canonical node admits, or more where it combines others."""
    match node.view():
        case views.StringView() as view:
            return string_texts(view, node.draft)
        case views.MultiTypeView(types):
            return Texts(ANYTHING if "string" in types else NOTHING)
        case views.TypedGroupView("string", body):
            return names_texts(body)
        case views.ConstView(value):
            return words(value) if isinstance(value, str) else words()
        case views.EnumView(values):
            return words(*(value for value in values if isinstance(value, str)))
        case views.TrueView():
            return Texts(ANYTHING)
        case views.AnyOfView(branches):
            return either(*map(names_texts, branches))
        case view:
            # Conjunctions, negations and references are looked at when a name closes.
            nothing = isinstance(view, _WITHOUT_STRINGS)
            return Texts(NOTHING) if nothing else Texts(ANYTHING, ("propertyNames",))


def _bounded(texts: Texts, least: int, most: int | None) -> Texts:
    """The texts with ``least`` to ``most`` characters (``None``: no bound)."""
    node, relaxed = texts.node, texts.relaxed
    if most is not None and most < least:
        return Texts(NOTHING)
    longest = _LONGEST_LEAST if node == ANYTHING else _LONGEST_LEAST_OF_SOME
    if least > longest:
        least, relaxed = longest, merged(relaxed, ("minLength",))
    if node.shortest < least or node.longest > (inf if most is None else most):
        node = EMPTY if node == ANYTHING and most == 0 else node
        node = intersection(node, repetition(ANY, least, most))
    return Texts(node, relaxed)
