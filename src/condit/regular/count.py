"""How many texts of a length a pattern has, and one of them at random.

Both go over states of the automaton, with the number of texts that lead to the end from each.
"""

from __future__ import annotations

import random

from condit.errors import ArgumentError, UnsatisfiableError
from condit.regular.argument import Pattern, automaton, shown
from condit.regular.product import Product, State
from condit.regular.search import too_many, witnesses

_LONGER = 10
"""Where no length is given, how much longer than a shortest text a random one is at most."""


def count(pattern: Pattern, length: int) -> int:
    r"""How many texts of ``length`` characters match, exactly.

    >>> count("[ab]*a", 10), count(r"\d{3}", 2)
    (512, 0)

    Args:
        pattern: a pattern, or a regular constraint.
        length: characters (Unicode code points) of the texts.

    Raises:
        ArgumentError: ``length`` is negative.
        CompileError: the pattern does not parse, or cannot be followed.
        ConstraintTooComplexError: texts of this length lead to too many states, as they may where
            the pattern has recursion or unbounded backreferences.
    """
    _check("length", length)
    product = Product([automaton(pattern)], [(True,)])
    ways: dict[State, int] = {} if product.is_hopeless(product.start) else {product.start: 1}
    for _ in range(length):
        after: dict[State, int] = {}
        for state, number in ways.items():
            for move in product.moves(state):
                after[move.to] = after.get(move.to, 0) + number * move.size
        if len(after) > product.most:
            raise too_many(f"more than {product.most} states after texts of one length")
        ways = after
    return sum(number for state, number in ways.items() if product.accepts(state))


def random_text(
    pattern: Pattern,
    seed: int | random.Random | None = None,
    *,
    length: int | None = None,
    longest: int | None = None,
) -> str:
    r"""One of the texts that match, each of a length (or of up to a length) equally likely.

    >>> random_text("[ab]{3}|c", seed=1, length=1)
    'c'

    Args:
        pattern: a pattern, or a regular constraint.
        seed: of the draw, or a generator of random numbers to draw with.
        length: characters of the text.
        longest: instead, the most characters; with neither, 10 more than a shortest text has.

    Raises:
        ArgumentError: both lengths are given, or one is negative.
        UnsatisfiableError: no text of such a length matches.
        CompileError: the pattern does not parse, or cannot be followed.
        ConstraintTooComplexError: texts of these lengths lead to too many states.
    """
    if length is not None and longest is not None:
        raise ArgumentError("random_text: give length or longest, not both")
    product = Product([automaton(pattern)], [(True,)])
    if length is not None:
        _check("length", length)
        lengths = range(length, length + 1)
    elif longest is not None:
        _check("longest", longest)
        lengths = range(longest + 1)
    else:
        shortest = next(witnesses(product), None)
        lengths = range(0 if shortest is None else len(shortest) + _LONGER + 1)
    numbers = _numbers(product, max(lengths, default=0))
    totals = [numbers[left].get(product.start, 0) for left in lengths]
    if not sum(totals):
        raise UnsatisfiableError(f"no text of such a length matches regex {shown(pattern)}")
    rng = seed if isinstance(seed, random.Random) else random.Random(seed)
    at, _ = _pick(rng, totals)
    found: list[str] = []
    state = product.start
    # Which character stands for another: the states after the characters of a move are alike, and
    # only one of them is known. What follows another is the same with the two exchanged.
    stands_for: dict[str, str] = {}
    for left in range(lengths[at] - 1, -1, -1):
        moves = product.moves(state)
        sums = [move.size * numbers[left].get(move.to, 0) for move in moves]
        at, rest = _pick(rng, sums)
        move = moves[at]
        character = move.member(rest // numbers[left][move.to])
        found.append(stands_for.get(character, character))
        if product.follows_text and character != move.first:
            one, other = (stands_for.get(each, each) for each in (character, move.first))
            stands_for |= {character: other, move.first: one}
        state = move.to
    return "".join(found)


def _pick(rng: random.Random, sums: list[int]) -> tuple[int, int]:
    """An index, as likely as its number among ``sums``, and what is left of the number drawn."""
    drawn = rng.randrange(sum(sums))
    for at, each in enumerate(sums):
        if drawn < each:
            return at, drawn
        drawn -= each
    raise AssertionError("a draw lies below the sum")


def _numbers(product: Product, longest: int) -> list[dict[State, int]]:
    """For each number of characters left, how many texts lead from a state to the end."""
    layers: list[set[State]] = [set() if product.is_hopeless(product.start) else {product.start}]
    for _ in range(longest):
        layers.append({move.to for state in layers[-1] for move in product.moves(state)})
        if len(layers[-1]) > product.most:
            raise too_many(f"more than {product.most} states after texts of one length")
    reached: set[State] = set()
    upto = [reached := reached | layer for layer in layers]
    numbers = [{state: 1 for state in upto[-1] if product.accepts(state)}]
    for left in range(1, longest + 1):
        before = numbers[-1]
        now: dict[State, int] = {}
        for state in upto[longest - left]:
            total = sum(m.size * before.get(m.to, 0) for m in product.moves(state))
            if total:
                now[state] = total
        numbers.append(now)
    return numbers


def _check(name: str, value: int) -> None:
    if value < 0:
        raise ArgumentError(f"{name} is {value}, and must be 0 or more")
