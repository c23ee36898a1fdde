"""Draws in a recorded world: tokens and weights, to be compared between two commits."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from against_calls import sampler_of
from bench.fidelity.worlds import PROBLEMS
from recorded_world import read

import condit
from condit.testing import RecordedModel


@cache
def world_of(name: str, file: str) -> tuple[Any, condit.Constraint, int]:
    """Model, constraint, and the longest text."""
    world = read(file)
    vocabulary = condit.Vocabulary(world.bytes, world.end)
    problem = PROBLEMS[name]
    model = RecordedModel("smollm2", vocabulary, problem.prompt, world.prefixes, world.logits)
    return model, problem.constraint(), world.max_tokens


def draw(ask: dict[str, Any]) -> dict[str, Any]:
    """For each seed the samples' tokens and log weights, and the log evidence."""
    model, constraint, max_tokens = world_of(ask["world"], ask["file"])
    runs = []
    for seed in ask["seeds"]:
        failed, result = "", None
        try:
            result = condit.generate(
                model,
                model.prompt,
                constraint,
                n=ask["n"],
                max_tokens=max_tokens,
                sampler=sampler_of(ask["sampler"]),
                seed=seed,
            )
        except condit.ConditError as error:
            failed, result = type(error).__name__, getattr(error, "result", None)
        samples = result.samples if result is not None else ()
        runs.append(
            {
                "failed": failed,
                "tokens": [list(map(int, sample.tokens)) for sample in samples],
                "log_weights": [float(sample.log_weight) for sample in samples],
                "log_evidence": float(result.log_evidence) if result is not None else -np.inf,
            }
        )
    return {"runs": runs}
