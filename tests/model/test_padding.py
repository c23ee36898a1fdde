"""Logits that are wider than the vocabulary, and those that are not wide enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
import whole_models

import condit
from condit import NgramModel
from condit.errors import ArgumentError, ModelError, VocabularyError
from condit.model.base import Decoder, Draft, Logits, Model
from condit.model.transformers import TransformersModel
from condit.plugins import registered
from condit.testing import BrokenLawError, check_decoder

SIZE = whole_models.tokens().get_vocab_size()
SAMPLERS = sorted(registered("samplers"))


class Padded(Model):
    """Another model whose rows of logits are longer by some, or shorter."""

    def __init__(self, inner: Model, by: int) -> None:
        self.inner, self.by = inner, by
        self.name, self.vocabulary = "padded", inner.vocabulary

    def encode(self, text: str) -> list[int]:
        return self.inner.encode(text)

    def start(self, prompt: Sequence[int], lanes: int = 1) -> Decoder:
        return PaddedDecoder(self.inner.start(prompt, lanes), self.by)


class PaddedDecoder(Decoder):
    """Pads with the highest logits there are: who takes them for tokens draws nothing else."""

    looks_ahead = True

    def __init__(self, inner: Decoder, by: int) -> None:
        self.inner, self.by = inner, by

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    @property
    def logits(self) -> list[Logits | None]:  # type: ignore[override]
        return [self.wide(row) for row in self.inner.logits]

    @property
    def lengths(self) -> tuple[int, ...]:
        return self.inner.lengths

    def wide(self, rows: Logits | None) -> Logits | None:
        if rows is None or self.by < 0:
            return None if rows is None else rows[..., : self.by]
        edges = [(0, 0)] * (rows.ndim - 1) + [(0, self.by)]
        return np.pad(rows, edges, constant_values=50.0)

    def admit(self, prompt: Sequence[int], lanes: int = 1) -> range:
        return self.inner.admit(prompt, lanes)

    def fork(self, ancestors: Sequence[int]) -> None:
        self.inner.fork(ancestors)

    def rewind(self, lengths: Sequence[int]) -> None:
        self.inner.rewind(lengths)

    def advance(
        self, tokens: Sequence[Sequence[int]], drafts: Sequence[Draft] | None = None
    ) -> list[Logits]:
        return [self.wide(rows) for rows in self.inner.advance(tokens, drafts)]

    def peek(self, lane: int, path: Sequence[int]) -> Logits | None:
        return self.wide(self.inner.peek(lane, path))

    def drop_logits(self, lanes: Sequence[int]) -> None:
        self.inner.drop_logits(lanes)


def draw(
    model: Model, sampler: str, constraint: condit.Constraint | None, **options: Any
) -> list[tuple[Any, ...]]:
    prefer = condit.prefer(len) if sampler == "best_of" else None
    result = condit.generate(
        model, "ab", constraint, n=4, max_tokens=6, sampler=sampler, prefer=prefer, **options
    )
    return [(each.tokens, each.finish_reason, each.log_weight) for each in result.samples]


@pytest.mark.parametrize("free", [True, False])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_any_model_may_pad_its_logits(sampler: str, free: bool, letters: NgramModel) -> None:
    """Whoever wrote the model: draws are those of the model without the padding."""
    constraint = None if free else condit.regex("(ab|ba|c){1,3}")
    plain = draw(letters, sampler, constraint, seed=1)
    assert draw(Padded(letters, 5), sampler, constraint, seed=1) == plain


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_model_that_scores_too_few_tokens_is_refused(sampler: str, letters: NgramModel) -> None:
    with pytest.raises(ModelError, match="scores 6 tokens, but its vocabulary has 7"):
        draw(Padded(letters, -1), sampler, condit.regex("(ab|ba|c){1,3}"), seed=1)


def test_a_judging_model_may_pad_its_logits(letters: NgramModel) -> None:
    texts = ["ab", "abc", "c"]
    expected = condit.likelihood(letters, "ab").scores(texts)
    assert condit.likelihood(Padded(letters, 3), "ab").scores(texts) == expected
    with pytest.raises(ModelError, match="scores 6 tokens"):
        condit.likelihood(Padded(letters, -1), "ab").scores(texts)


@pytest.mark.slow
# A text of random weights as a whole is never valid, so rejection has no place here.
@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name != "rejection"])
def test_a_torch_model_with_padded_embeddings(sampler: str) -> None:
    constraint = condit.regex("(ab|ba|c){1,3}")
    torch.manual_seed(0)
    plain = draw(whole_models.model(), sampler, constraint, seed=2)
    padded = draw(whole_models.model(SIZE + 40), sampler, constraint, seed=2)
    assert [each[:2] for each in padded] == [each[:2] for each in plain]


def test_the_laws_of_decoders_ask_for_a_logit_of_every_token(
    letters: NgramModel, rng: np.random.Generator
) -> None:
    check_decoder(Padded(letters, 3), rng, rounds=6)
    with pytest.raises(BrokenLawError, match="6 logits for 7 tokens"):
        check_decoder(Padded(letters, -1), rng, rounds=6)


def test_padding_has_no_place_in_the_vocabulary(rng: np.random.Generator) -> None:
    model = whole_models.model(SIZE + 40)
    assert len(model.vocabulary) == SIZE
    decoder = model.start([3, 4], lanes=2)
    assert decoder.logits[0].shape == (SIZE,)
    assert decoder.advance([[5, 6], [7]])[0].shape == (2, SIZE)
    check_decoder(model, rng, rounds=8)


def test_free_text_never_holds_what_pads_the_embeddings() -> None:
    model = whole_models.model(SIZE + 4000)
    result = condit.generate(model, "ab", n=16, max_tokens=16, sampler="masked", seed=0)
    assert all(token < SIZE for sample in result.samples for token in sample.tokens)


def test_text_tokens_without_a_row_are_refused() -> None:
    with pytest.raises(VocabularyError, match=r"up to 279, but the model scores only 200 tokens"):
        whole_models.model(200)


def test_tokens_added_without_resizing_are_refused_and_with_it_taken() -> None:
    tokenizer, module = whole_models.tokenizer(), whole_models.module()
    tokenizer.add_tokens(["abracadabra"])
    with pytest.raises(VocabularyError, match="resize_token_embeddings"):
        TransformersModel(module, tokenizer, "small")
    module.resize_token_embeddings(len(tokenizer))
    model = TransformersModel(module, tokenizer, "small")
    assert model.vocabulary.bytes[SIZE] == b"abracadabra"
    condit.generate(model, "ab", condit.choice("abracadabra"), max_tokens=12, seed=0)


def test_special_tokens_beyond_the_rows_are_left_out() -> None:
    # As of Gemma 3, whose tokenizer has a token for images that its text models do not score.
    tokenizer = whole_models.tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    model = TransformersModel(whole_models.module(), tokenizer, "small")
    assert len(model.vocabulary) == SIZE
    with pytest.raises(ArgumentError, match=f"prompt token {SIZE} is outside the vocabulary"):
        model.encode_prompt("<image>")


def test_an_end_token_beyond_the_rows_is_refused() -> None:
    tokenizer, module = whole_models.tokenizer(), whole_models.module()
    module.generation_config.eos_token_id = [0, SIZE + 1]
    with pytest.raises(VocabularyError, match=f"end token {SIZE + 1} of small is outside the"):
        TransformersModel(module, tokenizer, "small")


def test_an_end_token_that_only_the_model_knows_is_taken() -> None:
    tokenizer, module = whole_models.tokenizer(), whole_models.module(SIZE + 40)
    module.generation_config.eos_token_id = [0, SIZE + 3]
    model = TransformersModel(module, tokenizer, "small")
    assert len(model.vocabulary) == SIZE + 4
    assert model.vocabulary.ends == {0, SIZE + 3}
