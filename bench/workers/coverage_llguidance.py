"""llguidance: as it is, or ``lenient`` with ``oneOf`` taken for ``anyOf``."""

from __future__ import annotations

from typing import Any

import llguidance
import llguidance.hf
import llguidance.numpy
from coverage_contestant import Contestant, compete
from transformers import PreTrainedTokenizerFast


class LLGuidance(Contestant):
    packages = ("llguidance", "transformers")

    def load_tokenizer(self, spelled: list[bytes]) -> None:
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=self.task["tokenizer"])
        self.ll = llguidance.hf.from_tokenizer(tokenizer, n_vocab=self.size, eos_token=self.end)
        self.bits = llguidance.numpy.allocate_token_bitmask(1, self.size)
        lenient = {"lenient": True, "coerce_one_of": True}
        self.options: Any = lenient if self.task["lenient"] else None

    def compiled(self, source: str, remotes: dict[str, Any] | None) -> Any:
        options = None if source in ("true", "false") else self.options  # only objects take them
        grammar = llguidance.LLMatcher.grammar_from_json_schema(source, overrides=options)
        root = llguidance.LLMatcher(self.ll, grammar, log_level=0)
        if root.is_error():
            raise ValueError(root.get_error())
        return root

    def start(self, root: llguidance.LLMatcher) -> llguidance.LLMatcher:
        return root.deep_copy()

    def fill(self, matcher: llguidance.LLMatcher) -> None:
        llguidance.numpy.fill_next_token_bitmask(matcher, self.bits)

    def shown(self) -> Any:
        return self.bits[0]

    def advance(self, matcher: llguidance.LLMatcher, token: int) -> bool:
        return bool(matcher.consume_token(token))

    def may_end(self, matcher: llguidance.LLMatcher) -> bool:
        return bool(matcher.is_accepting())


compete(LLGuidance())
