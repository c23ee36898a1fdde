"""Boolean functions in a canonical form: reduced ordered binary decision diagrams (Bryant 1986).

Equal functions have equal numbers. Only what the progression of formulas needs is here: no
garbage is collected and no order of variables is looked for. The libraries for it bring a dozen
packages or a C library along.
"""

from __future__ import annotations

from condit.errors import ConstraintTooComplexError

FALSE, TRUE = 0, 1
_MOST_NODES = 500_000
_NO_LEVEL = 1 << 62
"""The level of the two constants: below all variables."""


class Diagrams:
    """All functions that were made; each is a number, and so is each variable, its level.

    Variables are asked about in the order of their levels.
    """

    def __init__(self) -> None:
        self.level = [_NO_LEVEL, _NO_LEVEL]
        self.low, self.high = [FALSE, TRUE], [FALSE, TRUE]
        self._unique: dict[tuple[int, int, int], int] = {}
        self._chosen: dict[tuple[int, int, int], int] = {}
        self._supports: dict[int, frozenset[int]] = {FALSE: frozenset(), TRUE: frozenset()}

    def variable(self, level: int) -> int:
        """The function that is a variable."""
        return self._node(level, FALSE, TRUE)

    def _node(self, level: int, low: int, high: int) -> int:
        if low == high:
            return low
        key = (level, low, high)
        found = self._unique.get(key)
        if found is None:
            found = self._unique[key] = len(self.level)
            if found > _MOST_NODES:
                raise ConstraintTooComplexError(f"more than {_MOST_NODES} nodes of diagrams")
            self.level.append(level)
            self.low.append(low)
            self.high.append(high)
        return found

    def choose(self, test: int, then: int, otherwise: int) -> int:
        """``then`` where ``test`` holds, and ``otherwise`` where not."""
        if test == TRUE or then == otherwise:
            return then
        if test == FALSE:
            return otherwise
        if then == TRUE and otherwise == FALSE:
            return test
        key = (test, then, otherwise)
        found = self._chosen.get(key)
        if found is None:
            level = min(self.level[test], self.level[then], self.level[otherwise])
            lows, highs = zip(*(self._parts(each, level) for each in key), strict=True)
            found = self._node(level, self.choose(*lows), self.choose(*highs))
            self._chosen[key] = found
        return found

    def _parts(self, function: int, level: int) -> tuple[int, int]:
        if self.level[function] != level:
            return function, function
        return self.low[function], self.high[function]

    def negation(self, function: int) -> int:
        """Where it does not hold."""
        return self.choose(function, FALSE, TRUE)

    def conjunction(self, one: int, other: int) -> int:
        """Where both hold."""
        return self.choose(one, other, FALSE)

    def disjunction(self, one: int, other: int) -> int:
        """Where one holds, or both."""
        return self.choose(one, TRUE, other)

    def support(self, function: int) -> frozenset[int]:
        """The levels of the variables that it depends on."""
        found = self._supports.get(function)
        if found is None:
            below = self.support(self.low[function]) | self.support(self.high[function])
            found = self._supports[function] = below | {self.level[function]}
        return found

    def at_zero(self, function: int) -> bool:
        """Its value where all variables are false."""
        while function > TRUE:
            function = self.low[function]
        return function == TRUE

    def within(self, function: int, care: int) -> int:
        """A function equal to it wherever ``care`` holds, the same for all that are equal there.

        The generalised cofactor of Coudert and Madre (1990); ``care`` must not be false.
        """
        if care == TRUE or function <= TRUE:
            return function
        level = min(self.level[function], self.level[care])
        low, high = self._parts(function, level)
        care_low, care_high = self._parts(care, level)
        if care_low == FALSE:
            return self.within(high, care_high)
        if care_high == FALSE:
            return self.within(low, care_low)
        return self._node(level, self.within(low, care_low), self.within(high, care_high))
