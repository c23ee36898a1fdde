"""A walk of all token sequences that a matcher allows, which records the model's logits at each.

Breadth first: the prefixes of one length are lanes of one decoder, and their children are added by
``fork`` and one token each, a batch at a time. `condit.testing.FiniteWorld` is made of it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Constraint, Matcher, Strength
from condit.errors import ArgumentError, UnsatisfiableError
from condit.model.base import Decoder, Logits, Model, Prompt, as_float32
from condit.sampler.kernels import allowed_tokens
from condit.testing.laws import BrokenLawError
from condit.vocabulary import Vocabulary

_BATCH = 64
"""Lanes forwarded together."""


@dataclass(frozen=True)
class Walk:
    """What was recorded, over a reduced vocabulary.

    Attributes:
        prefixes: every allowed token sequence (reduced ids) that may go on or end, shortest first.
        logits: those after each, ends merged and temperature applied, ``(prefixes, kept + 1)``.
        allowed: which tokens may follow each, same shape.
        ids: the model's own id of each kept token, shape ``(kept,)``; the last column of the other
            arrays is for all tokens that were not kept.
    """

    prefixes: list[tuple[int, ...]]
    logits: NDArray[np.float32]
    allowed: NDArray[np.bool_]
    ids: NDArray[np.int64]


def walk(
    model: Model,
    constraint: Constraint,
    prompt: Prompt,
    max_tokens: int,
    *,
    temperature: float,
    others: int,
    limit: int,
) -> Walk:
    """Walk the language of ``constraint``, cut at ``max_tokens`` tokens.

    See ``condit.testing.FiniteWorld.walk`` for the arguments and errors.
    """
    if max_tokens < 0 or others < 0 or temperature <= 0:
        raise ArgumentError("max_tokens and others must be 0 or more, and temperature positive")
    ids = model.encode_prompt(prompt)
    model.check_fits(len(ids), max_tokens)
    vocabulary = model.vocabulary
    # Whole rows go to disk: thousands of them, of tens of thousands of tokens, need gigabytes.
    with tempfile.TemporaryFile() as file:
        record = _Record(file, vocabulary, temperature)
        decoder = model.start(ids, lanes=1)
        level = [_Place((), constraint.bind(vocabulary))]
        rows: Sequence[Logits] = decoder.logits
        while level:
            children, parents = [], []
            for index, (place, row) in enumerate(zip(level, rows, strict=True)):
                allowed = allowed_tokens(place.matcher)
                record.add(place.prefix, allowed, row)
                if len(record.prefixes) > limit:
                    raise ArgumentError(
                        f"more than {limit} prefixes of at most {max_tokens} tokens are allowed: "
                        "use a smaller language, fewer tokens, or a higher limit"
                    )
                for child in _children(place, allowed, constraint, vocabulary, max_tokens):
                    children.append(child)
                    parents.append(index)
            last_tokens = [child.prefix[-1] for child in children]
            level, rows = children, _forward(decoder, parents, last_tokens)
        if not record.finished:
            raise UnsatisfiableError(
                f"nothing that satisfies the constraint has at most {max_tokens} tokens"
            )
        return record.reduced(others)


@dataclass(frozen=True)
class _Place:
    prefix: tuple[int, ...]
    matcher: Matcher


def _children(
    place: _Place,
    allowed: NDArray[np.bool_],
    constraint: Constraint,
    vocabulary: Vocabulary,
    max_tokens: int,
) -> Iterator[_Place]:
    """The prefixes one token longer after which the text may end, or is below the budget."""
    _check_end(place, bool(allowed[vocabulary.end]), constraint, vocabulary)
    if len(place.prefix) == max_tokens:
        return
    for token in np.flatnonzero(allowed).tolist():
        if token == vocabulary.end:
            continue
        matcher = place.matcher.copy()
        matcher.advance(token)
        if len(place.prefix) + 1 < max_tokens or matcher.allows(vocabulary.end):
            yield _Place((*place.prefix, token), matcher)


def _check_end(
    place: _Place, may_end: bool, constraint: Constraint, vocabulary: Vocabulary
) -> None:
    try:
        text = vocabulary.spell(place.prefix).decode()
        accepted = constraint.accepts(text)
    except UnicodeDecodeError:
        accepted = False
    if may_end != accepted and place.matcher.strength is not Strength.FINAL:
        raise BrokenLawError(
            f"matcher and oracle differ on whether {vocabulary.decode(place.prefix)!r} may end: "
            f"{may_end} and {accepted}"
        )


def _forward(decoder: Decoder, parents: Sequence[int], tokens: Sequence[int]) -> list[Logits]:
    """Replace the decoder's lanes by children of them; returns the logits of each child."""
    held = len(decoder.lengths)
    rows: list[Logits] = []
    for start in range(0, len(tokens), _BATCH):
        lanes = len(decoder.lengths)
        decoder.fork([*range(lanes), *parents[start : start + _BATCH]])
        new = [[token] for token in tokens[start : start + _BATCH]]
        answers = decoder.advance([*([()] * lanes), *new])
        rows += [answer[-1] for answer in answers[lanes:]]
    decoder.release(range(held))
    return rows


class _Record:
    """Writes whole rows of logits to disk, and notes which of their columns are needed."""

    def __init__(self, file: IO[bytes], vocabulary: Vocabulary, temperature: float) -> None:
        size = len(vocabulary)
        self.prefixes: list[tuple[int, ...]] = []
        self.finished = False
        self._file = file
        self._vocabulary = vocabulary
        self._temperature = temperature
        self._allowed: list[NDArray[np.intp]] = []
        self._ever_allowed = np.zeros(size, dtype=np.bool_)
        self._most_probable = np.full(size, -np.inf)

    def add(self, prefix: tuple[int, ...], allowed: NDArray[np.bool_], logits: Logits) -> None:
        row = as_float32(logits).astype(np.float64) / self._temperature
        ends = sorted(self._vocabulary.ends)
        together = np.logaddexp.reduce(row[ends])
        row[ends] = -np.inf
        row[self._vocabulary.end] = together
        row.astype(np.float32).tofile(self._file)
        self.prefixes.append(prefix)
        self.finished |= bool(allowed[self._vocabulary.end])
        self._allowed.append(np.flatnonzero(allowed))
        self._ever_allowed |= allowed
        np.maximum(self._most_probable, row - np.logaddexp.reduce(row), out=self._most_probable)

    def reduced(self, others: int) -> Walk:
        """The walk over tokens allowed anywhere, the most probable others, and one for the rest."""
        size = len(self._vocabulary)
        kept = self._ever_allowed.copy()
        kept[self._vocabulary.end] = True
        refused = np.where(kept, -np.inf, self._most_probable)
        heaviest = np.argsort(-refused, kind="stable")[:others]
        kept[heaviest[np.isfinite(refused[heaviest])]] = True
        ids = np.flatnonzero(kept)
        number = np.cumsum(kept) - 1
        self._file.flush()
        shape = (len(self.prefixes), size)
        whole = np.memmap(self._file, dtype=np.float32, mode="r", shape=shape)
        logits = np.empty((len(self.prefixes), len(ids) + 1), dtype=np.float32)
        allowed = np.zeros(logits.shape, dtype=np.bool_)
        for place, row in enumerate(whole):
            logits[place, :-1] = row[ids]
            rest = row[~kept].astype(np.float64)
            logits[place, -1] = np.logaddexp.reduce(rest) if len(rest) else -np.inf
            allowed[place, number[self._allowed[place]]] = True
        prefixes = [tuple(number[list(prefix)].tolist()) for prefix in self.prefixes]
        return Walk(prefixes, logits, allowed, ids)
