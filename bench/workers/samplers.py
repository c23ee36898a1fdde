"""Samplers of Condit as they are written in a request."""

from __future__ import annotations

from typing import Any

import condit


def sampler_of(described: list[Any]) -> Any:
    """``["SMC", {"kernel": "learned"}]`` is ``condit.SMC(kernel="learned")``."""
    name, options = described
    return getattr(condit, name)(**options)
