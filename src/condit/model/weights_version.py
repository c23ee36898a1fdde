"""Whether a model's weights are still what they were, without reading all of them.

What is kept between calls (prompts that were forwarded, tries of a memory) belongs to the weights
that computed it. Training, ``load_state_dict``, and switching or merging an adapter change them in
place, in the same module. A `WeightsVersion` is taken at the beginning of each call, in a few
milliseconds, and compared with that of the call before.

It notices tensors that were replaced, or written to in a way that torch counts
(``Tensor._version``); modules that were added, removed or switched by plain attributes, and hooks.
As writes through ``tensor.data`` are not counted, it also compares a few numbers of each tensor. It
misses a write through ``tensor.data`` that changes none of those, such as to a single row: call
``condit.clear_cache()`` and make a new ``condit.Memory`` after one.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch

_NUMBERS = 32
"""Numbers of each tensor that are compared, spread over all of it."""

_PLAIN = (bool, int, float, str, type(None))


@dataclass(frozen=True)
class WeightsVersion:
    """A fingerprint of a module: equal as long as no change of its weights or parts is noticed.

    Attributes:
        tensors: for each parameter and buffer its address, shape, type and count of writes.
        modules: for each module a weak reference, and what its plain attributes say.
        numbers: some numbers of each tensor, as bytes.
    """

    tensors: tuple[object, ...]
    modules: tuple[object, ...]
    numbers: bytes

    @classmethod
    def of(cls, module: torch.nn.Module) -> WeightsVersion:
        """The version of ``module`` as it is now."""
        parts = list(module.modules())
        loose = (each for part in parts for each in vars(part).values() if torch.is_tensor(each))
        tensors = list(chain(module.parameters(), module.buffers(), loose))
        return cls(
            tuple(_identity(tensor) for tensor in tensors),
            tuple(map(_attributes, parts)),
            sample(tensors),
        )


def sample(tensors: list[torch.Tensor]) -> bytes:
    """A few numbers of each tensor, as bytes; those without memory of their own are left out."""
    with torch.no_grad():
        by_device: dict[torch.device, list[torch.Tensor]] = {}
        for tensor in tensors:
            if tensor.numel() and tensor.layout == torch.strided and tensor.device.type != "meta":
                by_device.setdefault(tensor.device, []).append(_some(tensor.detach()))
        # One transfer a device; in float64, so that no difference is rounded off.
        rows = [torch.cat(some).cpu().numpy().tobytes() for some in by_device.values()]
    return b"".join(rows)


def _some(tensor: torch.Tensor) -> torch.Tensor:
    flat = tensor.view(-1) if tensor.is_contiguous() else tensor.reshape(-1)
    if flat.dtype.is_complex:
        flat = torch.view_as_real(flat).reshape(-1)
    # An odd step, as an even one would stay in the same column of most matrices.
    step = max(1, len(flat) // _NUMBERS) | 1
    return flat[::step].double()


def _identity(tensor: torch.Tensor) -> object:
    # Tensors made in inference mode have no count.
    writes = -1 if tensor.is_inference() else tensor._version
    address = tensor.data_ptr() if tensor.layout == torch.strided else id(tensor)
    return address, tuple(tensor.shape), tensor.dtype, tensor.device, writes


def _attributes(module: torch.nn.Module) -> object:
    hooks = (module._forward_hooks, module._forward_pre_hooks)
    own = vars(module)
    return weakref.ref(module), tuple(map(tuple, hooks)), tuple(_plain(own))


def _plain(attributes: dict[str, Any]) -> Iterator[object]:
    """Attributes by which adapters are switched: plain values, and lists and tables of them."""
    for name, value in attributes.items():
        if name in _COMMON:
            continue
        if type(value) in _PLAIN:
            yield name, value
        elif type(value) in (list, tuple, set, frozenset) and all(
            type(each) in _PLAIN for each in value
        ):
            yield name, frozenset(value) if isinstance(value, set | frozenset) else tuple(value)
        elif type(value) is dict and all(type(each) in _PLAIN for each in value.values()):
            yield name, tuple(value.items())
        elif name == "forward":
            yield name, value


_COMMON = vars(torch.nn.Module()).keys() - {"training"}
"""What every module has."""
