"""A decoder for models whose layers cannot share cells: each lane is a row of an ordinary batch.

Recurrent and linear-attention layers keep a running state in place of keys and values, and ALiBi
counts distances by where keys lie in the cache. Here a position holds a *snapshot*, a row of the
model's own cache, as long as a lane or a prompt ends there. A forward copies the rows that it
starts from, so that forked lanes do not share one; lanes of equal length go through the model
together. Several tokens that are appended to a lane at once take as many forwards.

Where a rewind leaves a lane at a position without a snapshot, all its tokens are forwarded again
when it goes on, and counted. The prompt always has one. Prompts are not kept between calls, and
drafts are ignored, as each would take a forward of its own.
"""

from __future__ import annotations

import copy
import inspect
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch

from condit.errors import ModelError
from condit.foreign.transformers import STATE_NAMES
from condit.model.decoder import Logits, as_float32
from condit.model.tree import Position, TreeDecoder

_ROUNDING = {torch.float32: 1e-3, torch.float64: 1e-6}
"""Logits that differ by less than this share of their range are the same but for rounding."""

_ROUNDING_IN_16_BITS = 0.1

Rows: TypeAlias = Sequence[tuple[Any, torch.Tensor]]
"""Caches, or the same part of each, and which rows of them are selected."""


class Snapshot(NamedTuple):
    """A row of a cache that will not be written to."""

    cache: Any
    row: int


class RowDecoder(TreeDecoder):
    """Lanes as rows of a batch, for a ``transformers`` causal language model of any layers.

    The state of a position is its snapshot, or ``None`` after that was freed.

    Args:
        module: the model, in evaluation mode.
        vocabulary_size: how many tokens there are; logits beyond them are left out.
        together: whether lanes share a forward; else each has one of its own.
    """

    looks_ahead = False
    recomputes = True
    takes_pieces = False

    def __init__(self, module: Any, vocabulary_size: int, *, together: bool = True) -> None:
        super().__init__()
        self._module = module
        self._vocabulary_size = vocabulary_size
        self._together = together
        parameters = inspect.signature(module.forward).parameters
        self._last_only = {"logits_to_keep": 1} if "logits_to_keep" in parameters else {}
        self._snapshots: list[Position] = []
        self._argument = ""  # under which the model takes its cache: known after a forward

    def forward(self, positions: Sequence[Position]) -> Sequence[Logits]:
        """Forward new positions, those of one depth together."""
        held, new = set(self.held()), set(positions)
        self._drop(position for position in self._snapshots if position not in held)
        starts = [p.parent for p in positions if p.parent is not None and p.parent not in new]
        lost = dict.fromkeys(start for start in starts if start.state is None)
        for ends in self._groups(lost):
            self._forward_rows(ends, [[each.token for each in end.way()][::-1] for end in ends])
            self.positions_forwarded += sum(end.depth for end in ends)
        waiting = Counter(position.parent for position in positions)
        rows: dict[Position, Logits] = {}
        for ends in self._groups(positions):
            before = [end.parent for end in ends if end.parent is not None]
            cache = _joined([position.state for position in before])
            found = self._forward_rows(ends, [[end.token] for end in ends], cache)
            rows.update(zip(ends, found, strict=True))
            # No lane starts again from between the tokens that are appended in one call.
            waiting.subtract(before)
            self._drop(p for p in before if not waiting[p] and p not in held)
        return [rows[position] for position in positions]

    def _groups(self, positions: Iterable[Position]) -> list[list[Position]]:
        """The positions that one forward can compute, in the order of the forwards."""
        groups: dict[tuple[int, int], list[Position]] = defaultdict(list)
        for rank, position in enumerate(positions):
            groups[position.depth, 0 if self._together else rank].append(position)
        return [groups[key] for key in sorted(groups)]

    def forward_prompt(self, positions: Sequence[Position]) -> Logits:
        """Forward a prompt at once; returns the logits after its last token."""
        (logits,) = self._forward_rows(positions[-1:], [[each.token for each in positions]])
        self.positions_forwarded += len(positions)
        self.forwards += 1
        return logits

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def _forward_rows(
        self, ends: Sequence[Position], tokens: Sequence[Sequence[int]], cache: Any = None
    ) -> Sequence[Logits]:
        """Forward rows of tokens of one length; returns the logits at their ends.

        Args:
            ends: the position at the end of each row, which gets its snapshot.
            tokens: what each row adds to what the cache holds.
            cache: what comes before, which is written to; ``None`` for nothing.
        """
        given = {} if cache is None else {self._argument: cache}
        output = self._module(
            input_ids=torch.tensor(tokens, device=self._module.device),
            use_cache=True,
            **given,
            **self._last_only,
        )
        found = [name for name in STATE_NAMES if output.get(name) is not None]
        if not found:
            raise ModelError(f"{type(self._module).__name__} gives no cache after a forward")
        self._argument = found[0]
        for row, end in enumerate(ends):
            end.state = Snapshot(output[self._argument], row)
        self._snapshots += ends
        rows = output.logits[:, -1, : self._vocabulary_size]
        if torch.isnan(rows[:, 0]).any():
            raise ModelError("the model's logits are not numbers (NaN): are its weights damaged?")
        return list(rows.clone().unbind())

    def _drop(self, positions: Iterable[Position]) -> None:
        """Free the snapshots of these positions."""
        for position in list(positions):
            position.state = None
        self._snapshots = [each for each in self._snapshots if each.state is not None]


