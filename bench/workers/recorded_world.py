"""Reads what ``bench/fidelity/store.py`` has saved, with nothing but numpy."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class World:
    """Tokens by their bytes, and the logits and allowed tokens after each prefix."""

    bytes: list[bytes]
    end: int
    max_tokens: int
    prefixes: list[tuple[int, ...]]
    logits: np.ndarray
    allowed: np.ndarray
    ids: np.ndarray


def read(file: str) -> World:
    """The world in this file."""
    with np.load(file) as saved:
        spelled = saved["bytes"].tobytes()
        offsets = np.concatenate([[0], np.cumsum(saved["byte_lengths"])])
        rows = zip(saved["prefixes"], saved["prefix_lengths"], strict=True)
        return World(
            bytes=[spelled[a:b] for a, b in itertools.pairwise(offsets)],
            end=int(saved["end"]),
            max_tokens=int(saved["max_tokens"]),
            prefixes=[tuple(row[:length].tolist()) for row, length in rows],
            logits=saved["logits"],
            allowed=saved["allowed"],
            ids=saved["ids"],
        )
