r"""The word boundaries of the flag ``w``, by the rules of Unicode's annex 29."""

from __future__ import annotations

from functools import cache

from condit.constraint.regular.boundaries import WORD_BEGINS, WORD_ENDS, ahead, behind, word_place
from condit.constraint.regular.characters import Characters
from condit.constraint.regular.expression import (
    ANY,
    Node,
    alternation,
    concatenation,
    one,
    repetition,
)
from condit.constraint.regular.properties import members

_LETTERS = ("LE", "HL")


@cache
def default_word_place(kind: str) -> Node:
    r"""A place as ``\b``, ``\B``, ``\m`` or ``\M`` means it under the flag ``w``."""
    inside = _inside_word()
    if kind == "B":
        return inside
    edge = ahead(inside, negative=True)
    # An empty text has no boundary.
    somewhere = alternation(ahead(ANY), behind(ANY))
    if kind == "b":
        return concatenation(somewhere, edge)
    sides = {"m": WORD_BEGINS, "M": WORD_ENDS}[kind]
    return concatenation(somewhere, edge, word_place(members(r"\w"), sides))


def _inside_word() -> Node:
    """A place where no word begins or ends."""
    breaks = _of("CR", "LF", "NL")
    ignored = _of("Extend", "FO", "ZWJ")
    rest = repetition(one(ignored), 0, None)
    letter, number, kana = one(_of(*_LETTERS)), one(_of("NU")), one(_of("KA"))
    hebrew, single, double = one(_of("HL")), one(_of("SQ")), one(_of("DQ"))
    in_letters, in_numbers = one(_of("ML", "MB", "SQ")), one(_of("MN", "MB", "SQ"))
    joiner, flag = one(_of("EX")), one(_of("RI"))
    joined = alternation(letter, number, kana)
    pairs = repetition(concatenation(flag, rest, flag, rest), 0, None)
    adjacent = [
        (one(_of("CR")), one(_of("LF"))),
        (one(_of("ZWJ")), one(members(r"\p{ExtPict}"))),
        (one(_of("WSegSpace")), one(_of("WSegSpace"))),
        (one(breaks.complement()), one(ignored)),
    ]
    rules = [
        (letter, letter),
        (letter, concatenation(in_letters, rest, letter)),
        (concatenation(letter, rest, in_letters), letter),
        (hebrew, single),
        (hebrew, concatenation(double, rest, hebrew)),
        (concatenation(hebrew, rest, double), hebrew),
        (number, number),
        (letter, number),
        (number, letter),
        (concatenation(number, rest, in_numbers), number),
        (number, concatenation(in_numbers, rest, number)),
        (kana, kana),
        (alternation(joined, joiner), joiner),
        (joiner, joined),
        (concatenation(behind(concatenation(flag, rest), negative=True), pairs, flag), flag),
    ]
    return alternation(
        *(concatenation(behind(left), ahead(right)) for left, right in adjacent),
        *(concatenation(behind(concatenation(left, rest)), ahead(right)) for left, right in rules),
    )


def _of(*values: str) -> Characters:
    """The characters with one of these word breaks."""
    return members("[" + "".join(rf"\p{{WB={value}}}" for value in values) + "]")
