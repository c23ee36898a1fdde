"""Attention over shared cells on a CPU, registered with ``transformers`` as ``condit_cells``.

The decoder sends the new positions of all lanes through the model as one sequence, with a mask that
says which cells each of them sees. Torch's own kernel serves that slowly: it wants a copy of keys
and values for every query head, and does the work of cells that nobody sees. Here the query heads
that share keys are stacked into one matrix product, in blocks of positions. Each block ends at the
last cell that any of its positions sees; among many blocks, those that see less than half of the
cells before that gather theirs, so that the work of many lanes grows with their number, and not
with its square.

A sum of 32-bit floats depends on the order of its terms in the last bit, and here the order is that
of the cells. ``condit_cells_reproducible`` sums in 64 bits and rounds the result, which then is the
same for every order, except with a probability of about ``1e-13`` a number in a 16-bit model
(``1e-8`` in a 32-bit one). So what a position computes does not depend on where its cells lie, nor
on what else is forwarded with it. As the order is free there, positions are put into blocks by what
they see: lanes with little in common are computed apart, each over its own cells.

Calls that the decoder does not make (no mask or one of booleans, several sequences, gradients,
dropout) go to ``transformers``' own ``sdpa`` function.
"""

from __future__ import annotations

import inspect
import re
import sys
import threading
import weakref
from typing import Any, NamedTuple

import torch

from condit.foreign.transformers import check_model, own_arguments
from condit.foreign.versions import importing

with importing("transformers"):
    from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import sdpa_mask

check_model(PreTrainedModel)

NAME = "condit_cells"
REPRODUCIBLE_NAME = "condit_cells_reproducible"

_BLOCK = 64
"""Positions in one block: their scores stay in the processor's cache."""

_BLOCK_COST = 400
"""What a block of its own costs, in scores of one position at one cell (measured on SmolLM2)."""

_SDPA_ONLY = own_arguments(sdpa_attention_forward)
"""Arguments that change what ``sdpa`` computes; a call that gives one is left to it."""


class _Block(NamedTuple):
    """The positions ``start`` to ``end``, and which cells are computed for them: all that they see.

    A slice from the first cell on, or the indices of single cells.
    """

    start: int
    end: int
    cells: slice | torch.Tensor


class _Masks(threading.local):
    """The blocks of each mask of the current forward, found once for all of its layers."""

    def __init__(self) -> None:
        self.known: dict[int, tuple[weakref.ref[torch.Tensor], list[_Block]]] = {}


_masks = _Masks()


def use_cell_attention(module: Any, *, reproducible: bool = False) -> bool:
    """Switch a ``transformers`` model to attention over cells, where that is the same function.

    That is so if the model uses torch's ``sdpa`` through the common interface, runs on the CPU and
    computes in floats. Other models stay as they are. The choice is not part of a saved model, and
    ``module.set_attn_implementation("sdpa")`` takes it back.

    Args:
        module: the model; every other use of it gives the same results as before.
        reproducible: sum in 64 bits, so that the results for a position depend on the tokens before
            it alone, given linear layers whose rows do not depend on each other (see
            `condit.model.packed`).

    Returns:
        whether the model uses attention over cells now.
    """
    name = REPRODUCIBLE_NAME if reproducible else NAME
    ours = {"sdpa", NAME, REPRODUCIBLE_NAME}
    models = [part for part in module.modules() if isinstance(part, PreTrainedModel)]
    if (
        not isinstance(module, PreTrainedModel)
        or any(part.config._attn_implementation not in ours for part in models)
        or not all(part._can_set_attn_implementation() for part in models)
        or any(_asks_for_sdpa_by_name(part) for part in models)
        or module.device.type != "cpu"
        or not module.dtype.is_floating_point
    ):
        return False
    module.set_attn_implementation(name)
    return bool(module.config._attn_implementation == name)


def cell_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Softmax attention (Vaswani et al. 2017), summed in 32 bits.

    Args:
        module: the attention layer.
        query: ``(1, heads, positions, width)``.
        key: ``(1, key heads, cells, width)``.
        value: ``(1, key heads, cells, value width)``.
        attention_mask: added to the scores, ``(1, 1, positions, cells)``.
        dropout: where it is above 0, ``sdpa`` is called.
        scaling: what scores are multiplied by, ``width ** -0.5`` by default.
        kwargs: passed on to ``sdpa``, which is called where one of them changes what is computed.

    Returns:
        ``(1, positions, heads, value width)``, and ``None`` for the attention weights.
    """
    # Torch's own kernel is as good for a single position.
    if query.shape[2] > 1 and _is_supported(query, key, value, attention_mask, dropout, kwargs):
        result = _attend(module, query, key, value, attention_mask, scaling, torch.float32)
        if result is not None:
            return result, None
    return _sdpa(module, query, key, value, attention_mask, dropout, scaling, kwargs)


def reproducible_cell_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """As `cell_attention`, summed in 64 bits and rounded: it does not depend on cells' order."""
    if _is_supported(query, key, value, attention_mask, dropout, kwargs):
        result = _attend(module, query, key, value, attention_mask, scaling, torch.float64)
        if result is not None:
            return result, None
    return _sdpa(module, query, key, value, attention_mask, dropout, scaling, kwargs)


