"""What several tests share: the embedded model, loaded once, and small tokenizers made here."""

from __future__ import annotations

import os

import numpy as np
import pytest

# Before torch is imported: two threads on a shared machine are slower than one.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import condit
from condit.model.transformers import TransformersModel


@pytest.fixture(scope="session")
def smollm2() -> TransformersModel:
    """SmolLM2 as users get it."""
    model = condit.load("smollm2")
    assert isinstance(model, TransformersModel)
    return model


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261121)


@pytest.fixture(scope="session")
def letters() -> condit.NgramModel:
    """A model over a, b and c in which texts have several spellings, and two tokens one."""
    vocabulary = condit.Vocabulary.of(["a", "b", "c", "ab", "bc", "a"])
    texts = ["abcab", "bca", "aabbcc", "cab", "abab", "ca"]
    return condit.NgramModel.train(texts, vocabulary=vocabulary, order=3, smoothing=1.5)
