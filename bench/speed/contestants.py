"""Who competes: one line each. ``workers/speed_<script>.py`` is what runs."""

from __future__ import annotations

from dataclasses import dataclass

from bench.library import contestants

FREE = "free"
CONDIT = "condit"

LANES = 8
"""Texts drawn at a time in the workload ``batch``; elsewhere it is one."""


@dataclass(frozen=True)
class Contestant(contestants.Contestant):
    """``workers/speed_<script>.py``, and what it can do."""

    batches: bool = True
    """Whether it can draw several texts together."""
    greedy: bool = True
    """Whether it has a temperature of 0."""
    usual: bool = True
    """Whether it runs where nobody says who should."""

    def runs(self, lanes: int, temperature: float) -> bool:
        """Whether it has a way to do this at all."""
        return (self.batches or lanes == 1) and (self.greedy or temperature > 0)


CONTESTANTS = {
    FREE: Contestant("transformers, free", "condit", "free"),
    CONDIT: Contestant("Condit", "condit", "condit", {"drafts": True}),
    "condit-nodrafts": Contestant("Condit, no drafts", "condit", "condit", {"drafts": False}),
    "condit-free": Contestant(
        "Condit, free, no drafts",
        "condit",
        "condit",
        {"drafts": False, "free": True},
        usual=False,
    ),
    "llguidance": Contestant("llguidance + transformers", "masks", "llguidance"),
    "xgrammar": Contestant("xgrammar + transformers", "masks", "xgrammar"),
    "guidance": Contestant("guidance", "guidance", "guidance", batches=False),
    "outlines": Contestant("outlines", "outlines", "outlines"),
    "genlm": Contestant("genlm-control AWRS", "genlm", "genlm", greedy=False),
}
"""In the order of the tables. Whoever is not Condit or free is a peer."""

PEERS = [name for name in CONTESTANTS if name != FREE and CONTESTANTS[name].script != CONDIT]
