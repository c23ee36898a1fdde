"""Lanes of agents with pure tools: weighted transcripts have the law that enumeration gives."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

import condit
from condit.behave.agent import Agent
from condit.behave.form import Form
from condit.weights import log_sum_exp

_FARTHEST = 7.0
"""In standard errors: Student's t of 39 degrees, of 5 means, is off by so much once in 10^7."""
_RUNS = 40


def _model() -> condit.NgramModel:
    tokens = ["q:", "s:", ".", "a", "b", "x", "y", "observe:", "A", "B", " [...]"]
    texts = [
        f"s:x.q:{each}" for each in ("a.observe:A.s:x.", "b.observe:B.s:y.", "a.observe:A.s:y.")
    ] * 9
    return condit.NgramModel.train(
        texts, vocabulary=condit.Vocabulary.of(tokens), order=3, smoothing=0.02
    )


def _preference(text: str) -> float:
    """About the outcome of the tool and the answer together; never above 0."""
    return -3.0 * ("A" in text) - 0.5 * ("x" in text)


_TRANSCRIPTS = [[f"q:{a}.", f"observe:{a.upper()}.", f"s:{b}."] for a, b in product("ab", "xy")]


def _log_mass(model: condit.Model, prompt: list[int], events: list[str]) -> float:
    """Of what is drawn by the model, times the preference."""
    before, total = list(prompt), _preference("".join(events))
    for event in events:
        tokens = model.encode(event)
        if not event.startswith("observe"):
            rows = model.reader(before).read([tuple(tokens[:size]) for size in range(len(tokens))])
            for row, token in zip(rows, tokens, strict=True):
                logits = np.asarray(row, dtype=np.float64)
                total += float(logits[token] - log_sum_exp(logits))
        before += tokens
    return total


@pytest.mark.slow
def test_lanes_have_the_law_of_all_transcripts() -> None:
    model = _model()
    prompt = model.encode("s:x.")
    ask = condit.tool(
        str.upper, name="q", content=condit.choice("a", "b"), outcomes=["observe"], pure=True
    )
    agent = Agent(
        "q & G(result -> X s) & G(s -> last)",
        {"s": condit.choice("x", "y")},
        [ask],
        form=Form("{name}:", "."),
    )
    exact = {"".join(each): math.exp(_log_mass(model, prompt, each)) for each in _TRANSCRIPTS}
    values, resampled = [], 0
    for seed in range(_RUNS):
        result = agent.run(
            model,
            prompt,
            n=8,
            seed=seed,
            prefer=condit.prefer(_preference, partial=True),
        )
        masses = [math.exp(run.log_weight) / len(result.runs) for run in result.runs]
        assert sum(masses) == pytest.approx(math.exp(result.log_evidence))
        found = dict.fromkeys(exact, 0.0)
        for run, mass in zip(result.runs, masses, strict=True):
            found[run.text] += mass  # no other transcript comes
        values.append([*found.values(), sum(masses)])
        resampled += result.resamplings
    assert resampled > _RUNS / 4
    means = np.array([*exact.values(), sum(exact.values())])
    off = (np.mean(values, axis=0) - means) / (np.std(values, axis=0, ddof=1) / math.sqrt(_RUNS))
    assert np.abs(off).max() < _FARTHEST
