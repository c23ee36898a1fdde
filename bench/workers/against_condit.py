"""One commit of Condit, of which ``scripts/bench against`` runs two by turns.

The same files measure both, so they keep to what is public, and to what is imported in
``against_overhead.py`` to draw once. What a commit does not have is an error of that part alone.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from against_task import TASK
from lines import serve, versions

import condit


def load(task: dict[str, Any]) -> dict[str, Any]:
    """What is large is loaded when first asked for."""
    TASK.update(task)
    return {
        "file": condit.__file__,
        "versions": versions(["condit", "llguidance", "numpy", "torch", "transformers"]),
    }


def _later(module: str, name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def answer(ask: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = getattr(import_module(module), name)(ask)
        return found

    return answer


serve(
    {
        "load": load,
        "overhead": _later("against_overhead", "time_operation"),
        "call": _later("against_calls", "time_call"),
        "compile": _later("against_schemas", "time_compiling"),
        "judge": _later("against_schemas", "judge"),
        "draw": _later("against_draws", "draw"),
    }
)
