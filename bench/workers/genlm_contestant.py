"""genlm-control as ``scripts/bench speed`` and ``wild`` have it, with its Hugging Face backend.

Given its best: the automaton is built and coerced before the clock starts and its caches stay
warm, and a batch goes off as soon as all particles have asked (it would wait 20 ms for more).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from genlm.control import BoolCFG, BoolFSA, JsonSchema, PromptedLLM
from speed_contestant import Contestant


class Genlm(Contestant):
    """Model, conditions and what comes before each call; the calls are up to the bench."""

    packages = ("genlm-control", "genlm-backend")

    def load_model(self, directory: str, device: str) -> None:
        self.llm = PromptedLLM.from_name(
            directory, backend="hf", hf_opts={"dtype": torch.bfloat16, "device_map": device}
        )
        self.model = self.llm.model
        self.model.timeout = 0.0
        self.positions = self.count(self.model.model)

    def condition(self, kind: str, source: str) -> Any:
        """The constraint as a potential over the model's tokens."""
        if kind == "schema":
            condition = JsonSchema(json.loads(source))
        elif kind == "grammar":
            condition = BoolCFG.from_lark(source)
        else:
            # Its character set is string.printable unless told otherwise.
            condition = BoolFSA.from_regex(r"(.|\n)*" if kind == "text" else source)
        return condition.coerce(self.llm, f=b"".join)

    def prepare(self, ask: Mapping[str, Any]) -> None:
        super().prepare(ask)
        np.random.seed(ask["seed"])
        self.model.clear_cache()
        self.model.reset_async_queries()  # of a call that was over its limit
        self.model.batch_size = ask["lanes"]
        self.llm.prompt_ids = ask["ids"]


def rows_of(sequences: Any) -> list[list[bytes]]:
    """The tokens of each particle, without the mark of the end, which has no bytes."""
    return [[t for t in context if isinstance(t, bytes)] for context in sequences.contexts]
