"""Logits after any prefix, without computing a position twice."""

from __future__ import annotations

import numpy as np
import pytest

from condit.model.base import Model, as_float32
from condit.model.ngram import NgramModel
from condit.model.reader import PrefixReader
from condit.model.transformers import TransformersModel
from condit.vocabulary import Vocabulary


@pytest.fixture
def model() -> NgramModel:
    vocabulary = Vocabulary.of(["a", "b", "c"])
    return NgramModel.train(["abcab", "bca", "aabbcc"], vocabulary=vocabulary, order=4)


def fresh(model: Model, tokens: list[int]) -> np.ndarray:
    return as_float32(model.start(tokens).logits[0])


@pytest.mark.parametrize("limits", [{}, {"cells": 20, "lanes": 5}], ids=["roomy", "tight"])
def test_any_questions_in_any_order(
    model: NgramModel, limits: dict[str, int], rng: np.random.Generator
) -> None:
    prompt = model.encode("ab")
    reader = PrefixReader(model, prompt, **limits)
    asked: list[tuple[int, ...]] = [()]
    for _ in range(150):
        question = []
        for _ in range(rng.integers(1, 6)):
            known = asked[rng.integers(len(asked))]
            cut = known[: rng.integers(len(known) + 1)]
            question.append(cut + tuple(int(token) for token in rng.choice(3, rng.integers(0, 4))))
        for prefix, row in zip(question, reader.read(question), strict=True):
            assert (as_float32(row) == fresh(model, [*prompt, *prefix])).all()
        asked += question


def test_nothing_is_computed_twice(model: NgramModel) -> None:
    reader = PrefixReader(model, model.encode("ab"))
    reader.read([(0,), (0, 1), (0, 1, 2), (0, 1, 2), ()])
    before = reader.positions_forwarded
    reader.read([(0, 1, 2, 0), (0, 1, 1)])
    assert reader.positions_forwarded == before + 2
    # The logits themselves are not kept: a prefix that is held costs its last token.
    reader.read([(0, 1)])
    assert reader.positions_forwarded == before + 3
    reader.read([()])
    assert reader.positions_forwarded == before + 3


def test_what_was_used_longest_ago_goes_first(model: NgramModel) -> None:
    reader = PrefixReader(model, model.encode("ab"), cells=6)
    reader.read([(0, 0, 0)])
    reader.read([(1, 1, 1)])
    reader.read([(2, 2, 2)])
    before = reader.positions_forwarded
    reader.read([(1, 1, 1, 1), (2, 2, 2, 2)])
    assert reader.positions_forwarded == before + 2
    reader.read([(0, 0, 0, 0)])
    assert reader.positions_forwarded == before + 6


@pytest.mark.model
def test_a_real_model(smollm2: TransformersModel) -> None:
    prompt = smollm2.encode_prompt("The capital of France is")
    reader = PrefixReader(smollm2, prompt, cells=8)
    for text in (" Paris, which", " Paris.", " a city", " Paris, where"):
        tokens = tuple(smollm2.encode(text))
        row = as_float32(reader.read([tokens])[0]).astype(float)
        expected = fresh(smollm2, [*prompt, *tokens]).astype(float)
        apart = abs(np.exp(row - row.max()) - np.exp(expected - expected.max())).max()
        assert apart < 0.1  # in bf16 a forward's rounding depends on how much goes through at once
        assert row.argmax() == expected.argmax()
