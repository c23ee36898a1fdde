"""Lanes side by side, with pure tools and a preference: their law against all transcripts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest

import condit
from condit.behave.agent import Agent
from condit.behave.form import Form
from condit.behave.tools import tool
from condit.model.ngram import NgramModel
from condit.prefer.base import Preference
from condit.testing.laws import p_values_of_means
from condit.weights import log_sum_exp

RUNS, LANES, FALSE_ALARM = 70, 4, 1e-6
FORM = Form("{name}:", "\n")
ENDS = "d:0\n", "d:1\n"


def answers(text: str) -> str:
    if text == "b":
        raise ValueError
    return "1"


LOOK = tool(answers, name="l", content=condit.choice("a", "b"), pure=True)
SEEN = {"l:a\n": "observe:1\n", "l:b\n": "error:ValueError\n"}


def transcripts() -> Iterator[list[tuple[str, bool]]]:
    """All of them: pieces, and whether each was drawn. At most two calls, then ``d``."""
    for calls in range(3):
        for row in itertools.product(SEEN, repeat=calls):
            for end in ENDS:
                pieces = [each for call in row for each in ((call, True), (SEEN[call], False))]
                yield [*pieces, (end, True)]


class Likes(Preference):
    """One answer more than the other, and no errors; what is written only lowers the weight.

    So no weight of a run is above 1, however lanes are resampled.
    """

    partial = True

    def log_weights(self, texts: list[str]) -> list[float]:  # type: ignore[override]
        return [-3.0 * text.count("error:") - 1.0 * text.count("d:0") for text in texts]


def log_mass(
    model: NgramModel, prompt: str, pieces: list[tuple[str, bool]], goes_on: bool
) -> float:
    """Of the drawn tokens, each after all before it; and of the end, where more may come."""
    tokens, total = model.encode(prompt), 0.0
    ends = [] if goes_on else [(model.vocabulary.end, True)]
    drawn = [(token, mine) for text, mine in pieces for token in model.encode(text)]
    for token, mine in [*drawn, *ends]:
        (row,) = model.reader(tokens).read([()])
        logits = np.asarray(row, dtype=np.float64)
        total += float(logits[token] - log_sum_exp(logits)) if mine else 0.0
        tokens = [*tokens, token]
    return total


@pytest.mark.slow
def test_lanes_have_the_law_of_all_transcripts() -> None:
    """Unbiased for the evidence and for the mass of each transcript; false alarm 1e-6 in all."""
    texts = {"".join(piece for piece, _ in row): row for row in transcripts()}
    model = NgramModel.train([*texts, "l:c\n", "d:2\n"], order=4, smoothing=0.05)
    agent = Agent("F d & G(d -> last)", {"d": condit.choice("0", "1")}, [LOOK], form=FORM)
    likes = Likes()
    masses = {
        text: math.exp(log_mass(model, "\n", row, True) + likes.log_weights([text])[0])
        for text, row in texts.items()
    }
    truth = np.array([sum(masses.values()), *masses.values()])
    columns = {text: column for column, text in enumerate(masses, start=1)}
    estimates, resampled = np.zeros((RUNS, len(truth))), 0
    for seed in range(RUNS):
        result = agent.run(
            model, "\n", n=LANES, seed=seed, max_events=5, prefer=likes, max_event_tokens=4
        )
        resampled += result.resamplings
        estimates[seed, 0] = math.exp(result.log_evidence)
        for run in result.runs:
            estimates[seed, columns[run.text]] += math.exp(run.log_weight) / LANES
    assert resampled > 10
    p_values = p_values_of_means(estimates, truth)
    assert p_values.min() >= FALSE_ALARM / len(truth), (estimates.mean(axis=0), truth, p_values)
    # It has power: a mass that is half is refused.
    assert p_values_of_means(estimates, 0.5 * truth).min() < FALSE_ALARM / len(truth)
