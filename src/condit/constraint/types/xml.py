"""The constraint ``xml``: documents of elements that are nested in a given way."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from condit.constraint.base import Constraint, Strength
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.regular.byte_table import byte_table
from condit.constraint.regular.expression import ANYTHING
from condit.constraint.source import ConstraintSource
from condit.constraint.types.arguments import from_json
from condit.constraint.types.base import SmallType
from condit.constraint.types.cells import constraint_of, encoded, literal, machine_of, value_of
from condit.constraint.types.linked import Linked, Places
from condit.errors import ArgumentError

_NAME = "[A-Za-z_][A-Za-z0-9_.-]*"
_DEEPEST = 50


def xml(root: str, content: object = None) -> Xml:
    """Documents of elements without attributes, nested as ``content`` says, nothing between them.

    Exactly as Python's ``xml.etree`` writes them, an empty element being ``<a></a>``. The value is
    that of the root: the value of the constraint on its text, or a dictionary of its children's.

    >>> order = xml("order", {"item": None, "count": None})
    >>> order.value("<order><item>tea &amp; milk</item><count>2</count></order>")
    {'item': 'tea & milk', 'count': '2'}

    Args:
        root: the name of the outermost element.
        content: what stands in it: a constraint on its text; ``None``: any text; or a mapping of
            the names of its children, in their order, to what stands in each. A child that is given
            as ``[content]`` may come any number of times, also not at all; its value is a list.

    Raises:
        ArgumentError: a name is none of an element, or something is no content.
    """
    return Xml(_element(root, content, 0))


@dataclass(frozen=True)
class Element:
    """An element that may stand somewhere.

    Attributes:
        name: its name.
        text: the constraint on its text, if it has no children; ``None``: any text.
        children: its children in order, each with whether it may come any number of times;
            ``None``: it has text.
    """

    name: str
    text: Constraint | None
    children: tuple[tuple[Element, bool], ...] | None


@dataclass(frozen=True)
class Xml(SmallType):
    """Documents of nested elements; made by ``xml``.

    Attributes:
        root: the outermost element.
    """

    root: Element
    machine: Elements = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "machine", Elements.of(self.root))

    def objection(self, text: str) -> str | None:
        """Why it is no such document, by Python's ``xml.etree``."""
        # Declarations of a document's type can make small texts huge.
        if "<!" in text or "\r" in text:
            return "it has a declaration, a comment or a carriage return"
        try:
            found = ElementTree.fromstring(text)
        except (ElementTree.ParseError, UnicodeEncodeError, ValueError) as error:
            return f"it is no XML: {error}"
        try:
            written = ElementTree.tostring(found, "unicode", short_empty_elements=False)
        except (TypeError, ValueError):
            written = ""
        if written != text:
            return "it is not written as xml.etree writes it, or has comments or instructions"
        return _misfit(self.root, found)

    def value(self, text: str) -> object:
        """The value of the root element."""
        return _value(self.root, ElementTree.fromstring(text))

    def describe(self) -> str:
        """The elements, as an instruction to a model."""
        asked = [
            f"{name}: {constraint.describe().removeprefix('Respond only with ')}"
            for name, constraint in _texts(self.root)
            if constraint is not None
        ]
        lines = "\n".join(["", *dict.fromkeys(asked)])
        return f"Respond only with XML of this form, on one line: {_shown(self.root)}{lines}"


@dataclass(frozen=True)
class Elements(Linked):
    """The parts of a document: tags and texts, by number, with those that may follow each.

    Attributes:
        parts: the byte matchers.
        follows: for each part those that may follow it.
    """

    parts: tuple[ByteMatcher[Any], ...]
    follows: tuple[tuple[int, ...], ...]
    start: Places = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        exact = all(part.strength is Strength.EXACT for part in self.parts)
        object.__setattr__(self, "strength", Strength.EXACT if exact else Strength.SOUND)
        object.__setattr__(self, "start", frozenset([(0, self.parts[0].start)]))

    @classmethod
    def of(cls, root: Element) -> Elements:
        """The parts of a document with this root."""
        parts: list[ByteMatcher[Any]] = []
        follows: list[list[int]] = []

        def add(part: ByteMatcher[Any], before: Iterable[int]) -> int:
            number = len(parts)
            parts.append(part)
            follows.append([])
            for each in before:
                follows[each].append(number)
            return number

        def put(element: Element, before: list[int]) -> tuple[int, int]:
            """Add an element behind these parts; its first and its last part."""
            first = add(literal(f"<{element.name}>"), before)
            behind = [first]
            if element.children is None:
                behind = [add(_text(element.text), behind)]
            for child, repeats in element.children or ():
                begun, ended = put(child, behind)
                if repeats:
                    follows[ended].append(begun)
                behind = [*behind, ended] if repeats else [ended]
            return first, add(literal(f"</{element.name}>"), behind)

        put(root, [])
        return cls(tuple(parts), tuple(map(tuple, follows)))

    def machine(self, part: int) -> ByteMatcher[Any]:
        """A tag or a text."""
        return self.parts[part]

    def following(self, part: int) -> tuple[int, ...]:
        """Those that may follow."""
        return self.follows[part]

    def is_last(self, part: int) -> bool:
        """The end of the root."""
        return part == len(self.parts) - 1


