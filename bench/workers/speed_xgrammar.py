"""xgrammar with ``transformers.generate``, by its own logits processor."""

from __future__ import annotations

import json
from typing import Any

import xgrammar
from lines import THREADS
from speed_contestant import compete
from speed_generate import Generate
from xgrammar.contrib.hf import LogitsProcessor


class XGrammar(Generate):
    packages = ("xgrammar",)

    def load_model(self, directory: str, device: str) -> None:
        super().load_model(directory, device)
        info = xgrammar.TokenizerInfo.from_huggingface(
            self.tokenizer, vocab_size=self.vocabulary_size, stop_token_ids=self.ends
        )
        self.compiler = xgrammar.GrammarCompiler(info, max_threads=THREADS)

    def compiled(self, kind: str, source: str) -> Any:
        if kind == "schema":
            return self.compiler.compile_json_schema(json.loads(source))
        # Its expressions have no flags; this class holds every character.
        return self.compiler.compile_regex(r"[\s\S]*" if kind == "text" else source)

    def processor(self, constraint: Any, lanes: int) -> Any:
        return LogitsProcessor(constraint)


compete(XGrammar())
