"""Log-probabilities of token sequences under a model; shared prefixes are forwarded once.

A decoder keeps a lane at the end of each sequence of the last call. The next call forks the lane
with the longest common prefix, so a text that has grown by one token costs one position. Texts are
not tokenized here.
"""

from __future__ import annotations

import threading
from bisect import bisect
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from condit.errors import ModelError
from condit.model.base import Decoder, Logits, Model, of_vocabulary
from condit.model.decoder import shared_length

Tokens = tuple[int, ...]

_MOST_POSITIONS = 512
"""The most positions in one forward: each has a row of logits, which takes memory."""


class Held(NamedTuple):
    """The tokens of a lane of the decoder, and the log-probability of each.

    The tokens of the root were not predicted and have 0.
    """

    tokens: Tokens
    log_probabilities: tuple[float, ...]


class Plan(NamedTuple):
    """How a sequence is read: fork ``ancestor``, keep ``length`` tokens of it, append ``rest``."""

    ancestor: int
    length: int
    rest: Tokens


class SequenceLikelihood:
    """Log-probability of each token of a sequence, given the tokens before it.

    All end tokens of the vocabulary mean the same: ``vocabulary.end`` stands for them, with their
    summed probability, and only as the last token of a sequence.

    Args:
        model: the model.
        root: token ids that all sequences begin with. They are forwarded once, and their own
            probabilities are not computed. Without it, sequences that share their first token
            share what follows.
    """

    def __init__(self, model: Model, root: Sequence[int] = ()) -> None:
        self._model = model
        self._root = tuple(root)
        self._ends = sorted(model.vocabulary.ends)
        self._decoder: Decoder | None = None
        self._held: list[Held] = []
        self._version: object = None
        self._lock = threading.Lock()

    @property
    def positions_forwarded(self) -> int:
        """Token positions that the model has computed so far."""
        return self._decoder.positions_forwarded if self._decoder is not None else 0

    def log_probabilities(self, sequences: Sequence[Tokens]) -> list[NDArray[np.float64]]:
        """Natural logarithm of the probability of each token, given the tokens before it.

        Args:
            sequences: token ids, longer than the root and at least two.

        Returns:
            for each sequence an array of its length; 0 for the tokens of the root (the first
            token, where there is no root), which are given.
        """
        if not sequences:
            return []
        with self._lock:
            return self._log_probabilities(sequences)

    def _log_probabilities(self, sequences: Sequence[Tokens]) -> list[NDArray[np.float64]]:
        version = self._model.version()
        if version != self._version:
            # The model's weights have changed, and with them the cache of the lanes.
            self._decoder, self._held, self._version = None, [], version
        try:
            # The last token is predicted, but not read: that saves a position for each sequence.
            lane_of = self._read(list(dict.fromkeys(tokens[:-1] for tokens in sequences)))
            return [self._answer(tokens, lane_of[tokens[:-1]]) for tokens in sequences]
        except BaseException:
            # The lanes may be in any state: start over next time.
            self._decoder, self._held = None, []
            raise

    def _answer(self, tokens: Tokens, lane: int) -> NDArray[np.float64]:
        assert self._decoder is not None
        last = self._pick(_after(self._decoder, lane), tokens[-1:])
        return np.array([*self._held[lane].log_probabilities, *last])

    def _read(self, wanted: list[Tokens]) -> dict[Tokens, int]:
        """Make the lanes of the decoder these sequences, no others; returns the lane of each."""
        decoder = self._started(wanted)
        waiting = wanted
        while waiting:
            waiting = self._read_group(decoder, waiting)
        lane_of = {held.tokens: lane for lane, held in enumerate(self._held)}
        decoder.fork([lane_of[tokens] for tokens in wanted])
        self._held = [self._held[lane_of[tokens]] for tokens in wanted]
        return {tokens: lane for lane, tokens in enumerate(wanted)}

    def _started(self, wanted: list[Tokens]) -> Decoder:
        """The decoder, with a lane that begins with the root of each sequence."""
        roots = [self._root] if self._root else list(dict.fromkeys(s[:1] for s in wanted))
        present = {held.tokens[: len(roots[0])] for held in self._held}
        decoder = self._decoder
        for root in roots:
            if root in present:
                continue
            if decoder is None:
                decoder = self._decoder = self._model.start(root)
            else:
                decoder.admit(root)
            self._held.append(Held(root, (0.0,) * len(root)))
        assert decoder is not None
        return decoder

    def _read_group(self, decoder: Decoder, waiting: list[Tokens]) -> list[Tokens]:
        """Add lanes for as many sequences as fit in one forward; returns the other sequences."""
        before = sorted((held.tokens, lane) for lane, held in enumerate(self._held))
        plans: list[Plan] = []
        positions = 0
        for tokens in waiting:
            plan = self._plan(before, tokens)
            positions += len(plan.rest)
            if plans and positions > _MOST_POSITIONS:
                break
            plans.append(plan)
        first = len(self._held)
        decoder.fork([*range(first), *(plan.ancestor for plan in plans)])
        root = len(self._root) or 1
        decoder.rewind([*decoder.lengths[:first], *(plan.length - root for plan in plans)])
        found = self._advance(decoder, first, [plan.rest for plan in plans])
        for tokens, plan, new in zip(waiting, plans, found, strict=False):
            known = self._held[plan.ancestor].log_probabilities[: len(tokens) - len(new)]
            self._held.append(Held(tokens, (*known, *new)))
        return waiting[len(plans) :]

    def _plan(self, held: list[tuple[Tokens, int]], tokens: Tokens) -> Plan:
        """How to read ``tokens`` from the lane with the longest common prefix."""
        place = bisect(held, (tokens, -1))
        # In sorted order the longest common prefix is with a neighbour.
        length, ancestor, whole = max(
            (shared_length(other, tokens), lane, len(other))
            for other, lane in held[max(0, place - 1) : place + 1]
        )
        if len(self._root or tokens[:1]) < length < whole:
            # Logits are kept at the end of a lane only: forward the last shared token again.
            length -= 1
        return Plan(ancestor, length, tokens[length:])

    def _advance(self, decoder: Decoder, first: int, rests: Sequence[Tokens]) -> list[list[float]]:
        """Append tokens to the lanes from ``first`` on.

        Returns:
            log-probabilities of the appended tokens, without the first where it was read again.
        """
        found: list[list[float]] = [[] for _ in rests]
        # Only a sequence that is alone in its group can be longer than one slice.
        for start in range(0, max(map(len, rests)), _MOST_POSITIONS):
            slices = [rest[start : start + _MOST_POSITIONS] for rest in rests]
            for lane, appended in enumerate(slices, first):
                # Without logits: the next token is forwarded again, and its probability known.
                if decoder.logits[lane] is not None:
                    found[lane - first] += self._pick(_after(decoder, lane), appended[:1])
            rows = decoder.advance([*[()] * first, *slices])[first:]
            for rank, appended in enumerate(slices):
                found[rank] += self._pick(rows[rank][:-1], appended[1:])
        for lane in range(first, first + len(rests)):
            # Copied: a view of one row would keep the rows of the whole group in memory.
            decoder.logits[lane] = _after(decoder, lane)[0] + 0
        return found

    def _pick(self, rows: Logits, tokens: Tokens) -> list[float]:
        """Log-probability of ``tokens[i]`` under ``rows[i]``; on the model's own device.

        Raises:
            ModelError: a row holds NaN, or no finite number.
        """
        if not tokens:
            return []
        rows = of_vocabulary(rows, self._model.vocabulary)
        places = list(range(len(tokens)))
        if isinstance(rows, np.ndarray):
            rows = rows.astype(np.float64)
            total = np.logaddexp.reduce(rows, axis=-1)
            _require_laws(bool(np.isfinite(total).all()))
            picked = rows[places, list(tokens)]
            if tokens[-1] == self._model.vocabulary.end:
                picked[-1] = np.logaddexp.reduce(rows[-1, self._ends])
            numbers: list[float] = (picked - total).tolist()
            return numbers
        rows = rows.detach().float()
        total = rows.logsumexp(-1)
        _require_laws(bool(total.isfinite().all()))
        picked = rows[places, list(tokens)]
        if tokens[-1] == self._model.vocabulary.end:
            picked[-1] = rows[-1, self._ends].logsumexp(-1)
        answers: list[float] = (picked - total).tolist()
        return answers


def _require_laws(finite: bool) -> None:
    if not finite:
        raise ModelError(
            "logits hold NaN, or no finite number, so they give no probabilities: look for an "
            "overflow in the model (16-bit floats have many)"
        )


def _after(decoder: Decoder, lane: int) -> Logits:
    """The logits after the last token of a lane, shape ``(1, vocabulary)``."""
    row: Any = decoder.logits[lane]
    return row[None]
