"""genlm-control 0.4.1 in ``scripts/bench wild``: AWRS inside SMC, and its masks without resampling.

Given its best: see ``genlm_contestant.py``. A particle that met the budget unfinished is no text of
the constraint: its weight is taken out of the evidence, for all alike.

By masks it draws from the product of model and constraint. For patterns that walks the vocabulary
as a trie, seconds a token; for schemas and grammars it asks about every token by itself.
"""

from __future__ import annotations

import asyncio
import math
import time
import traceback
from typing import Any

import numpy as np
from genlm.control import AWRS, direct_token_sampler
from genlm.control.sampler.token import TokenSampler
from genlm_contestant import Genlm, rows_of
from speed_contestant import Drawn, compete


class Wild(Genlm):
    def compiled(self, kind: str, source: str) -> dict[str, TokenSampler]:
        condition = self.condition(kind, source)
        return {
            "awrs": AWRS(self.llm, condition),
            "masked": direct_token_sampler(self.llm * condition),
        }

    def draw(self, constraint: dict[str, TokenSampler], ask: dict[str, Any]) -> Drawn:
        sampler = constraint[ask["sampler"]]
        if isinstance(sampler, AWRS):
            sampler.rng = np.random.default_rng(ask["seed"])
        self.began = time.perf_counter()
        self.first: float | None = None
        try:
            sequences, crashes = asyncio.run(
                asyncio.wait_for(self._draw(sampler, ask), ask["limit"])
            )
        except TimeoutError:
            return Drawn([], [], {"over": True, "weights": [], "log_evidence": None})
        rows = rows_of(sequences)
        shares = [
            # Finished is what ends with the end's own mark, which has no bytes.
            float(share) if context and not isinstance(context[-1], bytes) else 0.0
            for context, share in zip(sequences.contexts, sequences.normalized_weights, strict=True)
        ]
        finished = math.fsum(share for share in shares if math.isfinite(share))
        good = finished > 0 and math.isfinite(float(sequences.log_ml))
        weights = [share / finished if good else 0.0 for share in shares]
        kish = 1 / math.fsum(w * w for w in weights) if good else 0.0
        return Drawn(
            [len(row) for row in rows],
            [b"".join(row).decode(errors="replace") for row in rows],
            ({} if good else {"nothing": "no particle was finished"})
            | {
                "weights": weights,
                "log_evidence": float(sequences.log_ml) + math.log(finished) if good else None,
                "guarantee": "weighted",
                "ess": None,
                "kish_ess": kish,
                "first_seconds": self.first,
                "crashes": crashes,
            },
        )

    async def _draw(self, sampler: TokenSampler, ask: dict[str, Any]) -> tuple[Any, int]:
        """A run that came to its end, and how many met an assertion of its own about rounding.

        Such a run is made again with the noise that comes next; its seconds and positions count.
        """
        self.model.cache_kv(self.llm.prompt_ids)
        for crashes in range(5):
            try:
                drawn = await sampler.smc(
                    n_particles=ask["lanes"],
                    ess_threshold=0.5 if ask["sampler"] == "awrs" else 0.0,
                    max_tokens=ask["tokens"] + 1,
                    terminate_when=self._note_first,
                )
            except AssertionError:
                traceback.print_exc()
                self.model.reset_async_queries()
            else:
                return drawn, crashes
        raise RuntimeError("five runs in a row met an assertion of its own; see the log")

    def _note_first(self, _: object) -> bool:
        """Never ends a particle: it is told of each token."""
        if self.first is None:
            self.first = round(time.perf_counter() - self.began, 5)
        return False


compete(Wild())
