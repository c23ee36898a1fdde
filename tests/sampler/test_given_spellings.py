"""A matcher of some spellings of a text and no others, as one over a corpus of ids is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pytest

import condit
from condit.constraint.base import Constraint, Matcher, Strength, Violation, pack
from condit.constraint.budgeted import Budgeted
from condit.constraint.ending_tokens import NEVER, Ending
from condit.errors import BudgetError, RefusedTokenError
from condit.model.base import Model
from condit.sampler.base import Problem
from condit.testing import check_sampler
from condit.vocabulary import Vocabulary

LETTERS = Vocabulary.of(["a", "b", "c", "ab", "bc", "a"])
SEQUENCES = ((3, 2), (0, 4), (2, 2, 2), (5, 1, 3), (4,))
"""Token ids. "abc" may be [ab][c] or [a][bc]; its other spellings are not allowed."""


class ListedMatcher(Matcher):
    strength = Strength.EXACT
    any_spelling = False

    def __init__(self, sequences: tuple[tuple[int, ...], ...], vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.sequences = sequences
        self.ended = False

    def _next(self) -> set[int]:
        if self.ended:
            return set()
        return {rest[0] if rest else self.vocabulary.end for rest in self.sequences}

    def allows(self, token: int) -> bool:
        return token in self._next()

    def mask(self) -> np.ndarray:
        allowed = np.zeros(len(self.vocabulary), dtype=np.bool_)
        allowed[list(self._next())] = True
        return pack(allowed)

    def advance(self, token: int) -> None:
        if not self.allows(token):
            raise RefusedTokenError(self.explain(token))
        self.ended = token == self.vocabulary.end
        if not self.ended:
            self.sequences = tuple(rest[1:] for rest in self.sequences if rest[:1] == (token,))

    def copy(self) -> ListedMatcher:
        twin = ListedMatcher(self.sequences, self.vocabulary)
        twin.ended = self.ended
        return twin

    def ending(self, *, thorough: bool = False) -> Ending | None:
        if self.ended:
            return None
        return Ending.of_tokens(min(self.sequences, key=len), self.vocabulary)

    def explain(self, token: int) -> str:
        return "" if self.allows(token) else "no sequence goes on so"


@dataclass(frozen=True)
class Listed(Constraint):
    sequences: tuple[tuple[int, ...], ...] = SEQUENCES

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        return ListedMatcher(self.sequences, vocabulary)

    def violation(self, text: str) -> Violation | None:
        known = {LETTERS.decode(tokens) for tokens in self.sequences}
        return None if text in known else Violation("it is none of the texts")


@dataclass(frozen=True)
class ListedWorld:
    model: Model
    max_tokens: int = 3
    constraint: Constraint = field(default_factory=Listed)

    def problem(self, lanes: int) -> Problem:
        prompt = tuple(self.model.encode_prompt("ab"))
        asked = (self.model, prompt, self.constraint, lanes, self.max_tokens)
        return Problem(*asked, finish=True)

    @cached_property
    def probabilities(self) -> dict[tuple[int, ...], float]:
        found = {}
        for tokens in SEQUENCES:
            if len(tokens) <= self.max_tokens:
                log_mass, context = 0.0, self.model.encode_prompt("ab")
                for token in (*tokens, LETTERS.end):
                    log_mass += float(self.model.start(context).logits[0][token])
                    context = [*context, token]
                found[tokens] = math.exp(log_mass)
        return found

    @property
    def evidence(self) -> float:
        return math.fsum(self.probabilities.values())


@pytest.fixture(scope="module")
def model() -> condit.NgramModel:
    return condit.NgramModel.train(["abcab", "cabca"], vocabulary=LETTERS, order=2, smoothing=4)


def test_it_is_a_matcher() -> None:
    matcher = Listed().bind(LETTERS)
    assert matcher.allows(3)
    assert matcher.cost_to_finish() == 1
    matcher.advance(3)
    assert not matcher.allows(4)
    assert matcher.ending().tokens() == (2,)


@pytest.mark.slow
@pytest.mark.parametrize("most", [2, 3])
@pytest.mark.parametrize(
    "sampler",
    [
        condit.Masked(),
        condit.AWRS(),
        condit.SMC(kernel="awrs"),
        condit.SMC(kernel="learned"),
        condit.Exact(),
        condit.Rejection(),
        condit.MCMC(),
        condit.Beam(),
    ],
    ids=repr,
)
def test_samplers_draw_only_these_spellings(
    model: condit.NgramModel, sampler: condit.Sampler, most: int
) -> None:
    runs = 40 if isinstance(sampler, condit.Rejection) else 100
    check_sampler(sampler, ListedWorld(model, most), runs=runs, lanes=4)


def test_the_budget_follows_the_given_tokens() -> None:
    """Where the ending has to begin now, a token of the same bytes does not begin it."""
    only = Listed(((5, 1, 3),)).bind(LETTERS)
    budgeted = Budgeted.of(only, 3)
    assert [token for token in range(len(LETTERS)) if budgeted.allows(token)] == [5]
    for token in (5, 1, 3):
        budgeted.advance(token)
    assert budgeted.allows(LETTERS.end)
    with pytest.raises(BudgetError, match="takes 3 tokens, 'abab'"):
        Budgeted.of(Listed(((5, 1, 3),)).bind(LETTERS), 2)


def test_an_ending_knows_its_places() -> None:
    ending = Ending.of_tokens((5, 1, 3), LETTERS)
    assert ending.text == b"abab"
    assert ending.costs == (3, 2, 1, NEVER, 0)
    assert ending.after(5, 0) == 1
    assert ending.after(0, 0) is None  # the same bytes, another token
    assert ending.after(3, 0) is None
    assert ending.tokens(1) == (1, 3)
    assert ending.rest(2).tokens() == (3,)
    assert ending.rest(4).costs == (0,)
    empty = Ending.of_tokens((), LETTERS)
    assert (empty.text, empty.costs, empty.after(0, 0)) == (b"", (0,), None)
