"""The constraint ``grammar``: texts of a context-free grammar, written in Lark or in GBNF.

Grammars are compiled in ``grammar_rules.py`` and ``gbnf.py``; lark's parser is the oracle.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import lark

from condit.constraint.base import Constraint, Violation
from condit.constraint.engine import EngineMatcher, probe
from condit.constraint.gbnf import gbnf_to_lark
from condit.constraint.grammar_rules import Rules, read_rules
from condit.constraint.source import ConstraintSource
from condit.errors import ArgumentError, CompileError, ConstraintTooComplexError, UnsatisfiableError
from condit.foreign.llguidance import first_line
from condit.vocabulary import Vocabulary

_MOST = 8
_SHOWN = 1000
"""Characters of the longest grammar that ``describe`` shows."""


def grammar(text: str, *, start: str | None = None, syntax: str | None = None) -> Grammar:
    r"""Texts that a context-free grammar derives.

    In **Lark** a terminal reads as far as it can, and never gives back what it has read: with
    ``start: A B``, ``A: /a+/``, ``B: /ab/`` the text ``aab`` cannot be written. The same goes for
    a keyword that begins a longer terminal allowed in its place. A terminal whose repeats are all
    lazy, as in ``/".*?"/``, stops as early as it can. Terminals are in the syntax of `regex`;
    lookaround in one sees nothing beyond its ends. ``%ignore``d terminals may stand between all
    others and at both ends. Priorities choose among trees, not among texts: they change nothing.

    In **GBNF** there are no terminals but characters, and nothing is read ahead.

    >>> grammar('start: "a" start "b" | "ab"').accepts("aabb")
    True

    Args:
        text: the grammar.
        start: the rule to begin with; ``start`` in Lark and ``root`` in GBNF unless given.
        syntax: ``"lark"`` or ``"gbnf"``; told by ``::=`` unless given.

    Raises:
        ArgumentError: it is not a ``str``, or there is no such syntax.
        CompileError: the grammar does not parse or names an undefined rule.
        UnsupportedConstraintError: a terminal asks what stands around it, or is not regular.
        UnsatisfiableError: it derives no text at all, or a terminal matches none.
        ConstraintTooComplexError: it is beyond the mask engine's limits.
    """
    if not isinstance(text, str):
        raise ArgumentError(f"grammar: the grammar is {type(text).__name__}, not str")
    if syntax is None:
        outside_literals = re.sub(r'"(?:[^"\\\n]|\\.)*"', "", text)
        syntax = "gbnf" if "::=" in outside_literals else "lark"
    if syntax not in ("lark", "gbnf"):
        raise ArgumentError(f"grammar: there is no syntax {syntax!r}; use 'lark' or 'gbnf'")
    return Grammar(text, start or ("root" if syntax == "gbnf" else "start"), syntax)


@dataclass(frozen=True)
class Grammar(Constraint):
    """Texts of a context-free grammar; made by ``grammar``.

    Attributes:
        text: the grammar.
        start: the rule to begin with.
        syntax: ``"lark"`` or ``"gbnf"``.
    """

    text: str
    start: str
    syntax: str
    _rules: Rules = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            if self.syntax == "gbnf":
                rules = read_rules(*gbnf_to_lark(self.text, self.start))
            else:
                rules = read_rules(self.text, self.start)
        except RecursionError:
            raise ConstraintTooComplexError("the grammar nests too many groups") from None
        probed = probe(rules.engine)
        if probed.error:
            reason = first_line(probed.error)
            if re.search("too (big|complex|many)", reason, re.IGNORECASE):
                raise ConstraintTooComplexError(
                    f"the grammar is too complex for the mask engine: {reason}"
                )
            raise CompileError(f"the grammar does not compile: {reason}")
        if probed.is_empty:
            raise UnsatisfiableError(f"rule {self.start!r} derives no text")
        object.__setattr__(self, "_rules", rules)

    @property
    def engine_grammar(self) -> str:
        """The grammar in the mask engine's language."""
        return self._rules.engine

    def bind(self, vocabulary: Vocabulary) -> EngineMatcher:
        """A matcher at the empty text.

        EXACT where every terminal is one character wide (as always in GBNF) and every byte of
        UTF-8 is a token; else SOUND.

        Raises:
            VocabularyError: no token of this vocabulary can begin a text.
        """
        if self._rules.is_scannerless:
            return EngineMatcher.bind(self._rules.engine, vocabulary)
        return EngineMatcher.bind(self._rules.engine, vocabulary, exact_over=None)

    def violation(self, text: str) -> Violation | None:
        """Where ``text`` departs from the grammar, and what it expects there."""
        try:
            self._rules.oracle.parse(text)
        except lark.exceptions.UnexpectedCharacters as error:
            position = error.pos_in_stream or 0
            expected = self._expected(error.allowed or set())
            return Violation(f"{text[position]!r} is unexpected; {expected}", position)
        except lark.exceptions.UnexpectedEOF as error:
            expected = self._expected(set(error.expected))
            return Violation(f"the text ends too soon; {expected}", len(text))
        return None

    def describe(self) -> str:
        """The rules if they are few, else some texts, as an instruction to a model.

        Raises:
            ArgumentError: there are many rules, and no short text is found that they derive.
        """
        if len(self.text) > _SHOWN:
            return super().describe()
        start = f" from {self.start!r} on" if self.start not in ("start", "root") else ""
        return f"Respond only with a text of this grammar{start}:\n{self.text.strip()}"

    def _expected(self, terminals: set[str]) -> str:
        names = sorted({self._rules.displayed.get(name, name) for name in terminals})
        if not names:
            return "the text should have ended here"
        more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
        return f"expected {', '.join(names[:_MOST])}{more}"


GRAMMAR = ConstraintSource(
    name="grammar",
    description="a grammar, in Lark or GBNF notation",
    make=grammar,
    given_as="file",
)
