"""Logits after any prefix, without computing a position twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import condit
from condit.errors import ModelError
from condit.model.base import Model, PrefixModel, as_float32
from condit.model.decoder import Logits
from condit.model.ngram import NgramModel
from condit.model.reader import AskedReader, Prefix, PrefixReader
from condit.model.transformers import TransformersModel
from condit.testing import BrokenLawError, check_reader
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
    reader = PrefixReader(model.start(prompt), **limits)
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
    reader = model.reader(model.encode("ab"))
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
    reader = PrefixReader(model.start(model.encode("ab")), cells=6)
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
    reader = PrefixReader(smollm2.start(prompt), cells=8)
    for text in (" Paris, which", " Paris.", " a city", " Paris, where"):
        tokens = tuple(smollm2.encode(text))
        row = as_float32(reader.read([tokens])[0]).astype(float)
        expected = fresh(smollm2, [*prompt, *tokens]).astype(float)
        apart = abs(np.exp(row - row.max()) - np.exp(expected - expected.max())).max()
        assert apart < 0.1  # in bf16 a forward's rounding depends on how much goes through at once
        assert row.argmax() == expected.argmax()


class Afar(PrefixModel):
    """The n-gram model behind a wire: it answers questions, and cannot fork or look ahead."""

    name = "afar"

    def __init__(self, model: NgramModel) -> None:
        self.model, self.vocabulary = model, model.vocabulary

    def encode(self, text: str) -> list[int]:
        return self.model.encode(text)

    def reader(self, prompt: Sequence[int]) -> AskedReader:
        return Asking(self.model, tuple(prompt))


class Asking(AskedReader):
    def __init__(self, model: NgramModel, prompt: Prefix, **options: Any) -> None:
        super().__init__(**options)
        self.model, self.prompt = model, prompt
        self.questions: list[Prefix] = []

    def ask(self, prefixes: Sequence[Prefix]) -> list[Logits]:
        self.questions += prefixes
        return [self.model.logits(self.prompt + prefix) for prefix in prefixes]


@pytest.mark.parametrize("afar", [False, True])
def test_readers_obey(model: NgramModel, afar: bool, rng: np.random.Generator) -> None:
    check_reader(Afar(model) if afar else model, rng, rounds=60)


def test_the_law_notices_a_reader_that_forgets_its_prompt(
    model: NgramModel, rng: np.random.Generator
) -> None:
    class Forgetful(Afar):
        def reader(self, prompt: Sequence[int]) -> AskedReader:
            return Asking(self.model, tuple(prompt[-1:]))

    with pytest.raises(BrokenLawError, match="are off by"):
        check_reader(Forgetful(model), rng, rounds=60)


def test_no_prefix_is_asked_for_twice(model: NgramModel) -> None:
    reader = Asking(model, (0, 1), keep=3)
    first = reader.read([(0,), (1,), (0,)])
    assert first[0] is first[2]
    assert reader.read([(1,), (0,)])[1] is first[0]
    assert (reader.questions, reader.forwards) == ([(0,), (1,)], 1)
    # What is asked at once need not fit into what is kept.
    rows = reader.read([(token, 2) for token in range(3)] + [(0,), (1,)])
    assert (rows[-1] == first[1]).all()
    assert reader.positions_forwarded == len(reader.questions) == 5


def test_a_model_afar_has_what_a_call_needs_before_it_draws(model: NgramModel) -> None:
    afar = Afar(model)
    assert afar.encode_prompt("ab") == model.encode_prompt("ab")
    assert afar.decode([0, 1]) == "ab"
    assert afar.version() is None
    assert repr(afar) == "<Afar afar>"
    assert not isinstance(afar, condit.Model)


@pytest.mark.parametrize(
    ("rows", "said"), [(None, "returned None"), ([], "returned 0 rows")], ids=["none", "few"]
)
def test_an_answer_with_too_few_rows_is_named(rows: Any, said: str) -> None:
    class Short(AskedReader):
        def ask(self, prefixes: Sequence[Prefix]) -> Sequence[Logits]:
            return rows  # type: ignore[no-any-return]

    with pytest.raises(ModelError, match=f"Short.ask must .* each of 1 prefixes, and {said}"):
        Short().read([(1,)])
