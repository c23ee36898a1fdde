"""genlm-control 0.4.1 on a recorded world: its own AWRS and SMC, over two potentials made here.

``open`` reads a world that the driver has saved. The model's potential gives the recorded rows, in
32 bits as its ``PromptedLLM`` does. The condition's potential knows which recorded prefixes allow
which tokens, at the price of a look-up. Tokens are ids: two tokens may spell the same bytes, and
a vocabulary there may hold no item twice. As their ``coerce`` would, the condition's vocabulary
leaves out tokens with bytes that no text of the language has, so that AWRS prunes them.

Positions are counted twice: one for each distinct prefix asked for (``positions``: every prefix
shared, every past kept), and as its Hugging Face backend forwards them, which keeps the past of
the prompt alone (``positions_shipped``: the generated tokens of each distinct prefix).
"""

from __future__ import annotations

import asyncio
import math
import time
import traceback
import warnings
from typing import Any

import numpy as np
import torch
from fidelity_recorded import RecordedCondition, RecordedPotential
from genlm.control import AWRS, PromptedLLM
from lines import THREADS, serve, versions
from positions import Positions
from recorded_world import read

torch.set_num_threads(THREADS)
warnings.filterwarnings("ignore", message="Common vocabulary", category=RuntimeWarning)


class Genlm:
    llm: PromptedLLM | None = None

    def open(self, task: dict[str, Any]) -> dict[str, Any]:
        """A recorded world, to be replayed."""
        world = read(task["file"])
        self.max_tokens = world.max_tokens
        self.potential = RecordedPotential(world)
        self.condition = RecordedCondition(world)
        return {"versions": versions(["torch", "transformers", "genlm-control", "genlm-backend"])}

    def replicate(self, task: dict[str, Any]) -> dict[str, Any]:
        """One run for each number of particles."""
        return {"runs": asyncio.run(self._replicate(task["seed"], task["settings"]))}

    async def _replicate(self, seed: int, settings: list[int]) -> list[dict[str, Any]]:
        torch.manual_seed(seed)
        np.random.seed(seed)
        sampler = AWRS(self.potential, self.condition, seed=seed)
        runs = []
        for particles in settings:
            drawn, crashes = await self._smc(sampler, particles)
            lengths = [len(context) for context in self.potential.asked]
            runs.append(
                {
                    **_weighted(drawn, lambda token: token),
                    "positions": sum(length > 0 for length in lengths),
                    "positions_shipped": sum(lengths),
                    "crashes": crashes,
                }
            )
        return runs

    async def _smc(self, sampler: AWRS, particles: int) -> tuple[Any, int]:
        """A run that came to its end, and how many did not.

        Now and then one of its own assertions about rounding fails. Such a run is made again, with
        the noise that comes next, and what it had cost is forgotten.
        """
        for crashes in range(5):
            self.potential.asked.clear()
            try:
                drawn = await sampler.smc(
                    n_particles=particles, ess_threshold=0.5, max_tokens=self.max_tokens + 1
                )
            except AssertionError:
                traceback.print_exc()
            else:
                return drawn, crashes
        raise RuntimeError("five runs in a row met an assertion of its own; see the log")

    def open_real(self, task: dict[str, Any]) -> dict[str, Any]:
        """The same world with the model itself, for the clock."""
        world = read(task["file"])
        self.max_tokens = world.max_tokens
        if self.llm is None:
            self.llm = PromptedLLM.from_name(
                task["directory"], backend="hf", hf_opts={"dtype": torch.bfloat16}
            )
            self.positions = Positions(self.llm.model.model.get_input_embeddings())
        tokens = {token.token_id: token for token in self.llm.vocab}
        # Its own vocabulary leaves out the tokens that end a text.
        names = [tokens.get(token) for token in world.ids.tolist()]
        self.real_condition = RecordedCondition(world, names, self.llm.vocab)
        self.prompt = task["prompt"]
        return {}

    def run_real(self, task: dict[str, Any]) -> dict[str, Any]:
        """One timed run; the caches of the model are cleared before it."""
        assert self.llm is not None
        torch.manual_seed(task["seed"])
        np.random.seed(task["seed"])
        self.llm.model.clear_cache()
        self.positions.reset()
        began = time.perf_counter()
        self.llm.prompt_ids = self.prompt
        drawn = asyncio.run(self._run_real(task["setting"], task["seed"]))
        seconds = time.perf_counter() - began
        return {
            **_weighted(drawn, lambda token: token.token_id),
            "seconds": seconds,
            "positions": self.positions.report()["positions_beyond_prompt"],
        }

    async def _run_real(self, particles: int, seed: int) -> Any:
        self.llm.model.cache_kv(self.prompt)
        return await AWRS(self.llm, self.real_condition, seed=seed).smc(
            n_particles=particles, ess_threshold=0.5, max_tokens=self.max_tokens + 1
        )


def _weighted(drawn: Any, name: Any) -> dict[str, Any]:
    """Texts without the end, their normalised weights, and the evidence, as it reports them."""
    texts, weights = [], []
    for context, weight in zip(drawn.contexts, drawn.normalized_weights, strict=True):
        if weight > 0:
            texts.append([name(token) for token in context[:-1]])
            weights.append(float(weight))
    evidence = float(drawn.log_ml)
    return {
        "texts": texts,
        "weights": weights,
        "log_evidence": evidence if math.isfinite(evidence) else None,
    }


contestant = Genlm()
serve(
    {
        "open": contestant.open,
        "replicate": contestant.replicate,
        "open_real": contestant.open_real,
        "run_real": contestant.run_real,
    }
)
