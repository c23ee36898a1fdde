"""What Condit relies on in ``lark``: the parts of a parser, and the fields of its errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from condit.foreign.versions import importing, incompatible, require

with importing("lark"):
    import lark
    from lark import Token, Transformer, Tree, v_args
    from lark.grammar import NonTerminal, Rule, Symbol, Terminal
    from lark.lexer import Pattern, PatternRE, PatternStr, TerminalDef
    from lark.load_grammar import Grammar as LarkGrammar
    from lark.load_grammar import load_grammar

__all__ = [
    "LarkGrammar",
    "NonTerminal",
    "Pattern",
    "PatternRE",
    "PatternStr",
    "Rule",
    "Symbol",
    "Terminal",
    "TerminalDef",
    "Token",
    "Transformer",
    "Tree",
    "load_grammar",
    "match_by",
    "probe",
    "v_args",
]

_ERRORS = (
    *("LarkError", "UnexpectedCharacters", "UnexpectedEOF", "UnexpectedInput", "VisitError"),
)


def match_by(parser: Any, own: Mapping[str, Any]) -> None:
    """Let a parser find some terminals, by name, by the ``match(text, index)`` of other objects."""
    if own:
        _patterns(parser).update(own)


def _patterns(parser: Any) -> dict[str, Any]:
    """The compiled patterns of a parser's terminals, by name."""
    try:
        found: dict[str, Any] = parser.parser.parser.term_matcher.__self__.regexps
    except AttributeError as error:
        raise incompatible("lark", f"its terminals are not where they were ({error})") from error
    return found


def probe(found: Any = lark) -> None:
    """Make a small parser, and check the attributes of it and of its errors that are used.

    Raises:
        IncompatibleDependencyError: something is not there.
    """
    require("lark", found, ("Lark", "exceptions"))
    require("lark", found.exceptions, _ERRORS)
    seen: list[Any] = []
    try:
        read, _ = found.load_grammar.load_grammar('start: "a" /b+/', "<string>", [], False)
        rules = [(name, tree.scan_values) for name, _, tree, _ in read.rule_defs]
    except (AttributeError, TypeError, ValueError) as error:
        raise incompatible("lark", f"its load_grammar is not what it was ({error})") from error
    if [name for name, _ in rules] != ["start"]:
        raise incompatible("lark", "its load_grammar does not give the rules of a grammar")
    try:
        parser = found.Lark(
            read,
            parser="earley",
            lexer="dynamic",
            ambiguity="forest",
            regex=True,
            edit_terminals=seen.append,
        )
    except (TypeError, found.exceptions.LarkError) as error:
        raise incompatible("lark", f"it does not take the options of a parser ({error})") from error
    require("lark", parser, ("ignore_tokens", "parse", "rules"))
    if {each.name for each in seen} != set(_patterns(parser)):
        raise incompatible("lark", "the patterns of its terminals are not what they were")
    for terminal in seen:
        require("lark", terminal, ("name", "pattern"))
        require("lark", terminal.pattern, ("flags", "to_regexp", "value"))
    for rule in parser.rules:
        require("lark", rule, ("expansion", "origin"))
    try:
        parser.parse("ac")
    except found.exceptions.UnexpectedCharacters as error:
        require("lark", error, ("allowed", "char", "pos_in_stream"))
    try:
        parser.parse("a")
    except found.exceptions.UnexpectedEOF as error:
        require("lark", error, ("expected",))
