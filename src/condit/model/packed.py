"""Linear layers with their weights reordered once, for forwards of few rows on a CPU.

A matrix product on a CPU wants its weight in blocks that fit the processor's vector units. Torch
keeps weights row by row, so each call of ``torch.nn.functional.linear`` reorders as it reads. With
few rows, as when a text grows by one token, that is a large part of the call. Here oneDNN, the
library below torch, reorders each weight once and the copy is kept.

Two rows or fewer go through oneDNN's matrix-vector kernels. They are slower than four rows at once,
and they split long sums, so that the last bit of a row depends on the number of rows beside it.
So a lone row or two are filled up to four. On the processor where this was measured, a row's result
is then the same to the last bit whatever else is in the forward.
"""

from __future__ import annotations

import weakref
from typing import Any

import torch

from condit.foreign.torch import accepts_bfloat16, has_packing
from condit.model.memory import available_memory
from condit.model.weights_version import sample

_FEWEST_ROWS = 4
"""Rows that every product is filled up to: faster than one or two, and always the same sums."""

_ROWS_PLANNED_FOR = 16
"""The number of rows that oneDNN chooses the order for; it then holds for any number."""

_SHARE_OF_MEMORY = 0.5
"""Of the memory that is free, the share that packed copies may take."""


class _Packed:
    """A reordered copy of a weight, which remembers the weight that it was made from.

    It is not part of a copied or pickled layer: that packs its weight again when it is used.
    """

    def __init__(self, weight: torch.Tensor | None = None) -> None:
        self.weight: torch.Tensor | None = None
        if weight is None:
            return
        self._source: Any = weakref.ref(weight)
        self._address = weight.data_ptr()
        self._version = weight._version
        self._numbers = sample([weight])
        with torch.inference_mode(False), torch.no_grad():
            self.weight = torch.ops.mkldnn._reorder_linear_weight(
                weight.detach(), _ROWS_PLANNED_FOR
            )
        self._operator = torch.ops.mkldnn._linear_pointwise.default

    def is_of(self, weight: torch.Tensor) -> bool:
        """Whether this is still a copy of ``weight``: the same tensor, not written to since."""
        return (
            self.weight is not None
            and self._source() is weight
            and self._address == weight.data_ptr()
            and self._version == weight._version
        )

    def agrees_with(self, weight: torch.Tensor) -> bool:
        """As `is_of`, and a sample of its numbers is the same: torch does not count all writes."""
        return self.is_of(weight) and self._numbers == sample([weight])

    def times(self, input: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        """``input @ weight.T + bias``."""
        result: torch.Tensor = self._operator(input, self.weight, bias, "none", [], "")
        return result

    def __deepcopy__(self, memo: dict[int, Any]) -> _Packed:
        return _Packed()

    def __reduce__(self) -> tuple[type[_Packed], tuple[()]]:
        return _Packed, ()


class PackedLinear(torch.nn.Linear):  # type: ignore[misc]
    """An ``nn.Linear`` that uses a packed copy of its weight where no gradient is wanted.

    Parameters, state and name are those of the layer that it was; `pack` makes one in place.
    """

    _packed: _Packed

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """``input @ weight.T + bias``, shape ``(..., out_features)``."""
        weight: Any = self._parameters.get("weight")
        bias = self._parameters.get("bias")
        size = input.numel()
        if (
            weight is None
            or size == 0
            or input.dtype != weight.dtype
            or not input.is_cpu
            or (torch.is_grad_enabled() and _wants_gradient(input, weight, bias))
            or torch.is_autocast_enabled("cpu")
            or torch.compiler.is_compiling()
            or (packed := self._packed_for(weight)) is None
        ):
            return super().forward(input)
        width = input.shape[-1]
        count = size // width
        if count >= _FEWEST_ROWS:
            return packed.times(input, bias)
        rows = input.reshape(count, width)
        if count == 1:
            rows = rows.expand(_FEWEST_ROWS, width)
        else:
            rows = torch.nn.functional.pad(rows, (0, 0, 0, _FEWEST_ROWS - count))
        # A copy, which does not keep the padding rows in memory.
        result = packed.times(rows, bias)[:count].clone()
        return result.view(*input.shape[:-1], -1)

    def _packed_for(self, weight: torch.Tensor) -> _Packed | None:
        """The packed copy of ``weight``, made anew where that has changed; ``None``: there is none.

        Called once a forward, as another thread may pack or unpack at the same time.
        """
        packed: _Packed | None = getattr(self, "_packed", None)
        if packed is not None and packed.is_of(weight):
            return packed
        if packed is None or not _packable(weight):
            return None
        self._packed = packed = _Packed(weight)
        return packed


def pack(module: torch.nn.Module) -> int:
    """Let every linear layer of ``module`` use a packed copy of its weight in inference.

    Layers stay ``nn.Linear`` with the same parameters, and the original weights are kept, so
    packing takes as much memory again as the layers have. Nothing is done where that is more than
    half of what is free, where free memory cannot be told, where torch lacks the operators, or on
    another device than the CPU.

    Packed are weights in 32-bit floats, and in bfloat16 where the processor computes with it. A
    layer falls back to the ordinary product where a gradient is wanted, under autocast, and for an
    input of another type. A weight that is replaced, moved, loaded anew or trained is packed again
    at its next use. What is written through ``weight.data`` torch does not count: the next call of
    ``generate`` compares some of the numbers.

    Calling it again packs what is not yet packed, or has changed.

    Args:
        module: any torch module; only layers whose class is ``nn.Linear`` itself are touched.

    Returns:
        the bytes that all packed copies in ``module`` take, 0 if there are none.
    """
    layers = {
        layer
        for layer in module.modules()
        if type(layer) in (torch.nn.Linear, PackedLinear) and _packable(layer.weight)
    }
    fresh = [
        layer
        for layer in layers
        if type(layer) is not PackedLinear or not layer._packed.agrees_with(layer.weight)
    ]
    if sum(layer.weight.nbytes for layer in fresh) > _SHARE_OF_MEMORY * available_memory():
        layers -= set(fresh)
        fresh = []
    for layer in fresh:
        layer._packed = _Packed(layer.weight)
        layer.__class__ = PackedLinear
    return sum(layer.weight.nbytes for layer in layers)


def unpack(module: torch.nn.Module) -> None:
    """Undo `pack`: every packed layer is a plain ``nn.Linear`` again, and the copies are freed."""
    for layer in module.modules():
        if type(layer) is PackedLinear:
            del layer._packed
            layer.__class__ = torch.nn.Linear


def _packable(weight: Any) -> bool:
    if not has_packing():
        return False
    return (
        type(weight) is torch.nn.Parameter
        and weight.is_cpu
        # Torch does not count what is written to such a tensor, so a change could not be noticed.
        and not weight.is_inference()
        and weight.layout == torch.strided
        and weight.numel() > 0
        and (
            weight.dtype == torch.float32 or (weight.dtype == torch.bfloat16 and accepts_bfloat16())
        )
    )


def _wants_gradient(*tensors: torch.Tensor | None) -> bool:
    return any(tensor is not None and tensor.requires_grad for tensor in tensors)
