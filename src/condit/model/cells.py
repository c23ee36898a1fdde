"""A decoder for attention models: every lane in one row, over one cache of shared cells.

A cell holds the keys and values of one token position. Cells form a tree: each has one parent, so
a lane *is* the path from a root to its last cell. All new positions of all lanes go through the
model as one sequence with explicit position ids and an attention mask that lets each position see
exactly the cells of its own path. So the prompt is stored and read once, ``fork`` copies a list of
integers, lanes may differ in length and in prompt, nothing is padded, and lanes that append the
same token to the same cell share one position: a tree of drafts needs no more than ``fork``.

Sliding-window layers see the same cells with the window in their mask. Recurrent layers have no
cells; such models are refused when they are loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers.cache_utils import Cache, DynamicLayer

from condit.errors import ArgumentError, ModelError
from condit.model.base import Decoder, Logits

_LONGEST_FORWARD = 512
"""Positions in one forward at most: bounds the attention mask and the activations."""

_ROOM = 256
"""Cells by which the cache grows: appending in place beats concatenating at every step."""


@dataclass(frozen=True)
class Lane:
    """A path of cells, and how much of it is the prompt."""

    cells: NDArray[np.int64]
    prompt_length: int
    prompt_logits: Logits


@dataclass
class Position:
    """A position about to be forwarded: its token, and the path that it extends."""

    token: int
    past: NDArray[np.int64]
    """The cells before it that exist already."""
    pending: tuple[int, ...] = ()
    """The positions before it in the same forward, by their rank among the new positions."""

    @property
    def place(self) -> int:
        """Its position id: how many tokens come before it."""
        return len(self.past) + len(self.pending)


class CellLayer(DynamicLayer):  # type: ignore[misc]
    """One layer's keys and values, ``(1, heads, cells, width)``, appended in place."""

    used = 0

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append the new positions; returns all keys and values so far."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.keys, self.values = key_states[:, :, :0], value_states[:, :, :0]
        end = self.used + key_states.shape[-2]
        if end > self.keys.shape[-2]:
            self.keys = self._grown(self.keys, key_states, end + _ROOM)
            self.values = self._grown(self.values, value_states, end + _ROOM)
        self.keys[:, :, self.used : end] = key_states
        self.values[:, :, self.used : end] = value_states
        self.used = end
        return self.keys[:, :, :end], self.values[:, :, :end]

    def _grown(self, old: torch.Tensor, like: torch.Tensor, cells: int) -> torch.Tensor:
        heads, width = like.shape[1], like.shape[3]
        new = torch.zeros(1, heads, cells, width, dtype=like.dtype, device=like.device)
        new[:, :, : self.used] = old[:, :, : self.used]
        return new

    def get_seq_length(self) -> int:
        """Cells in use."""
        return self.used

    def keep(self, cells: torch.Tensor) -> None:
        """Drop every cell but these, which close ranks in the order given."""
        if self.is_initialized:
            self.keys = self.keys.index_select(2, cells)
            self.values = self.values.index_select(2, cells)
            self.used = len(cells)


