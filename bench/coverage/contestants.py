"""Who competes: one line each. ``workers/coverage_<script>.py`` is what runs."""

from __future__ import annotations

from bench.library.contestants import Contestant

CONDIT = "condit"

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
