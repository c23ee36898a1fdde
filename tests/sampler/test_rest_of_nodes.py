"""What a node does not keep one by one is never lost, however little of it is left."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
import pytest
from pydantic import AfterValidator, Field

import condit
from condit.sampler.law import BaseLaw
from condit.sampler.node import Node


def seven_or_nine(value: int) -> int:
    if value not in (7, 9):
        raise ValueError("only seven and nine")
    return value


@pytest.mark.parametrize(
    "sampler", ["learned", "asap", condit.Exact(beginnings=0), "auto"], ids=str
)
def test_the_least_probable_tokens_are_found(sampler: str | condit.Sampler) -> None:
    """Without a mask, tokens come out of the rest one by one until only these are left."""
    model = condit.load("ngram")
    constraint = condit.json_schema(
        Annotated[int, Field(ge=0, le=9), AfterValidator(seven_or_nine)]
    )
    result = condit.generate(
        model, '{"a": 8, "b": ', constraint, n=4, seed=0, max_tokens=6, sampler=sampler
    )
    assert {sample.text for sample in result.samples} <= {"7", "9"}
    # The mass of both, by the model itself.
    masses = []
    for text in "79":
        end = condit.likelihood(model, '{"a": 8, "b": ', end=True)
        masses += end.scores([text])
    bound = result.report.log_upper_bound
    assert bound is not None
    assert bound >= np.logaddexp.reduce(masses) - 1e-6


def test_the_rest_is_what_the_law_has_left() -> None:
    logits = np.linspace(0, -60, 400).astype(np.float32)
    vocabulary = condit.Vocabulary.of([b"x"] * 399)
    law = BaseLaw().at(logits, vocabulary)
    node = Node(law, None, -1, 0, True, vocabulary.end, most_tokens=1)
    rest = BaseLaw().at(logits, vocabulary)
    for token in node.tokens.tolist():
        rest.take_out(token)
    exact = logits.astype(np.float64) - np.logaddexp.reduce(logits.astype(np.float64))
    for token in range(len(node.tokens), 399):
        log_mass = rest.log_probability(token)
        rest.take_out(token)
        node.adopt(token, log_mass, rest.log_left())
        # 32-bit weights, each with its own rounding.
        left = np.logaddexp.reduce(exact[token + 1 :])
        assert node.log_rest == pytest.approx(left, abs=400 * float(np.finfo(np.float32).eps))
    rest.take_out(399)
    assert rest.log_left() == -math.inf
