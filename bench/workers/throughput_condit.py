"""Condit itself, one sampler a worker."""

from __future__ import annotations

import time
from typing import Any

import torch
from cut import ROOM, cut_after
from lines import THREADS, serve, versions
from positions import Positions

import condit
from condit.errors import GenerationError

torch.set_num_threads(THREADS)


class Condit:
    def load(self, task: dict[str, Any]) -> dict[str, Any]:
        self.task = task
        self.model = condit.load("smollm2", dtype="bfloat16")
        self.positions = Positions(self.model.module.get_input_embeddings())
        packages = ["torch", "transformers", "llguidance", "condit"]
        began = time.perf_counter()
        if "regex" in task["constraint"]:
            self.constraint = condit.regex(task["constraint"]["regex"])
        else:
            self.constraint = condit.json_schema(task["constraint"]["schema"])
        seconds = time.perf_counter() - began
        return {"versions": versions(packages), "setup_seconds": seconds}

    def run(self, seed: int) -> dict[str, Any]:
        self.positions.reset()
        began = time.perf_counter()
        try:
            result = condit.generate(
                self.model,
                # As ids: peers draw after the prompt's own tokens, so the prompt is not healed.
                self.model.encode_prompt(self.task["prompt"]),
                self.constraint,
                n=self.task["lanes"],
                max_tokens=ROOM,
                sampler=self.task["sampler"],
                seed=seed,
                on_step=cut_after(self.task["tokens"]),
            )
        except GenerationError as short:  # expected: no text is finished by then
            result = short.result
        seconds = time.perf_counter() - began
        return {
            "seconds": seconds,
            "tokens": sum(len(sample.tokens) for sample in result.samples),
            "prompt_tokens": result.stats.prompt_tokens,
            "texts": [sample.text for sample in result.samples],
            "positions_claimed": result.stats.positions_forwarded,
            "tokens_drawn": result.stats.tokens,
            **self.positions.report(),
        }


contestant = Condit()
serve({"load": contestant.load, "run": contestant.run})
