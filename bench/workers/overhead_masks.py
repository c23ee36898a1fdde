"""What mask engines are used for today: mask, masked softmax, draw; batched over lanes.

llguidance and xgrammar with their own batch tools; the draw is ``torch.multinomial``, or inversion
of the cumulative sum with one uniform a lane, which is faster on a CPU. No weights are computed:
none of these pipelines has any. 16-bit logits are widened first, because the engines' kernels for a
CPU and the draws want 32 bits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import llguidance
import llguidance.hf
import llguidance.torch
import torch
import xgrammar
from lines import THREADS, serve, versions
from transformers import PreTrainedTokenizerFast
from walk import Walk


def by_multinomial(law: torch.Tensor) -> torch.Tensor:
    return torch.multinomial(law, 1)


def by_inversion(law: torch.Tensor) -> torch.Tensor:
    upto = law.cumsum(-1)
    target = torch.rand(len(law), 1) * upto[:, -1:]
    return torch.searchsorted(upto, target, right=True).clamp_(max=law.shape[1] - 1)


DRAWS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "multinomial": by_multinomial,
    "inversion": by_inversion,
}


class World:
    """One vocabulary in both engines, and what they have compiled for its cases."""

    def load(self, world: dict[str, Any]) -> dict[str, Any]:
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=world["tokenizer"])
        self.size, self.end = world["size"], world["end"]
        self.ll = llguidance.hf.from_tokenizer(tokenizer, n_vocab=self.size, eos_token=self.end)
        info = xgrammar.TokenizerInfo.from_huggingface(
            tokenizer, vocab_size=self.size, stop_token_ids=[self.end]
        )
        self.compiler = xgrammar.GrammarCompiler(info, max_threads=THREADS)
        self.executor = llguidance.LLExecutor(num_threads=THREADS)
        self.batch = xgrammar.BatchGrammarMatcher(max_threads=THREADS)
        self.roots: dict[str, llguidance.LLMatcher] = {}
        return {"versions": versions(["llguidance", "xgrammar", "torch", "transformers"])}

    def ll_root(self, case: dict[str, Any]) -> llguidance.LLMatcher:
        if case["name"] not in self.roots:
            if case["kind"] == "regex":
                grammar = llguidance.LLMatcher.grammar_from_regex(case["source"])
            else:
                grammar = llguidance.LLMatcher.grammar_from_json_schema(case["source"])
            root = llguidance.LLMatcher(self.ll, grammar, log_level=0)
            if root.is_error():
                raise ValueError(root.get_error())
            self.roots[case["name"]] = root
        return self.roots[case["name"]]


class LLGroup:
    """llguidance: masks and tokens of all lanes in one call to its executor."""

    def __init__(self, draw: str, case: dict[str, Any], lanes: int) -> None:
        self.root = world.ll_root(case)
        self.draw = DRAWS[draw]
        self.matchers = [self.root] * lanes
        self.bits = llguidance.torch.allocate_token_bitmask(lanes, world.size)

    def restart(self, lane: int, prefix: Sequence[int]) -> None:
        self.matchers[lane] = self.root.deep_copy()
        if not self.matchers[lane].consume_tokens(list(prefix)):
            raise ValueError(f"refuses the path: {self.matchers[lane].get_error()}")

    def step(self, logits: torch.Tensor, targets: Sequence[int]) -> list[int]:
        if len(self.matchers) == 1:
            llguidance.torch.fill_next_token_bitmask(self.matchers[0], self.bits)
        else:
            places = [(matcher, lane) for lane, matcher in enumerate(self.matchers)]
            llguidance.torch.fill_next_token_bitmask_par(world.executor, places, self.bits)
        logits = logits.float()
        llguidance.torch.apply_token_bitmask_inplace(logits, self.bits)
        drawn: list[int] = self.draw(torch.softmax(logits, -1)).view(-1).tolist()
        if len(self.matchers) == 1:
            self.matchers[0].consume_token(targets[0])
        else:
            moves = list(zip(self.matchers, targets, strict=True))
            llguidance.torch.consume_token_par(world.executor, moves)
        return drawn

    def extra(self) -> dict[str, list[int]]:
        return {}


class XGroup:
    """xgrammar: its batch matcher where there are several lanes."""

    def __init__(self, draw: str, case: dict[str, Any], lanes: int) -> None:
        if case["kind"] == "regex":
            self.compiled = world.compiler.compile_regex(case["source"])
        else:
            self.compiled = world.compiler.compile_json_schema(json.loads(case["source"]))
        self.draw = DRAWS[draw]
        self.matchers = [xgrammar.GrammarMatcher(self.compiled)] * lanes
        self.bits = xgrammar.allocate_token_bitmask(lanes, world.size)

    def restart(self, lane: int, prefix: Sequence[int]) -> None:
        self.matchers[lane] = xgrammar.GrammarMatcher(self.compiled)
        for token in prefix:
            if not self.matchers[lane].accept_token(token):
                raise ValueError("refuses the path")

    def step(self, logits: torch.Tensor, targets: Sequence[int]) -> list[int]:
        if len(self.matchers) == 1:
            self.matchers[0].fill_next_token_bitmask(self.bits)
        else:
            world.batch.batch_fill_next_token_bitmask(self.matchers, self.bits)
        logits = logits.float()
        xgrammar.apply_token_bitmask_inplace(logits, self.bits)
        drawn: list[int] = self.draw(torch.softmax(logits, -1)).view(-1).tolist()
        if len(self.matchers) == 1:
            self.matchers[0].accept_token(targets[0])
        else:
            world.batch.batch_accept_token(self.matchers, list(targets))
        return drawn

    def extra(self) -> dict[str, list[int]]:
        return {}


def group(contestant: str, case: dict[str, Any], lanes: int) -> LLGroup | XGroup:
    engine, draw = contestant.split("-")
    return (LLGroup if engine == "llguidance" else XGroup)(draw, case, lanes)


world = World()
walk = Walk(world.load, group)
serve({"load": walk.load, "check": walk.check, "time": walk.time})