class CellDecoder(Decoder):
    """Lanes over one cache of cells, for a ``transformers`` causal language model.

    Args:
        module: the model, in evaluation mode.
        windows: for each kind of attention layer (``"full_attention"``, ``"sliding_attention"``)
            how many tokens it looks back, itself included; ``None`` for all.
    """

    def __init__(self, module: Any, windows: dict[str, int | None]) -> None:
        self.logits = []
        self.positions_forwarded = 0
        self._module = module
        self._windows = windows
        config = module.config.get_text_config()
        self._layers = [CellLayer() for _ in range(config.num_hidden_layers)]
        self._cache = Cache(layers=self._layers)
        self._vocabulary_size = config.vocab_size
        self._cells = 0
        self._places = np.empty(0, dtype=np.int64)
        self._lanes: list[Lane] = []

    @property
    def lengths(self) -> tuple[int, ...]:
        """Tokens in each lane, the prompt included."""
        return tuple(len(lane.cells) for lane in self._lanes)

    def admit(self, prompt: Sequence[int], lanes: int = 1) -> range:
        """Forward ``prompt`` once and add ``lanes`` lanes that share it; returns their indices."""
        if not prompt:
            raise ArgumentError("a lane needs a prompt of at least one token")
        cells = np.empty(0, dtype=np.int64)
        for start in range(0, len(prompt), _LONGEST_FORWARD):
            chunk = prompt[start : start + _LONGEST_FORWARD]
            positions = [
                Position(token, cells, tuple(range(rank))) for rank, token in enumerate(chunk)
            ]
            rows = self._forward(positions, wanted=[len(chunk) - 1])
            cells = np.append(cells, np.arange(self._cells - len(chunk), self._cells))
        lane = Lane(cells, len(prompt), rows[0])
        first = len(self._lanes)
        self._lanes += [lane] * lanes
        self.logits += [lane.prompt_logits] * lanes
        return range(first, first + lanes)

    def advance(self, tokens: Sequence[Sequence[int]]) -> list[Logits]:
        """Append 0 or more tokens to each lane; logits at every new position."""
        if len(tokens) != len(self._lanes):
            raise ArgumentError(f"{len(tokens)} token lists for {len(self._lanes)} lanes")
        positions: list[Position] = []
        seen: dict[tuple[int, int, int], int] = {}  # (last cell, last new position, token)
        paths: list[tuple[int, ...]] = []
        for lane, appended in zip(self._lanes, tokens, strict=True):
            path: tuple[int, ...] = ()
            for token in appended:
                key = (int(lane.cells[-1]), path[-1] if path else -1, token)
                if key not in seen:
                    seen[key] = len(positions)
                    positions.append(Position(token, lane.cells, path))
                path = (*path, seen[key])
            paths.append(path)
        base = self._cells
        rows = self._forward_all(positions)
        answers = []
        for index, path in enumerate(paths):
            answers.append(rows[list(path)])
            if path:
                lane = self._lanes[index]
                cells = np.append(lane.cells, base + np.array(path, dtype=np.int64))
                self._lanes[index] = replace(lane, cells=cells)
                self.logits[index] = rows[path[-1]]
        self._compact()
        return answers

    def fork(self, ancestors: Sequence[int]) -> None:
        """Lane ``i`` becomes a copy of lane ``ancestors[i]``; lanes not named are dropped."""
        self._lanes = [self._lanes[ancestor] for ancestor in ancestors]
        self.logits = [self.logits[ancestor] for ancestor in ancestors]

    def rewind(self, lengths: Sequence[int]) -> None:
        """Drop what lies past each lane's length, which may not cut into its prompt."""
        for index, (lane, length) in enumerate(zip(self._lanes, lengths, strict=True)):
            if not lane.prompt_length <= length <= len(lane.cells):
                raise ArgumentError(
                    f"lane {index} has {len(lane.cells)} tokens, {lane.prompt_length} of them its "
                    f"prompt: it cannot be rewound to {length}"
                )
            if length < len(lane.cells):
                self._lanes[index] = replace(lane, cells=lane.cells[:length])
                at_prompt = length == lane.prompt_length
                self.logits[index] = lane.prompt_logits if at_prompt else None

    def _forward_all(self, positions: list[Position]) -> torch.Tensor:
        """Forward positions in chunks; a later chunk sees the earlier ones as cells."""
        if not positions:
            return torch.empty(0, self._vocabulary_size)
        base = self._cells
        chunks = []
        for start in range(0, len(positions), _LONGEST_FORWARD):
            chunk = []
            for position in positions[start : start + _LONGEST_FORWARD]:
                done = [base + rank for rank in position.pending if rank < start]
                here = tuple(rank - start for rank in position.pending if rank >= start)
                past = np.append(position.past, np.array(done, dtype=np.int64))
                chunk.append(Position(position.token, past, here))
            chunks.append(self._forward(chunk, wanted=None))
        return torch.cat(chunks)

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def _forward(self, positions: list[Position], wanted: list[int] | None) -> torch.Tensor:
        """Logits at the wanted positions (``None``: all), shape ``(wanted, vocabulary)``."""
        device = self._module.device
        places = np.array([position.place for position in positions])
        self._places = np.append(self._places[: self._cells], places)
        masks = {
            kind: self._mask(positions, window, device) for kind, window in self._windows.items()
        }
        keep = 0 if wanted is None else torch.tensor(wanted, device=device)
        output = self._module(
            input_ids=torch.tensor([[position.token for position in positions]], device=device),
            position_ids=torch.from_numpy(places)[None].to(device),
            attention_mask=masks if len(masks) > 1 else next(iter(masks.values())),
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=keep,
        )
        self._cells += len(positions)
        self.positions_forwarded += len(positions)
        rows: torch.Tensor = output.logits[0]
        if torch.isnan(rows[:, 0]).any():
            raise ModelError("the model's logits are not numbers (NaN): are its weights damaged?")
        return rows

    def _mask(
        self, positions: list[Position], window: int | None, device: torch.device
    ) -> torch.Tensor:
        """What each new position sees: 0 or the lowest float, ``(1, 1, new, cells)``."""
        seen = np.zeros((len(positions), self._cells + len(positions)), dtype=np.bool_)
        for rank, position in enumerate(positions):
            row = seen[rank]
            row[position.past] = True
            row[[self._cells + other for other in position.pending]] = True
            row[self._cells + rank] = True
        if window is not None:
            own = np.array([[position.place] for position in positions])
            seen &= own - self._places[None] < window
        lowest = torch.finfo(self._module.dtype).min
        additive = torch.zeros(seen.shape, dtype=self._module.dtype, device=device)
        additive.masked_fill_(~torch.from_numpy(seen).to(device), lowest)
        return additive[None, None]

    def _compact(self) -> None:
        """Drop the cells that no lane can see, once they are most of the cache."""
        paths = [lane.cells for lane in self._lanes]
        live = np.unique(np.concatenate(paths)) if paths else np.empty(0, dtype=np.int64)
        if self._cells <= 2 * len(live) + _ROOM:
            return
        kept = torch.from_numpy(live).to(self._module.device)
        for layer in self._layers:
            layer.keep(kept)
        renamed = np.full(self._cells, -1, dtype=np.int64)
        renamed[live] = np.arange(len(live))
        self._lanes = [replace(lane, cells=renamed[lane.cells]) for lane in self._lanes]
        self._places = self._places[live]
        self._cells = len(live)
