"""genlm-control 0.4.1: AWRS inside SMC, Hugging Face backend, the prompt's cache kept.

Given every advantage it offers: the automaton is built and coerced before the clock starts, its
own caches of the constraint stay warm between runs, the prompt is cached by ``cache_kv``, and
``terminate_when`` ends at the length without the extra forward that weighing an end would cost.
The cache of the model is cleared between runs, as for all contestants.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import numpy as np
import torch
from genlm.control import AWRS, BoolFSA, JsonSchema, PromptedLLM
from lines import THREADS, serve, versions
from positions import Positions

torch.set_num_threads(THREADS)


class Genlm:
    def load(self, task: dict[str, Any]) -> dict[str, Any]:
        self.task = task
        self.llm = PromptedLLM.from_name(
            task["directory"], backend="hf", hf_opts={"dtype": torch.bfloat16}
        )
        self.model = self.llm.model
        self.positions = Positions(self.model.model.get_input_embeddings())
        began = time.perf_counter()
        if "regex" in task["constraint"]:
            # Its character set is string.printable unless told otherwise: enough for the bench.
            condition = BoolFSA.from_regex(task["constraint"]["regex"])
        else:
            condition = JsonSchema(json.loads(task["constraint"]["schema"]))
        self.condition = condition.coerce(self.llm, f=b"".join)
        self.sampler = AWRS(self.llm, self.condition)
        seconds = time.perf_counter() - began
        return {
            "versions": versions(["torch", "transformers", "genlm-control", "genlm-backend"]),
            "setup_seconds": seconds,
        }

    def run(self, seed: int) -> dict[str, Any]:
        torch.manual_seed(seed)
        np.random.seed(seed)
        self.model.clear_cache()
        self.positions.reset()
        began = time.perf_counter()
        self.llm.prompt_ids = self.model.tokenizer.encode(self.task["prompt"])
        sequences = asyncio.run(self._draw())
        seconds = time.perf_counter() - began
        drawn = [[t for t in context if isinstance(t, bytes)] for context in sequences.contexts]
        return {
            "seconds": seconds,
            "tokens": sum(len(tokens) for tokens in drawn),
            "prompt_tokens": len(self.llm.prompt_ids),
            "texts": [b"".join(tokens).decode(errors="replace") for tokens in drawn],
            **self.positions.report(),
        }

    async def _draw(self) -> Any:
        self.model.cache_kv(self.llm.prompt_ids)
        length = self.task["tokens"]
        return await self.sampler.smc(
            n_particles=self.task["lanes"],
            ess_threshold=0.5,
            max_tokens=length + 1,
            terminate_when=lambda context: len(context) >= length,
        )


contestant = Genlm()
serve({"load": contestant.load, "run": contestant.run})
