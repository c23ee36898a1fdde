"""What Condit relies on in ``llguidance`` beyond what it documents: names, and texts of errors."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np

from condit.foreign.versions import importing, incompatible, require

with importing("llguidance"):
    from llguidance import LLMatcher, LLParserLimits, LLTokenizer
    from llguidance._tokenizer import TokenizerWrapper

__all__ = [
    "LLMatcher",
    "LLParserLimits",
    "LLTokenizer",
    "TokenizerWrapper",
    "dead_end",
    "first_line",
    "first_paragraph",
    "probe",
]

_METHODS = (
    *("compute_ff_bytes", "deep_copy", "get_error", "get_grammar_warnings", "is_accepting"),
    *("is_error", "is_stopped", "try_consume_tokens", "unsafe_compute_mask_ptr", "validate_tokens"),
)


def first_paragraph(error: str) -> str:
    """The engine's error without the dump of its state, which follows in tags."""
    return re.split(r"\n?<(?:state|grammar|non-verbose)", error)[0].strip() or error.strip()


def first_line(error: str) -> str:
    """The first line of `first_paragraph`."""
    lines = first_paragraph(error).splitlines()
    return lines[0] if lines else "the engine gives no reason"


@cache
def dead_end() -> str:
    """The error that the engine reports where no token can come next, found by provoking it.

    By a grammar of two letters, and a vocabulary that has only the first.

    Raises:
        IncompatibleDependencyError: it reports nothing there.
    """
    tokenizer = LLTokenizer(TokenizerWrapper(_OneLetter()))
    matcher: Any = LLMatcher(tokenizer, 'start: "a" "b"', log_level=0)
    if matcher.is_error() or matcher.try_consume_tokens([0]) != 1:
        raise incompatible("llguidance", f"it refuses a plain grammar: {matcher.get_error()[:200]}")
    mask = np.zeros(1, dtype=np.uint32)
    matcher.unsafe_compute_mask_ptr(mask.ctypes.data, mask.nbytes)
    text = first_line(matcher.get_error()) if matcher.is_error() else ""
    if not text:
        raise incompatible("llguidance", "it reports no error where no token can come next")
    return text


class _OneLetter:
    bos_token_id = None
    eos_token_id = 1
    tokens = (b"a", b"")
    special_token_ids = (1,)

    def __call__(self, text: bytes | str) -> list[int]:
        return []


def probe(matcher: Any = LLMatcher) -> None:
    """Check that the engine has what is called, and reports dead ends by an error of their own.

    Raises:
        IncompatibleDependencyError: it does not.
    """
    require("llguidance", matcher, _METHODS)
    dead_end()


require("llguidance", LLMatcher, _METHODS)
