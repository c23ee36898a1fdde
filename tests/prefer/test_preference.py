"""The protocol of a preference, and sums of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from condit.errors import ArgumentError
from condit.prefer.base import Combined, Preference, checked_log_weights
from condit.prefer.score import prefer


class Given(Preference):
    """The same values for any texts."""

    def __init__(self, *values: Any, partial: bool = False) -> None:
        self.values = list(values)
        self.partial = partial

    def log_weights(self, texts: Sequence[str]) -> list[float]:
        return self.values


def test_a_sum_adds_log_weights() -> None:
    both = prefer(len, 0.5) + prefer(lambda text: -text.count("a"), 2.0)
    assert both.log_weights(["aab", "", "b"]) == [1.5 - 4.0, 0.0, 0.5]
    assert both.log_weights([]) == []


def test_never_wins() -> None:
    both = prefer(len) + prefer(lambda text: -math.inf if "x" in text else 0.0)
    assert both.log_weights(["ab", "xy"]) == [2.0, -math.inf]


@pytest.mark.parametrize(("one", "other"), [(True, True), (True, False), (False, False)])
def test_a_sum_is_partial_if_all_are(one: bool, other: bool) -> None:
    assert (Given(partial=one) + Given(partial=other)).partial is (one and other)


def test_sums_of_sums_are_flat() -> None:
    a, b, c = prefer(len), prefer(len, 2), prefer(len, 3)
    assert (a + b + c).parts == (a + (b + c)).parts == Combined([a, b, c]).parts == (a, b, c)
    assert repr(a + b) == "prefer(len, strength=1) + prefer(len, strength=2)"


def test_only_preferences_can_be_added() -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        prefer(len) + len  # type: ignore[operator]
    with pytest.raises(ArgumentError, match="is a builtin_function_or_method, not a preference"):
        Combined([prefer(len), len])  # type: ignore[list-item]
    with pytest.raises(ArgumentError, match="no preference to combine"):
        Combined([])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([0.0], "Given: log_weights gave 1 values for 2 texts"),
        ([0.0, math.nan], "Given: the log weight of 'two' is nan"),
        ([math.inf, 0.0], "Given: the log weight of 'one' is inf"),
        ([0.0, "1"], "Given: the log weight of 'two' is '1'"),
    ],
)
def test_wrong_weights_of_ones_own_class_are_found(values: list[Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        checked_log_weights(Given(*values), ["one", "two"])
    with pytest.raises(ArgumentError, match=said):
        (prefer(len) + Given(*values)).log_weights(["one", "two"])


def test_right_weights_pass() -> None:
    assert checked_log_weights(Given(-math.inf, 2), ["one", "two"]) == [-math.inf, 2.0]


@pytest.mark.parametrize("returned", [None, 1.0])
def test_log_weights_that_are_no_list_are_named(returned: Any) -> None:
    class Single(Given):
        def log_weights(self, texts: Sequence[str]) -> list[float]:
            return returned  # type: ignore[no-any-return]

    said = f"Single: log_weights gave {returned}, not a number for each text"
    with pytest.raises(ArgumentError, match=said):
        checked_log_weights(Single(), ["a"])
