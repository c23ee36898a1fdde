"""genlm-control: AWRS, inside SMC where there are several particles; Hugging Face backend.

Given its best: the automaton is built and coerced before the clock starts and its caches stay
warm, the prompt is cached by ``cache_kv``, a batch goes off as soon as all particles have asked
(it would wait 20 ms for more), and no forward is spent on weighing an end at the last token. Its
temperature divides the logits, so it has no greedy setting.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import numpy as np
import torch
from genlm.control import AWRS, BoolFSA, JsonSchema, PromptedLLM
from speed_contestant import Contestant, Drawn, compete


class Genlm(Contestant):
    packages = ("genlm-control", "genlm-backend")

    def load_model(self, directory: str, device: str) -> None:
        self.llm = PromptedLLM.from_name(
            directory, backend="hf", hf_opts={"dtype": torch.bfloat16, "device_map": device}
        )
        self.model = self.llm.model
        self.model.timeout = 0.0
        self.positions = self.count(self.model.model)

    def compiled(self, kind: str, source: str) -> AWRS:
        if kind == "schema":
            condition = JsonSchema(json.loads(source))
        else:
            # Its character set is string.printable unless told otherwise.
            condition = BoolFSA.from_regex(r"(.|\n)*" if kind == "text" else source)
        return AWRS(self.llm, condition.coerce(self.llm, f=b"".join))

    def prepare(self, ask: dict[str, Any]) -> None:
        super().prepare(ask)
        np.random.seed(ask["seed"])
        self.model.clear_cache()
        self.model.batch_size = ask["lanes"]

    def draw(self, constraint: AWRS, ask: dict[str, Any]) -> Drawn:
        self.llm.prompt_ids = ask["ids"]
        sequences = asyncio.run(self._draw(constraint, ask))
        rows = [[t for t in context if isinstance(t, bytes)] for context in sequences.contexts]
        return Drawn(
            [len(row) for row in rows],
            [b"".join(row).decode(errors="replace") for row in rows],
        )

    async def _draw(self, sampler: AWRS, ask: dict[str, Any]) -> Any:
        self.model.cache_kv(self.llm.prompt_ids)
        length = ask["tokens"]
        return await sampler.smc(
            n_particles=ask["lanes"],
            ess_threshold=0.5,
            max_tokens=length + 1,
            terminate_when=lambda context: len(context) >= length,
        )


compete(Genlm())
