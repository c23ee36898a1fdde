"""Who draws: for each a program, a sampler, how many lanes, and what its evidence is worth.

To add a sampler of Condit, add a line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.library.contestants import Contestant

LANES = 8
CURVE = (2, 4, 8, 16, 32)
"""Lanes of the curves."""

BEFORE_COMMIT = "f32c046"
"""The commit whose samplers are the measure of what was gained."""

PROGRAMS = {
    "here": Contestant("Condit", "condit", "condit"),
    "before": Contestant(f"Condit at {BEFORE_COMMIT}", "condit", "condit"),
    "genlm": Contestant("genlm-control", "genlm", "genlm"),
    "free": Contestant("transformers, free", "condit", "free"),
}
"""Processes. All samplers of one source share one."""


@dataclass(frozen=True)
class Drawer:
    """One way to draw.

    Attributes:
        label: how tables call it.
        program: who runs it.
        sampler: a name, or a class and its options, as in ``workers/samplers.py``.
        lanes: texts at a time.
        ranked: whether its evidence is compared: it is unbiased, at the lanes of all.
        seeds: at most so many, where it is slow.
        usual: whether it runs where nobody says who should.
        slow: whether it runs on a task of each family only, where nobody says on which.
        curve: whether it is run at other numbers of lanes by ``--curves``.
    """

    label: str
    program: str = "here"
    sampler: str | list[Any] = ""
    lanes: int = LANES
    ranked: bool = True
    seeds: int | None = None
    usual: bool = True
    slow: bool = False
    curve: bool = False


CONTESTANTS = {
    "masked": Drawer("masked, weighted", sampler="masked", curve=True),
    "awrs": Drawer("awrs", sampler="awrs", curve=True),
    "smc": Drawer("smc", sampler="smc", curve=True),
    "auto": Drawer("auto", sampler="auto", curve=True),
    "smc_before": Drawer("smc before", "before", "smc", curve=True),
    "genlm": Drawer("genlm-control AWRS-SMC", "genlm", "awrs", curve=True),
    "genlm_masked": Drawer("genlm-control masked, weighted", "genlm", "masked", usual=False),
    "smc_awrs": Drawer("smc over awrs", sampler=["SMC", {"kernel": "awrs"}], usual=False),
    "smc_masked": Drawer("smc over masked", sampler=["SMC", {"kernel": "masked"}], usual=False),
    "smc_token": Drawer(
        "smc, compared at every token", sampler=["SMC", {"compare_at": "token"}], usual=False
    ),
    "learned": Drawer("learned", sampler="learned", seeds=2, slow=True),
    "exact": Drawer("exact", sampler="exact", seeds=1, ranked=False, slow=True),
    "asap": Drawer("asap", sampler="asap", seeds=1, ranked=False, slow=True),
    "mcmc": Drawer("mcmc", sampler="mcmc", seeds=1, ranked=False, slow=True),
    "rejection": Drawer("rejection", sampler="rejection", seeds=1, ranked=False, slow=True),
    "best_of": Drawer("best of 8", sampler="best_of", seeds=1, ranked=False, slow=True),
    "beam": Drawer("beam", sampler="beam", seeds=1, ranked=False, slow=True),
    "auto_1": Drawer("auto, one text", sampler="auto", lanes=1, ranked=False),
    "free": Drawer("free", "free", ranked=False, seeds=1),
}
"""In the order of the tables."""

MASKING = "masking"
"""Not run but read off ``masked``: its texts with equal weights are those of plain masking."""

QUICK = ("masked", "smc", "auto", "free")

REFERENCE = ("masked", "smc")
"""Whose runs, with ``REFERENCE_LANES`` each, are pooled to what all are compared with."""
REFERENCE_LANES = 64


def label(name: str) -> str:
    """How tables call a contestant."""
    return "plain masking" if name == MASKING else CONTESTANTS[name].label
