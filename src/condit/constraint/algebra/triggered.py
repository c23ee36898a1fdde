"""Free text in which some words begin a part that must satisfy a constraint (structural tags)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property

from condit.constraint.algebra.chained import Chained
from condit.constraint.algebra.free import Free
from condit.constraint.algebra.labels import wanted
from condit.constraint.algebra.layout import Layout, Step
from condit.constraint.algebra.literal import Literal, as_constraint
from condit.constraint.base import Constraint, Matcher
from condit.errors import ArgumentError, UnlimitedTextWarning
from condit.vocabulary import Vocabulary

Tag = tuple[str, Constraint | str, str]


def triggered(
    *tags: Tag, at_least: int = 0, at_most: int | None = None, max_tokens: int | None = None
) -> Triggered:
    """Free text that is constrained from a trigger on, up to an end.

    Each tag is a triple: the word that triggers it, a constraint for what stands behind, and the
    text after that, with which free text goes on. The word occurs nowhere in the free text but
    where it begins a tag. The value is a tuple in the order of the text: a string for each free
    text that is not empty, and a `Tagged` for each tag.

    >>> from condit import json_schema
    >>> calls = triggered(("<tool>", json_schema({"type": "integer"}), "</tool>"))
    >>> calls.value("I ask <tool>12</tool>.")
    ('I ask ', Tagged(name='<tool>', value=12), '.')

    Args:
        tags: the triples.
        at_least: how many tags there must be.
        at_most: how many there may be; ``None``: any number.
        max_tokens: how many tokens each free text may take, the trigger's among them. Without,
            a model that likes to talk leaves a tag that must come only the shortest text.

    Raises:
        ArgumentError: there is no tag, one is no such triple, a trigger holds another one, or the
            numbers are none.
    """
    if not tags:
        raise ArgumentError("triggered: give at least one tag: (trigger, constraint, end)")
    made = []
    for tag in tags:
        if not (isinstance(tag, tuple) and len(tag) == 3 and isinstance(tag[0], str) and tag[0]):
            raise ArgumentError(
                f"triggered: {tag!r} is no tag: give a tuple (trigger, constraint, end)"
            )
        made.append((tag[0], as_constraint(tag[1], "triggered"), Literal(tag[2])))
    begins = [begin for begin, _, _ in made]
    for place, begin in enumerate(begins):
        other = next((o for at, o in enumerate(begins) if at != place and begin in o), None)
        if other is not None:
            raise ArgumentError(f"triggered: the trigger {begin!r} occurs in {other!r}")
    for name, number in (("at_least", at_least), ("at_most", at_most)):
        whole = isinstance(number, int) and not isinstance(number, bool) and number >= 0
        if not whole and not (name == "at_most" and number is None):
            raise ArgumentError(f"triggered: {name}={number!r}: give a whole number")
    if at_most is not None and at_most < max(at_least, 1):
        raise ArgumentError(f"triggered: at_most={at_most} is less than {max(at_least, 1)}")
    whole = isinstance(max_tokens, int) and not isinstance(max_tokens, bool) and max_tokens >= 1
    if max_tokens is not None and not whole:
        raise ArgumentError(f"triggered: max_tokens={max_tokens!r}: give a whole number over 0")
    return Triggered(tuple(made), at_least, at_most, max_tokens)


@dataclass(frozen=True)
class Tagged:
    """What stands in a tag.

    Attributes:
        name: the trigger.
        value: the value of the constraint; the text where it has no type.
    """

    name: str
    value: object


@dataclass(frozen=True)
class Triggered(Chained):
    """Free text with tags; made by ``triggered``.

    Attributes:
        tags: for each tag the trigger, the constraint behind it, and the end.
        at_least: how many tags there must be.
        at_most: how many there may be; ``None``: any number.
        max_tokens: the most tokens of each free text; ``None``: no limit.
    """

    tags: tuple[tuple[str, Constraint, Literal], ...]
    at_least: int = 0
    at_most: int | None = None
    max_tokens: int | None = None

    @cached_property
    def parts(self) -> tuple[Constraint, ...]:  # type: ignore[override]
        """For each tag the free text up to it, what it holds, and its end; last the free text."""
        begins = tuple(begin for begin, _, _ in self.tags)
        found: list[Constraint] = []
        for begin, held, end in self.tags:
            others = tuple(other for other in begins if other != begin)
            found += [Free((begin,), self.max_tokens, never=others), held, end]
        return (*found, Free((), self.max_tokens, never=begins))

    @cached_property
    def layout(self) -> Layout:
        """Free text and tags in turns."""
        count = self.at_least if self.at_most is None else self.at_most
        size = 1 + 2 * len(self.tags)
        # Each round has a place before its free text, two in each tag, and all share the last.
        end = (count + 1) * size
        steps: list[tuple[Step, ...]] = []
        for number in range(count + 1):
            first = number * size
            further = first + size if number < count else first
            last = self.at_most is not None and number == count
            row = [Step(3 * tag, first + 1 + 2 * tag) for tag in range(len(self.tags))]
            closing = [Step(3 * len(self.tags), end)] if number >= self.at_least else []
            steps.append((*([] if last else row), *closing))
            for tag in range(len(self.tags)):
                steps.append((Step(3 * tag + 1, first + 2 + 2 * tag),))
                steps.append((Step(3 * tag + 2, further),))
        return Layout((*steps, ()), frozenset((end,)))

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        """See ``Chained.bind``.

        Warns:
            UnlimitedTextWarning: a tag must come, and the free text before it has no limit.
        """
        if self.at_least and self.max_tokens is None:
            warnings.warn(
                f"the free text before {self.tags[0][0]!r} has no limit, and a tag must come: a "
                "model that likes to talk uses up max_tokens, and only the shortest text of the "
                "tag is left. Give triggered(max_tokens=...) what free text may use",
                UnlimitedTextWarning,
                stacklevel=3,
            )
        return super().bind(vocabulary)

    def label(self, part: int) -> str:
        """What a part is called in messages."""
        tag, what = divmod(part, 3)
        if tag == len(self.tags):
            return "the free text"
        begin = self.tags[tag][0]
        return (f"the free text before {begin!r}", f"tag {begin!r}", f"the end of {begin!r}")[what]

    def value(self, text: str) -> tuple[object, ...]:
        """The free texts and the tags, in order."""
        found: list[object] = []
        for piece in self.pieces(text):
            tag, what = divmod(piece.part, 3)
            value = self.part_value(piece)
            if what == 0 and value:
                found.append(value)
            elif what == 1:
                found.append(Tagged(self.tags[tag][0], value))
        return tuple(found)

    def describe(self) -> str:
        """The tags, as an instruction to a model."""
        most = "" if self.at_most is None else f" and at most {self.at_most}"
        count = f", at least {self.at_least}{most} of them" if self.at_least else ""
        said = [
            f"{begin}...{end.text} with, between the two: {wanted(held)}".replace("\n", "\n  ")
            for begin, held, end in self.tags
        ]
        forms = "\n".join(said)
        holds = "holds" if self.at_least else "may hold"
        return f"Respond with text that {holds} parts of this form{count}:\n{forms}"
