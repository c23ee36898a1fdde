"""Not a race but a check: real tokenizers of four sizes, byte for byte.

For each, the bytes of its tokens must spell every text exactly as the tokenizer splits it, and the
matcher's mask must be its legal set on the whole vocabulary along real texts.
"""

from __future__ import annotations

import json
import time
import unicodedata
from typing import Any

import numpy as np
from tokenizers import Tokenizer

import condit
from bench.cases import OWN, Case
from bench.library.options import add_choice, parser_of
from bench.vocabularies import SOURCES, tokenizer_file
from condit.constraint.base import unpack
from condit.model.smollm2 import directory
from condit.model.token_bytes import token_bytes

TEXTS = (
    "The quick brown fox jumps over the lazy dog. 1234567890",
    "  leading, double  and trailing spaces  ",
    "tabs\tand\r\nnewlines\n\n\n\nand more",
    "naïve café, Ωmega, 日本語のテキスト, العربية, हिन्दी, 👩‍👩‍👧‍👦 🙂",
    "def f(x):\n    return {'a': [1, 2.5e-3]}  # ok\n",
    "\x00\x01\x7f\u0080\u200b\ufeff",
    "<|endoftext|> <start_of_turn> </s> <unk>",
)


def check(size: str) -> str:
    """One line on the tokenizer of that size; raises where a law is broken."""
    description = json.loads(tokenizer_file(size, directory()).read_text(encoding="utf-8"))
    tokenizer = Tokenizer.from_str(json.dumps(description))
    tokenizer.encode_special_tokens = True
    count = max([*tokenizer.get_vocab().values()]) + 1
    spelled, special = token_bytes(description, count)
    end = tokenizer.token_to_id(SOURCES[size].end)
    spelled[end] = b""
    vocabulary = condit.Vocabulary(spelled, end)
    composes = (description.get("normalizer") or {}).get("type") == "NFC"
    for text in TEXTS:
        tokens = tokenizer.encode(text, add_special_tokens=False).ids
        if special & set(tokens):
            raise SystemExit(f"{size}: {text!r} was split into special tokens")
        expected = unicodedata.normalize("NFC", text) if composes else text
        if vocabulary.spell(tokens) != expected.encode():
            raise SystemExit(f"{size}: {text!r} is spelled {vocabulary.spell(tokens)!r}")
    began = time.perf_counter()
    states = sum(_walk(case, vocabulary, tokenizer) for case in OWN)
    texts = [text for text in spelled if text]
    return (
        f"{size}: {count} tokens, {len(special)} special, {len(texts) - len({*texts})} with the "
        f"bytes of another; {len(TEXTS)} texts spelled; mask = single answers on all tokens in "
        f"{states} states ({time.perf_counter() - began:.0f} s)"
    )


def _walk(case: Case, vocabulary: condit.Vocabulary, tokenizer: Any) -> int:
    make = condit.regex if case.kind == "regex" else condit.json_schema
    matcher = make(case.source).bind(vocabulary)
    tokens = tokenizer.encode(case.text, add_special_tokens=False).ids[:12]
    for place, token in enumerate([*tokens, None]):
        singles = [matcher.allows(other) for other in range(len(vocabulary))]
        mask = matcher.mask()
        if mask is None or not np.array_equal(unpack(mask, len(vocabulary)), singles):
            raise SystemExit(f"{case.name}: mask and single answers differ at token {place}")
        if token is not None:
            matcher.advance(token)
    return len(tokens) + 1


def main(arguments: list[str]) -> None:
    """``scripts/bench spelling``."""
    parser = parser_of("spelling", __doc__)
    add_choice(parser, "sizes", SOURCES)
    for size in parser.parse_args(arguments).sizes:
        print(check(size), flush=True)
