"""Counts the positions that a torch model forwards: rows times columns of embedded input ids."""

from __future__ import annotations

import time
from typing import Any

import torch


class Positions:
    """Counts every call of a model's input embedding, padding included, whoever makes it.

    What is later than the prompt's logits is counted as beyond the prompt; without ``model`` and
    ``note_prompt``, what is later than the first call.

    Args:
        embedding: the model's input embedding.
        model: the whole model, for the moment when the prompt's forward has returned.
    """

    def __init__(self, embedding: torch.nn.Module, model: torch.nn.Module | None = None) -> None:
        self._calls: list[int] = []
        self._prompt_tokens = self._prompt_calls = 1
        self.prompt_returned: float | None = None
        """``time.perf_counter()`` when the prompt's logits had been computed."""
        embedding.register_forward_pre_hook(self._count)
        if model is not None:
            model.register_forward_hook(self._returned)

    def _count(self, module: torch.nn.Module, inputs: tuple[Any, ...]) -> None:
        self._calls.append(int(inputs[0].numel()))

    def _returned(self, module: torch.nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if self.prompt_returned is None and sum(self._calls) >= self._prompt_tokens:
            self.note_prompt()

    def note_prompt(self) -> None:
        """Note the time as that of the prompt's logits, where none is noted yet."""
        if self.prompt_returned is None:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            self.prompt_returned = time.perf_counter()
            self._prompt_calls = len(self._calls)

    def reset(self, prompt_tokens: int = 1) -> None:
        """Forget all calls. A prompt of ``prompt_tokens`` may take several calls."""
        self._calls.clear()
        self._prompt_tokens, self._prompt_calls = prompt_tokens, 1
        self.prompt_returned = None

    def report(self) -> dict[str, int]:
        return {
            "positions_forwarded": sum(self._calls),
            "positions_beyond_prompt": sum(self._calls[self._prompt_calls :]),
            "forwards": len(self._calls),
            "forwards_beyond_prompt": len(self._calls) - self._prompt_calls,
        }
