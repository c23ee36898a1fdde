"""Process settings for a shell command of Condit, made before torch is imported."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Around imports and the loading of a model: OpenMP threads sleep, no garbage collection.

    Idle OpenMP threads spin by default, which takes processor time from other programs; here they
    sleep, unless ``OMP_WAIT_POLICY`` is set. That works only before torch is imported. The garbage
    collector would scan hundreds of modules while they are imported and free nothing.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.freeze()
            gc.enable()
