"""The model's own probabilities of tokens that are there already.

These are of the model itself: at temperature 1, without top-k, top-p, bias or constraint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from condit.model.base import Logits, Model, as_float32, of_vocabulary


@dataclass(frozen=True)
class TokenScore:
    """One token where it stands.

    Attributes:
        token: its id.
        log_probability: natural logarithm of its probability after what comes before;
            ``None`` for the first token of a prompt, before which there is nothing.
        top: the most probable tokens there with their log probabilities, the best first.
    """

    token: int
    log_probability: float | None
    top: tuple[tuple[int, float], ...] = ()


Scored = tuple[TokenScore, ...]


def score(
    model: Model,
    prompt: Sequence[int],
    tokens: Sequence[int],
    top: int,
    ends: Sequence[int] = (),
) -> Scored:
    """The score of each of ``tokens`` after ``prompt`` and those before it, by one forward.

    Args:
        model: the model.
        prompt: at least one token.
        tokens: the tokens.
        top: how many of the most probable are told at each.
        ends: if given, the most probable of these tokens is scored after the others.
    """
    decoder = model.start(prompt)
    rows: list[Logits] = [decoder.logits[0]]
    before = tokens if ends else tokens[:-1]
    if before:
        rows += list(decoder.advance([before])[0])
    if ends:
        tokens = (*tokens, max(ends, key=lambda end: float(rows[-1][end])))
    return tuple(
        _scored(as_float32(of_vocabulary(row, model.vocabulary)), token, top)
        for row, token in zip(rows, tokens, strict=False)
    )


class Scorer:
    """Scores of the tokens of several texts as they come, by a forward each time.

    Args:
        model: the model.
        prompt: before each text; at least one token.
        lanes: how many texts there are.
        top: how many of the most probable are told at each.
    """

    def __init__(self, model: Model, prompt: Sequence[int], lanes: int, top: int) -> None:
        self._decoder = model.start(prompt, lanes)
        self._vocabulary = model.vocabulary
        self._top = top
        self._told: list[list[TokenScore]] = [[] for _ in range(lanes)]

    def more(self, lane: int, tokens: Sequence[int]) -> Scored:
        """The scores of the next tokens of a text."""
        if not tokens:
            return ()
        path: list[Sequence[int]] = [() for _ in self._told]
        path[lane] = tokens
        before = self._decoder.logits[lane]
        rows = [before, *self._decoder.advance(path)[lane]]
        found = tuple(
            _scored(as_float32(of_vocabulary(row, self._vocabulary)), token, self._top)
            for row, token in zip(rows, tokens, strict=False)
        )
        self._told[lane] += found
        return found

    def told(self, lane: int) -> Scored:
        """The scores of a text so far."""
        return tuple(self._told[lane])


def score_prompt(model: Model, prompt: Sequence[int], top: int) -> Scored:
    """The score of each token of ``prompt``; of the first there is none."""
    return (TokenScore(prompt[0], None), *score(model, prompt[:1], prompt[1:], top))


def _scored(row: NDArray[np.float32], token: int, top: int) -> TokenScore:
    values = row.astype(np.float64)
    highest = values.max()
    values -= highest + np.log(np.exp(values - highest).sum())
    best: list[int] = []
    if top:
        best = np.argpartition(-values, min(top, len(values) - 1))[:top].tolist()
        best.sort(key=lambda each: (-values[each], each))
    return TokenScore(
        token, float(values[token]), tuple((each, float(values[each])) for each in best)
    )
