"""What counts as a score."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

from condit.errors import ArgumentError
from condit.prefer.number import number


@pytest.mark.parametrize(
    "value",
    [2, 2.0, Fraction(2), Decimal(2), np.float32(2), np.int64(2), np.array(2), torch.tensor(2)],
)
def test_numbers_of_all_kinds(value: object) -> None:
    assert number(value, "it") == 2.0
    assert type(number(value, "it")) is float


def test_truth_is_a_number_and_never_is_one() -> None:
    assert number(True, "it") == 1.0
    assert number(-math.inf, "it") == -math.inf


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("3", r"the score is '3' \(str\), not a number"),
        (b"3", "not a number"),
        (None, r"is None \(is a return missing\?\), not a number"),
        (1j, "not a number"),
        (np.complex64(1), "not a number"),
        ([1.0], r"is \[1.0\] \(list\), not a number"),
        (np.array([1.0]), "not a number"),
        (torch.tensor([1.0]), "not a number"),
        (10**400, "not a number"),
        ("x" * 100, r"xxx\.\.\. \(str\), not a number"),
        (math.nan, "is nan: give a finite number, or -inf"),
        (np.float32("nan"), "is nan"),
        (math.inf, "is inf: give a finite number, or -inf"),
    ],
)
def test_what_is_none(value: object, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        number(value, "the score")
