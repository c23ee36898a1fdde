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

_OFF = (
    *("top_k", "min_p", "min_tokens", "ignore_eos", "presence_penalty", "frequency_penalty"),
    *("stop", "structured_outputs", "thinking_token_budget", "repetition_detection"),
    *("watermarking",),
)
"""Settings that change what is drawn after the constraint was applied, or end a text, unless off.

Biases, bad words and the tokens of ``allowed_token_ids`` come before: they belong to the model.
"""

_ONE = ("top_p", "repetition_penalty")
"""The same, unless they are 1."""


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


def check(params: Any) -> Specification:
    """The constraint of a request, where a weight has a meaning.

    Args:
        params: vLLM's ``SamplingParams``, of a request with a constraint.

    Raises:
        ConditError: the constraint cannot be made, or another setting does not go with it.
    """
    given = {name: getattr(params, name, None) for name in (*_OFF, *_ONE)}
    for name, value in given.items():
        if value and value != (1 if name in _ONE else -1 if name == "top_k" else 0):
            raise ArgumentError(
                f"{name}={value!r} changes what is drawn under a constraint of Condit, so that its "
                "weights were wrong: leave it out. If you did not set it, the model's "
                "generation_config.json did: start vLLM with generation_config='vllm'"
            )
    specification = specification_of(params.extra_args[FIELD])
    constraint_of(specification)
    return specification
