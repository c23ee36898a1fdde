"""One row of logits from a model, read as 32-bit floats, without a copy where possible.

Models give numpy or torch rows in 16, 32 or 64 bits on any device. A row is copied to the CPU in
its own precision, and converted only where it is read. Temperature is applied, and all end tokens
are merged into one; top-k and top-p are not applied here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from condit.errors import ModelError
from condit.model.base import Logits

_BITS, _FLOAT = Struct("=I"), Struct("=f")


class LogitRow:
    """The logits of one position, divided by the temperature, with one end token.

    Args:
        logits: shape ``(vocabulary,)``, numpy or torch on any device; not modified.
        temperature: divides the logits.
        ends: tokens that end a text; their probabilities are added up.
        end: the one of them that gets their sum; the others get ``-inf``.
    """

    def __init__(
        self,
        logits: Logits,
        temperature: float = 1.0,
        ends: Sequence[int] = (),
        end: int = -1,
    ) -> None:
        self._values, self._wide = _readable(logits)
        self._divisor = temperature
        self._merged: dict[int, float] = {}
        if len(ends) > 1:
            together = np.logaddexp.reduce(self.at(np.array(sorted(ends))).astype(np.float64))
            self._merged = dict.fromkeys(ends, -math.inf) | {end: float(together)}

    def __len__(self) -> int:
        return len(self._values)

    def exponentials(self, space: NDArray[np.float32]) -> None:
        """Write ``exp`` of each logit to ``space``, in one pass; ``inf`` on overflow."""
        row = self._divided(space)
        with np.errstate(over="ignore"):
            np.exp(row, out=space)
            for token, value in self._merged.items():
                space[token] = np.exp(np.float32(value))

    def read(self) -> NDArray[np.float32]:
        """All logits, as an array of its own.

        Raises:
            ModelError: they hold NaN, or no finite number.
        """
        row = np.empty(len(self), dtype=np.float32)
        divided = self._divided(row)
        if divided is not row:
            np.copyto(row, divided)
        for token, value in self._merged.items():
            row[token] = value
        highest = float(row.max())
        if not math.isfinite(highest):
            raise ModelError(
                f"the highest of the logits of a step is {highest}, so they give no probabilities: "
                "look for an overflow in the model (16-bit floats have many)"
            )
        return row

    def _divided(self, space: NDArray[np.float32]) -> NDArray[np.float32]:
        """The row before end tokens are merged: the model's own array if possible, or ``space``."""
        row = self._values
        if self._wide is not None:
            self._wide(space)
            row = space
        if self._divisor != 1:
            row = np.divide(row, np.float32(self._divisor), out=space)
        return row

    def at(self, tokens: NDArray[np.intp]) -> NDArray[np.float32]:
        """The logits of some tokens, in their order: an array of its own."""
        row = _widened(self._values.take(tokens))
        row /= np.float32(self._divisor)
        if self._merged:
            for token, value in self._merged.items():
                row[tokens == token] = value
        return row

    def value(self, token: int) -> float:
        """The logit of one token."""
        if token in self._merged:
            return self._merged[token]
        # Through numpy arrays this would take longer than a draw.
        value = float(self._values[token])
        if self._values.dtype == np.uint16:
            value = float(_FLOAT.unpack(_BITS.pack(int(value) << 16))[0])
        return value / self._divisor


def on_processor(rows: Sequence[Logits]) -> Iterator[Logits]:
    """The rows on the CPU: rows on one device are copied together.

    Each copy waits for the device, so one for all lanes beats one a lane.
    """
    if len(rows) < 2 or not all(_on_one_device(row, rows[0]) for row in rows):
        yield from rows
        return
    import torch

    yield from torch.stack([row.detach() for row in rows]).cpu()


def _on_one_device(row: Logits, first: Logits) -> bool:
    if isinstance(row, np.ndarray) or isinstance(first, np.ndarray):
        return False
    alike: bool = row.device == first.device and row.dtype == first.dtype
    return alike and row.device.type != "cpu"


def _readable(logits: Logits) -> tuple[NDArray[Any], Callable[[NDArray[np.float32]], None] | None]:
    """The row as an array; and unless it has 32 bits, a function that writes it out in 32 bits.

    Numpy has no bfloat16: such a row becomes an array of 16-bit integers with the same bits.
    """
    if isinstance(logits, np.ndarray):
        if logits.dtype == np.float32:
            return logits, None
        return logits, lambda space: np.copyto(space, logits, casting="same_kind")
    import torch

    tensor = logits.detach() if logits.requires_grad else logits
    if not tensor.is_cpu:
        tensor = tensor.cpu()
    if tensor.dtype == torch.float32:
        return tensor.numpy(), None
    brain = tensor.dtype == torch.bfloat16
    values = tensor.view(torch.uint16).numpy() if brain else tensor.numpy()

    def widen(space: NDArray[np.float32]) -> None:
        # From 16 bits torch is several times as fast as numpy.
        torch.from_numpy(space).copy_(tensor)

    return values, widen


def _widened(values: NDArray[Any]) -> NDArray[np.float32]:
    """Some values of ``_readable``'s array as 32-bit floats: an array of its own."""
    if values.dtype == np.uint16:  # bfloat16 is the upper half of a 32-bit float
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values.astype(np.float32)
