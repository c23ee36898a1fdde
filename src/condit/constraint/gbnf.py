r"""GBNF, the grammar language of llama.cpp, rewritten as Lark.

Every literal is split into characters: GBNF has no terminals, so that nothing is read greedily. The
result is compiled by ``grammar_rules.py``.
"""

from __future__ import annotations

import functools
import re

import lark

from condit.errors import CompileError
from condit.foreign.lark import Token, Transformer, v_args

_SYNTAX = r"""
start: rule+
rule: HEAD alternatives
alternatives: sequence ("|" sequence)*
sequence: item*
item: atom REPEAT?
atom: LITERAL -> text
    | CLASS -> one_of
    | "." -> anything
    | NAME -> reference
    | "(" alternatives ")" -> group

HEAD: /[A-Za-z_][\w-]*\s*::=/
NAME: /[A-Za-z_][\w-]*(?!\s*::=|[\w-])/
LITERAL: /"(?:[^"\\\n]|\\.)*"/
CLASS: /\[(?:[^\]\\\n]|\\.)*\]/
REPEAT: /[*+?]|\{\s*\d*\s*,?\s*\d*\s*\}/
COMMENT: /#[^\n]*/
%ignore COMMENT
%ignore /\s+/
"""
_ESCAPED = re.compile(
    r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))|([^\\])", re.DOTALL
)
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t"}
_ANYTHING = "/[^a]|a/"


def gbnf_to_lark(text: str, start: str = "root") -> tuple[str, str]:
    """The Lark grammar for the GBNF grammar ``text``, and the name of its first rule.

    Raises:
        CompileError: it does not parse, or names an undefined rule; the message gives line and
            column, the error's ``position`` the character.
    """
    try:
        tree = _parser().parse(text)
    except lark.exceptions.UnexpectedInput as error:
        if isinstance(error, lark.exceptions.UnexpectedCharacters):
            position, found = error.pos_in_stream or 0, f"unexpected {error.char!r}"
        else:
            token: Token = error.token  # type: ignore[attr-defined]
            is_end = token.type == "$END"
            position = len(text) if is_end else token.start_pos or 0
            found = "it ends in the middle of a rule" if is_end else f"unexpected {str(token)!r}"
        raise _error(text, position, found) from None
    writer = _Writer(text)
    tokens = list(tree.scan_values(lambda part: isinstance(part, Token)))
    heads = {_name(token) for token in tokens if token.type == "HEAD"}
    for token in tokens:
        if token.type == "NAME" and token not in heads:
            raise _error(text, token.start_pos or 0, f"rule {str(token)!r} is not defined")
    if start not in heads:
        known = ", ".join(sorted(heads))
        raise CompileError(f"the GBNF grammar has no rule {start!r} to start with; it has {known}")
    try:
        return writer.transform(tree), _rule_name(start)
    except lark.exceptions.VisitError as error:
        raise error.orig_exc from None


@functools.cache
def _parser() -> lark.Lark:
    return lark.Lark(_SYNTAX, parser="lalr", propagate_positions=True)


def _error(text: str, position: int, reason: str) -> CompileError:
    line = text.count("\n", 0, position) + 1
    column = position - (text.rfind("\n", 0, position) + 1) + 1
    return CompileError(
        f"the GBNF grammar does not parse: {reason}, at line {line}, column {column}",
        position=position,
    )


def _name(head: Token) -> str:
    return re.sub(r"\s*::=$", "", head)


def _rule_name(name: str) -> str:
    # Lark's rules are lower case and know no hyphen; GBNF tells ``a-b``, ``a_b`` and ``A_b`` apart.
    spelled = re.sub("[-A-Z]", lambda found: f"_{ord(found[0]):x}_", name)
    return f"g_{spelled}"


