"""Lanes that wait at a boundary draw on in forwards that others need, where that is cheap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import condit
from condit.model.base import Draft
from condit.sampler.base import Lane
from condit.sampler.lead import Lead, Tip, drafts_of
from condit.sampler.local import LocalState
from condit.speculate import cost
from condit.speculate.recycling import forget
from condit.speculate.tree import Frontier, Guess

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string", "maxLength": 9}, "b": {"type": "string"}},
    "required": ["a", "b"],
    "additionalProperties": False,
}
NO_GUESSES = condit.Drafts(forced=False, recycling=False, lookup=False)


def draw(seed: int, drafts: bool | condit.Drafts, threshold: float) -> condit.Result:
    model = condit.NgramModel.train(['{"a":"ann","b":"bab ba"}'], order=4, smoothing=0.2)
    forget(model)
    return condit.generate(
        model,
        "ab",
        condit.json_schema(SCHEMA),
        n=5,
        max_tokens=45,
        sampler=condit.SMC(threshold=threshold),
        drafts=drafts,
        seed=seed,
    )


def what_was_drawn(result: condit.Result) -> Any:
    steps = [(info.draws, info.ends, info.ancestors) for info in result.trace]
    return result.samples, result.log_evidence, steps


@pytest.mark.usefixtures("assumed_costs")
@pytest.mark.parametrize("threshold", [0.0, 0.5, 1.0])
def test_they_are_let_go_with_a_lead(threshold: float) -> None:
    saved = []
    for seed in range(6):
        plain, drafted = (draw(seed, drafts, threshold) for drafts in (False, NO_GUESSES))
        assert what_was_drawn(plain) == what_was_drawn(drafted)
        # No token was guessed: each was drawn before it was forwarded.
        assert drafted.stats.accepted == drafted.stats.drafted == 0
        saved.append(plain.stats.forwards - drafted.stats.forwards)
    assert min(saved) >= 0
    assert sum(saved) > 0


@pytest.mark.usefixtures("assumed_costs")
def test_copies_are_drawn_before_resampling_makes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """In fewer forwards than where nobody foresees who will be resampled away."""
    foreseeing = [draw(seed, NO_GUESSES, 0.9) for seed in range(12)]
    assert sum(result.stats.resamplings for result in foreseeing) > 6

    def nothing(sampler: condit.SMC, rng: object, state: LocalState, meeting: object) -> list[int]:
        return list(range(len(state.lanes)))

    monkeypatch.setattr(condit.SMC, "_expected", nothing)
    blind = [draw(seed, NO_GUESSES, 0.9) for seed in range(12)]
    assert [what_was_drawn(each) for each in blind] == [what_was_drawn(each) for each in foreseeing]
    saved = [
        one.stats.forwards - other.stats.forwards
        for one, other in zip(blind, foreseeing, strict=True)
    ]
    assert sum(saved) > 4
    assert all(result.stats.accepted == result.stats.drafted == 0 for result in foreseeing)


def test_what_goes_on_from_one_lane_is_one_draft() -> None:
    lanes = [Lane(None, np.random.default_rng(0), tokens=[7]), Lane(None, np.random.default_rng(1))]
    lanes[1].tokens, lanes[1].waits = [8], True
    tree = Frontier((), None, 9)
    tree.guesses = [Guess(4, -1, 1.0, (), None), Guess(5, 0, 1.0, (), None)]
    tips = [
        Tip(0, lanes[0], Lead(), path=(7,), frontier=tree),
        Tip(1, lanes[1], Lead(), path=(8, 1)),
        Tip(1, lanes[1], Lead(), path=(8, 2), frontier=tree),
    ]
    own, waiting = drafts_of(tips, 2)
    assert own == Draft((4, 5), (-1, 0))
    assert waiting == Draft((8, 1, 2, 4, 5), (-1, 0, 0, 2, 3))


@pytest.mark.usefixtures("assumed_costs")
def test_not_where_forwards_cost_in_proportion_to_positions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cost.ForwardCost, "of", lambda self, positions: float(positions))
    for seed in range(4):
        plain, drafted = (draw(seed, drafts, 0.5) for drafts in (False, NO_GUESSES))
        assert what_was_drawn(plain) == what_was_drawn(drafted)
        assert drafted.stats.positions_forwarded == plain.stats.positions_forwarded
        assert drafted.stats.forwards == plain.stats.forwards
