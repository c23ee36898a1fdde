"""Texts with gaps: a form whose fields are constraints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from string import Formatter

from condit.constraint.algebra.chain_matcher import ChainMatcher
from condit.constraint.algebra.chained import Chained
from condit.constraint.algebra.free import warn_of_unlimited
from condit.constraint.algebra.labels import label_of, wanted
from condit.constraint.algebra.layout import Layout
from condit.constraint.algebra.literal import Literal, as_constraint
from condit.constraint.algebra.readings import Readings
from condit.constraint.base import Constraint, Matcher
from condit.constraint.example_texts import for_readers
from condit.errors import ArgumentError
from condit.vocabulary import Vocabulary

_MOST_TEXTS = 256
"""Texts whose matchers `Template.insert` keeps, of lanes that are being written."""


def template(form: str, /, **fields: Constraint | str) -> Template:
    """A form with fields, such as ``"Name: {name}\\nAge: {age}"``.

    The value is a dict of the values of the fields by name: the text itself where a field has no
    type. A field that comes twice may be filled in differently, and has the last of its values.

    >>> from condit import json_schema, regex
    >>> age = json_schema({"type": "integer"})
    >>> form = template("Name: {name}, age: {age}", name=regex("[A-Z][a-z]+"), age=age)
    >>> form.value("Name: Ann, age: 31")
    {'name': 'Ann', 'age': 31}

    Args:
        form: the fixed text, with each field's name in braces; ``{{`` and ``}}`` are braces.
        fields: for each field a constraint; a string stands for itself.

    Raises:
        ArgumentError: a field has no constraint, a constraint has no field, or the braces are not
            balanced.
    """
    if not isinstance(form, str):
        raise ArgumentError(f"template: the form is of type {type(form).__name__}, not str")
    try:
        read = list(Formatter().parse(form))
    except ValueError as error:
        raise ArgumentError(
            f"template: {form!r} does not parse: {error}. Write {{{{ and }}}} for braces"
        ) from error
    parts: list[Constraint] = []
    names: list[str] = []
    written = ""
    for fixed, name, specification, conversion in read:
        # Text before a brace that stands for itself is given apart.
        written += fixed
        if name is None:
            continue
        if written:
            parts.append(Literal(written))
            names.append("")
            written = ""
        if specification or conversion or not name.isidentifier():
            raise ArgumentError(f"template: {{{name}}} must be just a name in braces")
        if name not in fields:
            raise ArgumentError(f"template: give a constraint for the field {name!r}: {name}=...")
        parts.append(as_constraint(fields[name], f"template: {name}"))
        names.append(name)
    if written or not parts:
        parts.append(Literal(written))
        names.append("")
    if unused := sorted(set(fields) - set(names)):
        raise ArgumentError(f"template: the form has no field {{{unused[0]}}}")
    return Template(tuple(parts), tuple(names))


@dataclass(frozen=True)
class Template(Chained):
    """A form with fields; made by ``template``.

    Attributes:
        parts: fixed texts and the constraints of fields, in order.
        names: for each part the name of the field; empty for a fixed text.
    """

    parts: tuple[Constraint, ...]
    names: tuple[str, ...]

    @property
    def layout(self) -> Layout:
        """One part after the other."""
        return Layout.in_a_row(len(self.parts))

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        """See ``Chained.bind``.

        Warns:
            UnlimitedTextWarning: a field of free text without a limit stands before others.
        """
        warn_of_unlimited(self.parts)
        return super().bind(vocabulary)

    def label(self, part: int) -> str:
        """The name of a field."""
        name = self.names[part]
        return f"field {name!r}" if name else label_of(self.parts[part])

    def value(self, text: str) -> Mapping[str, object]:
        """The values of the fields, by name."""
        pieces = self.pieces(text)
        named = [(self.names[piece.part], piece) for piece in pieces]
        return {name: self.part_value(piece) for name, piece in named if name}

    def spans(self, text: str) -> list[tuple[str, int, int]]:
        """Where each part of an accepted ``text`` stands: its field's name, and two offsets.

        The name is empty for fixed texts.
        """
        found, place = [], 0
        for piece in self.pieces(text):
            found.append((self.names[piece.part], place, place + len(piece.text)))
            place += len(piece.text)
        return found

    def insert(self, text: str) -> str | None:
        """What is left of the fixed text that ``text`` stands at, for ``generate(insert=...)``.

        So the model need not draw fixed text, and it has no probability. ``None`` where a field is
        being written, or may go on.
        """
        matcher = self._after(text)
        part = matcher.only_part
        if part is None or self.names[part] or not isinstance(self.parts[part], Literal):
            return None
        return matcher.part_forced().decode() or None

    def _after(self, text: str) -> ChainMatcher:
        """The matcher over bytes after ``text``, from one that was asked for before."""
        known = self._matchers
        size = next((s for s in range(len(text), -1, -1) if text[:s] in known), None)
        matcher = self._start.copy() if size is None else known[text[:size]].copy()
        for byte in text[size or 0 :].encode():
            matcher.advance(byte)
        if len(known) >= _MOST_TEXTS:
            known.clear()
        known[text] = matcher
        return matcher

    @cached_property
    def _start(self) -> ChainMatcher:
        readings = Readings(self.layout, self.parts, Vocabulary.of_bytes())
        return ChainMatcher.bind(readings, self.label)

    @cached_property
    def _matchers(self) -> dict[str, ChainMatcher]:
        return {}

    def longest(self) -> int | None:
        """The sum of the parts'."""
        sizes = [part.longest() for part in self.parts]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None

    def describe(self) -> str:
        """The form, and what goes into its fields, as an instruction to a model."""
        pairs = list(zip(self.parts, self.names, strict=True))
        form = "".join(
            f"{{{name}}}" if name or not isinstance(part, Literal) else part.text
            for part, name in pairs
        )
        said = {name: wanted(part).replace("\n", "\n  ") for part, name in pairs if name}
        fields = "\n".join(f"{{{name}}}: {each}" for name, each in said.items())
        shown = form if "\n" in form else for_readers([form])
        return f"Respond only with this form, filled in:\n{shown}\nwhere\n{fields}"
