"""A finished text is judged once and parsed once, whoever asks."""

from __future__ import annotations

import threading
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel

import condit

asked: list[int] = []


def noted(value: int) -> int:
    asked.append(value)
    return value


class Count(BaseModel):
    count: Annotated[int, AfterValidator(noted)]


@pytest.fixture
def model() -> condit.NgramModel:
    return condit.NgramModel.train(['{"count":7}'] * 3, order=5, smoothing=1e-3)


def test_a_drawn_text_is_validated_once(model: condit.NgramModel) -> None:
    asked.clear()
    result = condit.generate(
        model, "", condit.json_schema(Count), max_tokens=16, sampler="masked", seed=0
    )
    assert result.best.value == Count(count=7)
    # Besides what was tried for endings and as the value closed, the whole text is validated once.
    whole = [value for value in asked if value == 7]
    constraint = condit.json_schema(Count)
    asked.clear()
    constraint.violation(result.best.text)
    constraint.accepts(result.best.text)
    first = constraint.value(result.best.text)
    assert asked == [7]
    assert first == Count(count=7)
    assert len(whole) <= 3


def test_nobody_else_is_given_the_same_value() -> None:
    constraint = condit.json_schema({"type": "array"})
    one: Any = constraint.value("[1]")
    other: Any = constraint.value("[1]")
    one.append(2)
    assert other == constraint.value("[1]") == [1]


def test_what_is_not_accepted_has_no_value() -> None:
    with pytest.raises(ValueError, match="x"):
        condit.json_schema({"type": "object", "required": ["x"]}).value("{}")


def test_threads_may_ask_at_once() -> None:
    constraint = condit.json_schema({"type": "array"})
    values: list[Any] = []
    threads = [
        threading.Thread(target=lambda: values.append(constraint.value("[]"))) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(value) for value in values}) == 16
