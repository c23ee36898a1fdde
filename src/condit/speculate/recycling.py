"""Drafts from earlier logits of the model after the same few tokens ("Token Recycling").

A table has the 8 most probable tokens of each row of logits that a forward gave, rejected guesses
included, under the last one, two and three tokens before it (Luo et al. 2024, who use one). Logits
are those before any constraint, so the table serves all constraints. Each model has one table.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from condit.errors import ArgumentError
from condit.kept import Kept
from condit.model.base import Logits, Model

SUCCESSORS = 8
"""Tokens kept for a context."""

LONGEST = 3
"""Tokens in a context at most."""

_ROWS = 1 << 16
"""Slots for contexts of two or more tokens, by hash; a collision overwrites the older one."""

_BLOCK = 128
_MIXER = 0x9E3779B97F4A7C15
_WORD = (1 << 64) - 1


class Recycling:
    """For contexts of up to three tokens, the most probable next tokens and their logits.

    Args:
        vocabulary: how many tokens there are.
    """

    def __init__(self, vocabulary: int) -> None:
        self._vocabulary = vocabulary
        self._lock = threading.Lock()
        rows = vocabulary + _ROWS
        self._tokens = np.full((rows, SUCCESSORS), -1, dtype=np.int32)
        self._logits = np.zeros((rows, SUCCESSORS), dtype=np.float32)
        self._keys = np.zeros(_ROWS, dtype=np.uint64)

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        return self._tokens.nbytes + self._logits.nbytes + self._keys.nbytes

    def learn(self, contexts: Sequence[tuple[int, ...]], rows: Sequence[Logits]) -> None:
        """Keep the most probable tokens of each row of logits, shape ``(vocabulary,)``.

        Args:
            contexts: for each row the tokens before it, at least one; the last few count.
            rows: logits of the model, before any constraint; those beyond the vocabulary are left
                out.
        """
        if not rows:
            return
        tokens, logits = most_probable([row[: self._vocabulary] for row in rows])
        with self._lock:
            for context, best, values in zip(contexts, tokens, logits, strict=True):
                for length in range(1, min(LONGEST, len(context)) + 1):
                    place, key = self._place(context[-length:])
                    self._tokens[place] = best
                    self._logits[place] = values
                    if length > 1:
                        self._keys[place - self._vocabulary] = key

    def look_up(self, context: tuple[int, ...]) -> tuple[int, list[int], list[float]] | None:
        """The entry of the longest suffix of ``context`` that is in the table.

        Returns:
            the length of that suffix, the next tokens from the most probable down, and their
            logits; ``None`` if not even the last token is in the table.
        """
        for length in range(min(LONGEST, len(context)), 0, -1):
            place, key = self._place(context[-length:])
            with self._lock:
                if length > 1 and int(self._keys[place - self._vocabulary]) != key:
                    continue
                tokens: list[int] = self._tokens[place].tolist()
                if tokens[0] >= 0:
                    return length, tokens, self._logits[place].tolist()
        return None

    def _place(self, context: tuple[int, ...]) -> tuple[int, int]:
        """The row of a context in the table, and its full hash to detect collisions."""
        if len(context) == 1:
            return context[0], 0
        key = len(context)
        for token in context:
            key = ((key ^ token) * _MIXER) & _WORD
            key ^= key >> 29
        return self._vocabulary + (key >> 48) % _ROWS, key

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the table to a file, for `load` in another process."""
        with Path(path).open("wb") as file:
            np.savez_compressed(file, tokens=self._tokens, logits=self._logits, keys=self._keys)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Replace the table by one that `save` wrote for a model with the same vocabulary.

        Raises:
            ArgumentError: the file is no such table, or that of another vocabulary.
        """
        try:
            with Path(path).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                found = [file[name] for name in ("tokens", "logits", "keys")]
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise ArgumentError(f"{path} is not a table of recycled tokens: {error}") from error
        if found[0].shape != self._tokens.shape or found[2].shape != self._keys.shape:
            raise ArgumentError(
                f"{path} was saved for a vocabulary of {len(found[0]) - _ROWS} tokens, "
                f"not {self._vocabulary}"
            )
        self._tokens, self._logits, self._keys = found


def table_of(model: Model) -> Recycling:
    """The table of a model; empty at first. See ``save`` to use it in another process."""
    return _tables.of(model.computed_by)


def forget(model: Model) -> None:
    """Drop the table of a model: the next ``table_of`` gives an empty one."""
    _tables.forget(model.computed_by)


def tables() -> list[Recycling]:
    """The tables of all models."""
    return _tables.all()


def most_probable(
    rows: Sequence[Logits],
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The tokens with the highest logits in each row, from the highest down, and their logits.

    Shape ``(rows, 8)``, padded with -1 if the vocabulary is smaller. In torch rows of a large
    vocabulary the tokens after the last whole block of 128 are left out.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(rows[0], torch.Tensor):
        values, tokens = _most_probable_torch(torch, list(rows))
    else:
        stacked = np.stack([np.asarray(row, dtype=np.float32) for row in rows])
        count = min(SUCCESSORS, stacked.shape[1])
        tokens = np.argpartition(-stacked, count - 1, axis=1)[:, :count]
        values = np.take_along_axis(stacked, tokens, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    best = np.full((len(rows), SUCCESSORS), -1, dtype=np.int32)
    logits = np.full((len(rows), SUCCESSORS), -np.inf, dtype=np.float32)
    best[:, : tokens.shape[1]] = np.take_along_axis(tokens, order, axis=1)
    logits[:, : tokens.shape[1]] = np.take_along_axis(values, order, axis=1)
    return best, logits


def _most_probable_torch(
    torch: Any, rows: list[Any]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Values and tokens, in no order: a full ``topk`` takes ten times as long."""
    stacked = torch.stack(rows)
    count, size = stacked.shape
    blocks = size // _BLOCK
    if blocks < 2 * SUCCESSORS:
        values, tokens = stacked.topk(min(SUCCESSORS, size), dim=1, sorted=False)
    else:
        # The 8 highest are in the 8 blocks with the highest maxima. Tokens after the last whole
        # block are special or unused ones.
        grouped = stacked[:, : blocks * _BLOCK].view(count, blocks, _BLOCK)
        highest = grouped.amax(2).topk(SUCCESSORS, dim=1, sorted=False).indices
        chosen = grouped.gather(1, highest[:, :, None].expand(-1, -1, _BLOCK)).flatten(1)
        values, inside = chosen.topk(SUCCESSORS, dim=1, sorted=False)
        tokens = highest.gather(1, inside // _BLOCK) * _BLOCK + inside % _BLOCK
    return values.float().cpu().numpy(), tokens.cpu().numpy()


_tables: Kept[Model, Recycling] = Kept(lambda model: Recycling(len(model.vocabulary)))
