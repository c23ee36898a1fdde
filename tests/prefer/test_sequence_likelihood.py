"""Log-probabilities of sequences, against a computation that shares nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf

import condit
from condit import Vocabulary
from condit.model.base import Model
from condit.model.cells import CellDecoder
from condit.prefer import sequence_likelihood
from condit.prefer.sequence_likelihood import SequenceLikelihood, Tokens

SIZE = 24


class Small(Model):
    """A llama with random weights and two end tokens, made here."""

    name = "small"

    def __init__(self) -> None:
        torch.manual_seed(0)
        config = hf.LlamaConfig(
            vocab_size=SIZE,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            bos_token_id=1,
            eos_token_id=2,
        )
        self.module = hf.AutoModelForCausalLM.from_config(config).float().eval()
        for parameter in self.module.parameters():
            parameter.data.mul_(3)  # so that attention is far from uniform
        spelled = [bytes([97 + token]) for token in range(SIZE - 2)]
        self.vocabulary = Vocabulary([*spelled, b"", b""], end=22, ends=frozenset({22, 23}))

    def encode(self, text: str) -> list[int]:
        return self.vocabulary.tokenize(text.encode())

    def start(self, prompt: Any, lanes: int = 1) -> CellDecoder:
        decoder = CellDecoder(self.module, {"full_attention": None})
        decoder.admit(prompt, lanes)
        return decoder


def fresh(model: Model, tokens: Tokens, given: int) -> list[float]:
    """The same by one forward of the whole sequence, or by the n-gram model's own rows."""
    if isinstance(model, condit.NgramModel):
        rows = np.array([model.logits(tokens[:place]) for place in range(1, len(tokens))])
    else:
        with torch.inference_mode():
            rows = model.module(input_ids=torch.tensor([tokens[:-1]])).logits[0].numpy()
    rows = rows.astype(np.float64)
    rows -= np.log(np.exp(rows).sum(-1, keepdims=True))
    found = [0.0] * given
    for place in range(given, len(tokens)):
        ends = sorted(model.vocabulary.ends)
        asked = ends if tokens[place] == model.vocabulary.end else [tokens[place]]
        found.append(math.log(np.exp(rows[place - 1, asked]).sum()))
    return found


@pytest.fixture(params=["ngram", "llama"])
def model(request: pytest.FixtureRequest, letters: condit.NgramModel) -> Model:
    return letters if request.param == "ngram" else Small()


@pytest.mark.slow
@pytest.mark.parametrize("root", [(), (0,), (0, 1, 2)])
@pytest.mark.parametrize("most", [3, 512])
def test_sequences_that_grow_shrink_and_part(
    model: Model,
    root: Tokens,
    most: int,
    rng: np.random.Generator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sequence_likelihood, "_MOST_POSITIONS", most)
    likelihood = SequenceLikelihood(model, root)
    given = max(1, len(root))
    pool: list[Tokens] = [(0, 1)]
    for _ in range(25):
        wanted = []
        for _ in range(int(rng.integers(1, 6))):
            # Many are what was asked before, cut somewhere and grown from there.
            old = pool[rng.integers(len(pool))]
            kept = old[: rng.integers(len(old) + 1)]
            new = rng.integers(0, 3, size=rng.integers(1, 8))
            tokens = (*root, *kept, *map(int, new))
            wanted.append((*tokens, model.vocabulary.end) if rng.random() < 0.3 else tokens)
            if not root:
                wanted[-1] = (int(rng.integers(2)), *wanted[-1])
            pool.append(tokens[len(root) :])
        for tokens, found in zip(wanted, likelihood.log_probabilities(wanted), strict=True):
            assert found.shape == (len(tokens),)
            assert np.allclose(found, fresh(model, tokens, given), atol=1e-4), tokens


def test_what_is_shared_is_forwarded_once() -> None:
    likelihood = SequenceLikelihood(Small(), (0, 1, 2))
    likelihood.log_probabilities([(0, 1, 2, 5, 6, 7)])
    assert likelihood.positions_forwarded == 3 + 2  # the last token need not be read
    likelihood.log_probabilities([(0, 1, 2, 5, 6, 7, 8), (0, 1, 2, 5, 6, 7, 9)])
    assert likelihood.positions_forwarded == 5 + 1
    likelihood.log_probabilities([(0, 1, 2, 5, 6, 7, 8)])
    assert likelihood.positions_forwarded == 6
    # Where a text parts from a longer one, the last token that they share is read again.
    likelihood.log_probabilities([(0, 1, 2, 5, 9, 9)])
    assert likelihood.positions_forwarded == 6 + 2
    likelihood.log_probabilities([(0, 1, 2, 4)])
    assert likelihood.positions_forwarded == 8


def test_the_logits_of_a_long_text_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    likelihood = SequenceLikelihood(Small(), (0,))
    likelihood.log_probabilities([(0, *[3] * 50), (0, *[4] * 50)])
    assert likelihood._decoder is not None
    for row in likelihood._decoder.logits:
        assert row is not None
        assert row.untyped_storage().nbytes() == SIZE * 4


def test_no_sequences(letters: condit.NgramModel) -> None:
    likelihood = SequenceLikelihood(letters)
    assert likelihood.log_probabilities([]) == []
    assert likelihood.positions_forwarded == 0


def test_it_recovers_from_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Small()
    likelihood = SequenceLikelihood(model, (0,))
    likelihood.log_probabilities([(0, 3, 4)])
    forward = CellDecoder.forward

    def interrupted(self: CellDecoder, *args: Any, **kwargs: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(CellDecoder, "forward", interrupted)
    with pytest.raises(KeyboardInterrupt):
        likelihood.log_probabilities([(0, 3, 5, 6, 7)])
    monkeypatch.setattr(CellDecoder, "forward", forward)
    (found,) = likelihood.log_probabilities([(0, 3, 5, 6)])
    assert np.allclose(found, fresh(model, (0, 3, 5, 6), 1), atol=1e-4)
