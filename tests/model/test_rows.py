"""Models whose layers cannot share cells, on small ones of several architectures made here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf
import whole_models

import condit
from condit.errors import ModelError
from condit.model.base import as_float32
from condit.model.rows import RowDecoder
from condit.model.transformers import TransformersModel
from condit.testing import check_decoder, check_reader

SIZES = {"vocab_size": whole_models.tokens().get_vocab_size(), "bos_token_id": 0, "eos_token_id": 0}
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2}
LAYERS = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}

CONFIGURATIONS: dict[str, Any] = {
    "mamba": hf.MambaConfig(**SIZES, hidden_size=32, num_hidden_layers=2, state_size=8),
    "lfm2": hf.Lfm2Config(**SIZES, **LAYERS, **HEADS, layer_types=["conv", "full_attention"]),
    "bloom": hf.BloomConfig(**SIZES, hidden_size=32, n_layer=2, n_head=4),
    "rwkv": hf.RwkvConfig(**SIZES, hidden_size=32, num_hidden_layers=2, attention_hidden_size=32),
    "qwen3_next": hf.Qwen3NextConfig(
        **SIZES,
        **LAYERS,
        **HEADS,
        head_dim=8,
        linear_key_head_dim=8,
        linear_value_head_dim=8,
        linear_num_key_heads=2,
        linear_num_value_heads=4,
        num_experts=2,
        num_experts_per_tok=1,
        moe_intermediate_size=16,
        shared_expert_intermediate_size=16,
        layer_types=["linear_attention", "full_attention"],
    ),
}


def module(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    made = hf.AutoModelForCausalLM.from_config(CONFIGURATIONS[name]).float().eval()
    for parameter in made.parameters():
        parameter.data.mul_(2)  # so that what came before matters
    return made


def model(name: str) -> TransformersModel:
    return TransformersModel(module(name), whole_models.tokenizer(), name)


@pytest.fixture(scope="module")
def mamba() -> TransformersModel:
    return model("mamba")


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_lanes_agree_with_fresh_forwards(name: str, rng: np.random.Generator) -> None:
    made = model(name)
    assert not made.shares_cells
    check_decoder(made, rng, rounds=15)
    # The check compares the decoder with itself: what transformers says counts.
    tokens = [5, 6, 7, 8]
    decoder = made.start(tokens[:1], lanes=2)
    for token in tokens[1:]:
        decoder.advance([[token], [9]])
    with torch.inference_mode():
        truth = made.module(input_ids=torch.tensor([tokens])).logits[0, -1]
    assert torch.allclose(truth, decoder.logits[0], atol=1e-4)


def test_readers_obey(mamba: TransformersModel, rng: np.random.Generator) -> None:
    check_reader(mamba, rng, rounds=5)


def test_what_a_step_costs(mamba: TransformersModel) -> None:
    calls: list[tuple[int, ...]] = []
    handle = mamba.module.register_forward_pre_hook(
        lambda _, __, given: calls.append(tuple(given["input_ids"].shape)), with_kwargs=True
    )
    decoder = mamba.start([3, 4, 5], lanes=4)
    decoder.advance([[6], [7], [7], [8]])
    assert calls == [(1, 3), (3, 1)]  # one step for all, and one row for the lanes that agree
    assert decoder.positions_forwarded == 6
    decoder.fork([3, 3, 0])
    decoder.advance([[6], [7], [6, 9]])
    assert calls[2:] == [(3, 1), (1, 1)]
    assert (decoder.positions_forwarded, decoder.forwards) == (10, 3)
    decoder.rewind([0, 1, 1])
    decoder.advance([[9], [9], []])
    assert calls[4:] == [(1, 1), (1, 1)]  # lanes were there a step ago, and the prompt is held
    decoder.advance([[1], [1], [1]])
    decoder.rewind([2, 1, 1])
    before = decoder.positions_forwarded
    del calls[:]
    decoder.advance([[], [2], [2]])
    assert calls == [(1, 4), (2, 1)]  # one lane was a step ago where it is now, the other was not
    assert decoder.positions_forwarded == before + 4 + 2
    handle.remove()


def test_snapshots_are_let_go(mamba: TransformersModel) -> None:
    decoder = mamba.start([3], lanes=2)
    for step in range(20):
        decoder.advance([[step + 1, step + 2], [step + 2]])
    assert isinstance(decoder, RowDecoder)
    assert len(decoder._snapshots) <= 2 + 2 + 1  # tips before and after, and the prompt


@pytest.mark.parametrize("sampler", ["smc", "awrs", "mcmc", "exact"])
def test_draws_under_a_regular_expression(mamba: TransformersModel, sampler: str) -> None:
    constraint = condit.regex("(yes|no)[0-9]{1,2}")
    asked: dict[str, Any] = {"n": 3, "max_tokens": 8, "seed": 1, "sampler": sampler}
    result = condit.generate(mamba, "the cat", constraint, **asked)
    assert all(constraint.accepts(sample.text) for sample in result.samples if sample.valid)
    assert any(sample.valid for sample in result.samples)
    again = condit.generate(mamba, "the cat", constraint, **asked)
    assert [sample.tokens for sample in again.samples] == [s.tokens for s in result.samples]


def test_its_evidence_is_that_of_the_module(mamba: TransformersModel) -> None:
    # Two texts: what the exact sampler says of their mass is what the module alone says.
    constraint = condit.choice(["a", "b"])
    result = condit.generate(mamba, "the", constraint, n=1, max_tokens=2, sampler="exact", seed=0)
    prompt = mamba.encode_prompt("the")
    total = 0.0
    for text in ("a", "b"):
        tokens = [*prompt, *mamba.encode(text)]
        with torch.inference_mode():
            laws = mamba.module(input_ids=torch.tensor([tokens])).logits[0].softmax(-1)
        total += float(laws[len(prompt) - 1, tokens[-1]] * laws[-1, mamba.vocabulary.end])
    assert np.exp(result.log_evidence) == pytest.approx(total, rel=1e-3)


def test_a_directory_is_loaded(tmp_path: Path) -> None:
    module("bloom").save_pretrained(tmp_path)
    whole_models.tokenizer().save_pretrained(tmp_path)
    loaded = condit.load(tmp_path, dtype="float32")
    row = as_float32(loaded.start([3, 4, 5]).logits[0])
    assert row == pytest.approx(as_float32(model("bloom").start([3, 4, 5]).logits[0]), abs=1e-4)


def test_what_keeps_its_state_in_the_module_is_refused_by_name() -> None:
    config = hf.RecurrentGemmaConfig(
        **SIZES, **LAYERS | {"num_hidden_layers": 3}, num_attention_heads=4, lru_width=32
    )
    made = hf.AutoModelForCausalLM.from_config(config).eval()
    with pytest.raises(ModelError, match=r"griffin \(recurrent_gemma\) cannot be run.*no cache"):
        TransformersModel(made, whole_models.tokenizer(), "griffin")


def test_a_cache_that_forgets_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    made = module("bloom")
    forward = type(made).forward

    def forgetful(self: Any, cache: Any = None, past_key_values: Any = None, **given: Any) -> Any:
        return forward(self, **given)

    monkeypatch.setattr(type(made), "forward", forgetful)
    with pytest.raises(ModelError, match="logits are off by"):
        TransformersModel(made, whole_models.tokenizer(), "forgetful")
