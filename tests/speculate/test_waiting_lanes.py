"""Lanes that wait at a boundary draw on in forwards that others need, where that is cheap."""

from __future__ import annotations

from typing import Any

import pytest

import condit
from condit.speculate import cost
from condit.speculate.recycling import forget

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
def test_not_where_forwards_cost_in_proportion_to_positions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cost.ForwardCost, "of", lambda self, positions: float(positions))
    for seed in range(4):
        plain, drafted = (draw(seed, drafts, 0.5) for drafts in (False, NO_GUESSES))
        assert what_was_drawn(plain) == what_was_drawn(drafted)
        assert drafted.stats.positions_forwarded == plain.stats.positions_forwarded
        assert drafted.stats.forwards == plain.stats.forwards
