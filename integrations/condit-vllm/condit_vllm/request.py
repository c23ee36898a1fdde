"""What a request says: its constraint, and settings under which weights have no meaning.

Read where requests are admitted, so that a bad one is refused there, and again by the worker.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from condit.constraint.base import Constraint
from condit.errors import ArgumentError
from condit.serve.specification import Specification, all_of, named

FIELD, KEY = "condit", "condit_key"
"""The fields of ``extra_args``: the constraint, and the name under which weights are kept."""

_NEUTRAL: Mapping[str, Any] = {
    **{"top_k": 0, "top_p": 1.0, "min_p": 0.0, "min_tokens": 0, "ignore_eos": False},
    **{"presence_penalty": 0.0, "frequency_penalty": 0.0, "repetition_penalty": 1.0},
    **{"stop": [], "structured_outputs": None, "thinking_token_budget": None},
    **{"repetition_detection": None, "watermarking": None},
}
"""Settings that change what is drawn after the constraint has been applied, or end texts early."""


def specification_of(given: object) -> Specification:
    """The constraint of a request.

    >>> specification_of('{"regex": "[0-9]+"}').kind
    'regex'

    Args:
        given: ``{"regex": ...}``, ``{"json": ...}``, ``{"choice": ...}``, ``{"grammar": ...}`` or
            another name of ``condit constraints``, or that as JSON text; several hold together.

    Raises:
        ArgumentError: it is something else.
    """
    wanted = f"{FIELD} must be a JSON object such as {{'regex': '[0-9]+'}}"
    try:
        said = json.loads(given) if isinstance(given, str) else given
        if isinstance(said, Mapping) and isinstance(said.get("json"), str):
            said = {**said, "json": json.loads(said["json"])}
    except ValueError as error:
        raise ArgumentError(f"{wanted}; this is not JSON: {error}") from error
    if not isinstance(said, Mapping) or not all(isinstance(name, str) for name in said):
        raise ArgumentError(f"{wanted}, not {type(said).__name__}")
    found = all_of(named({"json_schema" if k == "json" else k: v for k, v in said.items()}))
    if found is None:
        raise ArgumentError(f"{wanted}; this one is empty")
    return found


@lru_cache(maxsize=256)
def constraint_of(specification: Specification) -> Constraint:
    """The constraint itself.

    Raises:
        ConditError: it cannot be made.
    """
    return specification.build()


def check(params: Any) -> None:
    """Refuse what cannot be drawn with a meaningful weight.

    Args:
        params: vLLM's ``SamplingParams``, of a request with a constraint.

    Raises:
        ConditError: the constraint cannot be made, or another setting does not go with it.
    """
    for name, neutral in _NEUTRAL.items():
        value = getattr(params, name, neutral)
        if (value or neutral) != neutral and not (name == "top_k" and value < 1):
            raise ArgumentError(
                f"{name}={value!r} changes what is drawn under a constraint of Condit, so that its "
                f"weights were wrong: leave it out. If you did not set it, the model's "
                "generation_config.json did: start vLLM with generation_config='vllm'"
            )
    constraint_of(specification_of(params.extra_args[FIELD]))
