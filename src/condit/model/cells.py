"""A decoder for attention models: every lane in one row, over one cache of shared cells.

A cell holds the keys and values of one position of the tree (see `condit.model.tree`), in a *slot*.
All new positions of all lanes go through the model as one sequence with explicit position ids and
an attention mask that lets each position see exactly the cells of its own path. So the prompt is
stored and read once, ``fork`` copies a reference, lanes may differ in length and in prompt, and
nothing is padded.

A slot is free again as soon as no lane can reach its cell, and the next forward writes into it, so
that refused drafts do not make later forwards slower.

Sliding-window layers see the same cells with the window in their mask. Recurrent layers have no
cells: see `condit.model.rows`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from condit.errors import ModelError
from condit.foreign.transformers import cache_argument, check_cache
from condit.foreign.versions import importing
from condit.model.cell_layer import CellLayer
from condit.model.decoder import Draft, Logits
from condit.model.prefix_cache import PrefixCache
from condit.model.tree import Position, TreeDecoder

with importing("transformers"):
    from transformers.cache_utils import Cache

check_cache(Cache)

_LONGEST_FORWARD = 512
"""Positions in one forward at most: bounds the attention mask and the activations."""

_SLACK = 256
"""So many unused slots do not make a compaction worth its while."""


class CellDecoder(TreeDecoder):
    """Lanes over one cache of cells, for a ``transformers`` causal language model.

    The state of a position is the slot of its cell.

    Args:
        module: the model, in evaluation mode.
        windows: for each kind of attention layer (``"full_attention"``, ``"sliding_attention"``)
            how many tokens it looks back, itself included; ``None`` for all.
        prefixes: prompts that were forwarded before; ``None`` forwards every prompt.
        vocabulary_size: how many tokens there are; logits beyond them are left out.
    """

    def __init__(
        self,
        module: Any,
        windows: dict[str, int | None],
        prefixes: PrefixCache | None = None,
        vocabulary_size: int | None = None,
    ) -> None:
        super().__init__()
        self._module = module
        self._windows = windows
        self._cache_argument = cache_argument(module.forward)
        self._prefixes = prefixes
        config = module.config.get_text_config()
        self._layers = [CellLayer() for _ in range(config.num_hidden_layers)]
        self._cache = Cache(layers=self._layers)
        self._vocabulary_size = vocabulary_size or config.vocab_size
        self._used = 0
        # The slots from the root to each position that is held, or new.
        self._paths: dict[Position, NDArray[np.int64]] = {}

    def forward_prompt(self, positions: Sequence[Position]) -> Logits:
        """Forward what is not cached of a prompt, and cache it; returns the logits after it."""
        self._assign_slots(positions)
        tokens = [position.token for position in positions]
        path = np.array([position.state for position in positions], dtype=np.int64)
        self._paths.update((position, path[: position.depth]) for position in positions)
        known, logits = self._restore(tokens, path)
        if known < len(positions):
            logits = self._forward(positions[known:], last_only=True)[-1]
            self.positions_forwarded += len(positions) - known
            self.forwards += 1
            self._keep(tokens, path, logits)
        return logits

    def known(self, prompt: Sequence[int]) -> int:
        """How many tokens at the beginning of a prompt were kept by earlier calls."""
        return self._prefixes.known(prompt) if self._prefixes is not None else 0

    def take_as_prompt(self, lane: int, logits: Logits) -> None:
        """Let all that a lane holds be its prompt from now on, and keep that for later calls."""
        super().take_as_prompt(lane, logits)
        positions = [*self._lanes[lane].tip.way()][::-1]
        path = np.array([position.state for position in positions], dtype=np.int64)
        self._keep([position.token for position in positions], path, logits)

    def _keep(self, prompt: Sequence[int], path: NDArray[np.int64], logits: Logits) -> None:
        """Copy the keys and values of a prompt into the prefix cache."""
        if self._prefixes is not None:
            slots = torch.from_numpy(path).to(self._module.device)
            self._prefixes.add(prompt, [layer.copy(slots) for layer in self._layers], logits)

    def advance(
        self, tokens: Sequence[Sequence[int]], drafts: Sequence[Draft] | None = None
    ) -> list[Logits]:
        """Append 0 or more tokens to each lane, and look ahead; logits at every new position."""
        answers = super().advance(tokens, drafts)
        self._compact()
        return answers

    def forward(self, positions: Sequence[Position]) -> Sequence[Logits]:
        """Forward new positions, each of which sees exactly the cells on the path to it."""
        self._assign_slots(positions)
        for position in positions:
            before = self._paths[position.parent] if position.parent is not None else ()
            path = np.empty(len(before) + 1, dtype=np.int64)
            path[:-1], path[-1] = before, position.state
            self._paths[position] = path
        return self._forward(positions)

    def _assign_slots(self, positions: Sequence[Position]) -> None:
        """Give new positions the free slots, and then new ones behind the last."""
        self._paths = self._held_paths()
        free = itertools.chain(np.flatnonzero(~self._live()).tolist(), itertools.count(self._used))
        for position, slot in zip(positions, free, strict=False):
            position.state = slot

    def _held_paths(self) -> dict[Position, NDArray[np.int64]]:
        """The slots on the path to each position that is held."""
        return {
            position: self._paths[position]
            if position in self._paths
            else np.array([each.state for each in position.way()][::-1], dtype=np.int64)
            for position in self.held()
        }

    def _live(self) -> NDArray[np.bool_]:
        """Which slots some lane can still reach."""
        live = np.zeros(self._used, dtype=np.bool_)
        for path in self._paths.values():
            live[path] = True
        return live

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def _restore(self, prompt: Sequence[int], path: NDArray[np.int64]) -> tuple[int, Logits]:
        """Write the cached keys and values of the longest known beginning of ``prompt``.

        Args:
            prompt: its tokens.
            path: the slot of each.

        Returns:
            how many of its tokens were cached, and the logits after them if those are all.
        """
        found = self._prefixes.find(prompt) if self._prefixes is not None else None
        if found is None:
            return 0, None
        kept, known = found
        self._used = max(self._used, int(path[:known].max()) + 1)
        slots = torch.from_numpy(path[:known]).to(self._module.device)
        for layer, (keys, values) in zip(self._layers, kept.layers, strict=True):
            layer.write_to(slots, self._used)
            layer.update(keys[:, :, :known], values[:, :, :known])
        return known, kept.logits

    def _forward(
        self, positions: Sequence[Position], *, last_only: bool = False
    ) -> Sequence[torch.Tensor]:
        """Logits at new positions that have their slots (or at the last alone), one row each."""
        rows: list[torch.Tensor] = []
        for start in range(0, len(positions), _LONGEST_FORWARD):
            rows += self._forward_part(positions[start : start + _LONGEST_FORWARD], last_only)
        return rows

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def _forward_part(self, positions: Sequence[Position], last_only: bool) -> list[torch.Tensor]:
        """Logits at a few positions (or at the last alone)."""
        device = self._module.device
        slots = np.array([position.state for position in positions])
        position_ids = np.array([position.depth - 1 for position in positions])
        self._used = max(self._used, int(slots.max()) + 1)
        masks = {
            kind: self._mask(positions, window, device) for kind, window in self._windows.items()
        }
        where = torch.from_numpy(slots).to(device)
        for layer in self._layers:
            layer.write_to(where, self._used)
        output = self._module(
            input_ids=torch.tensor([[position.token for position in positions]], device=device),
            position_ids=torch.from_numpy(position_ids)[None].to(device),
            attention_mask=masks if len(masks) > 1 else next(iter(masks.values())),
            use_cache=True,
            logits_to_keep=int(last_only),
            **{self._cache_argument: self._cache},
        )
        rows: torch.Tensor = output.logits[0, :, : self._vocabulary_size]
        if torch.isnan(rows[:, 0]).any():
            raise ModelError("the model's logits are not numbers (NaN): are its weights damaged?")
        return list(rows.unbind())

    def _mask(
        self, positions: Sequence[Position], window: int | None, device: torch.device
    ) -> torch.Tensor:
        """What each new position sees: 0 or the lowest float, ``(1, 1, new, used)``."""
        lowest = torch.finfo(self._module.dtype).min
        seen = np.zeros((len(positions), self._used), dtype=np.bool_)
        for row, position in zip(seen, positions, strict=True):
            path = self._paths[position]
            row[path if window is None else path[-window:]] = True
        additive = torch.zeros(seen.shape, dtype=self._module.dtype, device=device)
        additive.masked_fill_(~torch.from_numpy(seen).to(device), lowest)
        return additive[None, None]

    def _compact(self) -> None:
        """Move the cells in use to the first slots, once less than half of all are in use."""
        if self._used <= _SLACK:
            return
        self._paths = self._held_paths()
        live = np.flatnonzero(self._live())
        if self._used <= 2 * len(live) + _SLACK:
            return
        kept = torch.from_numpy(live).to(self._module.device)
        for layer in self._layers:
            layer.keep(kept)
        renamed = np.full(self._used, -1, dtype=np.int64)
        renamed[live] = np.arange(len(live))
        for position in {each for end in self._paths for each in end.way()}:
            position.state = int(renamed[position.state])
        self._paths = {position: renamed[path] for position, path in self._paths.items()}
        self._used = len(live)
