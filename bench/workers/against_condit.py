"""One commit of Condit, of which ``scripts/bench against`` runs two by turns.

The same file measures both, so it keeps to what is public, and to what few names stand in
``against_overhead.py``: what a commit does not have is an error of that measurement alone.
"""

from __future__ import annotations

from typing import Any

from against_calls import Calls
from against_draws import draw
from against_overhead import Overhead
from against_schemas import Schemas
from lines import serve, versions

import condit

overhead, calls, schemas = Overhead(), Calls(), Schemas()


def load(task: dict[str, Any]) -> dict[str, Any]:
    """What is large is loaded when first asked for."""
    overhead.worlds = calls.worlds = schemas.worlds = task["worlds"]
    calls.dtype = task["dtype"]
    return {
        "file": condit.__file__,
        "versions": versions(["condit", "llguidance", "numpy", "torch", "transformers"]),
    }


serve(
    {
        "load": load,
        "overhead": overhead.time,
        "call": calls.time,
        "compile": schemas.time,
        "judge": schemas.judge,
        "draw": draw,
    }
)
