"""A real schema from its text to the first mask, and which instances its matcher takes."""

from __future__ import annotations

import gc
from typing import Any

from against_overhead import vocabulary_of
from against_task import TASK
from timing import Clock

import condit


def time_compiling(ask: dict[str, Any]) -> dict[str, Any]:
    """Compile, bind and the first mask, with nothing at hand but the vocabulary's tables."""
    vocabulary = _vocabulary(ask["size"])
    condit.json_schema("{}").bind(vocabulary).mask()
    condit.clear_cache()
    gc.collect()
    with Clock() as spent:
        condit.json_schema(ask["source"]).bind(vocabulary).mask()
    return spent.answer()


def judge(ask: dict[str, Any]) -> dict[str, Any]:
    """Whether the schema is taken, and each text (tokens, then the end) under it."""
    vocabulary = _vocabulary(ask["size"])
    try:
        root = condit.json_schema(ask["source"]).bind(vocabulary)
    except condit.ConditError as error:
        return {"outcome": type(error).__name__, "accepted": []}
    accepted = [_accepts(root.copy(), tokens, vocabulary.end) for tokens in ask["texts"]]
    return {"outcome": "compiled", "accepted": accepted}


def _vocabulary(size: str) -> condit.Vocabulary:
    world = TASK["worlds"][size]
    return vocabulary_of(world["spelled"], world["end"])


def _accepts(matcher: Any, tokens: list[int], end: int) -> bool:
    for token in tokens:
        try:
            matcher.advance(token)
        except condit.ConditError:
            return False
    return bool(matcher.allows(end))
