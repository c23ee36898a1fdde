"""Whether an expression matches a text, by trying everything in order: slow, and nothing else.

It knows each node by its docstring alone, and has nothing in common with what Condit runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import regex  # type: ignore[import-untyped]

from condit.constraint.regular.expression import (
    Alternation,
    Atomic,
    Backreference,
    Call,
    Capture,
    Complement,
    Concatenation,
    Conditional,
    Intersection,
    Look,
    Loose,
    Node,
    One,
    Repetition,
    word,
)
from condit.constraint.regular.fuzzy import Fuzzy
from condit.constraint.regular.pattern import Pattern
from condit.constraint.regular.verbs import Cut

Captures = dict[int, Any]
_ERRORS = -1
"""The key under which the captures hold the errors of the fuzzy group that surrounds a place."""

Ways = Iterator[tuple[int, Captures]]


def matches(pattern: Pattern, text: str) -> bool:
    """Whether the whole text is one of the pattern's."""
    return any(
        end == len(text)
        for end, _ in _Evaluator(pattern, text).ways(pattern.root, 0, {}, forward=True)
    )


def _outer(held: Captures, counts: list[int]) -> Captures:
    if _ERRORS not in held:
        return {}
    fuzzy, *outer = held[_ERRORS]
    return {_ERRORS: (fuzzy, *(a + b for a, b in zip(outer, counts, strict=True)))}


class _CutError(Exception):
    """A cut was come back to: what is around it fails."""


