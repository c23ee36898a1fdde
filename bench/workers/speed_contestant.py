"""What every contestant of ``scripts/bench speed`` does alike: load, compile, run, report.

A contestant loads once, keeps what it has compiled, and draws once before it is timed, so that
nothing is loaded or built lazily inside the clock.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from lines import THREADS, serve, versions
from positions import Positions


@dataclass
class Drawn:
    """What one call produced, for each lane.

    Attributes:
        tokens: how many tokens its text has, the end token not counted.
        texts: the texts.
        counts: whatever else the contestant counts or tells.
    """

    tokens: Sequence[int]
    texts: Sequence[str]
    counts: dict[str, Any] = field(default_factory=dict)


class Contestant(ABC):
    """One library. ``task`` is what the driver sent when it asked to load."""

    packages: tuple[str, ...]
    positions: Positions

    def load(self, task: dict[str, Any]) -> dict[str, Any]:
        """Load the model and draw once from its warm-up case, at each number of lanes."""
        torch.set_num_threads(THREADS)
        self.task = task
        self.constraints: dict[str, Any] = {}
        self.load_model(task["directory"], task["device"])
        for warm_up in task["warm_up"]:
            self.compile(warm_up["case"])
            self.run(warm_up)
        self.begin(None)
        cuda = task["device"].startswith("cuda")
        return {
            "versions": versions(("torch", "transformers", *self.packages)),
            "device": torch.cuda.get_device_name(task["device"]) if cuda else "cpu",
        }

    def begin(self, _: None) -> dict[str, Any]:
        """A new pass over the cases: drop what was learned in the one before."""
        self.forget()
        return {}

    def compile(self, case: dict[str, Any]) -> dict[str, Any]:
        """Compile a constraint, unless it is at hand already; ``seconds`` is 0 then."""
        if case["name"] in self.constraints:
            return {"seconds": 0.0}
        began = time.perf_counter()
        self.constraints[case["name"]] = self.compiled(case["kind"], case["source"])
        return {"seconds": time.perf_counter() - began}

    def run(self, ask: dict[str, Any]) -> dict[str, Any]:
        """One timed call. The decode begins when the prompt's logits are there."""
        constraint = self.constraints[ask["case"]["name"]]
        self.prepare(ask)
        self.positions.reset(len(ask["ids"]))
        began = time.perf_counter()
        drawn = self.draw(constraint, ask)
        ended = time.perf_counter()
        prompt_returned = self.positions.prompt_returned
        if prompt_returned is None:
            raise RuntimeError("the prompt was never forwarded: the decode cannot be timed")
        return {
            "seconds": round(ended - began, 5),
            "decode_seconds": round(ended - prompt_returned, 5),
            "tokens": sum(drawn.tokens),
            "texts": list(drawn.texts),
            **drawn.counts,
            **self.positions.report(),
        }

    def count(self, module: torch.nn.Module) -> Positions:
        """Hooks on a ``transformers`` model that count positions and see the prompt return."""
        return Positions(module.get_input_embeddings(), module)

    @abstractmethod
    def load_model(self, directory: str, device: str) -> None:
        """Load the model in bfloat16, and set ``positions``."""

    @abstractmethod
    def compiled(self, kind: str, source: str) -> Any:
        """The constraint of a case: a ``schema``, a ``regex``, or any ``text`` at all."""

    @abstractmethod
    def draw(self, constraint: Any, ask: dict[str, Any]) -> Drawn:
        """Draw ``ask["lanes"]`` texts of at most ``ask["tokens"]`` tokens."""

    def prepare(self, ask: dict[str, Any]) -> None:
        """What must happen before a call and is not part of it: seeds, caches of prompts."""
        torch.manual_seed(ask["seed"])

    def forget(self) -> None:
        """Drop what was learned from earlier calls: nothing, unless a subclass says so."""
        return


def compete(contestant: Contestant) -> None:
    """Answer the driver until it closes the input."""
    serve(
        {
            "load": contestant.load,
            "begin": contestant.begin,
            "compile": contestant.compile,
            "run": contestant.run,
        }
    )
