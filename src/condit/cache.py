"""What is kept between calls, to look at and to limit: prompts, and tables of drafts."""

from __future__ import annotations

from dataclasses import dataclass

from condit.model import prefix_cache
from condit.speculate.recycling import tables


@dataclass(frozen=True)
class CacheInfo:
    """What is kept between calls, and what it saved; see ``condit.cache_info``.

    Attributes:
        prompts: prompts whose keys and values are kept.
        tokens: tokens in them.
        bytes: memory that they take.
        limit: the most they may take, in bytes.
        hits: prompts that were found in the cache, in part or in whole.
        misses: prompts that were not.
        reused_tokens: prompt tokens that did not have to be forwarded.
        draft_bytes: memory of the tables that drafts are made from, one a model.
    """

    prompts: int
    tokens: int
    bytes: int
    limit: int
    hits: int
    misses: int
    reused_tokens: int
    draft_bytes: int


def cache_info() -> CacheInfo:
    """What is kept between calls, over all models: prompts and tables of drafts.

    llama.cpp keeps prompts in contexts of its own, at most two for a model, which are not counted.
    See ``condit.clear_cache`` and ``condit.set_cache_limit``.
    """
    return CacheInfo(**prefix_cache.counts(), draft_bytes=sum(table.nbytes for table in tables()))


def clear_cache() -> None:
    """Forget every prompt, llama.cpp's too, and the counts. Tables of drafts stay."""
    prefix_cache.clear()


def set_cache_limit(limit: int) -> None:
    """Keep at most ``limit`` bytes of keys and values of prompts; 0 keeps none.

    Raises:
        ArgumentError: it is negative.
    """
    prefix_cache.set_limit(limit)
