"""Weights of runs: the probability of what was drawn, without the ends of single draws."""

from __future__ import annotations

import math

import numpy as np
import pytest

import condit
from condit.behave.agent import Agent
from condit.weights import log_sum_exp


def log_probability(model: condit.Model, prompt: list[int], text: list[int]) -> float:
    rows = model.reader(prompt).read([tuple(text[:size]) for size in range(len(text))])
    logs = [np.asarray(row, dtype=np.float64) for row in rows]
    return math.fsum(
        float(row[token] - log_sum_exp(row)) for row, token in zip(logs, text, strict=True)
    )


def test_evidence_is_the_mass_of_all_transcripts() -> None:
    model = condit.load("ngram")
    prompt = model.encode_prompt("go ")
    agent = Agent("one & X two & G(two -> last)", {"one": "a", "two": condit.choice("b", "c")})
    texts = [f"<one>a</one>\n<two>{each}</two>\n" for each in "bc"]
    exact = {text: log_probability(model, prompt, model.encode(text)) for text in texts}
    result = agent.run(model, prompt, n=12, seed=0)
    for run in result.runs:
        assert run.log_probability == pytest.approx(exact[run.text], abs=1e-4)
        assert run.reason == "complete"
    again = agent.run(model, prompt, n=12, seed=0)
    assert [run.text for run in again.runs] == [run.text for run in result.runs]
    # A weight is p(text) / q(text), and the q of all texts sum to 1.
    drawn = {run.text: run.log_probability - run.log_weight for run in result.runs}
    assert set(drawn) == set(texts)
    assert log_sum_exp(np.array(list(drawn.values()))) == pytest.approx(0, abs=1e-4)
    assert result.log_evidence == pytest.approx(
        log_sum_exp(np.array(list(exact.values()))), abs=0.5
    )


def test_a_preference_is_part_of_the_weight() -> None:
    model = condit.load("ngram")
    agent = Agent("two & G(two -> last)", {"two": condit.choice("b", "c")})
    likes = condit.prefer(lambda text: float("c" in text), 50.0)
    result = agent.run(model, "go ", n=12, seed=0, prefer=likes)
    assert {run.text for run in result.runs} >= {"<two>c</two>\n"}
    assert "c" in result.draw().text
    assert (
        sum(w for w, run in zip(result.weights, result.runs, strict=True) if "c" in run.text) > 0.99
    )
