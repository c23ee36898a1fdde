"""Counts the positions that a torch model forwards: rows times columns of embedded input ids."""

from __future__ import annotations

from typing import Any

import torch


class Positions:
    """Counts every call of a model's input embedding, padding included, whoever makes it.

    The first call after ``reset`` is the prompt's; everything later is counted as beyond it.
    """

    def __init__(self, embedding: torch.nn.Module) -> None:
        self._calls: list[int] = []
        embedding.register_forward_pre_hook(self._count)

    def _count(self, module: torch.nn.Module, inputs: tuple[Any, ...]) -> None:
        self._calls.append(int(inputs[0].numel()))

    def reset(self) -> None:
        self._calls.clear()

    def report(self) -> dict[str, int]:
        return {
            "positions_forwarded": sum(self._calls),
            "positions_beyond_prompt": sum(self._calls[1:]),
            "forwards": len(self._calls),
        }