def _is_supported(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    dropout: float,
    kwargs: dict[str, Any],
) -> bool:
    return (
        isinstance(mask, torch.Tensor)
        and mask.shape == (1, 1, query.shape[2], key.shape[2])
        and mask.is_floating_point()
        and query.is_cpu
        and len(query) == len(key) == 1
        and query.dtype == key.dtype == value.dtype
        and dropout == 0
        and all(kwargs.get(name) is None for name in _SDPA_ONLY)
        and not kwargs.get("output_attentions")
        and not (
            torch.is_grad_enabled()
            and (query.requires_grad or key.requires_grad or value.requires_grad)
        )
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
    )


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: Any,
    scaling: float | None,
    sums: torch.dtype,
) -> torch.Tensor | None:
    """The result, or ``None`` where some position sees no cell at all."""
    _, heads, positions, width = query.shape
    key_heads = key.shape[1]
    sums = torch.promote_types(sums, query.dtype)
    apart = sums == torch.float64
    blocks = _blocks(mask, getattr(module, "layer_idx", None), apart)
    if not blocks:
        return None
    scale = width**-0.5 if scaling is None else scaling
    converted = None
    result = torch.empty(1, positions, heads, value.shape[3], dtype=query.dtype)
    for start, end, cells in blocks:
        # The query heads that share keys lie one after the other: they become rows of one product.
        stacked = query[0, :, start:end].reshape(key_heads, -1, width).to(sums) * scale
        if isinstance(cells, slice):
            converted = converted or (key[0].to(sums), value[0].to(sums))
            keys, values = (each[:, cells] for each in converted)
        else:
            keys, values = (each[0].index_select(1, cells).to(sums) for each in (key, value))
        scores = torch.bmm(stacked, keys.transpose(1, 2))
        scores.view(heads, end - start, -1).add_(mask[0, :, start:end, cells])
        mixed = torch.bmm(torch.softmax(scores, -1), values)
        result[0, start:end] = mixed.view(heads, end - start, -1).transpose(0, 1)
    return result


def _blocks(mask: torch.Tensor, layer: int | None, apart: bool) -> list[_Block]:
    """The blocks of a mask, kept for this forward; none where a position sees nothing.

    Args:
        mask: see `cell_attention`.
        layer: the number of the layer, if it has one.
        apart: whether the order of sums is free, so that lanes may be computed apart.
    """
    divided = _apart if apart else _divided
    if layer is None:
        return divided(mask)
    if layer == 0:
        # A new forward: the same tensor may hold other numbers by now.
        _masks.known.clear()
    known = _masks.known.get(id(mask))
    if known is None or known[0]() is not mask:
        known = _masks.known[id(mask)] = (weakref.ref(mask), divided(mask))
    return known[1]


def _divided(mask: torch.Tensor) -> list[_Block]:
    seen = mask[0, 0] > torch.finfo(mask.dtype).min
    if not seen.any(-1).all():
        return []
    positions, cells = seen.shape
    # The last cell that each position sees, found from behind.
    ends = (cells - seen.flip(-1).int().argmax(-1)).tolist()
    blocks = []
    for start in range(0, positions, _BLOCK):
        end = min(start + _BLOCK, positions)
        last = max(ends[start:end])
        block = _Block(start, end, slice(last))
        if positions > _BLOCK:
            together = seen[start:end].any(0).nonzero()[:, 0]
            if 2 * len(together) < last:
                block = block._replace(cells=together)
        blocks.append(block)
    return blocks


def _apart(mask: torch.Tensor) -> list[_Block]:
    """Blocks of neighbours that see much the same, so that little is computed that nobody sees."""
    seen = (mask[0, 0] > torch.finfo(mask.dtype).min).numpy()
    positions, _ = seen.shape
    counts = seen.sum(1).tolist()
    if not all(counts):
        return []
    blocks = []
    start, union, count = 0, seen[0], counts[0]
    for end in range(1, positions + 1):
        size = end - start
        if end < positions and size < _BLOCK:
            joined = union | seen[end]
            more = int(joined.sum())
            if (size + 1) * more - size * count <= counts[end] + _BLOCK_COST:
                union, count = joined, more
                continue
        cells = union.nonzero()[0]
        last = int(cells[-1]) + 1
        # A slice needs no copy of keys and values of its own.
        whole = 2 * count >= last or size == positions
        blocks.append(_Block(start, end, slice(last) if whole else torch.from_numpy(cells)))
        if end < positions:
            start, union, count = end, seen[end], counts[end]
    return blocks


def _sdpa(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    dropout: float,
    scaling: float | None,
    kwargs: dict[str, Any],
) -> tuple[torch.Tensor, None]:
    result: tuple[torch.Tensor, None] = sdpa_attention_forward(
        module, query, key, value, mask, dropout=dropout, scaling=scaling, **kwargs
    )
    return result


def _asks_for_sdpa_by_name(module: Any) -> bool:
    """Whether the source of a model compares the name of its attention with ``sdpa``.

    Such a model would do something else under another name. ``True`` where there is no source.
    """
    try:
        source = inspect.getsource(sys.modules[type(module).__module__])
    except (KeyError, OSError, TypeError):
        return True
    return bool(re.search(r"_attn_implementation\s*(==|!=|in\b|not in\b).*sdpa", source))


# The masks that transformers itself makes for ``sdpa`` serve the fallback; ready ones pass through.
AttentionInterface.register(NAME, cell_attention)
AttentionInterface.register(REPRODUCIBLE_NAME, reproducible_cell_attention)
AttentionMaskInterface.register(NAME, sdpa_mask)
AttentionMaskInterface.register(REPRODUCIBLE_NAME, sdpa_mask)
