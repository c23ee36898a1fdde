"""Draws in a recorded world: tokens and weights, to be compared between two commits."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from bench.fidelity.worlds import PROBLEMS
from recorded_world import read
from samplers import sampler_of
from timing import Clock

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
    """For each seed the samples' tokens and log weights, and the log evidence; seconds of a run."""
    model, constraint, max_tokens = world_of(ask["world"], ask["file"])
    sampler = sampler_of(ask["sampler"])
    runs = []
    wall, processor = 0.0, 0.0
    for seed in ask["seeds"]:
        failed = ""
        with Clock() as spent:
            try:
                result = condit.generate(
                    model,
                    model.prompt,
                    constraint,
                    n=ask["n"],
                    max_tokens=max_tokens,
                    sampler=sampler,
                    seed=seed,
                )
            except condit.ConditError as error:
                failed, result = type(error).__name__, getattr(error, "result", None)
        wall += spent.wall / len(ask["seeds"])
        processor += spent.processor / len(ask["seeds"])
        samples = result.samples if result is not None else ()
        runs.append(
            {
                "failed": failed,
                "tokens": [list(map(int, sample.tokens)) for sample in samples],
                "log_weights": [float(sample.log_weight) for sample in samples],
                "log_evidence": float(result.log_evidence) if result is not None else -np.inf,
            }
        )
    return {"seconds": wall, "processor_seconds": processor, "runs": runs}
