"""The constraint that parts follow each other as a layout says; what is made of it is elsewhere."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from functools import cached_property

from condit.constraint.algebra.chain_matcher import ChainMatcher
from condit.constraint.algebra.labels import label_of
from condit.constraint.algebra.layout import Layout
from condit.constraint.algebra.literal import Literal
from condit.constraint.algebra.plan import Enforcement, plan_of
from condit.constraint.algebra.readings import Readings
from condit.constraint.algebra.regular import bind_tree
from condit.constraint.algebra.splits import Piece, Splits, ends_before, words_behind
from condit.constraint.base import Constraint, Matcher, Violation
from condit.constraint.regular.expression import Node
from condit.errors import ArgumentError
from condit.vocabulary import Vocabulary


class Chained(Constraint):
    """Texts made of parts; subclasses are frozen dataclasses with an attribute ``parts``."""

    parts: tuple[Constraint, ...]

    @property
    @abstractmethod
    def layout(self) -> Layout:
        """In which order parts may follow each other."""

    @property
    def tree(self) -> Node | None:
        """All parts as one regular expression; ``None`` where they are not regular."""
        return None

    @property
    def plan(self) -> tuple[Enforcement, ...]:
        """Where each part is enforced."""
        return plan_of(self, self.parts, "in turn", "tokens over joins are followed byte by byte")

    def label(self, part: int) -> str:
        """What a part is called in messages."""
        return f"part {part + 1}, {label_of(self.parts[part])}"

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        """A matcher at the empty text; EXACT where all parts and their bytes are.

        Raises:
            VocabularyError: no token of this vocabulary can begin a text.
            ConstraintTooComplexError: a text can be read as parts in too many ways.
        """
        found = bind_tree(self.tree, vocabulary)
        if found is not None:
            return found
        return ChainMatcher.bind(Readings(self.layout, self.parts, vocabulary), self.label)

    def accepts(self, text: str) -> bool:
        """Whether ``text`` can be read as parts, by their oracles."""
        return Splits(self.layout, self.parts, text).accepted

    def violation(self, text: str) -> Violation | None:
        """Where ``text`` can be read as parts no further, which part that is, and why."""
        splits = Splits(self.layout, self.parts, text)
        if splits.accepted:
            return None
        part, found = splits.furthest()
        if part < 0:
            return found
        return Violation(f"in {self.label(part)}: {found.reason}", found.position)

    def pieces(self, text: str) -> list[Piece]:
        """How an accepted ``text`` is read: each part in turn as long as can be.

        Raises:
            ArgumentError: it is not accepted.
        """
        splits = Splits(self.layout, self.parts, text)
        if not splits.accepted:
            raise ArgumentError(f"a text that is not accepted has no value: {self.explain(text)}")
        return splits.pieces()

    def part_value(self, piece: Piece) -> object:
        """The value of a piece of a text; its text where the part has no type."""
        value = self.parts[piece.part].value(piece.text)
        return piece.text if value is None else value

    def values(self, text: str) -> tuple[object, ...]:
        """The values of the parts of an accepted ``text``, without those that are fixed texts."""
        return tuple(
            self.part_value(piece) for piece in self.pieces(text) if not self.is_silent(piece.part)
        )

    def is_silent(self, part: int) -> bool:
        """Whether a part has no place among the values: a fixed text."""
        return isinstance(self.parts[part], Literal)

    def last_bytes(self) -> frozenset[int] | None:
        """The last bytes of all parts after which the text may end."""
        found: frozenset[int] = frozenset()
        for place in self._last_places:
            for steps in self.layout.rough.steps:
                for step in steps:
                    if step.after == place:
                        own = self.parts[step.part].last_bytes()
                        if own is None:
                            return None
                        found |= own
        return found

    @cached_property
    def _last_places(self) -> frozenset[int]:
        """The places after which nothing but empty parts need be written."""
        layout = self.layout.rough
        found, nullable = set(layout.ends), [part.accepts("") for part in self.parts]
        changed = True
        while changed:
            changed = False
            for place, steps in enumerate(layout.steps):
                if place not in found and any(nullable[s.part] and s.after in found for s in steps):
                    found.add(place)
                    changed = True
        return frozenset(found)

    def possible_ends(self, text: str, start: int) -> Iterable[int] | None:
        """Where a chain of possible ends of parts leads to; ``None`` where one is not known."""
        seen: set[tuple[int, int]] = set()
        waiting = [(start, 0)]
        while waiting:
            node = waiting.pop()
            if node in seen:
                continue
            seen.add(node)
            for step in self.layout.steps[node[1]]:
                part = self.parts[step.part]
                ends = part.possible_ends(text, node[0])
                words = words_behind(self.layout, self.parts, step)
                if words is not None:
                    places = ends_before(words, text, node[0], ends)
                    ends = [end for end in places if part.accepts(text[node[0] : end])]
                elif ends is None:
                    return None
                waiting += [(end, step.after) for end in ends]
        return sorted(end for end, place in seen if place in self.layout.ends)
