"""Whole calls of ``condit.generate`` on SmolLM2, and the part that is not the model's forward."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from against_overhead import constraint_of
from lines import THREADS
from timing import Clock, Inside

import condit

torch.set_num_threads(THREADS)


def sampler_of(described: list[Any]) -> Any:
    """``["SMC", {"kernel": "learned"}]`` is ``condit.SMC(kernel="learned")``."""
    name, options = described
    return getattr(condit, name)(**options)


class Calls:
    """One model for all calls; what it learns goes on from call to call, as it would anywhere."""

    dtype: str

    def __init__(self) -> None:
        self._constraints: dict[str, condit.Constraint] = {}

    @cached_property
    def _model(self) -> Any:
        return condit.load("smollm2", dtype=self.dtype)

    @cached_property
    def _inside(self) -> Inside:
        return Inside(self._model.module)

    def time(self, ask: dict[str, Any]) -> dict[str, Any]:
        """One call. Its prompt has been read before, so that no long forward hides the rest."""
        case, prompt = ask["case"], [{"role": "user", "content": ask["case"]["prompt"]}]
        inside = self._inside
        if case["name"] not in self._constraints:
            self._constraints[case["name"]] = constraint_of(case)
            condit.generate(self._model, prompt, None, max_tokens=1, sampler="masked", seed=0)
        inside.reset()
        with Clock() as spent:
            result, failed = self._call(self._constraints[case["name"]], prompt, ask)
        stats = result.stats
        return {
            **spent.answer(),
            "outside_seconds": spent.wall - inside.wall,
            "outside_processor_seconds": spent.processor - inside.processor,
            "tokens": stats.tokens,
            "forwards": inside.forwards,
            "failed": failed,
            "texts": [sample.text for sample in result.samples],
            "log_weights": [sample.log_weight for sample in result.samples],
        }

    def _call(self, constraint: Any, prompt: Any, ask: dict[str, Any]) -> tuple[Any, str]:
        try:
            result = condit.generate(
                self._model,
                prompt,
                constraint,
                n=ask["n"],
                max_tokens=ask["max_tokens"],
                sampler=sampler_of(ask["sampler"]),
                drafts=ask["drafts"],
                seed=ask["seed"],
            )
        except condit.ConditError as error:
            if getattr(error, "result", None) is None:
                raise
            return error.result, type(error).__name__
        return result, ""
