"""How a process that is Condit's own, a command of the shell, is set up before torch comes in."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Load libraries and a model without what costs a short command more than its answer.

    Threads of OpenMP that wait for work spin, which takes as much of a processor as work does, and
    from other programs too where the machine is busy; here they sleep, unless ``OMP_WAIT_POLICY``
    says otherwise. That only holds if it is said before torch is imported. And the garbage
    collector is not run while hundreds of modules are imported: they are all kept.
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
