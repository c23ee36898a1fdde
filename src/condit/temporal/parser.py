"""Reads formulas of temporal logic.

The notation is that of Spot, and so are the precedences, from loose to tight: ``->`` and ``<->``
(from the right), ``xor``, ``|``, ``&``, ``U R W M S`` (from the right), and the operators that
stand before one formula.
"""

from __future__ import annotations

import functools
import json
import re
from typing import Any

import lark

from condit.errors import CompileError
from condit.foreign.lark import Token, Transformer, v_args
from condit.temporal.formula import COUNTED, Bounds, Formula, joined, name, negation
from condit.vocabulary import lone_surrogate

_SYNTAX = r"""
?start: implied
?implied: exclusive | exclusive ARROW implied -> binary
?exclusive: disjunction | exclusive XOR disjunction -> binary
?disjunction: conjunction (_OR conjunction)*
?conjunction: timed (_AND timed)*
?timed: prefixed | prefixed BINARY [BOUNDS] timed -> counted
?prefixed: atom | _NOT prefixed -> negated | UNARY [BOUNDS] prefixed -> unary
?atom: NAME -> plain | QUOTED -> quoted | CONSTANT -> constant | "(" implied ")"

ARROW: "->" | "<->" | "=>" | "<=>"
XOR.2: "^" | /xor\b/
_OR.2: /\|\|?|or\b/
_AND.2: /&&?|and\b/
_NOT.2: /!|~|not\b/
BINARY.2: /[URWMS](?![\w.])/
UNARY.2: /(?:WX|[XNFGYZOH])(?![\w.])/
CONSTANT.2: /(?:true|false|last|end)(?![\w.])/
BOUNDS: /\[[^\]\[]*\]/
NAME: /[^\W\d][\w.]*/
QUOTED: /"(?:[^"\\\n]|\\.)*"/
%ignore /\s+/
"""
_EXPECTED = {
    "ARROW": "->",
    "XOR": "",
    "_OR": "|",
    "_AND": "&",
    "BINARY": "U (or R, W, M, S)",
    "NAME": "a name",
    "_NOT": "!",
    "UNARY": "X, F, G or the like",
    "LPAR": "(",
    "RPAR": ")",
    "BOUNDS": "bounds such as [2,5]",
    "$END": "the end",
}
_BOUNDS = re.compile(r"\[\s*(\d+)\s*(?:,|:|\.\.)\s*(\d*)\s*\]")
_MOST_STEPS = 100_000
_DEEPEST = 150
_SAME = {"=>": "->", "<=>": "<->", "^": "xor", "N": "WX", "end": "last"}


def parse(text: str) -> Formula:
    """The formula that ``text`` says.

    >>> str(parse("G(search->Xobserve & F answer) and not !last"))
    'G (search -> Xobserve & F answer) & last'

    Raises:
        CompileError: it is none; the message says where, and what could have come there.
    """
    if fault := lone_surrogate(text):
        raise CompileError(f"the temporal formula cannot be written in UTF-8: {fault}")
    try:
        made = _Maker(text).transform(_parser().parse(text))
    except lark.exceptions.VisitError as error:
        raise error.orig_exc from None
    except lark.exceptions.UnexpectedCharacters as error:
        reason = f"unexpected {error.char!r}"
        raise _error(text, error.pos_in_stream or 0, reason, error.allowed) from None
    except lark.exceptions.UnexpectedToken as error:
        token: Token = error.token
        at_end = token.type == "$END"
        reason = "it ends too early" if at_end else f"unexpected {str(token)!r}"
        position = len(text) if at_end else token.start_pos or 0
        raise _error(text, position, reason, error.expected) from None
    except RecursionError:
        raise _too_deep() from None
    return checked_depth(made)


def checked_depth(formula: Formula) -> Formula:
    """The same formula.

    Raises:
        CompileError: it nests too deep.
    """
    level: tuple[Formula, ...] = (formula,)
    for _ in range(_DEEPEST):
        level = tuple(each for formula in level for each in formula.arguments)
        if not level:
            return formula
    raise _too_deep()


def checked_bounds(first: int, last: int | None) -> str | None:
    """Why these are no bounds; ``None`` where they are."""
    if last is not None and last < first:
        return "the last step is before the first"
    return f"at most {_MOST_STEPS} steps" if max(first, last or 0) > _MOST_STEPS else None


def _too_deep() -> CompileError:
    return CompileError(
        f"the temporal formula nests more than {_DEEPEST} deep; in place of X X X a write F[3,3] a"
    )


def _error(text: str, position: int, reason: str, expected: Any = ()) -> CompileError:
    known = [words for key, words in _EXPECTED.items() if words and key in (expected or ())]
    hint = f"; expected {', '.join(known)}" if known else ""
    shown = f"{text[max(position - 30, 0) : position]}<HERE>{text[position : position + 20]}"
    return CompileError(
        f"the temporal formula does not parse: {reason} at character {position}{hint}: {shown}",
        position=position,
    )


@functools.cache
def _parser() -> lark.Lark:
    return lark.Lark(_SYNTAX, parser="lalr", lexer="basic", maybe_placeholders=True)


@v_args(inline=True)
class _Maker(Transformer[Token, Formula]):
    """Makes formulas of what the parser has found."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self._source = source

    def plain(self, token: Token) -> Formula:
        return name(str(token))

    def quoted(self, token: Token) -> Formula:
        try:
            return name(json.loads(token))
        except ValueError as error:
            reason = f"the quoted name is no JSON string ({error})"
            raise _error(self._source, token.start_pos or 0, reason) from None

    def constant(self, token: Token) -> Formula:
        return Formula(_SAME.get(token, str(token)))

    def negated(self, formula: Formula) -> Formula:
        return negation(formula)

    def binary(self, left: Formula, sign: Token, right: Formula) -> Formula:
        return Formula(_SAME.get(sign, str(sign)), (left, right))

    def conjunction(self, *formulas: Formula) -> Formula:
        return joined("&", formulas)

    def disjunction(self, *formulas: Formula) -> Formula:
        return joined("|", formulas)

    def unary(self, sign: Token, bounds: Token | None, formula: Formula) -> Formula:
        return Formula(_SAME.get(sign, str(sign)), (formula,), "", self._bounds(sign, bounds))

    def counted(self, left: Formula, sign: Token, bounds: Token | None, right: Formula) -> Formula:
        return Formula(str(sign), (left, right), "", self._bounds(sign, bounds))

    def _bounds(self, sign: Token, written: Token | None) -> Bounds | None:
        if written is None:
            return None
        position = written.start_pos or 0
        if sign not in COUNTED:
            raise _error(self._source, position, f"{sign} takes no bounds: {'F G U R'} do")
        found = _BOUNDS.fullmatch(written)
        if found is None:
            raise _error(self._source, position, f"{written!s} are no bounds; write [2,5] or [2,]")
        first, last = int(found[1]), int(found[2]) if found[2] else None
        if (wrong := checked_bounds(first, last)) is not None:
            raise _error(self._source, position, f"{written!s}: {wrong}")
        return first, last
