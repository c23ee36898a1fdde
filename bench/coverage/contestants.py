"""Who competes: one line each. ``workers/coverage_<script>.py`` is what runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

CONDIT = "condit"


@dataclass(frozen=True)
class Contestant:
    """``peer`` names the environment, ``script`` the worker, ``extra`` goes into its task."""

    label: str
    peer: str
    script: str
    extra: dict[str, Any] = field(default_factory=dict)


CONTESTANTS = {
    CONDIT: Contestant("Condit", "condit", "condit"),
    "llguidance": Contestant("llguidance", "masks", "llguidance", {"lenient": False}),
    "llguidance-lenient": Contestant(
        "llguidance, lenient", "masks", "llguidance", {"lenient": True}
    ),
    "xgrammar": Contestant("xgrammar, strict", "masks", "xgrammar", {"strict": True}),
    "xgrammar-open": Contestant("xgrammar, not strict", "masks", "xgrammar", {"strict": False}),
    "outlines-core": Contestant("outlines-core", "outlines", "outlines"),
}
"""In the order of the tables."""
