"""Wall and processor seconds of a piece of work."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median


class Clock:
    """Both clocks over one ``with`` block: ``with Clock() as spent: …; spent.answer()``."""

    def __enter__(self) -> Clock:
        self._processor = time.process_time()
        self._wall = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall = time.perf_counter() - self._wall
        self.processor = time.process_time() - self._processor

    def answer(self) -> dict[str, float]:
        """For the driver."""
        return {"seconds": self.wall, "processor_seconds": self.processor}


def repeated(work: Callable[[], object], units: int, least: float) -> dict[str, float]:
    """The median time a unit over as many calls as take ``least`` seconds, after one to warm up.

    Args:
        work: does ``units`` things.
        units: how many.
        least: seconds; there are three calls at least.
    """
    work()
    walls: list[float] = []
    processors: list[float] = []
    while len(walls) < 3 or sum(walls) * units < least:
        with Clock() as spent:
            work()
        walls.append(spent.wall / units)
        processors.append(spent.processor / units)
    return {
        "seconds": median(walls),
        "processor_seconds": median(processors),
        "repeats": len(walls),
    }


class Inside:
    """Seconds within a torch module's forward, on both clocks, by hooks."""

    def __init__(self, module: object) -> None:
        self.wall = self.processor = 0.0
        self.forwards = 0
        self._began = Clock()
        module.register_forward_pre_hook(self._before)  # type: ignore[attr-defined]
        module.register_forward_hook(self._after)  # type: ignore[attr-defined]

    def _before(self, *_: object) -> None:
        self._began.__enter__()

    def _after(self, *_: object) -> None:
        self._began.__exit__()
        self.wall += self._began.wall
        self.processor += self._began.processor
        self.forwards += 1

    def reset(self) -> None:
        """Forget what was counted."""
        self.wall = self.processor = 0.0
        self.forwards = 0
