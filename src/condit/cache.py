"""The caches between calls, to inspect and to limit: prompts, and tables of drafts.

`Memory`, which a caller passes to ``generate``, is not among them.
"""

from __future__ import annotations

from dataclasses import dataclass

from condit.model import prefix_cache
from condit.speculate.recycling import tables


@dataclass(frozen=True)
class CacheInfo:
    """Sizes and hits of the caches; see ``condit.cache_info``.

    Attributes:
        prompts: prompts whose keys and values (KV cache) are kept.
        tokens: tokens in them.
        bytes: memory that these take.
        limit: the most that these may take, in bytes.
        hits: prompts that were found in the cache, in part or in whole.
        misses: prompts that were not.
        reused_tokens: prompt tokens that did not have to be forwarded.
        draft_bytes: memory of the tables of recycled tokens, one for each model.
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
    """The state of the caches, over all models: prompts and tables of drafts.

    Not counted: prompts in contexts of llama.cpp, at most two for each model.
    See ``condit.clear_cache`` and ``condit.set_cache_limit``.
    """
    return CacheInfo(**prefix_cache.counts(), draft_bytes=sum(table.nbytes for table in tables()))


def clear_cache() -> None:
    """Drop all prompts, those of llama.cpp too, and reset the counts. Tables of drafts stay."""
    prefix_cache.clear()


def set_cache_limit(limit: int) -> None:
    """Keep at most ``limit`` bytes of keys and values of prompts; 0 keeps none.

    Raises:
        ArgumentError: it is negative.
    """
    prefix_cache.set_limit(limit)
