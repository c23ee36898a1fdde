"""The keys and values of one layer, in slots that are written in any order and used again.

Which position has which slot is decided by `condit.model.cells`.
"""

from __future__ import annotations

from typing import Any

import torch

from condit.foreign.transformers import check_layer
from condit.foreign.versions import importing

with importing("transformers"):
    from transformers.cache_utils import DynamicLayer

check_layer(DynamicLayer, torch.zeros(1, 1, 1, 1))

_ROOM = 256
"""Cells by which the cache grows beyond need: writing in place is faster than concatenating."""


class CellLayer(DynamicLayer):  # type: ignore[misc]
    """Keys and values of one layer, shape ``(1, heads, cells, width)``.

    Attributes:
        used: slots up to the last one that was written, free ones among them.
    """

    used = 0
    _slots: torch.Tensor | None = None

    def write_to(self, slots: torch.Tensor, used: int) -> None:
        """Set the slots of the next forward's positions, and how many slots are used after it."""
        self._slots, self.used = slots, used

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write the new positions; returns all keys and values so far."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.keys, self.values = key_states[:, :, :0], value_states[:, :, :0]
        if self.used > self.keys.shape[-2]:
            self.keys = self._grown(self.keys, key_states)
            self.values = self._grown(self.values, value_states)
        self.keys.index_copy_(2, self._slots, key_states)
        self.values.index_copy_(2, self._slots, value_states)
        return self.keys[:, :, : self.used], self.values[:, :, : self.used]

    def _grown(self, old: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        heads, width = like.shape[1], like.shape[3]
        cells = self.used + _ROOM
        new = torch.zeros(1, heads, cells, width, dtype=like.dtype, device=like.device)
        new[:, :, : old.shape[-2]] = old
        return new

    def get_seq_length(self) -> int:
        """Slots in use."""
        return self.used

    def copy(self, slots: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The keys and values in these slots."""
        return self.keys.index_select(2, slots), self.values.index_select(2, slots)

    def keep(self, slots: torch.Tensor) -> None:
        """Drop every slot but these, which move to the first slots in the order given."""
        if self.is_initialized:
            self.keys = self.keys.index_select(2, slots)
            self.values = self.values.index_select(2, slots)
            self.used = len(slots)
