r"""Literals without regard to case, as the ``regex`` module compares them.

One character may stand for two or three: ``(?i)ss`` matches ``ß``. Whether it does depends on which
literals stand beside each other in the pattern, so that a reader emits each as a ``Letter``, and
``without_letters`` replaces runs of them by what they match.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from typing import Literal

import regex  # type: ignore[import-untyped]

from condit.constraint.regular.characters import Characters, merged
from condit.constraint.regular.expression import (
    EMPTY,
    Alternation,
    Concatenation,
    Look,
    Node,
    One,
    concatenation,
    one,
)
from condit.constraint.regular.properties import UNICODE, Encoding, cased, members

Folding = Literal["", "simple", "full"]
"""How case is regarded: at all; not, one character for one; not, and one may stand for more."""


@dataclass(frozen=True, eq=False)
class Letter(Node):
    """A literal whose neighbours are not known yet; never in a finished pattern.

    Attributes:
        character: the literal.
        folding: how case is regarded.
    """

    character: str
    folding: Folding

    def _measure(self) -> tuple[float, float, bool]:
        return 1, 1, False


def ordered(*choices: Node) -> Node:
    """Any of the choices, the first one first, as a possessive group tries them."""
    flat: list[Node] = []
    for choice in choices:
        flat += choice.choices if isinstance(choice, Alternation) else (choice,)
    kept = list(dict.fromkeys(flat))
    if len(kept) > 1 and any(_is_full(choice.parts or (choice,), 0) for choice in kept):
        return _factored(_singles_first(kept))
    return kept[0] if len(kept) == 1 else Alternation(tuple(kept))


def without_letters(node: Node, encoding: Encoding) -> Node:
    """The node with every run of letters replaced by what it matches."""
    match node:
        case Letter():
            return _spelled((node,), encoding)
        case Concatenation(items):
            done: list[Node] = []
            run: list[Letter] = []
            for item in items:
                if isinstance(item, Letter):
                    run.append(item)
                    continue
                done += [_spelled(tuple(run), encoding), without_letters(item, encoding)]
                run = []
            return concatenation(*done, _spelled(tuple(run), encoding))
        case _:
            return rebuilt(node, [without_letters(part, encoding) for part in node.parts])


def rebuilt(node: Node, parts: Sequence[Node]) -> Node:
    """The node with other parts in the place of its own, in order."""
    if not node.parts or all(a is b for a, b in zip(node.parts, parts, strict=True)):
        return node
    rest = iter(parts)
    values: dict[str, object] = {}
    for each in fields(node):  # type: ignore[arg-type]
        value = getattr(node, each.name)
        if isinstance(value, Node):
            value = next(rest)
        elif isinstance(value, tuple) and value and isinstance(value[0], Node):
            value = tuple(next(rest) for _ in value)
        values[each.name] = value
    return type(node)(**values)


def folded_strings(characters: Characters, encoding: Encoding) -> list[Node]:
    """What members that stand for several characters match besides, for a class."""
    texts = dict.fromkeys(
        text for character, text in expansions().items() if ord(character) in characters
    )
    return [_folded(text, encoding) for text in texts]


@cache
def expansions() -> dict[str, str]:
    """The characters that stand for several without regard to case, and for which."""
    texts: dict[str, list[str]] = {}
    for each in cased():
        if len(folded := each.casefold()) > 1:
            texts.setdefault(folded, []).append(each)
    # The module may know a newer Unicode than Python.
    newer = [each for each in cased() if unicodedata.category(each) == "Cn"]
    found: dict[str, str] = {}
    for text, known in texts.items():
        pattern = regex.compile(f"(?if){regex.escape(text)}", regex.V1)
        found |= {each: text for each in (*known, *newer) if pattern.fullmatch(each)}
    return dict(sorted(found.items()))


@cache
def _expanding() -> dict[str, Characters]:
    """For each text of several characters the single ones that stand for it."""
    points: dict[str, list[tuple[int, int]]] = {}
    for character, text in expansions().items():
        points.setdefault(text, []).append((ord(character), ord(character)))
    return {text: Characters.of(merged(each)) for text, each in points.items()}


@lru_cache(maxsize=4096)
def _single(character: str, encoding: Encoding, *, folded: bool) -> Node:
    if not folded:
        return one(Characters.of(((ord(character), ord(character)),)))
    return one(members(regex.escape(character), encoding, folded=True))


def _spelled(run: tuple[Letter, ...], encoding: Encoding) -> Node:
    """What letters beside each other match."""
    done: list[Node] = []
    start = 0
    while start < len(run):
        end = start + 1
        while end < len(run) and run[end].folding == run[start].folding:
            end += 1
        text = "".join(letter.character for letter in run[start:end])
        if run[start].folding == "full":
            done.append(_full(text, encoding))
        else:
            folded = run[start].folding == "simple"
            done += [_single(each, encoding, folded=folded) for each in text]
        start = end
    return concatenation(*done)


def same_letters(text: str) -> Iterator[tuple[int, str]]:
    """Characters that are the first of ``text``, or the first few, without regard to case.

    Yields:
        How many of them, and the characters.
    """
    yield 1, _cases(text[0])
    lower = "".join(map(_lowered, text[:3]))
    for size in range(2, len(lower) + 1):
        if found := _expanding().get(lower[:size]):
            yield size, _listed(found)


@lru_cache(maxsize=4096)
def _cases(character: str) -> str:
    return _listed(members(regex.escape(character), UNICODE, folded=True))


def _listed(characters: Characters) -> str:
    return "".join(chr(p) for low, high in characters.ranges for p in range(low, high + 1))


def _full(text: str, encoding: Encoding) -> Node:
    """A literal in which one character may stand for more."""
    done: list[Node] = []
    position = 0
    for start, end in _chunks(text):
        done += [_single(each, encoding, folded=True) for each in text[position:start]]
        chunk = text[start:end]
        inside = _folded("".join(expansions().get(each, each) for each in chunk), encoding)
        if len(chunk) == 1:
            # By itself it also matches what stands for it one by one.
            inside = ordered(_single(chunk, encoding, folded=True), inside)
        done.append(inside if chunk else EMPTY)
        position = end
    return concatenation(*done, *(_single(each, encoding, folded=True) for each in text[position:]))


def _chunks(text: str) -> list[tuple[int, int]]:
    """The places in a literal that the module compares as a whole.

    It looks for them in the folded literal, but applies them to the literal as it is.
    """
    folded = "".join(expansions().get(each, _lowered(each)) for each in text)
    found: list[tuple[int, int]] = []
    for expanded in _expanding():
        at = folded.find(expanded)
        while at >= 0:
            found.append((at, at + len(expanded)))
            at = folded.find(expanded, at + 1)
    chunks: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if chunks and start <= chunks[-1][1]:
            chunks[-1] = (chunks[-1][0], max(end, chunks[-1][1]))
        else:
            chunks.append((start, end))
    return chunks


def _lowered(character: str) -> str:
    """One character for one; only a dotted capital I would be two."""
    folded = character.casefold()
    return folded if len(folded) == 1 else character


def _folded(text: str, encoding: Encoding) -> Node:
    """The texts that fold to ``text``."""
    expanding = _expanding()
    lower = "".join(map(_lowered, text))
    rest: dict[int, Node] = {len(text): EMPTY}
    for start in reversed(range(len(text))):
        ways = [concatenation(_single(text[start], encoding, folded=True), rest[start + 1])]
        for size in (2, 3):
            found = expanding.get(lower[start : start + size])
            if found and start + size <= len(text):
                ways.append(concatenation(one(found), rest[start + size]))
        rest[start] = ways[0] if len(ways) == 1 else Alternation(tuple(ways))
    return rest[0]


def _singles_first(choices: list[Node]) -> list[Node]:
    """The choices, with what letters stand for besides after all of them, as the module has it.

    It makes a class of letters that are choices beside each other.
    """
    done: list[Node] = []
    position = 0
    while position < len(choices):
        end = position
        while _is_full(choices, end):
            end += 1
        run = [each for each in choices[position:end] if isinstance(each, Letter)]
        if len(run) > 1:
            texts = [expansions().get(letter.character, "") for letter in run]
            done += [Letter(letter.character, "simple") for letter in run]
            done += [concatenation(*(Letter(c, "full") for c in text)) for text in texts if text]
            position = end
        else:
            done.append(choices[position])
            position += 1
    return done


def _is_full(items: Sequence[Node], i: int) -> bool:
    item = items[i] if 0 <= i < len(items) else None
    return isinstance(item, Letter) and item.folding == "full"


def _factored(choices: list[Node]) -> Node:
    """The choices with the letters that they begin with in common moved out, as the module does.

    It makes a difference where these go on what stands before.
    """
    rows = [choice.items if isinstance(choice, Concatenation) else (choice,) for choice in choices]
    count = 0
    while all(
        count < len(row)
        and isinstance(row[count], Letter | One | Look)
        and row[count] == rows[0][count]
        for row in rows
    ):
        count += 1
    while count and not all(_can_split(row, count) for row in rows):
        count -= 1
    rest = tuple(concatenation(*row[count:]) for row in rows)
    return concatenation(*rows[0][:count], Alternation(rest))


def _can_split(items: Sequence[Node], count: int) -> bool:
    """Whether no character stands for what lies on both sides of a place."""
    if not _is_full(items, count - 1) or not _is_full(items, count):
        return True
    windows = [(count - 1, count + 1)]
    if _is_full(items, count + 2):
        windows.append((count - 1, count + 2))
    if _is_full(items, count - 2):
        windows.append((count - 2, count + 1))
    for start, end in windows:
        run = items[start:end]
        text = "".join(item.character for item in run if isinstance(item, Letter))
        if len(text) == len(run) and text.lower() in _expanding():
            return False
    return True
