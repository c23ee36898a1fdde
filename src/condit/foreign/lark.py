"""What Condit relies on in ``lark``: the parts of a parser, and the fields of its errors."""

from __future__ import annotations

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
    "probe",
    "v_args",
]

_ERRORS = (
    *("LarkError", "UnexpectedCharacters", "UnexpectedEOF", "UnexpectedInput", "VisitError"),
)


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
    for terminal in seen:
        require("lark", terminal, ("name", "pattern"))
        require("lark", terminal.pattern, ("max_width", "min_width", "to_regexp", "value"))
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
