"""genlm-control in ``scripts/bench speed``: AWRS, inside SMC where there are several particles.

Given its best: see ``genlm_contestant.py``; besides, the prompt is cached by ``cache_kv``, and no
forward is spent on weighing an end at the last token. Its temperature divides the logits, so it has
no greedy setting.
"""

from __future__ import annotations

import asyncio
from typing import Any

from genlm.control import AWRS
from genlm_contestant import Genlm, rows_of
from speed_contestant import Drawn, compete


class Speed(Genlm):
    def compiled(self, kind: str, source: str) -> AWRS:
        return AWRS(self.llm, self.condition(kind, source))

    def draw(self, constraint: AWRS, ask: dict[str, Any]) -> Drawn:
        rows = rows_of(asyncio.run(self._draw(constraint, ask)))
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


compete(Speed())
