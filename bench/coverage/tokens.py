"""A real tokenizer for every contestant: its file, its tokens as bytes, and texts as its tokens."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from bench.coverage.cases import Case
from bench.coverage.texts import writings
from bench.vocabularies import SOURCES
from condit.model.token_bytes import token_bytes


@dataclass(frozen=True)
class Tokens:
    """A tokenizer that reads no special token in a text; ``spelled`` has the bytes of each."""

    size: str
    file: Path
    tokenizer: Tokenizer
    spelled: list[bytes]
    end: int

    @classmethod
    def of(cls, size: str, file: Path) -> Tokens:
        """The tokenizer of that size, one of ``vocabularies.py``."""
        tokenizer = Tokenizer.from_file(str(file))
        tokenizer.encode_special_tokens = True
        spelled, _ = token_bytes(
            json.loads(file.read_text(encoding="utf-8")), tokenizer.get_vocab_size()
        )
        end = tokenizer.token_to_id(SOURCES[size].end)
        if end is None:
            raise SystemExit(f"{file} has no token {SOURCES[size].end}")
        spelled[end] = b""
        return cls(size, file, tokenizer, spelled, end)

    def task(self, folder: Path) -> dict[str, Any]:
        """What a worker needs to load it; the bytes go into a file in ``folder``."""
        spelled = folder / "spelled.json"
        spelled.write_text(json.dumps([text.hex() for text in self.spelled]))
        return {
            "tokenizer": str(self.file),
            "spelled": str(spelled),
            "size": len(self.spelled),
            "end": self.end,
        }

    def instances(self, case: Case) -> list[dict[str, Any]]:
        """The instances of a case, in every writing, as tokens."""
        schema = json.loads(case.source)
        return [
            {
                "valid": valid,
                "writings": {
                    name: self._encode(text) for name, text in writings(schema, data).items()
                },
            }
            for valid, data in case.instances
        ]

    def _encode(self, text: str) -> list[int]:
        tokens: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        if b"".join(self.spelled[token] for token in tokens) != text.encode():
            raise SystemExit(f"the {self.size} tokenizer does not spell {text[:80]!r}")
        return tokens
