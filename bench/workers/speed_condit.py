"""Condit: AWRS for one text, SMC over AWRS for several; with drafts or without.

``free`` drops the constraint: what Condit's own forwards do for its speed.
"""

from __future__ import annotations

from typing import Any

from cut import ROOM, cut_after
from speed_contestant import Contestant, Drawn, compete

import condit
from condit.errors import GenerationError
from condit.speculate import recycling


class Condit(Contestant):
    packages = ("llguidance", "condit")

    def load_model(self, directory: str, device: str) -> None:
        self.model = condit.load(directory, dtype="bfloat16", device=device)
        self.positions = self.count(self.model.module)

    def compiled(self, kind: str, source: str) -> Any:
        if self.task.get("free"):
            return None
        if kind == "schema":
            return condit.json_schema(source)
        return condit.regex("(?s:.*)" if kind == "text" else source)

    def prepare(self, ask: dict[str, Any]) -> None:
        super().prepare(ask)
        condit.clear_cache()
        if self.task["cold"]:
            self.forget()

    def forget(self) -> None:
        recycling.forget(self.model)

    def draw(self, constraint: Any, ask: dict[str, Any]) -> Drawn:
        try:
            result = condit.generate(
                self.model,
                ask["ids"],
                constraint,
                n=ask["lanes"],
                max_tokens=ROOM,
                on_step=cut_after(ask["tokens"]),
                sampler="awrs" if ask["lanes"] == 1 else condit.SMC(kernel="awrs"),
                temperature=ask["temperature"],
                drafts=self.task["drafts"],
                seed=ask["seed"],
            )
        except GenerationError as error:
            # No text was finished by then (or all died): what was drawn took its time all the same.
            if error.result is None:
                raise
            result = error.result
        stats = result.stats
        return Drawn(
            [len(sample.tokens) for sample in result.samples],
            [sample.text for sample in result.samples],
            {
                "drawn": stats.tokens,
                "forced": stats.forced,
                "drafted": stats.drafted,
                "accepted": stats.accepted,
                "forwards_claimed": stats.forwards,
                "positions_claimed": stats.positions_forwarded,
            },
        )


compete(Condit())
