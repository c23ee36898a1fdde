"""The walk that all contestants of ``overhead`` share, with the clock around draw and advance.

Lanes start evenly spread over the path and go round it, so that every step sees all parts of the
text. At each step every contestant gets the same fresh ``(lanes, size)`` logits (in 32 bits, or
rounded to bfloat16), draws one token a
lane, and is then moved on by the *target* token, whatever it drew: all walk the same path. Making
the logits, and a fresh matcher where a lane starts over, are outside the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from lines import THREADS
from logits import Recorded, Synthetic

torch.set_num_threads(THREADS)

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

ROWS = 192
"""About as many rows a case: steps = ROWS / lanes, at least 3 and at most the path's length."""


class Group(Protocol):
    """The matchers of all lanes on one case, and a way to draw."""

    def restart(self, lane: int, prefix: Sequence[int]) -> None:
        """Put ``lane`` just after ``prefix``, with a fresh matcher."""

    def step(self, logits: torch.Tensor, targets: Sequence[int]) -> list[int]:
        """Draw one token a lane and advance by ``targets``; returns what was drawn.

        ``logits`` may be overwritten.
        """

    def extra(self) -> dict[str, list[int]]:
        """Anything counted in the latest step, one value a lane."""


class Walk:
    """``load`` is given a vocabulary once; ``check`` and ``time`` then name a case of it."""

    def __init__(
        self, prepare: Callable[[dict[str, Any]], Any], group: Callable[..., Group]
    ) -> None:
        self._prepare = prepare
        self._group = group

    def load(self, world: dict[str, Any]) -> dict[str, Any]:
        self.world = world
        files = world.get("recorded")
        self.logits: Any = Recorded(files) if files else Synthetic(world["size"])
        return dict(self._prepare(world) or {})

    def check(self, ask: dict[str, Any]) -> dict[str, Any]:
        """Whether the contestant can compile the case and walks its path to the end."""
        case = self.world["cases"][ask["case"]]
        began = time.perf_counter()
        try:
            group = self._group(ask["contestant"], case, 1)
            group.restart(0, case["path"])
        except Exception as error:
            return {"walks": False, "why": f"{type(error).__name__}: {error}"[:300]}
        return {"walks": True, "seconds": time.perf_counter() - began}

    def time(self, ask: dict[str, Any]) -> dict[str, Any]:
        """Nanoseconds of each step over all lanes, by the clock and of the processor."""
        index, lanes, seed = ask["case"], ask["lanes"], ask["seed"]
        torch.manual_seed(seed)
        case = self.world["cases"][index]
        path, others = case["path"], case["alternatives"]
        group = self._group(ask["contestant"], case, lanes)
        places = [lane * len(path) // lanes for lane in range(lanes)]
        for lane, place in enumerate(places):
            group.restart(lane, path[:place])
        rows = np.empty((lanes, self.world["size"]), dtype=np.float32)
        wide = torch.from_numpy(rows)
        logits = torch.empty_like(wide, dtype=DTYPES[ask["dtype"]])
        spent: list[int] = []
        worked: list[int] = []
        extra: dict[str, list[int]] = {}
        for turn in range(min(len(path), max(3, ROWS // lanes))):
            for lane, place in enumerate(places):
                if turn and place == 0:
                    group.restart(lane, ())
                self.logits.write(
                    rows[lane], (seed, index, lane, place), path[place], others[place]
                )
            logits.copy_(wide)
            targets = [path[place] for place in places]
            work_began, began = time.process_time_ns(), time.perf_counter_ns()
            drawn = group.step(logits, targets)
            spent.append(time.perf_counter_ns() - began)
            worked.append(time.process_time_ns() - work_began)
            assert len(drawn) == lanes
            for name, values in group.extra().items():
                extra.setdefault(name, []).extend(values)
            places = [(place + 1) % len(path) for place in places]
        return {"nanoseconds": spent, "processor_nanoseconds": worked, **extra}