class _Evaluator:
    def __init__(self, pattern: Pattern, text: str) -> None:
        self.pattern = pattern
        self.text = text

    def _first(
        self, node: Node, at: int, held: Captures, *, forward: bool
    ) -> tuple[int, Captures] | None:
        try:
            return next(self.ways(node, at, held, forward=forward), None)
        except _CutError:
            return None

    def ways(self, node: Node, at: int, held: Captures, *, forward: bool) -> Ways:
        """Where a match of ``node`` from ``at`` may end, with its captures, the first one first.

        Within lookbehind a match goes backwards, the last item first.
        """
        match node:
            case One() if _ERRORS in held:
                yield from self._wrong(node, at, held, forward)
            case _ if _ERRORS in held and Fuzzy.is_place(node):
                exact = {key: value for key, value in held.items() if key != _ERRORS}
                for end, inner in self._inserted(at, held, forward):
                    if next(self.ways(node, end, exact, forward=forward), None):
                        yield end, inner
                        break
            case Fuzzy():
                begun = held | {_ERRORS: (node, 0, 0, 0)}
                for end, inner in self.ways(node.item, at, begun, forward=forward):
                    for last, final in self._inserted(end, inner, forward):
                        _, *counts = final.pop(_ERRORS)
                        if node.suffices(*counts):
                            yield last, final | _outer(held, counts)
            case One(characters):
                index = at if forward else at - 1
                if 0 <= index < len(self.text) and ord(self.text[index]) in characters:
                    yield at + (1 if forward else -1), held
            case Concatenation(items):
                yield from self._sequence(items if forward else items[::-1], at, held, forward)
            case Alternation(choices):
                for choice in choices:
                    yield from self.ways(choice, at, held, forward=forward)
            case Repetition():
                yield from self._repeated(node, 0, at, held, forward)
            case Look(item, ahead, negative):
                exact = {key: value for key, value in held.items() if key != _ERRORS}
                found = self._first(item, at, exact, forward=ahead)
                if (found is None) == negative:
                    yield at, held if found is None else held | found[1]
            case Atomic(item):
                found = self._first(item, at, held, forward=forward)
                if found is not None:
                    yield found
            case Cut():
                yield at, held
                raise _CutError
            case Capture(group, item):
                for end, inner in self.ways(item, at, held, forward=forward):
                    yield end, inner | {group: self.text[min(at, end) : max(at, end)]}
            case Backreference(group, folded):
                if group in held and _ERRORS in held:
                    again = word(held[group])
                    yield from self.ways(again, at, held, forward=forward)
                elif group in held:
                    yield from self._again(held[group], folded, at, held, forward)
            case Conditional(group, yes, no):
                yield from self.ways(yes if group in held else no, at, held, forward=forward)
            case Call(group):
                called = self.pattern.groups[group] if group else self.pattern.root
                for end, _ in self.ways(called, at, held, forward=forward):
                    yield end, held
            case Intersection(members):
                for end in self._ends(at, forward):
                    if all(self._reaches(each, at, end, held, forward) for each in members):
                        yield end, held
            case Complement(item):
                for end in self._ends(at, forward):
                    if not self._reaches(item, at, end, held, forward):
                        yield end, held
            case Loose(item):
                yield from self.ways(item, at, held, forward=forward)
            case _:
                raise NotImplementedError(type(node).__name__)

    def _wrong(self, node: One, at: int, held: Captures, forward: bool) -> Ways:
        """One character, with errors before or instead."""
        index, beyond = (at, at + 1) if forward else (at - 1, at - 1)
        fuzzy, substituted, inserted, deleted = held[_ERRORS]
        here = 0 <= index < len(self.text)
        if here and ord(self.text[index]) in node.characters:
            yield beyond, held
            return
        if here and ord(self.text[index]) in fuzzy.wrong:
            if fuzzy.allows(substituted + 1, inserted, deleted):
                yield beyond, held | {_ERRORS: (fuzzy, substituted + 1, inserted, deleted)}
            if fuzzy.allows(substituted, inserted + 1, deleted):
                more = held | {_ERRORS: (fuzzy, substituted, inserted + 1, deleted)}
                yield from self._wrong(node, beyond, more, forward)
        if fuzzy.allows(substituted, inserted, deleted + 1):
            yield at, held | {_ERRORS: (fuzzy, substituted, inserted, deleted + 1)}

    def _inserted(self, at: int, held: Captures, forward: bool) -> Ways:
        """Insertions after the last character of fuzzy matching."""
        yield at, dict(held)
        index = at if forward else at - 1
        fuzzy, substituted, inserted, deleted = held[_ERRORS]
        here = 0 <= index < len(self.text) and ord(self.text[index]) in fuzzy.wrong
        if here and fuzzy.allows(substituted, inserted + 1, deleted):
            more = held | {_ERRORS: (fuzzy, substituted, inserted + 1, deleted)}
            yield from self._inserted(at + (1 if forward else -1), more, forward)

    def _sequence(self, items: tuple[Node, ...], at: int, held: Captures, forward: bool) -> Ways:
        if not items:
            yield at, held
            return
        for end, inner in self.ways(items[0], at, held, forward=forward):
            yield from self._sequence(items[1:], end, inner, forward)

    def _repeated(
        self, node: Repetition, count: int, at: int, held: Captures, forward: bool
    ) -> Ways:
        enough = count >= node.least
        if enough and node.lazy:
            yield at, held
        if node.most is None or count < node.most:
            for end, inner in self.ways(node.item, at, held, forward=forward):
                if end == at and inner == held and count + 1 >= node.least:
                    # Once more the same would lead nowhere else.
                    yield end, inner
                else:
                    yield from self._repeated(node, count + 1, end, inner, forward)
        if enough and not node.lazy:
            yield at, held

    def _again(self, captured: str, folded: bool, at: int, held: Captures, forward: bool) -> Ways:
        if not folded:
            end = at + (len(captured) if forward else -len(captured))
            if end >= 0 and self.text[min(at, end) : max(at, end)] == captured:
                yield end, held
            return
        same = regex.compile(f"(?if){regex.escape(captured)}", regex.V1)
        for end in self._ends(at, forward):
            if same.fullmatch(self.text[min(at, end) : max(at, end)]):
                yield end, held
                return

    def _ends(self, at: int, forward: bool) -> range:
        return range(at, len(self.text) + 1) if forward else range(at, -1, -1)

    def _reaches(self, node: Node, at: int, end: int, held: Captures, forward: bool) -> bool:
        return any(each == end for each, _ in self.ways(node, at, held, forward=forward))
