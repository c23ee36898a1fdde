"""A smallest pattern that matches some texts and does not match others.

What a part of a pattern does to the examples is all that counts: at which places of them it may
begin and end. Parts that do the same are one. All patterns are tried as far as that goes; larger
ones are looked for among rows of such parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from condit.constraint.regular.expression import One
from condit.constraint.regular.python_reader import read
from condit.errors import ArgumentError, ConstraintTooComplexError
from condit.regular.compare import difference
from condit.regular.rows import Ends, Examples, Part, Rows
from condit.regular.tree import Smallest, Tree, leaf

_CLASSES = {"[0-9]": 1, "[a-z]": 1, "[A-Z]": 1, r"\s": 1, "[A-Za-z]": 2, r"\w": 2, ".": 4}
"""Classes that may be in a pattern, with their sizes: what says less counts more."""
_MOST_TRIED = 30_000
"""Patterns of all kinds that are tried, at most, before rows of those are."""
_LARGEST_PARTS = (5, 3, 2)
"""The size of a part of a row, at most; smaller, where there are too many rows."""
_MOST_FOUND = 40
"""Trees that are compared, at most."""
_MOST_SHOWN = 5


@dataclass(frozen=True)
class Synthesis:
    """Patterns that agree with all examples.

    Attributes:
        patterns: smallest ones, no two of which match the same texts; there may be more.
        distinguishing: a shortest text about which the first two differ: whether it is to match
            is the next example to give; ``None`` where only one pattern was found.
        complete: whether all smaller patterns were tried. Otherwise all small ones were, and of
            the larger ones those that are small parts in a row.
    """

    patterns: tuple[str, ...]
    distinguishing: str | None
    complete: bool = True


def synthesize(
    positive: Iterable[str], negative: Iterable[str] = (), size: int = 20
) -> Synthesis | None:
    r"""The smallest patterns that match some texts and not others; ``None``: none up to ``size``.

    Patterns are made of the characters of the examples, of the classes ``[0-9]``, ``[a-z]``,
    ``[A-Z]``, ``[A-Za-z]``, ``\w``, ``\s`` and ``.``, of ``|``, ``*``, ``+``, ``?``, of ``{n}``
    after a character or class, and of parts that follow one another. Their size is how many
    characters and classes there are, of which ``[A-Za-z]`` and ``\w`` count as 2 and ``.`` as 4,
    plus one for each ``|``, each repeat and each place where two parts follow one another.

    >>> synthesize(["", "ab"], ["a"]).patterns
    ('(?:[a-z]{2})*', '(?:[a-z]{2})?')
    >>> dates = ["2024-01-31", "1999-12-01"], ["2024-1-31", "2024/01/31", "24-01-31"]
    >>> found = synthesize(*dates)
    >>> found.patterns[0], found.distinguishing
    ('[0-9]{4}(?:-[0-9]{2})+', '0000')

    Small patterns are all tried. If none agrees with the examples, the smallest rows of small parts
    are looked for (``complete`` is then false).

    Args:
        positive: texts that are to match, at least one.
        negative: texts that must not match.
        size: the largest size of a pattern.

    Raises:
        ArgumentError: there is no positive text, or one is negative as well; or ``size`` is less
            than 1.
        ConstraintTooComplexError: too many patterns are smaller than one that would do.
    """
    yes, no = list(dict.fromkeys(positive)), list(dict.fromkeys(negative))
    if not yes:
        raise ArgumentError("synthesize: give at least one text that is to match")
    if both := set(yes) & set(no):
        raise ArgumentError(f"synthesize: {min(both)!r} is to match and not to match")
    if size < 1:
        raise ArgumentError(f"synthesize: size is {size}, and must be 1 or more")
    if not any(yes):
        return Synthesis(("",), None)
    examples = _Examples(yes, no)
    letters = sorted(set(chain(*yes)))
    leaves: dict[int, list[tuple[Tree, Ends]]] = {}
    for each in letters:
        point = ord(each)
        leaves.setdefault(1, []).append((leaf(((point, point),)), examples.of_character({each})))
    for name, cost in _CLASSES.items():
        root = read(name).root
        if isinstance(root, One):
            held = {each for each in chain(*yes, *no) if ord(each) in root.characters}
            if any(ends := examples.of_character(held)):
                leaves.setdefault(cost, []).append((leaf(root.characters.ranges), ends))
    alike: dict[tuple[int, Ends], list[Tree]] = {}
    for cost, found_leaves in leaves.items():
        for tree, ends in found_leaves:
            alike.setdefault((cost, ends), []).append(tree)
    others = {one: [two for two in held if two != one] for held in alike.values() for one in held}
    found, complete = _smallest(examples, leaves, size)
    found = list(
        dict.fromkeys([*found, *(e for t in found for e in t.changed(lambda x: others.get(x, ())))])
    )
    shown: list[str] = []
    distinguishing: str | None = None
    for pattern in map(str, found[:_MOST_FOUND]):
        texts = [_differing(pattern, each) for each in shown]
        if None not in texts:
            shown.append(pattern)
            if len(shown) == 2:
                distinguishing = texts[0]
        if len(shown) == _MOST_SHOWN:
            break
    return Synthesis(tuple(shown), distinguishing, complete) if shown else None


def _smallest(
    examples: _Examples, leaves: dict[int, list[tuple[Tree, Ends]]], size: int
) -> tuple[list[Tree], bool]:
    """Smallest trees that agree with the examples, and whether all smaller ones were tried."""
    small = Smallest(examples, leaves, examples.fits, examples.powers, _MOST_TRIED)
    try:
        return small.find(size, _MOST_FOUND), True
    except ConstraintTooComplexError:
        pass  # for this way: rows may do
    for largest in _LARGEST_PARTS:
        parts = [
            Part(tree, number, ends)
            for number, level in enumerate(small.levels[: largest + 1])
            for tree, ends in level
            if tree.kind != "join"
        ]
        try:
            return Rows(examples.ends, parts).find(size, _MOST_FOUND), False
        except ConstraintTooComplexError:
            if largest == _LARGEST_PARTS[-1]:
                raise
    raise AssertionError("there are sizes of parts")


def _differing(first: str, second: str) -> str | None:
    """A shortest text about which two patterns differ."""
    found = difference(first, second, most=1)
    return min((*found.only_first, *found.only_second), key=len, default=None)


class _Examples:
    """What parts of patterns do to the examples."""

    def __init__(self, positive: list[str], negative: list[str]) -> None:
        self._characters: list[str] = []
        wanted: list[tuple[int, int, bool]] = []
        for text in positive + negative:
            start = len(self._characters)
            # A place after the last character is one more.
            self._characters += [*text, ""]
            wanted.append((start, 1 << start + len(text), len(wanted) < len(positive)))
        self._wanted = wanted
        sizes = [len(text) for text in positive + negative]
        self.ends = Examples(
            [
                ((2 << length) - 1 << start, end)
                for (start, end, agrees), length in zip(wanted, sizes, strict=True)
                if agrees
            ],
            sum(end for _, end, agrees in wanted if not agrees),
            sum(1 << start for start, _, _ in wanted),
        )

    def of_character(self, held: set[str]) -> Ends:
        """What one of some characters does."""
        return tuple(
            1 << place + 1 if each in held else 0 for place, each in enumerate(self._characters)
        )

    def fits(self, value: Ends) -> bool:
        """Whether a pattern says of each example what it should."""
        return all(bool(value[start] & end) == yes for start, end, yes in self._wanted)

    def joined(self, first: Ends, second: Ends) -> Ends:
        """One after the other."""
        found = []
        for ends in first:
            row = 0
            while ends:
                low = ends & -ends
                row |= second[low.bit_length() - 1]
                ends ^= low
            found.append(row)
        return tuple(found)

    def either(self, first: Ends, second: Ends) -> Ends:
        """Any of the two."""
        return tuple(one | other for one, other in zip(first, second, strict=True))

    def repeated(self, item: Ends) -> Ends:
        """Once or more."""
        found = list(item)
        for place in range(len(found) - 1, -1, -1):
            ends = item[place] & ~(1 << place)
            while ends:
                low = ends & -ends
                found[place] |= found[low.bit_length() - 1]
                ends ^= low
        return tuple(found)

    def powers(self, item: Ends) -> Iterator[Ends]:
        """Twice, three times and so on, while that matches anything new."""
        seen, now = set[Ends](), item
        while now not in seen and any(now):
            seen.add(now)
            if now is not item:
                yield now
            now = self.joined(now, item)

    def optional(self, item: Ends) -> Ends:
        """It, or the empty text."""
        return tuple(ends | 1 << place for place, ends in enumerate(item))

    def is_useful(self, value: Ends) -> bool:
        """Whether it matches anything in the examples."""
        return any(value)
