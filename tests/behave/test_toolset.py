"""A few of many tools, by the odds of a model."""

from __future__ import annotations

import pytest

import condit
from condit.errors import ArgumentError


def weather(city: str) -> str:
    """The weather forecast of a city: rain, sun and wind."""
    return f"sun in {city}"


def multiply(a: int, b: int) -> int:
    """The product of two numbers."""
    return a * b


def send_mail(to: str, text: str) -> str:
    """Sends an e-mail to a person."""
    return "sent"


TOOLS = condit.Toolset([weather, multiply, send_mail])


def test_the_best_are_tools_of_an_agent_and_the_choice_is_one_of_their_names():
    model = condit.load("ngram")
    scores = TOOLS.scores("Will it rain?", model)
    best = TOOLS.retrieve("Will it rain?", 2, model)
    assert list(best) == list(scores)[:2]
    assert sorted(scores.values(), reverse=True) == list(scores.values())
    named = TOOLS.choice("Will it rain?", 2, model)
    assert [named.accepts(name) for name in scores] == [True, True, False]
    agent = condit.Agent("F answer & G(answer -> last)", {"answer": "done"}, best)
    assert list(agent.tools) == list(best)
    assert len(TOOLS.retrieve("x", 9, model)) == 3


@pytest.mark.parametrize("k", [0, True, 1.5])
def test_a_wrong_number_is_refused(k):
    with pytest.raises(ArgumentError, match="k="):
        TOOLS.retrieve("x", k, condit.load("ngram"))
    with pytest.raises(ArgumentError, match="at least one"):
        condit.Toolset([])


@pytest.mark.model
@pytest.mark.parametrize(
    ("request_", "name"),
    [
        ("Will it rain in Paris tomorrow?", "weather"),
    ],
)
def test_a_real_model_finds_the_tool_of_a_request(smollm2, request_, name):
    assert list(TOOLS.retrieve(request_, 1, smollm2)) == [name]
