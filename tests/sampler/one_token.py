"""For tests of kernels at one token: a matcher of a set of tokens, and a law that follows a script.

No test is here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from condit import Matcher, Strength, Vocabulary
from condit.constraint.base import Outline, pack
from condit.errors import RefusedTokenError
from condit.sampler.law import TokenLaw

T = TypeVar("T")


class Fixed(Matcher):
    """Allows a fixed set of tokens, and notes which ones it is asked about.

    Args:
        vocabulary: the tokens.
        allowed: those that may come.
        has_mask: whether there is a mask.
        within: those of an outline that is not exact; ``None``: the mask is all there is.
    """

    strength = Strength.SOUND

    def __init__(
        self,
        vocabulary: Vocabulary,
        allowed: set[int],
        *,
        has_mask: bool = True,
        within: set[int] | None = None,
    ) -> None:
        self.vocabulary, self.allowed, self.has_mask = vocabulary, allowed, has_mask
        self.within = within
        self.asked: list[int] = []

    def allows(self, token: int) -> bool:
        self.asked.append(token)
        return token in self.allowed

    def _packed(self, tokens: set[int]) -> NDArray[np.uint32]:
        return pack(np.isin(np.arange(len(self.vocabulary)), list(tokens)))

    def mask(self) -> NDArray[np.uint32] | None:
        return self._packed(self.allowed) if self.has_mask else None

    def outline(self) -> Outline | None:
        if self.within is None:
            return super().outline()
        return Outline(self._packed(self.within), exact=False)

    def advance(self, token: int) -> None:
        raise RefusedTokenError("not here")

    def copy(self) -> Matcher:
        return self

    def explain(self, token: int) -> str:
        return "" if token in self.allowed else "refused"


class _Branching(TokenLaw):
    """A law whose draws follow a script, and beyond it take the first way of all there are.

    Attributes:
        taken: each token drawn so far.
        ways: for each draw, what it could have been and with what probability.
    """

    def __init__(self, logits: NDArray[np.float32], script: tuple[int, ...]) -> None:
        super().__init__(logits)
        self.script = script
        self.taken: list[int] = []
        self.ways: list[dict[int, float]] = []

    def draw(self, rng: np.random.Generator) -> int | None:
        masses = {token: self.mass(token) for token in range(len(self._row))}
        total = math.fsum(masses.values())
        if total == 0:
            return None
        self.ways.append({token: mass / total for token, mass in masses.items() if mass > 0})
        place = len(self.taken)
        self.taken.append(self.script[place] if place < len(self.script) else min(self.ways[-1]))
        return self.taken[-1]


def every_course(
    probabilities: NDArray[np.float64], draw: Callable[[TokenLaw], T]
) -> Iterator[tuple[float, T]]:
    """Every course that ``draw`` can take with a law: its probability, and what comes of it."""
    logits = np.log(probabilities).astype(np.float32)
    scripts: list[tuple[int, ...]] = [()]
    while scripts:
        script = scripts.pop()
        law = _Branching(logits, script)
        drawn = draw(law)
        yield math.prod(ways[token] for ways, token in zip(law.ways, law.taken, strict=True)), drawn
        for place in range(len(script), len(law.taken)):
            others = law.ways[place].keys() - {law.taken[place]}
            scripts += [(*law.taken[:place], other) for other in others]
