"""``condit.retrieve``: which of many strings a model finds most probable after a prompt.

Generative retrieval, in two parts. A beam search finds good strings soon. What it has left out is
then followed best first: the most probable beginnings are continued together, a batch in each
forward. A probability never grows as a text goes on, so once the ``k``-th best finished string is
as probable as the best unfinished one, no string is missing. Nothing is drawn at random.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heappop, heappush
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Matcher, few_tokens, unpack
from condit.corpus.index import Strings
from condit.corpus.one_of_many import one_of_many
from condit.errors import ArgumentError, ModelError
from condit.model.base import Logits, PrefixModel, Prompt
from condit.model.decoder import as_float32, of_vocabulary
from condit.vocabulary import Vocabulary


@dataclass(frozen=True)
class Retrieved:
    """A string, and how probable it is.

    Attributes:
        text: the string.
        number: its place among the strings as they were given, from 0.
        log_probability: natural logarithm of the probability of its most probable tokens, the end
            included, after the prompt. Other sequences of tokens that spell it are not added.
    """

    text: str
    number: int
    log_probability: float


class Retrieval(tuple[Retrieved, ...]):
    """Strings, the most probable first.

    Attributes:
        complete: whether it is certain that no other string is more probable.
        forwards: how many times the model was called.
    """

    complete: bool
    forwards: int


class _Open(NamedTuple):
    """Tokens that begin a string, in a heap; ``matcher`` stands before the last of them."""

    cost: float
    number: int
    tokens: tuple[int, ...]
    matcher: Matcher


def retrieve(
    model: PrefixModel,
    prompt: Prompt,
    strings: Strings | Iterable[str] | Path,
    k: int = 10,
    *,
    width: int = 16,
    max_forwards: int = 1000,
) -> Retrieval:
    """The ``k`` strings that the model finds most probable as the whole text after ``prompt``.

    Exact, not only as good as a beam: see ``Retrieval.complete``.

    Args:
        model: the model.
        prompt: what comes before; say in it what kind of string is wanted.
        strings: as for ``condit.one_of_many``.
        k: how many strings.
        width: how many beginnings are continued in each forward; at least ``k`` of them.
        max_forwards: after so many it ends, with what has been found. Where the model prefers texts
            that are none of the strings, very many beginnings may be more probable than any string.

    Raises:
        ArgumentError: a number is less than 1, or what is given are no strings, or no model.
        ModelError: the model gives no probabilities.
        PromptTooLongError: the prompt does not fit into the model's context.
    """
    for name, value in (("k", k), ("width", width), ("max_forwards", max_forwards)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ArgumentError(f"retrieve: {name}={value!r} must be a whole number, 1 or more")
    if not isinstance(model, PrefixModel):
        raise ArgumentError(
            f"retrieve: the model is of type {type(model).__name__}: give one from condit.load"
        )
    wanted, width = one_of_many(strings), max(width, k)
    vocabulary, reader = model.vocabulary, model.reader(model.encode_prompt(prompt))
    found: dict[str, float] = {}
    waiting: list[_Open] = []
    best = [_Open(0.0, 0, (), wanted.bind(vocabulary))]
    made = rounds = 0
    as_beam = True
    while best and rounds < max_forwards:
        rows = reader.read([each.tokens for each in best])
        rounds += 1
        least = _least(found, k)
        children: list[_Open] = []
        for beginning, row in zip(best, rows, strict=True):
            matcher = beginning.matcher.copy()
            if beginning.tokens:
                matcher.advance(beginning.tokens[-1])
            logs = _log_probabilities(row, vocabulary) - beginning.cost
            for token in _allowed(matcher).tolist():
                log = float(logs[token])
                if log == -math.inf or log < least:
                    continue
                if token == vocabulary.end:
                    text = vocabulary.decode(beginning.tokens)
                    found[text] = max(found.get(text, -math.inf), log)
                    least = _least(found, k)
                else:
                    made += 1
                    children.append(_Open(-log, made, (*beginning.tokens, token), matcher))
        children.sort()
        best = [each for each in children[:width] if -each.cost > least] if as_beam else []
        as_beam = bool(best)
        for child in children[len(best) :]:
            heappush(waiting, child)
        if not as_beam:
            while waiting and len(best) < width and -waiting[0].cost > least:
                best.append(heappop(waiting))
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:k]
    numbers = wanted.strings
    result = Retrieval(Retrieved(text, numbers.number(text) or 0, log) for text, log in ranked)
    result.complete, result.forwards = not best, rounds
    return result


def _least(found: dict[str, float], k: int) -> float:
    """What a string must exceed to be among the best."""
    return sorted(found.values())[-k] if len(found) >= k else -math.inf


def _allowed(matcher: Matcher) -> NDArray[np.intp]:
    mask = matcher.mask()
    size = len(matcher.vocabulary)
    if mask is None:
        return np.flatnonzero([matcher.allows(token) for token in range(size)])
    few = few_tokens(mask)
    return np.flatnonzero(unpack(mask, size)) if few is None else few


def _log_probabilities(logits: Logits, vocabulary: Vocabulary) -> NDArray[np.float64]:
    """Of each token; all ends count as the one that is used."""
    row = as_float32(of_vocabulary(logits, vocabulary)).astype(np.float64)
    highest = row.max()
    if not math.isfinite(highest):
        raise ModelError("retrieve: the logits hold NaN, or no finite number")
    row -= highest + math.log(np.exp(row - highest).sum())
    ends = row[sorted(vocabulary.ends)]
    if len(ends) > 1:
        row[vocabulary.end] = np.logaddexp.reduce(ends)
    return row
