"""What Condit relies on in ``transformers`` that its versions do differently."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from condit.foreign.versions import incompatible

CACHE_NAMES = ("cache", "past_key_values")
"""How ``forward`` calls its key-value cache: since transformers 5.24, and before."""


def cache_argument(forward: Callable[..., Any]) -> str:
    """The name under which a model's ``forward`` takes its key-value cache.

    Raises:
        IncompatibleDependencyError: under none that is known.
    """
    parameters = inspect.signature(forward).parameters
    for name in CACHE_NAMES:
        if name in parameters:
            return name
    raise incompatible(
        "transformers",
        f"the forward of this model takes its cache under none of the names "
        f"{', '.join(CACHE_NAMES)}; it takes {', '.join(parameters)}",
    )
