"""What tests of drafts share."""

from __future__ import annotations

import pytest

from condit.kept import Kept
from condit.speculate import cost, trust


@pytest.fixture
def assumed_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A forward costs what is assumed before any was measured, and no guess was made before.

    How many guesses go along is then the same on every machine, whatever else runs there, and
    whatever tests ran before.
    """

    def record(self: cost.ForwardCost, positions: int, seconds: float) -> None:
        """Take no notice."""

    monkeypatch.setattr(cost.ForwardCost, "record", record)
    monkeypatch.setattr(cost, "_costs", Kept(lambda model: cost.ForwardCost()))
    monkeypatch.setattr(trust, "_trusts", Kept(lambda model: {}))
