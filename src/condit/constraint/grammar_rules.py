"""A Lark grammar, compiled by ``lark`` for the oracle and written out for the mask engine.

GBNF is rewritten as Lark before (``gbnf.py``).
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from functools import cache

import lark

from condit.constraint.engine import HEADER
from condit.constraint.grammar_choices import name_choices
from condit.constraint.grammar_places import LITERAL, broken_literal
from condit.constraint.grammar_terminals import Terminal as Texts
from condit.constraint.grammar_terminals import read_terminal, text_terminal
from condit.constraint.nesting import refuse_deep
from condit.errors import CompileError, UnsatisfiableError
from condit.foreign.lark import (
    LarkGrammar,
    NonTerminal,
    Pattern,
    PatternRE,
    PatternStr,
    Rule,
    Symbol,
    Terminal,
    TerminalDef,
    load_grammar,
    match_by,
    probe,
)

_FOREIGN = re.compile(r"%(?:llguidance|json|lark)\b|<\[?\w+\]?>|^\w+\[\w+", re.MULTILINE)
_DEFINITION = re.compile(r"^[?!]*([A-Za-z_]\w*)(?:\{[^}\n]*\})?(?:\.-?\d+)?[ \t]*:", re.MULTILINE)
_TERMINAL = re.compile(r"\b_*[A-Z][A-Z0-9_]*\b")
_MOST_TERMINALS = 200
_UNDEFINED = re.compile(r"(?:Rule|Terminal|Token) '(\w+)' used but not defined")
_PLACE = re.compile(r"(?:at line|line) (\d+),? col(?:umn)? (\d+)")


@dataclass(frozen=True, eq=False)
class Rules:
    """A compiled grammar.

    Attributes:
        engine: the grammar in the engine's language.
        oracle: lark's Earley parser.
        displayed: how to show each terminal to a reader.
        is_scannerless: whether all terminals are one character wide.
    """

    engine: str
    oracle: lark.Lark
    displayed: dict[str, str]
    is_scannerless: bool


def read_rules(text: str, start: str) -> Rules:
    """Compile the Lark grammar ``text``.

    Raises:
        CompileError: it does not parse, or names an undefined rule.
        UnsupportedConstraintError: a terminal uses something that no automaton can follow.
        UnsatisfiableError: no text derives from ``start``.
    """
    terminals: dict[str, Texts] = {}
    displayed: dict[str, str] = {}

    def respell(definition: TerminalDef) -> None:
        name, pattern = definition.name, definition.pattern
        displayed[name] = _displayed(name, pattern)
        is_text = isinstance(pattern, PatternStr) and not pattern.flags
        # Neither empty, nor with half of a surrogate pair: that takes an error.
        if is_text and pattern.value and pattern.value.isprintable():
            terminals[name] = text_terminal(pattern.value, pattern.to_regexp())
        else:
            terminals[name] = read_terminal(displayed[name], pattern.to_regexp(), text)
        definition.pattern = PatternRE(terminals[name].oracle)

    _probe_lark()
    try:
        # lark sizes each terminal with ``re``, which warns about nested sets.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            _refuse_deep_terminals(text)
            read, _ = load_grammar(text, "<string>", [_refuse_files], False)  # type: ignore[no-untyped-call]
            # Else lark's time grows with the square of a sequence's length, or with the product
            # of all choices.
            name_choices(read)
            refuse_deep(_mentions(read), start, "the grammar's rules")
            parser = lark.Lark(
                read,
                start=start,
                parser="earley",
                lexer="dynamic",
                # The forest suffices to tell whether a text parses; a tree would cost more.
                ambiguity="forest",
                regex=True,
                edit_terminals=respell,
            )
    except (lark.exceptions.LarkError, re.error, OSError, ValueError, AttributeError) as error:
        if isinstance(error, CompileError):
            raise
        raise broken_literal(text) or _compile_error(text, start, error) from error
    undefined = {
        symbol.name
        for rule in parser.rules
        for symbol in rule.expansion
        if isinstance(symbol, Terminal) and symbol.name not in terminals
    }
    if undefined:
        name = min(undefined)
        raise CompileError(
            f"the grammar declares terminal {name} without saying what it matches; define it"
        )
    rules = _productive(parser.rules)
    if not any(rule.origin.name == start for rule in rules):
        raise UnsatisfiableError(
            f"rule {start!r} derives no text: each of its alternatives leads back to itself or to "
            "another such rule. Add an alternative that ends"
        )
    match_by(parser, {name: each.own for name, each in terminals.items() if each.own})
    engine = _write(rules, terminals, list(parser.ignore_tokens), start)
    is_scannerless = all(each.is_character for each in terminals.values())
    return Rules(engine, parser, displayed, is_scannerless)


def _refuse_files(base: object, path: str) -> tuple[str, str]:
    """Lark asks this first where a grammar is: its own library, or the directory of the program."""
    if isinstance(base, str):
        name = path.removesuffix(".lark")
        raise lark.exceptions.GrammarError(
            f"%import .{name}: a grammar is one text and reads no file; copy those rules into it"
        )
    raise FileNotFoundError(path)  # so that Lark looks in its library


@cache
def _probe_lark() -> None:
    probe()


def _displayed(name: str, pattern: Pattern) -> str:
    if isinstance(pattern, PatternStr):
        return repr(pattern.value)
    return f"/{pattern.value}/" if name.startswith("__") else name


def _compile_error(text: str, start: str, error: Exception) -> CompileError:
    # The first line says what is wrong; the others show the place in the text.
    reason = str(error).strip().split("\n")[0].rstrip(": ").removesuffix(" in <string>")
    position = None
    if found := _PLACE.search(reason):
        line, column = int(found[1]), int(found[2])
        lines = text.splitlines(keepends=True)
        position = sum(map(len, lines[: line - 1])) + column - 1
    if found := _UNDEFINED.search(reason):
        # Where it is used first; a comment or a text before that may name it, too.
        used = re.search(rf"(?<![\w\"'/]){re.escape(found[1])}\b(?!\s*:)", text)
        position = used.start() if used else position
    if found := re.search(r"undefined rule: NonTerminal\('(.*)'\)", reason):
        reason = f"there is no rule {found[1]!r}"
        if found[1] == start:
            reason += " to start with; name one by grammar(text, start=…)"
    elif isinstance(error, OSError):
        reason = f"%import finds no {getattr(error, 'filename', None) or reason!r}"
    elif _FOREIGN.search(text):
        reason += ". Extensions of other dialects (%json, <tokens>, rule[lazy]) are not Lark"
    return CompileError(f"the grammar does not parse: {reason}", position=position)


def _productive(rules: list[Rule]) -> list[Rule]:
    """The productive rules: those that derive some text. The others would be dead ends.

    A rule is examined again only when one that it mentions is found to be productive, so the time
    is linear in the size of the grammar.
    """
    missing = [{each for each in rule.expansion if isinstance(each, NonTerminal)} for rule in rules]
    waiting: dict[Symbol, list[int]] = {}
    for index, others in enumerate(missing):
        for other in others:
            waiting.setdefault(other, []).append(index)
    ready = [index for index, others in enumerate(missing) if not others]
    productive: set[Symbol] = set()
    while ready:
        origin = rules[ready.pop()].origin
        if origin in productive:
            continue
        productive.add(origin)
        for index in waiting.get(origin, ()):
            missing[index].discard(origin)
            if not missing[index]:
                ready.append(index)
    return [rule for rule, others in zip(rules, missing, strict=True) if not others]


def _mentions(grammar: LarkGrammar) -> dict[str, list[str]]:
    """For each rule the rules that it mentions, in order."""
    mentions: dict[str, list[str]] = {}
    for name, _, tree, _ in grammar.rule_defs:
        found = tree.scan_values(lambda each: isinstance(each, NonTerminal))
        mentions.setdefault(str(name), []).extend(each.name for each in found)
    return mentions


def _refuse_deep_terminals(text: str) -> None:
    """Refuse terminals that mention one another too deep, as lark expands each in the other."""
    plain = LITERAL.sub(" ", text)
    parts = _DEFINITION.split(plain)
    bodies = zip(parts[1::2], parts[2::2], strict=True)
    mentions = {name: _TERMINAL.findall(body) for name, body in bodies}
    refuse_deep(mentions, None, "the grammar's terminals", _MOST_TERMINALS, "lark")


def _write(rules: list[Rule], terminals: dict[str, Texts], ignored: list[str], start: str) -> str:
    """The grammar in the engine's language."""
    names: dict[Symbol, str] = {}

    def name(symbol: Symbol) -> str:
        if symbol not in names:
            prefix = "r" if isinstance(symbol, NonTerminal) else "t"
            readable = re.sub(r"\W+|__+", "_", symbol.name, flags=re.ASCII).strip("_").lower()
            names[symbol] = f"{prefix}{len(names)}_{readable}"
        return names[symbol]

    # Ignored terminals are written out: the engine's own ``%ignore`` knows no lazy terminals, and
    # does not skip before the first terminal.
    skip = "skip" if ignored else ""
    alternatives: dict[Symbol, list[str]] = {}
    for rule in rules:
        symbols = [
            f"{name(symbol)} {skip}" if isinstance(symbol, Terminal) else name(symbol)
            for symbol in rule.expansion
        ]
        alternatives.setdefault(rule.origin, []).append(" ".join(symbols) or '""')
    lines = [f"start: {skip} {name(NonTerminal(start))}"]
    lines += [f"{name(origin)}: {' | '.join(each)}" for origin, each in alternatives.items()]
    if ignored:
        skipped = " | ".join(name(Terminal(each)) for each in ignored)
        lines.append(f"skip: ({skipped})*")
    for symbol in names:
        if isinstance(symbol, Terminal):
            texts = terminals[symbol.name]
            lazy = "[lazy]" if texts.is_lazy else ""
            expression = texts.engine
            if not expression.startswith("/"):
                # Intersection and complement have a place in the engine's terminals alone.
                lines.append(f"{names[symbol].upper()}: {expression}")
                expression = names[symbol].upper()
            lines.append(f"{names[symbol]}{lazy}: {expression}")
    return HEADER + "\n".join(lines)
