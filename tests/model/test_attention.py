"""Attention over cells: the same function as torch's, and sums that forget their order."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf
from small_models import BOTH, SMALL
from transformers.cache_utils import DynamicCache
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from condit.foreign.transformers import cache_argument
from condit.model import attention
from condit.model.attention import (
    NAME,
    REPRODUCIBLE_NAME,
    cell_attention,
    reproducible_cell_attention,
    use_cell_attention,
)
from condit.model.packed import pack
from condit.model.transformers import TransformersModel

CONFIGURATIONS = {
    "llama": hf.LlamaConfig(**SMALL, attention_bias=True),
    "llama, one key head": hf.LlamaConfig(**SMALL | {"num_key_value_heads": 1}),
    "llama, a key head for each": hf.LlamaConfig(**SMALL | {"num_key_value_heads": 4}),
    "qwen3": hf.Qwen3Config(**SMALL),
    "gpt2": hf.GPT2Config(
        vocab_size=64, n_embd=32, n_layer=2, n_head=4, bos_token_id=1, eos_token_id=2
    ),
    "mistral, a window in every layer": hf.MistralConfig(**SMALL, sliding_window=4),
    "gemma3, a window in some layers": hf.Gemma3TextConfig(
        **SMALL, sliding_window=4, layer_types=BOTH
    ),
}
FUNCTIONS = {False: cell_attention, True: reproducible_cell_attention}


def small(name: str) -> Any:
    torch.manual_seed(0)
    config = copy.deepcopy(CONFIGURATIONS[name])
    module = hf.AutoModelForCausalLM.from_config(config).float().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(3)  # so that attention is far from uniform
    return module


def additive(seen: np.ndarray, dtype: torch.dtype) -> torch.Tensor:
    mask = torch.zeros(seen.shape, dtype=dtype)
    return mask.masked_fill_(~torch.from_numpy(seen), torch.finfo(dtype).min)[None, None]


def causal(tokens: int, window: int | None = None) -> np.ndarray:
    back = np.arange(tokens)[:, None] - np.arange(tokens)
    return (back >= 0) & (back < (window or tokens))


def inputs(
    positions: int, cells: int, dtype: torch.dtype, heads: int = 6, key_heads: int = 2
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(positions + cells)
    query = torch.randn(1, positions, heads, 16, generator=generator).transpose(1, 2)
    key = torch.randn(1, key_heads, cells + 9, 16, generator=generator)[:, :, :cells]
    value = torch.randn(1, key_heads, cells + 9, 24, generator=generator)[:, :, :cells]
    return query.to(dtype), key.to(dtype), value.to(dtype)


class Layer(torch.nn.Module):
    """What the function asks of a layer."""

    def __init__(self, groups: int = 3, index: int | None = None) -> None:
        super().__init__()
        self.num_key_value_groups = groups
        if index is not None:
            self.layer_idx = index


def definition(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor, scale: float
) -> torch.Tensor:
    """Attention as it is written in the paper, head by head in 64 bits."""
    heads, key_heads = query.shape[1], key.shape[1]
    results = []
    for head in range(heads):
        shared = head // (heads // key_heads)
        scores = query[0, head].double() @ key[0, shared].double().T * scale + mask[0, 0].double()
        results.append(scores.softmax(-1) @ value[0, shared].double())
    return torch.stack(results, 1)[None]


@pytest.mark.parametrize("reproducible", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize(("positions", "cells"), [(1, 9), (2, 9), (16, 60), (130, 150)])
def test_it_is_attention_as_defined(
    reproducible: bool, dtype: torch.dtype, positions: int, cells: int
) -> None:
    query, key, value = inputs(positions, cells, dtype)
    seen = np.random.default_rng(0).random((positions, cells)) < 0.4
    seen[:, :2] = True
    mask = additive(seen, dtype)
    mask[..., 0] = -0.5  # not only all or nothing
    mask[..., 1] = mask[..., 1].masked_fill(torch.arange(positions) % 2 == 0, -float("inf"))
    with torch.no_grad():
        result, weights = FUNCTIONS[reproducible](
            Layer(), query, key, value, mask, scaling=0.3, sliding_window=4
        )
    assert weights is None
    assert result.dtype == dtype
    assert result.is_contiguous()
    precision = {torch.float32: 1e-5, torch.bfloat16: 2e-2, torch.float64: 1e-12}[dtype]
    expected = definition(query, key, value, mask, 0.3)
    assert torch.allclose(result.double(), expected, rtol=precision, atol=precision)


@pytest.mark.parametrize("reproducible", [False, True])
def test_the_work_grows_with_the_lanes_and_not_with_their_square(
    reproducible: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    lanes, own, shared = 200, 5, 10
    query, key, value = inputs(lanes, shared + lanes * own, torch.float32)
    seen = np.zeros((lanes, key.shape[2]), dtype=np.bool_)
    seen[:, :shared] = True
    for lane in range(lanes):
        seen[lane, shared + lane * own :][:own] = True
    mask = additive(seen, torch.float32)
    widths: list[int] = []
    product = torch.bmm

    def recorded(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        widths.append(max(one.shape[2], other.shape[2]))
        return product(one, other)

    monkeypatch.setattr("torch.bmm", recorded)
    with torch.no_grad():
        result, _ = FUNCTIONS[reproducible](Layer(), query, key, value, mask)
        monkeypatch.undo()
        # Less than twice the cells that one block of lanes sees, not all 1,010.
        assert max(widths) < 2 * (shared + 64 * own)
        assert torch.allclose(
            result.double(), definition(query, key, value, mask, 0.25), rtol=1e-5, atol=1e-5
        )
        # A lane alone sees its cells in another order of sums.
        alone, _ = FUNCTIONS[True](Layer(), query[:, :, 7:8], key, value, mask[:, :, 7:8])
    if reproducible:
        assert torch.equal(alone[:, 0], result[:, 7])


def test_few_lanes_are_computed_apart_too_where_that_is_less_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lanes, each, own, shared = 8, 4, 300, 30
    query, key, value = inputs(lanes * each, shared + lanes * own, torch.float32)
    seen = np.zeros((lanes * each, key.shape[2]), dtype=np.bool_)
    seen[:, :shared] = True
    for row in range(lanes * each):
        first = shared + row // each * own
        seen[row, first : first + own - each + row % each] = True
    mask = additive(seen, torch.float32)
    work: list[int] = []
    product = torch.bmm

    def recorded(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        work.append(one.shape[1] * max(one.shape[2], other.shape[2]))
        return product(one, other)

    with torch.no_grad():
        monkeypatch.setattr("torch.bmm", recorded)
        apart, _ = FUNCTIONS[True](Layer(), query, key, value, mask)
        monkeypatch.setattr("condit.model.attention._apart", attention._divided)
        less = sum(work)
        work.clear()
        together, _ = FUNCTIONS[True](Layer(), query, key, value, mask)
    assert less < sum(work) / (lanes - 2)
    assert torch.equal(apart, together)


def test_order_and_company_leave_no_trace() -> None:
    query, key, value = inputs(70, 300, torch.bfloat16)
    rng = np.random.default_rng(0)
    seen = rng.random((70, 300)) < 0.5
    seen[:, 0] = True
    shuffled = rng.permutation(300)
    function = FUNCTIONS[True]
    with torch.no_grad():
        together, _ = function(Layer(), query, key, value, additive(seen, query.dtype))
        for row in range(0, 70, 3):
            alone, _ = function(
                Layer(),
                query[:, :, row : row + 1],
                key[:, :, shuffled],
                value[:, :, shuffled],
                additive(seen[row : row + 1, shuffled], query.dtype),
            )
            assert torch.equal(alone[0, 0], together[0, row])


def test_a_position_that_sees_nothing_is_left_to_torch() -> None:
    query, key, value = inputs(3, 9, torch.float32)
    seen = np.ones((3, 9), dtype=np.bool_)
    seen[1] = False
    mask = additive(seen, torch.float32)
    plain, _ = sdpa_attention_forward(Layer(), query, key, value, mask)
    for function in FUNCTIONS.values():
        assert torch.equal(function(Layer(), query, key, value, mask)[0], plain)


@pytest.mark.parametrize("function", FUNCTIONS.values())
def test_a_mask_that_is_written_to_between_forwards(function: Any) -> None:
    query, key, value = inputs(3, 9, torch.float32)
    mask = additive(np.ones((3, 9), dtype=np.bool_), torch.float32)
    with torch.no_grad():
        for ends in (9, 4, 6):
            mask.fill_(torch.finfo(torch.float32).min)[..., :ends] = 0
            expected = definition(query, key, value, mask, 0.25)
            for index in range(2):  # the layers of one forward
                result, _ = function(Layer(index=index), query, key, value, mask)
                assert torch.allclose(result.double(), expected, atol=1e-5)


@pytest.mark.parametrize("reproducible", [False, True])
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_models_keep_their_logits_under_masks_of_cells(name: str, reproducible: bool) -> None:
    module = small(name)
    tokens = torch.arange(10, 22)[None]
    window = getattr(module.config, "sliding_window", None)
    masks: Any = {
        "full_attention": additive(causal(12), torch.float32),
        "sliding_attention": additive(causal(12, window), torch.float32),
    }
    if "gemma3" not in name:
        masks = masks["sliding_attention"]
    with torch.inference_mode():
        truth = module(tokens).logits
        assert use_cell_attention(module, reproducible=reproducible)
        assert module.config._attn_implementation == (REPRODUCIBLE_NAME if reproducible else NAME)
        cells = module(tokens, attention_mask=masks, position_ids=torch.arange(12)[None]).logits
    assert not torch.equal(cells, truth)  # it was indeed another function that computed it
    assert torch.allclose(cells, truth, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_ordinary_calls_are_answered_by_torch_itself(name: str) -> None:
    module, switched = small(name), small(name)
    assert use_cell_attention(switched, reproducible=True)
    tokens = torch.tensor([[0, 0, 5, 6, 7], [3, 4, 5, 6, 7]])
    padding = (tokens != 0).long()
    with torch.no_grad():
        for given in (
            {"input_ids": tokens},
            {"input_ids": tokens, "attention_mask": padding},
            {"input_ids": tokens[1:], "attention_mask": torch.ones(1, 5)},
        ):
            assert torch.equal(module(**given).logits, switched(**given).logits)
        first = module.generate(tokens, attention_mask=padding, max_new_tokens=8, do_sample=False)
        second = switched.generate(
            tokens, attention_mask=padding, max_new_tokens=8, do_sample=False
        )
    assert torch.equal(first, second)


@pytest.mark.parametrize("mask_given", [False, True])
def test_training_is_left_to_torch(mask_given: bool) -> None:
    torch.manual_seed(0)
    config = hf.LlamaConfig(**SMALL, attention_dropout=0.3)
    module = hf.AutoModelForCausalLM.from_config(config).float().train()
    switched = copy.deepcopy(module)
    assert use_cell_attention(switched)
    tokens = torch.tensor([[3, 4, 5, 6]])
    mask = additive(causal(4), torch.float32) if mask_given else None
    found = []
    for trained in (module, switched):
        torch.manual_seed(1)
        loss = trained(tokens, attention_mask=mask, labels=tokens).loss
        loss.backward()
        found.append([loss.detach(), *(parameter.grad for parameter in trained.parameters())])
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def test_models_that_do_something_else_stay_as_they_are() -> None:
    gemma2 = hf.AutoModelForCausalLM.from_config(
        hf.Gemma2Config(**SMALL, sliding_window=4, layer_types=BOTH, attn_implementation="eager")
    )
    falcon = hf.AutoModelForCausalLM.from_config(
        hf.FalconConfig(vocab_size=64, hidden_size=32, num_hidden_layers=1, num_attention_heads=4)
    )
    elsewhere = hf.AutoModelForCausalLM.from_config(CONFIGURATIONS["llama"]).to("meta")
    for module in (gemma2, falcon, elsewhere, torch.nn.Linear(2, 2)):
        before = module.config._attn_implementation if hasattr(module, "config") else None
        assert not use_cell_attention(module)
        if before is not None:
            assert module.config._attn_implementation == before


def test_the_choice_can_be_changed_and_is_not_saved(tmp_path: Path) -> None:
    module = small("llama")
    assert use_cell_attention(module)
    assert use_cell_attention(module, reproducible=True)
    assert module.config._attn_implementation == REPRODUCIBLE_NAME
    module.save_pretrained(tmp_path)
    assert "condit" not in (tmp_path / "config.json").read_text()
    again = hf.AutoModelForCausalLM.from_pretrained(tmp_path)
    assert again.config._attn_implementation == "sdpa"
    module.set_attn_implementation("sdpa")
    assert module.config._attn_implementation == "sdpa"


class Cells:
    """A prefix in a cache, maybe with dead cells between its own, and a token after it."""

    def __init__(self, module: Any, prefix: list[int], dead: int, rng: np.random.Generator) -> None:
        self.module = module
        total = len(prefix) + dead
        self.own = np.sort(rng.choice(total, len(prefix), replace=False))
        tokens, places = np.full(total, 7), np.zeros(total, dtype=np.int64)
        tokens[self.own], places[self.own] = prefix, np.arange(len(prefix))
        seen = np.eye(total, dtype=np.bool_)
        seen[np.ix_(self.own, self.own)] = causal(len(prefix))
        self.cache, self.length = DynamicCache(), total
        self._forward(tokens, places, seen)

    def after(self, tokens: list[int]) -> torch.Tensor:
        """Logits after the prefix and each of these tokens, as lanes of one forward."""
        if extra := self.cache.get_seq_length() - self.length:
            self.cache.crop(-extra)
        seen = np.zeros((len(tokens), self.length + len(tokens)), dtype=np.bool_)
        seen[:, self.own] = True
        seen[:, self.length :] = np.eye(len(tokens), dtype=np.bool_)
        return self._forward(np.array(tokens), np.full(len(tokens), len(self.own)), seen)

    @torch.inference_mode()
    def _forward(self, tokens: np.ndarray, places: np.ndarray, seen: np.ndarray) -> torch.Tensor:
        logits: torch.Tensor = self.module(
            input_ids=torch.from_numpy(tokens)[None],
            position_ids=torch.from_numpy(places)[None],
            attention_mask=additive(seen, self.module.dtype),
            use_cache=True,
            **{cache_argument(self.module.forward): self.cache},
        ).logits[0]
        return logits


@pytest.mark.model
def test_logits_depend_on_the_tokens_alone_to_the_last_bit(
    smollm2: TransformersModel, rng: np.random.Generator
) -> None:
    module = copy.deepcopy(smollm2.module)
    module.set_attn_implementation("sdpa")
    assert pack(module) > 0
    assert use_cell_attention(module, reproducible=True)
    for length in (20, 150):
        prefix = rng.integers(5, 40_000, length).tolist()
        tokens = rng.integers(5, 40_000, 16).tolist()
        dense = Cells(module, prefix, 0, rng)
        alone = dense.after(tokens[:1])[0]
        assert torch.equal(dense.after(tokens)[0], alone)
        assert torch.equal(dense.after(tokens[::-1])[15], alone)
        assert torch.equal(Cells(module, prefix, 23, rng).after(tokens[:3])[0], alone)
        # The token at the end of the prompt, instead of in a forward of its own.
        whole = Cells(module, [*prefix, tokens[0]], 0, rng)
        assert torch.equal(whole.after(tokens[1:2]), _one_by_one(dense, tokens[:2]))


def _one_by_one(cells: Cells, tokens: list[int]) -> torch.Tensor:
    """Logits after all of these tokens, each in a forward of its own."""
    for token in tokens:
        logits = cells.after([token])
        cells.own = np.append(cells.own, cells.length)
        cells.length += 1
    return logits
