"""A smallest pattern that matches some texts and does not match others.

What a part of a pattern does to the examples is all that counts: at which places of them it may
begin and end. Parts that do the same are one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from condit.constraint.regular.expression import One
from condit.constraint.regular.python_reader import read
from condit.errors import ArgumentError
from condit.regular.compare import difference
from condit.regular.tree import Smallest, Tree, leaf

_CLASSES = ("[0-9]", "[a-z]", "[A-Z]", "[A-Za-z]", r"\w", r"\s", ".")
"""Classes that may be in a pattern, the smaller ones first."""
_MOST_FOUND = 40
"""Trees that are compared, at most."""
_MOST_SHOWN = 5

Rows = tuple[int, ...]
"""For each place in the examples the places where a part that begins there may end, as bits."""


@dataclass(frozen=True)
class Synthesis:
    """Patterns that agree with all examples.

    Attributes:
        patterns: smallest ones, no two of which match the same texts; there may be more.
        distinguishing: a shortest text about which the first two differ: whether it is to match
            is the next example to give; ``None`` where only one pattern was found.
    """

    patterns: tuple[str, ...]
    distinguishing: str | None


def synthesize(
    positive: Iterable[str], negative: Iterable[str] = (), size: int = 9
) -> Synthesis | None:
    r"""The smallest patterns that match some texts and not others; ``None``: none up to ``size``.

    Patterns are made of the characters of the examples, of the classes ``[0-9]``, ``[a-z]``,
    ``[A-Z]``, ``[A-Za-z]``, ``\w``, ``\s`` and ``.``, of ``|``, ``*``, ``+``, ``?``, and of parts
    that follow one another. Their size is that of ``minimal``. No smaller pattern of this kind
    agrees with the examples, for all of them are looked at.

    >>> synthesize(["", "ab"], ["a"])
    Synthesis(patterns=('(?:ab)*', '(?:ab)?'), distinguishing='abab')

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
    trees = [leaf(((ord(each), ord(each)),)) for each in letters]
    leaves = [
        (tree, examples.of_character({letter})) for tree, letter in zip(trees, letters, strict=True)
    ]
    for name in _CLASSES:
        root = read(name).root
        if isinstance(root, One):
            held = {each for each in chain(*yes, *no) if ord(each) in root.characters}
            leaves.append((leaf(root.characters.ranges), examples.of_character(held)))
    leaves = [each for each in leaves if any(each[1])]
    alike: dict[Rows, list[Tree]] = {}
    for tree, value in leaves:
        alike.setdefault(value, []).append(tree)
    others = {one: [two for two in held if two != one] for held in alike.values() for one in held}
    found = Smallest(examples, leaves, examples.fits).find(size, _MOST_FOUND)
    found = list(
        dict.fromkeys([*found, *(e for t in found for e in t.changed(others.__getitem__))])
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
    return Synthesis(tuple(shown), distinguishing) if shown else None


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

    def of_character(self, held: set[str]) -> Rows:
        """What one of some characters does."""
        return tuple(
            1 << place + 1 if each in held else 0 for place, each in enumerate(self._characters)
        )

    def fits(self, value: Rows) -> bool:
        """Whether a pattern says of each example what it should."""
        return all(bool(value[start] & end) == yes for start, end, yes in self._wanted)

    def joined(self, first: Rows, second: Rows) -> Rows:
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

    def either(self, first: Rows, second: Rows) -> Rows:
        """Any of the two."""
        return tuple(one | other for one, other in zip(first, second, strict=True))

    def repeated(self, item: Rows) -> Rows:
        """Once or more."""
        found = list(item)
        for place in range(len(found) - 1, -1, -1):
            ends = item[place] & ~(1 << place)
            while ends:
                low = ends & -ends
                found[place] |= found[low.bit_length() - 1]
                ends ^= low
        return tuple(found)

    def optional(self, item: Rows) -> Rows:
        """It, or the empty text."""
        return tuple(ends | 1 << place for place, ends in enumerate(item))

    def is_useful(self, value: Rows) -> bool:
        """Whether it matches anything in the examples."""
        return any(value)
