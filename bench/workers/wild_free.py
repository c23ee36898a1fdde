"""The measure of seconds in ``scripts/bench wild``: as many lanes, free, for as many tokens."""

from __future__ import annotations

from typing import Any

from speed_contestant import compete
from speed_generate import Generate


class Free(Generate):
    packages = ()

    def compiled(self, kind: str, source: str) -> Any:
        return None


compete(Free())
