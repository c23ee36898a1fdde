"""Whether a model's weights are still what they were, without reading all of them.

What is kept between calls (prompts that were forwarded, tries of a memory) belongs to the weights
that computed it. Training, ``load_state_dict``, and switching or merging an adapter change them in
place, in the same module. A `WeightsVersion` is taken at the beginning of each call, in a few
milliseconds, and compared with that of the call before.

It sees every tensor that was replaced, and every one that was written to in a way that torch counts
(``Tensor._version``); modules that were put in, taken out or switched by plain attributes, and
hooks; and, as what goes through ``tensor.data`` is not counted, a few numbers of each tensor. So
what it cannot see is a write through ``tensor.data`` that leaves all of those numbers as they are,
such as to a single row: ``condit.clear_cache()`` and a new ``condit.Memory`` after that.
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
    """What a module looks like; equal for a module that computes the same, as far as can be seen.

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
            tuple(_standing(tensor) for tensor in tensors),
            tuple(map(_switches, parts)),
            sample(tensors),
        )


def sample(tensors: list[torch.Tensor]) -> bytes:
    """A few numbers of each tensor, as bytes; those without memory of their own are left out."""
    with torch.no_grad():
        by_device: dict[torch.device, list[torch.Tensor]] = {}
        for tensor in tensors:
            if tensor.numel() and tensor.layout == torch.strided and tensor.device.type != "meta":
                by_device.setdefault(tensor.device, []).append(_some(tensor.detach()))
        # One transfer a device. Wider than any of the types, so that no difference is rounded off.
        rows = [torch.cat(some).cpu().numpy().tobytes() for some in by_device.values()]
    return b"".join(rows)


def _some(tensor: torch.Tensor) -> torch.Tensor:
    flat = tensor.view(-1) if tensor.is_contiguous() else tensor.reshape(-1)
    if flat.dtype.is_complex:
        flat = torch.view_as_real(flat).reshape(-1)
    # An odd step, as an even one would stay in the same column of most matrices.
    step = max(1, len(flat) // _NUMBERS) | 1
    return flat[::step].double()


def _standing(tensor: torch.Tensor) -> object:
    # Tensors made in inference mode have no count.
    writes = -1 if tensor.is_inference() else tensor._version
    address = tensor.data_ptr() if tensor.layout == torch.strided else id(tensor)
    return address, tuple(tensor.shape), tensor.dtype, tensor.device, writes


def _switches(module: torch.nn.Module) -> object:
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
