"""The base law: the model's distribution of one next token, ready to be drawn from.

Temperature, top-k and top-p belong to the *model* here, not to the constraint: they define the law
``p(t | u)`` that draws are faithful to, and they act before any constraint is asked.

One pass turns a row of logits into weights and their sums over blocks of tokens. A draw then walks
the block sums and one block, and a token can be taken out so that the next draw is without
replacement, both in time proportional to the square root of the vocabulary. Weights are 32-bit (the
precision that models have); sums and noise are 64-bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from condit.errors import ArgumentError
from condit.model.base import Logits, as_float32
from condit.vocabulary import Vocabulary

_BLOCK = 256


@dataclass(frozen=True)
class BaseLaw:
    """What turns logits into the base law.

    Attributes:
        temperature: divides the logits; 1 is the model itself. At 0 the most probable allowed
            token is taken, and weights are not defined (reported as equal).
        top_k: keep the ``k`` most probable tokens (ties with the last are kept); ``None``: all.
        top_p: then keep the fewest most probable tokens whose mass reaches ``p``; 1: all.

    Raises:
        ArgumentError: a value out of its range.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not (self.temperature >= 0 and math.isfinite(self.temperature)):
            raise ArgumentError(f"temperature must be 0 or more, not {self.temperature}")
        if self.top_k is not None and self.top_k < 1:
            raise ArgumentError(f"top_k must be 1 or more, not {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise ArgumentError(f"top_p must be over 0 and at most 1, not {self.top_p}")

    def at(self, logits: Logits, vocabulary: Vocabulary) -> TokenLaw:
        """The law of the next token for one row of logits, shape ``(vocabulary,)``."""
        row = as_float32(logits)
        if self.temperature not in (0.0, 1.0):
            row = row / np.float32(self.temperature)
        row = _one_end(row, vocabulary)
        if self.top_k is not None and self.top_k < len(row):
            least = np.partition(row, -self.top_k)[-self.top_k]
            row = np.where(row >= least, row, -np.inf)
        if self.top_p < 1:
            row = _nucleus(row, self.top_p)
        return TokenLaw(row, greedy=self.temperature == 0)


class TokenLaw:
    """The distribution of one next token, from which tokens can be drawn and taken out.

    Masses are linear and relative to the whole law, so they sum to 1 before anything is taken
    out. Where what remains is too small beside what was taken out to be told apart from nothing in
    32 bits, ``rescale`` blows it up, and ``log_scale`` keeps the account.

    Args:
        logits: one row, ``-inf`` for tokens that the law excludes; not modified.
        greedy: temperature 0: ``draw`` gives the most probable token that remains.
    """

    def __init__(self, logits: NDArray[np.float32], greedy: bool = False) -> None:
        self.greedy = greedy
        self._logits = logits
        self._out: list[int] = []
        self.log_scale = 0.0
        """Logarithm of what masses must be multiplied with since ``rescale`` was used."""
        self._weigh(logits)
        self._log_total = self._highest + math.log(self._blocks.sum())

    def _weigh(self, logits: NDArray[np.float32]) -> None:
        size = len(logits)
        padded = -(-size // _BLOCK) * _BLOCK
        self._highest = float(logits.max())
        weights = np.empty(padded, dtype=np.float32)
        np.subtract(logits, np.float32(self._highest), out=weights[:size])
        np.exp(weights[:size], out=weights[:size])
        weights[size:] = 0
        self._weights = weights
        self._blocks: NDArray[np.float64] = weights.reshape(-1, _BLOCK).sum(1, dtype=np.float64)
        self._whole = float(self._blocks.sum())

    @property
    def remaining(self) -> float:
        """Mass of the tokens that have not been taken out."""
        return float(self._blocks.sum()) / self._whole

    def mass(self, token: int) -> float:
        """Mass of ``token``; 0 once it has been taken out."""
        return float(self._weights[token]) / self._whole

    def log_probability(self, token: int) -> float:
        """Natural logarithm of the probability of ``token`` under the whole law."""
        return float(self._logits[token]) - self._log_total

    def draw(self, rng: np.random.Generator) -> int | None:
        """A token from what remains, by its mass; ``None`` where nothing remains.

        Inversion with one 64-bit uniform: first over the block sums, then within the block.
        """
        if self.greedy:
            token = int(self._weights.argmax())
            return token if self._weights[token] > 0 else None
        upto = self._blocks.cumsum()
        total = float(upto[-1])
        if total <= 0:
            return None
        target = rng.random() * total
        block = min(int(upto.searchsorted(target, side="right")), len(upto) - 1)
        while self._blocks[block] <= 0:  # rounding may point past the last block with mass
            block -= 1
        target -= float(upto[block - 1]) if block else 0.0
        start = block * _BLOCK
        within = self._weights[start : start + _BLOCK].cumsum(dtype=np.float64)
        # Rounding may point past the end of the block: take its last token with mass.
        target = min(target, math.nextafter(within[-1], 0))
        return start + int(within.searchsorted(target, side="right"))

    def take_out(self, token: int) -> float:
        """Remove ``token`` from what can be drawn; returns the mass it had."""
        mass = self.mass(token)
        self._out.append(token)
        self._weights[token] = 0
        block = token // _BLOCK
        # Summed afresh: a difference would keep the rounding of a large mass among small ones.
        self._blocks[block] = self._weights[block * _BLOCK : (block + 1) * _BLOCK].sum(
            dtype=np.float64
        )
        return mass

    def restrict(self, allowed: NDArray[np.bool_]) -> float:
        """Remove every token that is not allowed; returns the mass that remains.

        Where the allowed tokens are too improbable for 32 bits it rescales, so the mass is
        positive whenever any allowed token has a finite logit; multiply by ``exp(log_scale)``.
        """
        kept = np.flatnonzero(allowed)
        if 4 * len(kept) < len(allowed):
            # Gathering the few that are allowed beats a pass over all.
            weights = self._weights[kept]
            self._weights[:] = 0
            self._weights[kept] = weights
            sums = np.bincount(kept // _BLOCK, weights, minlength=len(self._blocks))
            self._blocks = sums.astype(np.float64, copy=False)
        else:
            self._weights[: len(allowed)] *= allowed
            self._blocks = self._weights.reshape(-1, _BLOCK).sum(1, dtype=np.float64)
        if self.remaining > 1e-30:
            return self.remaining
        logits = np.where(allowed, self._logits, np.float32(-np.inf))
        logits[self._out] = -np.inf
        return self._rescale(logits)

    def heaviest(
        self, most: int, share: float
    ) -> tuple[NDArray[np.int32], NDArray[np.float64], float]:
        """The fewest heaviest tokens that hold ``share`` of what remains, at most ``most``.

        Returns:
            their ids, from the heaviest down; natural logarithms of their masses; and that of the
            mass of all others that remain, ``-inf`` for none. Masses are relative to the whole
            law.
        """
        least = self._threshold(2 * most)
        found = np.flatnonzero(self._weights > least)
        if least > 0 and len(found) < most:
            least, found = 0.0, np.flatnonzero(self._weights)
        weights = self._weights[found]
        rest = 0.0
        if least > 0:
            rest = max(0.0, float(self._blocks.sum()) - float(weights.sum(dtype=np.float64)))
        if len(found) > most:
            split = np.argpartition(weights, -most)
            # Summed on its own: a difference would lose what is small beside the rest.
            rest += float(weights[split[:-most]].sum(dtype=np.float64))
            found, weights = found[split[-most:]], weights[split[-most:]]
        order = np.argsort(-weights, kind="stable")
        upto = weights[order].cumsum(dtype=np.float64)
        count = int(upto.searchsorted(share * float(self._blocks.sum()))) + 1
        rest += float(weights[order[count:]].sum(dtype=np.float64))
        scale = self.log_scale - math.log(self._whole)
        # From the weights, not the logits: so they sum up to what remains, to the last digit.
        log_masses = np.log(weights[order[:count]].astype(np.float64)) + scale
        log_rest = math.log(rest) + scale if rest > 0 else -math.inf
        return found[order[:count]].astype(np.int32), log_masses, log_rest

    def _threshold(self, count: int) -> float:
        """A weight that roughly ``count`` tokens exceed, guessed from every 16th; 0: all do."""
        few = self._weights[::16]
        rank = count // 16
        return float(np.partition(few, -rank)[-rank]) if len(few) > 4 * rank else 0.0

    def rescale(self) -> float:
        """Blow up what remains, after everything that 32 bits can tell from 0 was taken out.

        Returns:
            the mass that remains, to be multiplied by ``exp(log_scale)``; 0 for nothing at all.
        """
        rest = self._logits.copy()
        rest[self._out] = -np.inf
        return self._rescale(rest)

    def _rescale(self, logits: NDArray[np.float32]) -> float:
        if not np.isfinite(logits.max()):
            self._weights[:] = 0
            self._blocks[:] = 0
            return 0.0
        self._weigh(logits)
        self.log_scale = self._highest + math.log(self._whole) - self._log_total
        return 1.0


def _one_end(row: NDArray[np.float32], vocabulary: Vocabulary) -> NDArray[np.float32]:
    """Give the mass of all end tokens to the one that stands for them."""
    if len(vocabulary.ends) == 1:
        return row
    row = row.copy()
    ends = sorted(vocabulary.ends)
    together = np.logaddexp.reduce(row[ends].astype(np.float64))
    row[ends] = -np.inf
    row[vocabulary.end] = together
    return row


def _nucleus(row: NDArray[np.float32], top_p: float) -> NDArray[np.float32]:
    """Keep the fewest most probable tokens whose mass reaches ``top_p``."""
    order = np.argsort(-row, kind="stable")
    weights = np.exp(row[order].astype(np.float64) - float(row[order[0]]))
    upto = np.cumsum(weights)
    count = int(np.searchsorted(upto, top_p * upto[-1])) + 1
    kept = np.full_like(row, -np.inf)
    kept[order[:count]] = row[order[:count]]
    return kept
