"""Questions about the texts of one pattern or two: is there one, are they the same, which differ.

How many texts there are is in ``count.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from condit.errors import ArgumentError, ConstraintTooComplexError
from condit.regular.argument import Pattern, automaton
from condit.regular.product import Product
from condit.regular.search import is_alike, witnesses


@dataclass(frozen=True)
class Difference:
    """Texts of one pattern that are not texts of the other.

    Attributes:
        only_first: texts of the first pattern alone, the shortest first.
        only_second: texts of the second pattern alone, the shortest first.
    """

    only_first: tuple[str, ...]
    only_second: tuple[str, ...]


def equivalent(first: Pattern, second: Pattern) -> bool:
    r"""Whether two patterns match the same texts.

    >>> equivalent("a+", "aa*"), equivalent(r"\d", "[0-9]")
    (True, False)

    Args:
        first: a pattern, or a regular constraint.
        second: another.

    Raises:
        CompileError: a pattern does not parse, or cannot be followed.
        ConstraintTooComplexError: neither a proof nor a difference was found within the limit.
    """
    return is_alike(Product([automaton(first), automaton(second)], [(True, False), (False, True)]))


def includes(whole: Pattern, part: Pattern) -> bool:
    """Whether every text of ``part`` is a text of ``whole``.

    >>> includes("[a-z]+", "(yes|no)")
    True

    Args:
        whole: a pattern, or a regular constraint.
        part: another.

    Raises:
        CompileError: a pattern does not parse, or cannot be followed.
        ConstraintTooComplexError: neither a proof nor a difference was found within the limit.
    """
    return _first_only(part, whole) is None


def is_empty(pattern: Pattern) -> bool:
    """Whether no text at all matches.

    >>> is_empty("(?=a)b")
    True

    Args:
        pattern: a pattern, or a regular constraint.

    Raises:
        CompileError: it does not parse, or cannot be followed.
        ConstraintTooComplexError: neither a proof nor a text was found within the limit.
    """
    return witness(pattern) is None


def witness(pattern: Pattern) -> str | None:
    r"""A shortest text that matches; ``None`` where nothing does.

    >>> witness(r"(?=.*\d)[a-z].+")
    'a0'

    Args:
        pattern: a pattern, or a regular constraint.

    Raises:
        CompileError: it does not parse, or cannot be followed.
        ConstraintTooComplexError: neither a proof nor a text was found within the limit.
    """
    return next(witnesses(Product([automaton(pattern)], [(True,)])), None)


def difference(first: Pattern, second: Pattern, most: int = 5) -> Difference:
    """Texts that one of two patterns matches and the other does not.

    The shortest come first. Further ones end in other states of the two automata, so that they
    show other reasons rather than other letters; there may be fewer than ``most`` though more
    texts differ. Both are empty exactly where the patterns are equivalent.

    >>> difference("a{1,3}", "a{2,4}")
    Difference(only_first=('a',), only_second=('aaaa',))

    Args:
        first: a pattern, or a regular constraint.
        second: another.
        most: the most texts for each of the two.

    Raises:
        ArgumentError: ``most`` is less than 1.
        CompileError: a pattern does not parse, or cannot be followed.
        ConstraintTooComplexError: neither a proof nor a difference was found within the limit.
    """
    if most < 1:
        raise ArgumentError(f"difference: most is {most}, and must be 1 or more")
    both = automaton(first), automaton(second)
    errors: list[ConstraintTooComplexError] = []
    found = []
    for wanted in ((True, False), (False, True)):
        texts: list[str] = []
        try:
            texts.extend(islice(witnesses(Product(both, [wanted])), most))
        except ConstraintTooComplexError as error:
            errors.append(error)
        found.append(tuple(texts))
    if errors and not any(found):
        raise errors[0]
    return Difference(*found)


def _first_only(first: Pattern, second: Pattern) -> str | None:
    """A shortest text of the first pattern that is none of the second."""
    product = Product([automaton(first), automaton(second)], [(True, False)])
    return next(witnesses(product), None)