def can_run_together(module: Any, name: str) -> bool:
    """Whether a model gives right logits when several rows of its cache share a forward.

    ``False`` where it does for single rows only.

    Raises:
        ModelError: not even for single rows, as where the model keeps its state in the module.
    """
    most = _ROUNDING.get(module.dtype, _ROUNDING_IN_16_BITS)
    for together in (True, False):
        try:
            off = _error_of_rows(RowDecoder(module, 3, together=together))
        except (LookupError, TypeError, ValueError, AttributeError, RuntimeError, ModelError) as e:
            reason = str(e)
            continue
        if off <= most:
            return together
        reason = f"logits are off by {off:.2g} of their range where its cache goes on"
    raise ModelError(
        f"{name} ({module.config.model_type}) cannot be run, neither with one cache for all lanes "
        f"nor with a row of a cache for each: {reason}"
    )


def _error_of_rows(decoder: RowDecoder) -> float:
    """The largest error of logits that were computed from snapshots, as a share of their range."""
    decoder.admit([0, 1], lanes=2)
    decoder.advance([[1], [2]])
    decoder.fork([1, 0])
    decoder.advance([[0], [2]])
    errors = []
    for lane, tokens in enumerate(([0, 1, 2, 0], [0, 1, 1, 2])):
        (fresh,) = decoder.admit(tokens)
        row, other = (as_float32(decoder.logits[each]) for each in (lane, fresh))
        errors.append(float(abs(row - other).max() / max(np.ptp(other), 1e-30)))
    return max(errors)


def _joined(snapshots: Sequence[Snapshot]) -> Any:
    """A cache of its own with one row for each snapshot."""
    runs: list[tuple[Any, list[int]]] = []
    for cache, row in snapshots:
        if not runs or runs[-1][0] is not cache:
            runs.append((cache, []))
        runs[-1][1].append(row)
    return _selected([(cache, torch.tensor(rows)) for cache, rows in runs])


def _selected(parts: Rows) -> Any:
    """The rows of all parts in one copy of their common structure."""
    first = parts[0][0]
    if isinstance(first, torch.Tensor):
        if not first.ndim:
            return first
        chosen = [tensor.index_select(0, rows.to(tensor.device)) for tensor, rows in parts]
        return chosen[0] if len(chosen) == 1 else torch.cat(chosen)
    if isinstance(first, Mapping):
        return {key: _selected([(part[key], rows) for part, rows in parts]) for key in first}
    if isinstance(first, list | tuple):
        places = range(len(first))
        return type(first)([_selected([(p[place], rows) for p, rows in parts]) for place in places])
    if type(first).__module__.startswith("transformers.") and not hasattr(first, "model_type"):
        fresh = copy.copy(first)
        fresh.__dict__ = _selected([(vars(part), rows) for part, rows in parts])
        return fresh
    return first
