"""Condit in this very process, for benches that look inside it and have no peers."""

from __future__ import annotations

from typing import Any

import condit


def load(threads: int = 1, **options: Any) -> condit.Model:
    """The default model, with so many torch threads."""
    import torch

    torch.set_num_threads(threads)
    return condit.load("smollm2", **options)


def as_far_as_it_got(*arguments: Any, **options: Any) -> condit.Result:
    """``condit.generate``; of a call that failed on its way, what there is."""
    try:
        return condit.generate(*arguments, **options)
    except condit.ConditError as error:
        if error.result is None:
            raise
        return error.result


def asked(text: str) -> list[dict[str, str]]:
    """A chat of one message."""
    return [{"role": "user", "content": text}]
