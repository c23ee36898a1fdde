"""xgrammar: ``strict`` (nothing that the schema does not name, its default) or not."""

from __future__ import annotations

from typing import Any

import xgrammar
from coverage_contestant import Contestant, compete
from lines import THREADS
from transformers import PreTrainedTokenizerFast


class XGrammar(Contestant):
    packages = ("xgrammar", "torch", "transformers")

    def load_tokenizer(self, spelled: list[bytes]) -> None:
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=self.task["tokenizer"])
        info = xgrammar.TokenizerInfo.from_huggingface(
            tokenizer, vocab_size=self.size, stop_token_ids=[self.end]
        )
        self.compiler = xgrammar.GrammarCompiler(info, max_threads=THREADS)
        self.bits = xgrammar.allocate_token_bitmask(1, self.size)

    def compiled(self, source: str, remotes: dict[str, Any] | None) -> Any:
        return self.compiler.compile_json_schema(source, strict_mode=self.task["strict"])

    def start(self, root: Any) -> xgrammar.GrammarMatcher:
        return xgrammar.GrammarMatcher(root)

    def fill(self, matcher: xgrammar.GrammarMatcher) -> None:
        matcher.fill_next_token_bitmask(self.bits)

    def shown(self) -> Any:
        return self.bits[0]

    def advance(self, matcher: xgrammar.GrammarMatcher, token: int) -> bool:
        return bool(matcher.accept_token(token))

    def may_end(self, matcher: xgrammar.GrammarMatcher) -> bool:
        return bool(matcher.accept_token(self.end))


compete(XGrammar())
