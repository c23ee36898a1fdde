"""A canonical schema as a grammar for the mask engine, and what that grammar leaves out.

Each kind of node becomes a rule or a terminal. What has no grammar of a sensible size is relaxed to
a superset and recorded: ``closing.py`` checks it when the value closes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from jsonschema_rs import CanonicalSchema

from condit.constraint.engine import HEADER
from condit.constraint.schema.chains import start_of
from condit.constraint.schema.examples import examples
from condit.constraint.schema.layout import Style
from condit.constraint.schema.order import KeyOrder
from condit.constraint.schema.relaxed import Relaxed
from condit.constraint.schema.values import write
from condit.constraint.schema.writer import Writer
from condit.errors import ConstraintTooComplexError, UnsatisfiableError


@dataclass(frozen=True)
class Compiled:
    """A schema's grammar.

    Attributes:
        grammar: in the engine's dialect of Lark.
        root: the canonical schema that it was made from.
        relaxed: the keywords that it does not enforce.
        relaxed_here: the canonical nodes that have such a keyword.
        relaxed_below: those and all that lead to them.
        repeats: whether it lets a key come twice in one object.
        strings: the patterns, formats and words of its strings.
    """

    grammar: str
    root: CanonicalSchema
    relaxed: tuple[Relaxed, ...]
    relaxed_here: frozenset[CanonicalSchema] = field(repr=False)
    relaxed_below: frozenset[CanonicalSchema] = field(repr=False)
    repeats: bool
    strings: tuple[list[str], list[str], list[str]] = field(repr=False)

    @property
    def leaves_out_logic(self) -> bool:
        """Whether schemas stood side by side that could not be combined."""
        return any(each.keyword in ("oneOf", "allOf") for each in self.relaxed)

    def if_better_than(self, other: Compiled) -> Compiled:
        """This one, if it leaves out less and nothing wholly; else ``other``."""
        whole = all(each.keyword != "raw" for each in self.relaxed)
        return self if whole and len(self.relaxed) < len(other.relaxed) else other

    @cached_property
    def examples(self) -> tuple[bytes, ...]:
        """Strings that it may ask for, as they are spelled: hints for the search for an ending."""
        return examples(*self.strings)


def compile_schema(
    root: CanonicalSchema, order: KeyOrder, style: Style, deadline: float
) -> Compiled:
    """The grammar of a canonical schema.

    Args:
        root: from ``source.canonical``.
        order: the order of keys in the document.
        style: how values are written.
        deadline: when to give up, as ``time.monotonic`` counts.

    Raises:
        UnsatisfiableError: nothing can be written.
        ConstraintTooComplexError: it took too long, or is nested too deeply.
    """
    writer = Writer(root, order, style, write, deadline)
    try:
        symbol = writer.value(root, order.start)
    except RecursionError:
        raise ConstraintTooComplexError("the schema is nested too deeply") from None
    if symbol is None:
        raise UnsatisfiableError("no JSON value satisfies the schema")
    start = start_of(symbol, writer.rules, writer.terminal)
    lines = [f"{name}: {text}" for name, text in writer.rules.items()]
    lines += [f"{name}: {text}" for text, name in writer.terminals.items()]
    return Compiled(
        f"{HEADER}start: {start}\n" + "\n".join(lines) + "\n",
        root,
        tuple(writer.relaxed),
        writer.visits.relaxed_here(),
        writer.visits.relaxed_below(),
        writer.repeats,
        (writer.patterns, writer.formats, writer.words),
    )
