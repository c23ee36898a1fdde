"""Whole calls of ``condit.generate`` on SmolLM2, and the part that is not the model's forward."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from against_overhead import constraint_of
from against_task import TASK
from lines import THREADS
from samplers import sampler_of
from timing import Clock, Inside

import condit


@cache
def _model() -> tuple[Any, Inside]:
    """One model for all calls; what it learns goes on from call to call, as it would anywhere."""
    torch.set_num_threads(THREADS)
    model: Any = condit.load("smollm2", dtype=TASK["dtype"])
    return model, Inside(model.module)


@cache
def _ready(name: str, kind: str, source: str, prompt: str) -> Any:
    """The constraint of a case, whose prompt has been read: no long forward hides the rest."""
    model, _ = _model()
    condit.generate(model, _asked(prompt), None, max_tokens=1, sampler="masked", seed=0)
    return constraint_of({"kind": kind, "source": source})


def time_call(ask: dict[str, Any]) -> dict[str, Any]:
    """One call of ``condit.generate``."""
    constraint = _ready(**ask["case"])
    model, inside = _model()
    inside.reset()
    failed = ""
    with Clock() as spent:
        try:
            result = condit.generate(
                model,
                _asked(ask["case"]["prompt"]),
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
            failed, result = type(error).__name__, error.result
    return {
        **spent.answer(),
        "outside_seconds": spent.wall - inside.wall,
        "outside_processor_seconds": spent.processor - inside.processor,
        # Not those of the statistics: what they count may differ between commits.
        "tokens": sum(len(sample.tokens) for sample in result.samples),
        "forwards": inside.forwards,
        "failed": failed,
        "texts": [sample.text for sample in result.samples],
        "log_weights": [sample.log_weight for sample in result.samples],
    }


def _asked(prompt: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}]
