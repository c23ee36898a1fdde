"""Condit in ``scripts/bench wild``: any of its samplers, of this source or of an older one.

``PYTHONPATH`` says which source. A call that takes too long ends at its next step, by an error
that is counted as its limit.
"""

from __future__ import annotations

import math
import time
from typing import Any

from samplers import sampler_of
from speed_contestant import Contestant, Drawn, compete

import condit
from condit.errors import ConditError, GenerationError
from condit.speculate import recycling

_COMPILERS = {"schema": condit.json_schema, "regex": condit.regex, "grammar": condit.grammar}


class TooLongError(ConditError):
    """The call's limit is over."""


class Condit(Contestant):
    packages = ("llguidance", "condit")

    def load_model(self, directory: str, device: str) -> None:
        self.model = condit.load(directory, dtype="bfloat16", device=device)
        self.positions = self.count(self.model.module)

    def load(self, task: dict[str, Any]) -> dict[str, Any]:
        """As all do; and says which source it is."""
        return super().load(task) | {"source": condit.__file__}

    def compiled(self, kind: str, source: str) -> Any:
        return _COMPILERS[kind](source)

    def prepare(self, ask: dict[str, Any]) -> None:
        super().prepare(ask)
        condit.clear_cache()
        recycling.forget(self.model)

    def draw(self, constraint: Any, ask: dict[str, Any]) -> Drawn:
        clock = _Clock(ask["limit"])
        described = ask["sampler"]
        about: dict[str, Any] = {}
        try:
            result = condit.generate(
                self.model,
                ask["ids"],
                constraint,
                n=ask["lanes"],
                max_tokens=ask["tokens"],
                sampler=described if isinstance(described, str) else sampler_of(described),
                seed=ask["seed"],
                on_step=clock,
            )
        except TooLongError as error:
            result, about = error.result, {"over": True}
        except GenerationError as error:
            result, about = error.result, {"nothing": type(error).__name__}
        if result is None:
            raise RuntimeError(f"no result: {about}")
        samples = result.samples
        return Drawn(
            [len(sample.tokens) for sample in samples],
            [sample.text for sample in samples],
            about
            | {
                "weights": list(result.weights),
                "log_evidence": _finite(result.log_evidence),
                "guarantee": result.report.guarantee.value,
                "ess": result.ess,
                "kish_ess": result.kish_ess,
                "sampler": result.sampler,
                "reason": result.reason,
                "drawn": result.stats.tokens,
                "resamplings": result.stats.resamplings,
                "first_seconds": clock.first,
            },
        )


class _Clock:
    """An ``on_step`` that notes the first step's time, and ends a call at its limit."""

    def __init__(self, limit: float) -> None:
        self._began, self._limit = time.perf_counter(), limit
        self.first: float | None = None

    def __call__(self, _: object) -> None:
        seconds = time.perf_counter() - self._began
        if self.first is None:
            self.first = round(seconds, 5)
        if seconds > self._limit:
            raise TooLongError(f"more than {self._limit:g} s")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


compete(Condit())
