"""llguidance with ``transformers.generate``: its own mask and apply functions in a processor.

Several lanes go through its executor in one call; lanes that have ended get no more masks.
"""

from __future__ import annotations

import llguidance
import llguidance.hf
import llguidance.torch
import torch
from lines import THREADS
from speed_contestant import compete
from speed_generate import Generate
from transformers import LogitsProcessor


class LLGuidance(Generate):
    packages = ("llguidance",)

    def load_model(self, directory: str, device: str) -> None:
        super().load_model(directory, device)
        self.ll = llguidance.hf.from_tokenizer(
            self.tokenizer, n_vocab=self.vocabulary_size, eos_token=self.ends[0]
        )
        self.executor = llguidance.LLExecutor(num_threads=THREADS)

    def compiled(self, kind: str, source: str) -> llguidance.LLMatcher:
        if kind == "schema":
            grammar = llguidance.LLMatcher.grammar_from_json_schema(source)
        else:
            pattern = "(?s:.*)" if kind == "text" else source
            grammar = llguidance.LLMatcher.grammar_from_regex(pattern)
        root = llguidance.LLMatcher(self.ll, grammar, log_level=0)
        if root.is_error():
            raise ValueError(root.get_error())
        return root

    def processor(self, constraint: llguidance.LLMatcher, lanes: int) -> LogitsProcessor:
        return Masked(constraint, lanes, self.vocabulary_size, self.executor)


class Masked(LogitsProcessor):
    """Masks for lanes that all begin at ``root``, whose copies share its caches."""

    def __init__(
        self,
        root: llguidance.LLMatcher,
        lanes: int,
        vocabulary_size: int,
        executor: llguidance.LLExecutor,
    ) -> None:
        self.matchers = [root.deep_copy() for _ in range(lanes)]
        self.growing = list(range(lanes))
        self.executor = executor
        self.bits = llguidance.torch.allocate_token_bitmask(lanes, vocabulary_size)
        self.started = False

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        if self.started:
            newest = input_ids[:, -1].tolist()
            for lane in self.growing:
                if not self.matchers[lane].consume_token(newest[lane]):
                    raise ValueError(self.matchers[lane].get_error())
            self.growing = [lane for lane in self.growing if not self.matchers[lane].is_stopped()]
        self.started = True
        if len(self.growing) == 1:
            (lane,) = self.growing
            llguidance.torch.fill_next_token_bitmask(self.matchers[lane], self.bits, lane)
        elif self.growing:
            places = [(self.matchers[lane], lane) for lane in self.growing]
            llguidance.torch.fill_next_token_bitmask_par(self.executor, places, self.bits)
        llguidance.torch.apply_token_bitmask_inplace(scores, self.bits.to(scores.device))
        return scores


compete(LLGuidance())
