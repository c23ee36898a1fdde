"""The shared cache of cells, on small models of several architectures made here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf
from small_models import BOTH, SMALL

from condit import Vocabulary
from condit.errors import ArgumentError, ModelError
from condit.model.base import Model
from condit.model.cells import CellDecoder
from condit.model.transformers import attention_windows
from condit.testing import BrokenLawError, check_decoder

GPT2 = {"vocab_size": 64, "n_embd": 32, "n_layer": 2, "n_head": 4, "bos_token_id": 1}


class Bare(Model):
    """A torch module without a tokenizer."""

    name = "bare"

    def __init__(self, config: Any, windows: dict[str, int | None] | None = None) -> None:
        torch.manual_seed(0)
        self.module = hf.AutoModelForCausalLM.from_config(config).float().eval()
        for parameter in self.module.parameters():
            parameter.data.mul_(3)  # so that attention is far from uniform
        self.vocabulary = Vocabulary.of([bytes([value]) for value in range(63)])
        self._windows = windows or attention_windows(self.module) or {}

    def encode(self, text: str) -> list[int]:
        return list(text.encode())

    def start(self, prompt: Any, lanes: int = 1) -> CellDecoder:
        decoder = CellDecoder(self.module, self._windows)
        decoder.admit(prompt, lanes)
        return decoder


CONFIGURATIONS = {
    "llama": hf.LlamaConfig(**SMALL),
    "qwen3": hf.Qwen3Config(**SMALL),
    "gpt2": hf.GPT2Config(**GPT2, eos_token_id=2),
    "mistral, a window in every layer": hf.MistralConfig(**SMALL, sliding_window=4),
    "gemma3, a window in some layers": hf.Gemma3TextConfig(
        **SMALL, sliding_window=4, layer_types=BOTH
    ),
    "gemma2, eager attention": hf.Gemma2Config(**SMALL, sliding_window=4, layer_types=BOTH),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_lanes_agree_with_fresh_forwards(name: str, rng: np.random.Generator) -> None:
    check_decoder(Bare(CONFIGURATIONS[name]), rng, rounds=30)


def test_a_wrong_window_breaks_the_law(rng: np.random.Generator) -> None:
    # The check can fail: what a fresh forward of transformers itself sees is not what this sees.
    model = Bare(CONFIGURATIONS["gemma3, a window in some layers"])
    tokens = list(range(20, 32))
    with torch.inference_mode():
        truth = model.module(input_ids=torch.tensor([tokens])).logits[0, -1]
    right = model.start(tokens).logits[0]
    assert torch.allclose(truth, right, atol=1e-4)
    wrong = Bare(model.module.config, {"full_attention": None, "sliding_attention": 5})
    assert not torch.allclose(truth, wrong.start(tokens).logits[0], atol=1e-2)


def test_the_prompt_is_forwarded_once_and_agreeing_lanes_share_positions() -> None:
    model = Bare(CONFIGURATIONS["llama"])
    decoder = model.start([3, 4, 5], lanes=8)
    assert decoder.positions_forwarded == 3
    decoder.advance([[7]] * 8)
    assert decoder.positions_forwarded == 4
    decoder.advance([[8, 9], [8, 9], [8, 10], *[[]] * 5])
    assert decoder.positions_forwarded == 7  # 8, then 9 and 10


def test_dead_cells_are_dropped() -> None:
    model = Bare(CONFIGURATIONS["llama"])
    decoder = model.start([3, 4, 5], lanes=2)
    for step in range(400):
        decoder.advance([[step % 50], []])
        decoder.rewind([0, 0])
    assert decoder._used < 300
    fresh = model.start([3, 4, 5, 9]).logits[0]
    assert torch.allclose(decoder.advance([[9], []])[0][0], fresh, atol=1e-4)


def test_long_prompts_and_drafts_go_through_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Bare(CONFIGURATIONS["gemma3, a window in some layers"])
    prompt = [token % 60 for token in range(40)]
    whole = model.start(prompt, lanes=2)
    drafts = [[1, 2, 3, 4, 5], [1, 2, 9, 8]]
    expected = whole.advance(drafts)
    monkeypatch.setattr("condit.model.cells._LONGEST_FORWARD", 3)
    chunked = model.start(prompt, lanes=2)
    assert torch.allclose(chunked.logits[0], model.start(prompt).logits[0], atol=1e-4)
    for one, other in zip(expected, chunked.advance(drafts), strict=True):
        assert torch.allclose(one, other, atol=1e-4)


def test_every_lane_may_leave() -> None:
    decoder = Bare(CONFIGURATIONS["llama"]).start([3], lanes=2)
    decoder.release([0, 1])
    assert decoder.lengths == ()
    assert decoder.advance([]) == []
    assert decoder.admit([4, 5]) == range(1)


def test_wrong_calls_are_typed() -> None:
    decoder = Bare(CONFIGURATIONS["llama"]).start([3, 4], lanes=2)
    with pytest.raises(ArgumentError, match="1 token lists for 2 lanes"):
        decoder.advance([[1]])
    with pytest.raises(ArgumentError, match="0 tokens beyond its prompt: it cannot be"):
        decoder.rewind([0, 1])
    with pytest.raises(ArgumentError, match="at least one token"):
        decoder.admit([])


def test_damaged_weights_are_noticed() -> None:
    model = Bare(CONFIGURATIONS["llama"])
    model.module.model.norm.weight.data.fill_(float("nan"))
    with pytest.raises(ModelError, match="not numbers"):
        model.start([3, 4])


def test_the_law_notices_a_decoder_that_forgets(rng: np.random.Generator) -> None:
    class Forgetful(CellDecoder):
        def fork(self, ancestors: Any) -> None:
            super().fork(ancestors)
            self._lanes.reverse()

    class Model(Bare):
        def start(self, prompt: Any, lanes: int = 1) -> CellDecoder:
            decoder = Forgetful(self.module, self._windows)
            decoder.admit(prompt, lanes)
            return decoder

    with pytest.raises(BrokenLawError):
        check_decoder(Model(CONFIGURATIONS["llama"]), rng, rounds=60)