_ENTITIES = {b"&amp;": b"&", b"&lt;": b"<", b"&gt;": b">"}


_NO_CHARACTERS = (b"\xef\xbf\xbe", b"\xef\xbf\xbf")


def _step(begun: bytes, byte: int) -> tuple[bytes, bytes] | None:
    """The encoding of text: what is written of an entity or a character, and what a byte means."""
    written, meant = begun + bytes([byte]), bytes([byte])
    if (begun or meant)[:1] == b"\xef":
        if written in _NO_CHARACTERS:
            return None
        return (written if _NO_CHARACTERS[0].startswith(written) else b""), meant
    if written in _ENTITIES:
        return b"", _ENTITIES[written]
    if begun or byte == ord("&"):
        return (written, b"") if any(each.startswith(written) for each in _ENTITIES) else None
    return None if byte in b"<>" or (byte < 32 and byte not in b"\t\n") else (b"", meant)


def _may_end(begun: bytes) -> bool:
    return not begun


def _text(asked: Constraint | None) -> ByteMatcher[Any]:
    """The text of an element as it is written."""
    inner = byte_table(ANYTHING) if asked is None else machine_of(asked)
    return encoded(inner, _step, b"", _may_end)


def _element(name: object, content: object, depth: int) -> Element:
    if not isinstance(name, str) or not re.fullmatch(_NAME, name):
        raise ArgumentError(f"xml: {name!r} is no name of an element: use letters, digits, _ . -")
    if depth > _DEEPEST:
        raise ArgumentError(f"xml: elements are nested more than {_DEEPEST} deep, at {name!r}")
    if not isinstance(content, Mapping):
        return Element(name, constraint_of(f"xml: element {name!r}", content), None)
    children = []
    for child, inner in content.items():
        repeats = isinstance(inner, list)
        if repeats and len(inner) != 1:
            raise ArgumentError(f"xml: [...] of {child!r} holds one content, not {len(inner)}")
        children.append((_element(child, inner[0] if repeats else inner, depth + 1), repeats))
    return Element(name, None, tuple(children))


def _misfit(element: Element, found: ElementTree.Element) -> str | None:
    """Where an element that was read is not as it should be."""
    if found.tag != element.name or found.attrib:
        return f"<{found.tag}> is not <{element.name}> without attributes"
    if element.children is None:
        text = found.text or ""
        if len(found):
            return f"<{element.name}> has elements in it, not text"
        wrong = None if element.text is None else element.text.violation(text)
        return None if wrong is None else f"<{element.name}>: {wrong}"
    if found.text or any(child.tail for child in found):
        return f"there is text between the elements in <{element.name}>"
    left = list(found)
    for child, repeats in element.children:
        count = 0
        while left and left[0].tag == child.name and (repeats or count == 0):
            if (reason := _misfit(child, left.pop(0))) is not None:
                return reason
            count += 1
        if not repeats and not count:
            return f"<{element.name}> has no <{child.name}> where one should be"
    return f"<{element.name}> has a <{left[0].tag}> too many" if left else None


def _value(element: Element, found: ElementTree.Element) -> object:
    if element.children is None:
        return value_of(element.text, found.text or "")
    return {
        child.name: [_value(child, each) for each in found.findall(child.name)]
        if repeats
        else _value(child, found.find(child.name))  # type: ignore[arg-type]
        for child, repeats in element.children
    }


def _texts(element: Element) -> Iterator[tuple[str, Constraint | None]]:
    if element.children is None:
        yield element.name, element.text
    for child, _ in element.children or ():
        yield from _texts(child)


def _shown(element: Element) -> str:
    if element.children is None:
        inner = "..."
    else:
        inner = "".join(_shown(child) + ("..." if many else "") for child, many in element.children)
    return f"<{element.name}>{inner}</{element.name}>"


def _make(value: object) -> Xml:
    found = from_json("xml", value) if isinstance(value, str) else value
    if not isinstance(found, Mapping) or len(found) != 1:
        raise ArgumentError("xml: give one element and what stands in it, as in {'a': {'b': null}}")
    ((root, content),) = found.items()
    return xml(root, content)


XML = ConstraintSource(
    name="xml",
    description='an XML document; in JSON the nested elements, as in {"a": {"b": "line"}}',
    make=_make,
)
