"""A name under which a model can be loaded: what the entry points ``condit.models`` name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from condit.model.base import Model


@dataclass(frozen=True)
class ModelSource:
    """A registered model.

    Attributes:
        name: what users write.
        description: one line for ``condit models``.
        load: makes the model; takes the keyword options of ``condit.load``.
        status: whether it can be used here and now, in a few words.
    """

    name: str
    description: str
    load: Callable[..., Model]
    status: Callable[[], str] = lambda: "ready"
