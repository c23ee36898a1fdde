r"""``\X``: one grapheme, by the rules of Unicode's annex 29, with the ``regex`` module's tables."""

from __future__ import annotations

from functools import cache

import regex  # type: ignore[import-untyped]

from condit.constraint.regular.boundaries import ahead, behind
from condit.constraint.regular.characters import EVERY, Characters
from condit.constraint.regular.expression import (
    ANY,
    EMPTY,
    Node,
    alternation,
    concatenation,
    one,
    repetition,
)
from condit.constraint.regular.properties import members


@cache
def grapheme() -> Node:
    """Characters up to the next place where a grapheme ends; one at least."""
    # Said without a lazy repeat, so that there is one way to match.
    joined = inside_grapheme()
    further = repetition(concatenation(joined, ANY), 0, None)
    return concatenation(ANY, further, ahead(joined, negative=True))


@cache
def inside_grapheme() -> Node:
    """A place between two characters of one grapheme."""
    breaks = _of("CN", "CR", "LF")
    others = one(EVERY.intersection(breaks.complement()))
    picture = one(members(r"\p{ExtPict}"))
    letters = {
        name: one(members(rf"\p{{InCB={name}}}")) for name in ("Consonant", "Extend", "Linker")
    }
    linked = repetition(alternation(letters["Extend"], letters["Linker"]), 0, None)
    # Some versions of the module join what a linker precedes, whatever precedes the linker.
    first = EMPTY if regex.fullmatch(r"\X", "a\u094d\u0915") else letters["Consonant"]
    flag = one(_of("RI"))
    pairs = repetition(concatenation(flag, flag), 0, None)
    extended = repetition(one(_of("EX")), 0, None)
    rules = [
        (one(_of("CR")), one(_of("LF"))),
        (one(_of("L")), one(_of("L", "V", "LV", "LVT"))),
        (one(_of("LV", "V")), one(_of("V", "T"))),
        (one(_of("LVT", "T")), one(_of("T"))),
        (others, one(_of("EX", "ZWJ", "SM"))),
        (one(_of("PP")), others),
        (concatenation(first, linked, letters["Linker"], linked), letters["Consonant"]),
        (concatenation(picture, extended, one(_of("ZWJ"))), picture),
        (concatenation(behind(flag, negative=True), pairs, flag), flag),
    ]
    return alternation(*(concatenation(behind(left), ahead(right)) for left, right in rules))


def _of(*values: str) -> Characters:
    """The characters with one of these grapheme cluster breaks."""
    return members("[" + "".join(rf"\p{{GCB={value}}}" for value in values) + "]")
