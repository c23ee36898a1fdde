"""Condit's local kernels as its samplers use them: law, draw, advance. And a softmax by itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lines import serve, versions
from walk import Walk

import condit
from condit.model.token_bytes import token_bytes
from condit.sampler.law import BaseLaw
from condit.vocabulary import Vocabulary

KERNELS = {"condit-awrs": condit.AWRS(looks=1), "condit-masked": condit.Masked()}


class World:
    """One vocabulary, and the matchers at the start of its cases."""

    vocabulary: Vocabulary

    def load(self, world: dict[str, Any]) -> dict[str, Any]:
        description = json.loads(Path(world["tokenizer"]).read_text())
        spelled, _ = token_bytes(description, world["size"])
        spelled[world["end"]] = b""
        self.vocabulary = Vocabulary(bytes=spelled, end=world["end"])
        self.roots: dict[str, Any] = {}
        return {"versions": versions(["condit", "llguidance", "numpy", "torch"])}

    def root(self, case: dict[str, Any]) -> Any:
        if case["name"] not in self.roots:
            make = condit.regex if case["kind"] == "regex" else condit.json_schema
            source = case["source"] if case["kind"] == "regex" else json.loads(case["source"])
            self.roots[case["name"]] = make(source).bind(self.vocabulary)
        return self.roots[case["name"]]


class KernelGroup:
    def __init__(self, contestant: str, case: dict[str, Any], lanes: int) -> None:
        self.root = world.root(case)
        self.kernel = KERNELS[contestant]
        self.matchers = [self.root] * lanes
        self.noise = np.random.default_rng(lanes).spawn(lanes)
        self.law = BaseLaw()

    def restart(self, lane: int, prefix: Sequence[int]) -> None:
        self.matchers[lane] = self.root.copy()
        for token in prefix:
            self.matchers[lane].advance(token)

    def step(self, logits: torch.Tensor, targets: Sequence[int]) -> list[int]:
        self.draws = []
        laws = self.law.at_many(list(logits), world.vocabulary)
        for law, matcher, noise, target in zip(
            laws, self.matchers, self.noise, targets, strict=True
        ):
            self.draws.append(self.kernel.draw(law, matcher, noise))
            matcher.advance(target)
        return [-1 if draw.token is None else draw.token for draw in self.draws]

    def extra(self) -> dict[str, list[int]]:
        return {
            "checks": [draw.checks for draw in self.draws],
            "masks": [draw.masks for draw in self.draws],
        }


class SoftmaxGroup:
    """What any way to draw from these rows must do at least; into memory that is at hand."""

    def __init__(self, contestant: str, case: dict[str, Any], lanes: int) -> None:
        size = len(world.vocabulary)
        self.wide = torch.ones((lanes, size), dtype=torch.float32)  # written: no page is new
        self.law = torch.ones((lanes, size), dtype=torch.float32)

    def restart(self, lane: int, prefix: Sequence[int]) -> None:
        """It asks no constraint."""

    def step(self, logits: torch.Tensor, targets: Sequence[int]) -> list[int]:
        if logits.dtype != torch.float32:
            logits = self.wide.copy_(logits)
        torch.softmax(logits, -1, out=self.law)
        return list(targets)

    def extra(self) -> dict[str, list[int]]:
        return {}


def group(contestant: str, case: dict[str, Any], lanes: int) -> KernelGroup | SoftmaxGroup:
    make = SoftmaxGroup if contestant == "softmax" else KernelGroup
    return make(contestant, case, lanes)


world = World()
walk = Walk(world.load, group)
serve({"load": walk.load, "check": walk.check, "time": walk.time})