@v_args(inline=True)
class _Writer(Transformer[Token, str]):
    """Writes each part as Lark, and every group and repeat as a rule of its own.

    Lark would expand them in place, where nested repeats grow exponentially.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self._source = source
        self._helpers: dict[str, str] = {}

    def start(self, *rules: str) -> str:
        helpers = [
            f"{name}: {alternatives.replace('{name}', name)}"
            for alternatives, name in self._helpers.items()
        ]
        return "\n".join([*rules, *helpers])

    def rule(self, head: Token, alternatives: str) -> str:
        return f"{_rule_name(_name(head))}: {alternatives}"

    def alternatives(self, *sequences: str) -> str:
        return " | ".join(sequences)

    def sequence(self, *items: str) -> str:
        return " ".join(items)

    def item(self, atom: str, repeat: Token | None = None) -> str:
        if repeat is None or not atom:
            return atom
        if repeat == "*":
            return self._helper("| {name} " + atom)
        if repeat == "+":
            return self._helper(f"{atom} | {{name}} {atom}")
        if repeat == "?":
            return self._helper(f"| {atom}")
        bounds = re.sub(r"\s", "", repeat)[1:-1]
        least, comma, most = bounds.partition(",")
        if bounds in ("", ",") or (least and most and int(most) < int(least)):
            raise _error(self._source, repeat.start_pos or 0, f"{str(repeat)!r} is no repeat")
        few = int(least or 0)
        if not comma:
            return self._times(atom, few)
        rest = self._helper("| {name} " + atom) if not most else self._up_to(atom, int(most) - few)
        return f"{self._times(atom, few)} {rest}".strip()

    def _helper(self, alternatives: str) -> str:
        # ``{name}`` stands for the rule itself, whose name is not known before.
        if alternatives not in self._helpers:
            self._helpers[alternatives] = f"h{len(self._helpers)}"
        return self._helpers[alternatives]

    def _times(self, atom: str, count: int) -> str:
        """``count`` of ``atom``, by halves, so that a large count takes few and shallow rules."""
        if count < 2:
            return atom * count
        half = self._times(atom, count // 2)
        return self._helper(" ".join([half, half, atom * (count % 2)]).strip())

    def _up_to(self, atom: str, count: int) -> str:
        """At most ``count`` of ``atom``, by halves, each number of them in one way only."""
        if count < 1:
            return ""
        half = (count + 1) // 2
        fewer, more = self._up_to(atom, half - 1), self._up_to(atom, count - half)
        return self._helper(f"{fewer} | {self._times(atom, half)} {more}".strip())

    def text(self, token: Token) -> str:
        characters = self._characters(token, token[1:-1], 1)
        written = " ".join(f'"{_lark_character(each)}"' for each, _ in characters)
        return self._helper(written) if len(characters) > 1 else written

    def one_of(self, token: Token) -> str:
        negated = token.startswith("[^")
        inner = token[2:-1] if negated else token[1:-1]
        members = self._characters(token, inner, 2 if negated else 1)
        parts = []
        while members:
            low, _ = members.pop(0)
            is_range = len(members) > 1 and members[0] == ("-", False)
            if is_range:
                high = members[1][0]
                del members[:2]
                if high < low:
                    reason = f"the range {low}-{high} is the wrong way round"
                    raise _error(self._source, token.start_pos or 0, reason)
                parts.append(f"{_class_character(low)}-{_class_character(high)}")
            else:
                parts.append(_class_character(low))
        if not parts:
            if negated:
                return _ANYTHING
            raise _error(self._source, token.start_pos or 0, "the class is empty")
        return f"/[{'^' * negated}{''.join(parts)}]/"

    def anything(self) -> str:
        return _ANYTHING

    def reference(self, token: Token) -> str:
        return _rule_name(token)

    def group(self, alternatives: str) -> str:
        return self._helper(alternatives) if alternatives else ""

    def _characters(self, token: Token, inner: str, offset: int) -> list[tuple[str, bool]]:
        """The characters that ``inner`` spells, each with whether it was escaped."""
        characters = []
        for found in _ESCAPED.finditer(inner):
            point = found[1] or found[2] or found[3]
            position = (token.start_pos or 0) + offset + found.start()
            if point:
                if int(point, 16) > 0x10FFFF or 0xD800 <= int(point, 16) < 0xE000:
                    raise _error(self._source, position, f"{found[0]} is not a character")
                characters.append((chr(int(point, 16)), True))
            elif found[4] and found[4].isalnum() and found[4] not in _CONTROLS:
                raise _error(self._source, position, f"{found[0]!r} is no escape")
            elif found[4]:
                characters.append((_CONTROLS.get(found[4], found[4]), True))
            else:
                characters.append((found[5], False))
        return characters


def _lark_character(character: str) -> str:
    spelled = character.isascii() and character.isalnum()
    return character if spelled else f"\\U{ord(character):08x}"


def _class_character(character: str) -> str:
    # Lark resolves ``\\U0000005d``, too, and would read the bracket as the end of the class.
    if character.isascii() and character.isprintable() and not character.isalnum():
        return "\\" + character
    return character if character.isprintable() else _lark_character(character)
