"""Prompts kept between calls: nothing is forwarded twice, nothing changes, memory is bounded."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf
from small_models import BOTH, SMALL

import condit
from condit import Vocabulary
from condit.errors import ArgumentError
from condit.model import prefix_cache
from condit.model.base import Decoder, Model, as_float32
from condit.model.cells import CellDecoder
from condit.model.prefix_cache import LIMIT, PrefixCache
from condit.testing import check_decoder


class Bare(Model):
    """A small model with random weights, whose prompts are kept."""

    name = "bare"

    def __init__(self) -> None:
        torch.manual_seed(0)
        config = hf.Gemma3TextConfig(**SMALL, sliding_window=4, layer_types=BOTH)
        self.module = hf.AutoModelForCausalLM.from_config(config).float().eval()
        self.vocabulary = Vocabulary.of([bytes([value]) for value in range(63)])
        self.prefixes = PrefixCache(self)

    def encode(self, text: str) -> list[int]:
        return list(text.encode())

    def start(self, prompt: Any, lanes: int = 1) -> CellDecoder:
        windows = {"sliding_attention": 4, "full_attention": None}
        decoder = CellDecoder(self.module, windows, self.prefixes)
        decoder.admit(prompt, lanes)
        return decoder


@pytest.fixture(autouse=True)
def fresh_cache() -> Iterator[None]:
    condit.clear_cache()
    yield
    condit.set_cache_limit(LIMIT)
    condit.clear_cache()


def row(decoder: Decoder) -> Any:
    return as_float32(decoder.logits[0])


def test_the_same_prompt_is_forwarded_once() -> None:
    model = Bare()
    first, second = model.start([3, 4, 5, 6]), model.start([3, 4, 5, 6])
    assert (first.positions_forwarded, second.positions_forwarded) == (4, 0)
    assert second.forwards == 0
    assert np.array_equal(row(first), row(second))
    info = condit.cache_info()
    assert (info.prompts, info.tokens, info.hits, info.misses) == (1, 4, 1, 1)
    assert info.reused_tokens == 4
    assert 0 < info.bytes <= info.limit == LIMIT


@pytest.mark.parametrize(
    ("prompt", "new"), [([3, 4, 5, 9, 9], 2), ([3, 4], 1), ([3, 4, 5, 6, 7, 8], 2), ([9, 4], 2)]
)
def test_a_shared_beginning_is_forwarded_once(prompt: list[int], new: int) -> None:
    model = Bare()
    model.start([3, 4, 5, 6])
    warm = model.start(prompt)
    assert warm.positions_forwarded == new
    condit.clear_cache()
    cold = model.start(prompt)
    assert cold.positions_forwarded == len(prompt)
    assert row(warm) == pytest.approx(row(cold), abs=1e-5)


def test_decoders_obey_their_laws_on_kept_prompts(rng: np.random.Generator) -> None:
    model = Bare()
    check_decoder(model, rng, rounds=30)
    assert condit.cache_info().hits > 0


def test_a_later_prompt_of_a_decoder_is_found_too() -> None:
    model = Bare()
    decoder = model.start([3, 4, 5])
    decoder.advance([[7, 8]])
    decoder.admit([3, 4, 5, 6], lanes=2)
    assert decoder.positions_forwarded == 6
    assert as_float32(decoder.logits[2]) == pytest.approx(row(model.start([3, 4, 5, 6])), abs=1e-5)


def test_what_was_used_longest_ago_goes_first() -> None:
    model = Bare()
    model.start(list(range(3, 43)))
    one = condit.cache_info().bytes
    condit.clear_cache()
    condit.set_cache_limit(int(2.5 * one))
    prompts = [[first, *range(3, 42)] for first in (50, 51, 52)]
    model.start(prompts[0])
    model.start(prompts[1])
    model.start(prompts[0])
    model.start(prompts[2])
    assert condit.cache_info().prompts == 2
    assert model.start(prompts[0]).positions_forwarded == 0
    assert model.start(prompts[1]).positions_forwarded == 40
    assert condit.cache_info().bytes <= condit.cache_info().limit


def test_a_limit_of_nothing_keeps_nothing() -> None:
    model = Bare()
    model.start([3, 4, 5])
    condit.set_cache_limit(0)
    assert condit.cache_info().prompts == 0
    assert model.start([3, 4, 5]).positions_forwarded == 3
    assert condit.cache_info().prompts == 0
    with pytest.raises(ArgumentError, match="0 bytes or more"):
        condit.set_cache_limit(-1)


def test_prompts_go_with_their_model() -> None:
    model = Bare()
    model.start([3, 4, 5])
    other = Bare()
    assert other.start([3, 4, 5]).positions_forwarded == 3
    del model
    gc.collect()
    assert condit.cache_info().prompts == 1


@pytest.mark.model
def test_a_second_call_forwards_no_prompt(smollm2: Model) -> None:
    constraint = condit.regex("[0-9]{1,3}")
    asked: dict[str, Any] = {"max_tokens": 5, "seed": 4, "sampler": "awrs", "heal": False}
    # How many guesses come true depends on what a forward takes here: the third run alone has any.
    runs = [
        condit.generate(smollm2, "The year I was born is", constraint, drafts=drafts, **asked)
        for drafts in (False, False, True)
    ]
    assert runs[0].samples == runs[1].samples == runs[2].samples
    first, second = (run.stats.positions_forwarded for run in runs[:2])
    assert first - second == runs[0].stats.prompt_tokens
    assert condit.cache_info().reused_tokens == 2 * runs[0].stats.prompt_tokens
    assert condit.cache_info().draft_bytes > 0


def test_owners_may_go_while_the_cache_is_looked_through() -> None:
    condit.clear_cache()
    models = [Bare() for _ in range(3)]
    for model in models:
        model.start([3, 4, 5])
    del model
    assert condit.cache_info().prompts == 3
    # As the garbage collector may do it, in the middle of a search.
    seen = 0
    with prefix_cache._locked():
        for _ in prefix_cache._kept:
            if models:
                models.pop()
                gc.collect()
            seen += 1
    assert seen == 3
    assert condit.cache_info().prompts == 0
