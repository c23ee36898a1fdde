"""Who takes part: for each a name, how to make its sampler at a setting, and the settings.

To add a sampler of Condit, add a line. The budget grows with the setting: more lanes, more moves of
a chain, or (with ``memory``) more calls that go on from what the earlier ones have learned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from condit.plugins import find
from condit.sampler.base import Sampler

LANES = (1, 2, 4, 8, 16, 32)
_FEW_LANES = (1, 4, 16)
_LANES_AT_FULL = 16
_CALLS = (1, 2, 4, 8)
_LANES_A_CALL = 16

SESSION = 32
"""Calls in a session: the same problem again and again, with one memory."""


@dataclass(frozen=True)
class Contestant:
    """One way to draw.

    Attributes:
        label: how tables and pictures call it.
        setting: what the settings are: ``"lanes"``, ``"moves"``, ``"candidates"`` or ``"calls"``.
        settings: ascending.
        make: the sampler at a setting; ``None`` for a peer.
        memory: whether calls share a trie; setting ``k`` is then the ``k``-th call.
        session: whether a run is a whole session of ``SESSION`` calls that share a trie. Positions
            and seconds are then those of a call on average, the first ones included, and the law
            is that of a draw from any call.
        weighted: whether the weights are used.
        peer: the environment that it runs in.
        share: of the runs asked for, where fewer will do.
        timed: the settings that are timed with the model itself.
    """

    label: str
    setting: str = "lanes"
    settings: tuple[int, ...] = LANES
    make: Callable[[int], Sampler] | None = None
    memory: bool = False
    session: bool = False
    weighted: bool = True
    peer: str = "condit"
    share: float = 1.0
    timed: tuple[int, ...] = (2, 8, 32)

    def lanes(self, setting: int) -> int:
        """How many lanes a run (or call) has at a setting."""
        if self.setting == "lanes":
            return setting
        return _LANES_A_CALL if self.memory else 1

    def runs(self, setting: int, most: int) -> int:
        """Independent runs: ``most``, and fewer where a run is long and its lanes are many."""
        lanes = LANES[-1] if self.memory else self.lanes(setting)
        runs = max(2, int(self.share * min(most, most * _LANES_AT_FULL // lanes)))
        return max(20, runs // 10) if self.session else runs


def _sampler(name: str, **options: Any) -> Sampler:
    """A registered sampler. Imported when first used: the table must not break with one of them."""
    made: Any = find("samplers", name)
    sampler: Sampler = made(**options)
    return sampler


CONTESTANTS = {
    "masking": Contestant(
        "plain masking",
        settings=(1,),
        make=lambda _: _sampler("masked"),
        weighted=False,
        timed=(1,),
    ),
    "masked": Contestant("masked, weighted", make=lambda _: _sampler("masked"), share=0.25),
    "awrs": Contestant("AWRS", make=lambda _: _sampler("awrs"), share=0.25),
    "smc": Contestant("SMC", make=lambda _: _sampler("smc", kernel="awrs")),
    "smc_masked": Contestant(
        "SMC, masked kernel",
        make=lambda _: _sampler("smc", kernel="masked"),
        timed=(),
    ),
    "genlm": Contestant("genlm-control AWRS-SMC", peer="genlm", share=0.5),
    "learned": Contestant(
        "learned twist, first calls",
        setting="calls",
        settings=_CALLS,
        make=lambda _: _sampler("smc", kernel="learned"),
        memory=True,
        timed=_CALLS,
    ),
    "session": Contestant(
        f"learned twist, of {SESSION} calls",
        settings=(1, 2, 4, 8, 16),
        make=lambda _: _sampler("smc", kernel="learned"),
        session=True,
        timed=(4,),
    ),
    "exact": Contestant(
        "exact (CARS)",
        settings=_FEW_LANES,
        make=lambda _: _sampler("exact"),
        timed=_FEW_LANES,
    ),
    "asap": Contestant(
        "ASAp",
        setting="calls",
        settings=_CALLS,
        make=lambda _: _sampler("asap"),
        memory=True,
        share=0.25,
        timed=(),
    ),
    "mcmc": Contestant(
        "MCMC",
        setting="moves",
        settings=(1, 2, 4, 8, 16),
        make=lambda moves: _sampler("mcmc", moves=moves),
        share=0.5,
        timed=(4,),
    ),
    "rejection": Contestant(
        "rejection",
        settings=(1, 4),
        make=lambda _: _sampler("rejection", attempts=200),
        share=0.25,
        timed=(1,),
    ),
    "best_of": Contestant(
        "best of N",
        setting="candidates",
        settings=(4, 16),
        make=lambda of: _sampler("best_of", of=of),
        share=0.5,
        timed=(16,),
    ),
    "beam": Contestant(
        "beam",
        settings=_FEW_LANES,
        make=lambda lanes: _sampler("beam", width=max(8, lanes)),
        share=0.0,  # it does not draw: every run is the same
        timed=(4,),
    ),
    "auto": Contestant(
        "auto", settings=_FEW_LANES, make=lambda _: _sampler("auto"), share=0.5, timed=_FEW_LANES
    ),
}

SHIPPED = "genlm-control, as it forwards"
"""A second reading of ``genlm``: its own backend's count of positions."""
