"""A smallest pattern for the texts of a given one, by going through all smaller ones."""

from __future__ import annotations

from itertools import chain, combinations

from condit.constraint.regular.characters import Ranges, merged
from condit.errors import ArgumentError
from condit.regular.argument import Pattern, automaton
from condit.regular.product import Product, State
from condit.regular.search import too_many
from condit.regular.table import Table, Tables, table
from condit.regular.tree import Smallest, leaf

_MOST_LETTERS = 8
"""Characters that are told apart, at most."""
_NOTHING = "(?!)"


def minimal(pattern: Pattern, size: int = 8) -> str | None:
    r"""A smallest pattern that matches the same texts; ``None`` where it is larger than ``size``.

    Patterns are made of characters and classes, ``|``, ``*``, ``+``, ``?``, and of parts that
    follow one another. The size is how many characters and classes there are, plus one for each
    ``|``, each repeat, and each place where two parts follow one another: that of ``a*b`` is 4.
    No smaller pattern of this kind exists, for all of them are looked at; so the time grows
    quickly with ``size`` and with the number of characters that are told apart.

    >>> minimal("(?:a|ab|abb)(?:a|b)*b|a")
    'a(?:a*b)*'

    Args:
        pattern: a pattern, or a regular constraint.
        size: the largest that is looked for.

    Raises:
        ArgumentError: ``size`` is less than 1.
        CompileError: the pattern does not parse, or cannot be followed.
        ConstraintTooComplexError: it has too many states, or too many patterns are smaller.
    """
    if size < 1:
        raise ArgumentError(f"minimal: size is {size}, and must be 1 or more")
    product = Product([automaton(pattern)], [(True,)], apart=True)
    whole, letters = _whole(product)
    if not any(accepts for accepts, _ in whole):
        return _NOTHING
    tables = Tables(len(letters), whole)
    if whole == tables.empty():
        return ""
    if len(letters) > _MOST_LETTERS:
        raise too_many(f"{len(letters)} kinds of characters that are told apart")
    # A character that stands for all of its kind is enough: a pattern that tells them apart
    # says the same where only one of them is asked about.
    sets = chain(*(combinations(range(len(letters)), n + 1) for n in range(len(letters))))
    leaves = [
        (leaf(tuple(merged(chain(*(letters[each] for each in one))))), tables.one_of(one))
        for one in sets
    ]
    found = Smallest(tables, {1: leaves}, lambda value: value == whole).find(size, 1)
    return str(found[0]) if found else None


def _whole(product: Product) -> tuple[Table, list[Ranges]]:
    """The table of all texts, and its letters: the characters that have to be told apart."""
    dead: State = ()
    rows: dict[State, dict[Ranges, State]] = {dead: {}, product.start: {}}
    for state in (waiting := [product.start]):
        if len(waiting) > product.most:
            raise too_many(f"more than {product.most} states")
        if product.is_hopeless(state):
            continue
        for move in product.moves(state):
            point = ord(move.first)
            parts = [atom.ranges for atom in move.atoms] or [((point, point),)]
            rows[state] |= dict.fromkeys(parts, move.to)
            if move.to not in rows:
                rows[move.to] = {}
                waiting.append(move.to)
    letters = list(dict.fromkeys(chain(*rows.values())))
    found = table(
        product.start,
        len(letters),
        lambda state, letter: rows[state].get(letters[letter], dead),
        lambda state: bool(state) and product.accepts(state),
    )
    # Those that lead to the same from everywhere are one; those that lead nowhere are none.
    together: dict[tuple[int, ...], list[Ranges]] = {}
    for letter, ranges in enumerate(letters):
        together.setdefault(tuple(row[letter] for _, row in found), []).append(ranges)
    nowhere = [s for s, (accepts, row) in enumerate(found) if not accepts and set(row) <= {s}]
    columns = [column for column in together if not set(column) <= set(nowhere)]
    complete = table(
        0,
        len(columns),
        lambda state, letter: columns[letter][state],
        lambda state: found[state][0],
    )
    return complete, [tuple(merged(chain(*together[column]))) for column in columns]
