"""What Condit relies on in ``transformers``: names that change, and internals of its attention."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from condit.foreign.versions import importing, incompatible, require

CACHE_NAMES = ("cache", "past_key_values")
"""Names of the key-value cache as an argument of ``forward``: since 5.24, and before."""

STATE_NAMES = (*CACHE_NAMES, "cache_params", "state")
"""Names of any cache in the output of ``forward``, and as its argument."""

_SDPA = frozenset(
    ("module", "query", "key", "value", "attention_mask", "dropout", "scaling", "is_causal")
)
"""The arguments of the ``sdpa`` function whose meaning is known to `condit.model.attention`."""

_OWN = ("softcap", "position_bias", "cache")
"""Further arguments that change what it computes, some of them among its ``**kwargs``."""


def cache_argument(forward: Callable[..., Any]) -> str:
    """The name under which a model's ``forward`` takes its key-value cache.

    Raises:
        IncompatibleDependencyError: the name is not a known one.
    """
    parameters = inspect.signature(forward).parameters
    for name in CACHE_NAMES:
        if name in parameters:
            return name
    raise incompatible(
        "transformers",
        f"the forward of this model takes its cache under none of the names "
        f"{', '.join(CACHE_NAMES)}; it takes {', '.join(parameters)}",
    )


def check_layer(layer: Any, states: Any) -> None:
    """Check that a class of cache layers (``DynamicLayer``) can be made to write by slots.

    Args:
        layer: the class.
        states: keys (and values) to begin one with.

    Raises:
        IncompatibleDependencyError: it cannot.
    """
    require("transformers", layer, ("get_mask_sizes", "get_seq_length", "update"))
    begin = getattr(layer, "lazy_initialization", None)
    try:
        inspect.signature(begin).bind("self", "keys", "values")  # type: ignore[arg-type]
    except TypeError as error:
        raise incompatible(
            "transformers",
            f"the lazy_initialization of its {layer.__name__} does not take keys and values",
        ) from error
    begun = layer()
    before = getattr(begun, "is_initialized", None)
    begun.lazy_initialization(states, states)
    if (before, getattr(begun, "is_initialized", None)) != (False, True):
        raise incompatible("transformers", f"its {layer.__name__} does not say is_initialized")


def check_cache(cache: Any) -> None:
    """Check that ``Cache`` can be made of layers.

    Raises:
        IncompatibleDependencyError: it cannot.
    """
    if "layers" not in inspect.signature(cache).parameters:
        raise incompatible("transformers", f"its {cache.__name__} cannot be made of layers")


def check_model(model: Any) -> None:
    """Check that the attention of a class of models (``PreTrainedModel``) can be switched.

    Raises:
        IncompatibleDependencyError: it cannot.
    """
    require("transformers", model, ("_can_set_attn_implementation", "set_attn_implementation"))


def own_arguments(sdpa: Callable[..., Any]) -> tuple[str, ...]:
    """The arguments of transformers' ``sdpa`` function that our attention does not implement.

    Where one of them is given, that function is called instead.

    Raises:
        IncompatibleDependencyError: it does not take the usual ones.
    """
    named = [
        each.name
        for each in inspect.signature(sdpa).parameters.values()
        if each.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    if missing := sorted(_SDPA - set(named) - {"is_causal"}):
        raise incompatible(
            "transformers", f"its sdpa_attention_forward takes no {', '.join(missing)}"
        )
    return tuple(dict.fromkeys([*_OWN, *(name for name in named if name not in _SDPA)]))


def probe() -> None:
    """Check that the library has what is relied on; imports it, and torch.

    Raises:
        IncompatibleDependencyError: something is missing.
        MissingDependencyError: it is not installed.
    """
    with importing("transformers"):
        import torch
        from transformers import (  # noqa: F401
            AttentionInterface,
            AttentionMaskInterface,
            PreTrainedModel,
        )
        from transformers.cache_utils import Cache, DynamicLayer
        from transformers.integrations.sdpa_attention import sdpa_attention_forward
        from transformers.masking_utils import sdpa_mask  # noqa: F401
    check_cache(Cache)
    check_layer(DynamicLayer, torch.zeros(1, 1, 1, 1))
    check_model(PreTrainedModel)
    own_arguments(sdpa_attention_forward)
