"""A decoder for attention models: every lane in one row, over one cache of shared cells.

A cell holds the keys and values of one token position. Cells form a tree: each has one parent, so
a lane *is* the path from a root to its last cell. All new positions of all lanes go through the
model as one sequence with explicit position ids and an attention mask that lets each position see
exactly the cells of its own path. So the prompt is stored and read once, ``fork`` copies a
reference, lanes may differ in length and in prompt, nothing is padded, and a tree of drafts is no
different from lanes: its positions are cells which no lane has reached yet.

A cell is free again as soon as no lane can reach it, and the next forward writes into it: refused
drafts leave nothing behind that later forwards would have to look at.

Sliding-window layers see the same cells with the window in their mask. Recurrent layers have no
cells; such models are refused when they are loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from condit.errors import ArgumentError, ModelError
from condit.foreign.transformers import cache_argument as name_of_cache
from condit.foreign.transformers import check_cache
from condit.foreign.versions import importing
from condit.model.base import Decoder, Draft, Logits, refuse_rewind
from condit.model.cell_layer import CellLayer
from condit.model.prefix_cache import PrefixCache

with importing("transformers"):
    from transformers.cache_utils import Cache

check_cache(Cache)

_LONGEST_FORWARD = 512
"""Positions in one forward at most: bounds the attention mask and the activations."""

_SLACK = 256
"""Unused cells that are not worth the work of closing ranks."""


@dataclass(eq=False)
class Cell:
    """A token position: where its keys and values lie, and those of all positions before it.

    Attributes:
        path: the slots from the root to this cell, itself last.
        logits: logits after it, where it was drafted; else whoever forwarded it has them.
    """

    path: NDArray[np.int64]
    logits: Logits | None = None

    @property
    def slot(self) -> int:
        """Where its own keys and values lie."""
        return int(self.path[-1])


@dataclass(frozen=True)
class Lane:
    """A path of cells, how much of it is the prompt, and the drafts that may follow it."""

    tip: Cell
    prompt_length: int
    prompt_logits: Logits
    ahead: tuple[Cell, ...] = ()

    @property
    def length(self) -> int:
        """Tokens beyond the prompt."""
        return len(self.tip.path) - self.prompt_length


@dataclass
class Batch:
    """Positions about to be forwarded, parents before children."""

    tokens: list[int] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    new: dict[tuple[int, int], Cell] = field(default_factory=dict)
    """The same cells, by the slot of the parent and the token."""


class CellDecoder(Decoder):
    """Lanes over one cache of cells, for a ``transformers`` causal language model.

    Args:
        module: the model, in evaluation mode.
        windows: for each kind of attention layer (``"full_attention"``, ``"sliding_attention"``)
            how many tokens it looks back, itself included; ``None`` for all.
        prefixes: prompts that were forwarded before; ``None`` forwards every prompt.
        cache_argument: the name under which ``module`` takes its cache; asked of it by default.
        vocabulary_size: how many tokens there are; logits beyond them are left out.
    """

    looks_ahead = True

    def __init__(
        self,
        module: Any,
        windows: dict[str, int | None],
        prefixes: PrefixCache | None = None,
        cache_argument: str | None = None,
        vocabulary_size: int | None = None,
    ) -> None:
        self.logits = []
        self.positions_forwarded = 0
        self.forwards = 0
        self._module = module
        self._windows = windows
        self._cache_argument = cache_argument or name_of_cache(module.forward)
        self._prefixes = prefixes
        config = module.config.get_text_config()
        self._layers = [CellLayer() for _ in range(config.num_hidden_layers)]
        self._cache = Cache(layers=self._layers)
        self._vocabulary_size = vocabulary_size or config.vocab_size
        self._used = 0
        self._lanes: list[Lane] = []
        self._free: Iterator[int] = iter(())
        # Drafts by the slot of the parent and the token. They live as long as a lane holds them.
        self._known: WeakValueDictionary[tuple[int, int], Cell] = WeakValueDictionary()

    @property
    def lengths(self) -> tuple[int, ...]:
        """Tokens in each lane beyond its prompt."""
        return tuple(lane.length for lane in self._lanes)

    def admit(self, prompt: Sequence[int], lanes: int = 1) -> range:
        """Forward ``prompt`` once and add ``lanes`` lanes that share it; returns their indices."""
        if not prompt:
            raise ArgumentError("a lane needs a prompt of at least one token")
        self._find_free()
        path = np.array([next(self._free) for _ in prompt], dtype=np.int64)
        known, logits = self._restore(prompt, path)
        if known < len(prompt):
            ends = range(known + 1, len(prompt) + 1)
            batch = Batch(list(prompt[known:]), [Cell(path[:end]) for end in ends])
            logits = self._forward(batch, last_only=True)[-1]
            if self._prefixes is not None:
                slots = torch.from_numpy(path).to(self._module.device)
                self._prefixes.add(prompt, [layer.copy(slots) for layer in self._layers], logits)
        lane = Lane(Cell(path), len(prompt), logits)
        first = len(self._lanes)
        self._lanes += [lane] * lanes
        self.logits += [lane.prompt_logits] * lanes
        return range(first, first + lanes)

    def advance(
        self, tokens: Sequence[Sequence[int]], drafts: Sequence[Draft] | None = None
    ) -> list[Logits]:
        """Append 0 or more tokens to each lane, and look ahead; logits at every new position."""
        self._require_one_each(tokens, drafts)
        self._find_free()
        batch = Batch()
        appended = [
            self._walk(batch, lane.tip, path, range(-1, len(path) - 1))
            for lane, path in zip(self._lanes, tokens, strict=True)
        ]
        ahead: list[list[Cell]] = []
        if drafts is not None:
            for lane, cells, draft in zip(self._lanes, appended, drafts, strict=True):
                end = cells[-1] if cells else lane.tip
                ahead.append(self._walk(batch, end, draft.tokens, draft.parents))
        rows = dict(zip(map(id, batch.cells), self._forward(batch), strict=True))
        drafted = {id(cell) for cells in ahead for cell in cells}
        for key, cell in batch.new.items():
            if id(cell) in drafted:
                cell.logits = rows[id(cell)]
                self._known[key] = cell
        answers = []
        for index, (lane, cells) in enumerate(zip(self._lanes, appended, strict=True)):
            found = [rows.get(id(cell), cell.logits) for cell in cells]
            answers.append(_stacked(found, self._vocabulary_size))
            if cells:
                lane = replace(lane, tip=cells[-1])
                self.logits[index] = found[-1]
            self._lanes[index] = replace(lane, ahead=tuple(ahead[index])) if ahead else lane
        self._close_ranks()
        return answers

    def peek(self, lane: int, path: Sequence[int]) -> Logits | None:
        """Logits after ``lane`` and the tokens of ``path``, where they are known already."""
        if not path:
            return self.logits[lane]
        cell: Cell | None = self._lanes[lane].tip
        for token in path:
            cell = self._known.get((cell.slot, token)) if cell is not None else None
        return cell.logits if cell is not None else None

    def fork(self, ancestors: Sequence[int]) -> None:
        """Lane ``i`` becomes a copy of lane ``ancestors[i]``; lanes not named are dropped."""
        self._lanes = [self._lanes[ancestor] for ancestor in ancestors]
        self.logits = [self.logits[ancestor] for ancestor in ancestors]

    def rewind(self, lengths: Sequence[int]) -> None:
        """Drop what lies past each lane's length beyond its prompt."""
        for index, (lane, length) in enumerate(zip(self._lanes, lengths, strict=True)):
            refuse_rewind(index, lane.length, length)
            if length < lane.length:
                path = lane.tip.path[: lane.prompt_length + length]
                self._lanes[index] = replace(lane, tip=Cell(path), ahead=())
                self.logits[index] = None if length else lane.prompt_logits

    def _walk(
        self, batch: Batch, start: Cell, tokens: Sequence[int], parents: Sequence[int]
    ) -> list[Cell]:
        """The cells of a tree of tokens after ``start``; the ones that are missing join ``batch``.

        Args:
            parents: for each token the index of its parent, -1 for ``start``.
        """
        cells: list[Cell] = []
        for token, parent in zip(tokens, parents, strict=True):
            before = start if parent < 0 else cells[parent]
            key = (before.slot, token)
            cell = self._known.get(key) or batch.new.get(key)
            if cell is None:
                cell = Cell(np.append(before.path, next(self._free)))
                batch.new[key] = cell
                batch.tokens.append(token)
                batch.cells.append(cell)
            cells.append(cell)
        return cells

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def _restore(self, prompt: Sequence[int], path: NDArray[np.int64]) -> tuple[int, Logits]:
        """Write into the first slots of ``path`` what is kept of ``prompt``.

        Returns:
            how many of its tokens that was, and the logits after them where those are all.
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

    def _live(self) -> NDArray[np.bool_]:
        """Which slots some lane can still reach."""
        live = np.zeros(self._used, dtype=np.bool_)
        for lane in self._lanes:
            live[lane.tip.path] = True
            live[[cell.slot for cell in lane.ahead]] = True
        return live

    def _find_free(self) -> None:
        """Let new cells go where no lane can reach the old ones, and then behind the last."""

        def free() -> Iterator[int]:
            used = self._used
            yield from np.flatnonzero(~self._live()).tolist()
            while True:
                yield used
                used += 1

        self._free = free()

    def _forward(self, batch: Batch, *, last_only: bool = False) -> Sequence[torch.Tensor]:
        """Logits at the positions of ``batch`` (or at the last alone), one row each."""
        rows: list[torch.Tensor] = []
        count = len(batch.cells)
        for start in range(0, count, _LONGEST_FORWARD):
            end = min(start + _LONGEST_FORWARD, count)
            part = Batch(batch.tokens[start:end], batch.cells[start:end])
            rows += self._forward_part(part, last_only and end - start)
        if count:
            self.forwards += 1
        return rows

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def _forward_part(self, batch: Batch, skip: int) -> Sequence[torch.Tensor]:
        """Logits at the positions of ``batch``, without all but the last of the first ``skip``."""
        device = self._module.device
        slots = np.array([cell.slot for cell in batch.cells])
        places = np.array([len(cell.path) - 1 for cell in batch.cells])
        self._used = max(self._used, int(slots.max()) + 1)
        masks = {
            kind: self._mask(batch.cells, window, device) for kind, window in self._windows.items()
        }
        where = torch.from_numpy(slots).to(device)
        for layer in self._layers:
            layer.write_to(where, self._used)
        output = self._module(
            input_ids=torch.tensor([batch.tokens], device=device),
            position_ids=torch.from_numpy(places)[None].to(device),
            attention_mask=masks if len(masks) > 1 else next(iter(masks.values())),
            use_cache=True,
            logits_to_keep=1 if skip else 0,
            **{self._cache_argument: self._cache},
        )
        self.positions_forwarded += len(slots)
        rows: torch.Tensor = output.logits[0, :, : self._vocabulary_size]
        if torch.isnan(rows[:, 0]).any():
            raise ModelError("the model's logits are not numbers (NaN): are its weights damaged?")
        return list(rows.unbind())

    def _mask(
        self, cells: Sequence[Cell], window: int | None, device: torch.device
    ) -> torch.Tensor:
        """What each new position sees: 0 or the lowest float, ``(1, 1, new, used)``."""
        lowest = torch.finfo(self._module.dtype).min
        seen = np.zeros((len(cells), self._used), dtype=np.bool_)
        for row, cell in zip(seen, cells, strict=True):
            path = cell.path if window is None else cell.path[-window:]
            row[path] = True
        additive = torch.zeros(seen.shape, dtype=self._module.dtype, device=device)
        additive.masked_fill_(~torch.from_numpy(seen).to(device), lowest)
        return additive[None, None]

    def _close_ranks(self) -> None:
        """Move the cells in use together, once they are few among the slots."""
        if self._used <= _SLACK:
            return
        live = np.flatnonzero(self._live())
        if self._used <= 2 * len(live) + _SLACK:
            return
        kept = torch.from_numpy(live).to(self._module.device)
        for layer in self._layers:
            layer.keep(kept)
        renamed = np.full(self._used, -1, dtype=np.int64)
        renamed[live] = np.arange(len(live))
        held = {id(cell): cell for lane in self._lanes for cell in (lane.tip, *lane.ahead)}
        known = {id(cell): (parent, token) for (parent, token), cell in self._known.items()}
        self._known.clear()
        for cell in held.values():
            cell.path = renamed[cell.path]
            if id(cell) in known:
                parent, token = known[id(cell)]
                self._known[int(renamed[parent]), token] = cell
        self._used = len(live)


def _stacked(rows: Sequence[Any], vocabulary_size: int) -> Logits:
    """Rows as one tensor; a single one is not copied."""
    if not rows:
        return torch.empty(0, vocabulary_size)
    return rows[0][None] if len(rows) == 1 else torch.stack(list(rows))
