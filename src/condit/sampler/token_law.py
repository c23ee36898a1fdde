"""One next-token distribution (the base law at a prefix), to draw from with or without replacement.

One pass over the logits makes unnormalised probabilities (*weights*), and their sums over blocks of
tokens. A draw searches the block sums and then one block. A token can be taken out, so that the
next draw is without replacement. Both touch one block, not the whole vocabulary. A restriction to
few tokens copies only those. Weights are 32-bit, as logits are, and so is the first sum of each
block; a block that is drawn from is summed again in 64 bits. Block sums and random numbers are
64-bit. Temperature, top-k and top-p are applied before, in ``law.py``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import few_tokens, unpack
from condit.sampler.logit_row import LogitRow

_BLOCK = 512

_LEAST, _MOST = 0.5, 1e30
"""If the sum of ``exp`` of all logits is between these, their maximum need not be subtracted first:
nothing overflows, and no weight that matters in 32 bits is subnormal."""


class TokenLaw:
    """The distribution of one next token, from which tokens can be drawn and taken out.

    A *mass* is a probability under the whole distribution (linear), so masses sum to 1 before
    anything is taken out. If what remains underflows 32 bits, ``rescale`` multiplies masses so that
    they sum to 1 again, and true masses are these times ``exp(log_scale)``.

    Args:
        logits: one row, ``-inf`` for excluded tokens; not modified, and must not change during use.
        greedy: temperature 0: ``draw`` gives the most probable token that remains.
        tokens: if given, all others are excluded; in ascending order.

    Raises:
        ModelError: the logits hold NaN, or no finite number.
    """

    def __init__(
        self,
        logits: LogitRow | NDArray[np.float32],
        greedy: bool = False,
        tokens: NDArray[np.intp] | None = None,
    ) -> None:
        self.greedy = greedy
        self._row = logits if isinstance(logits, LogitRow) else LogitRow(logits)
        self._tokens = self._kept = tokens
        self._allowed: NDArray[np.bool_] | None = None
        self._out: list[int] = []
        self.log_scale = 0.0
        """Natural logarithm of the factor from masses to probabilities; 0 before ``rescale``."""
        if tokens is None:
            self._weights = _padded(len(self._row))
            self._row.exponentials(self._weights[: len(self._row)])
            self._set_sums(0.0)
            if not _LEAST <= self._whole <= _MOST:
                self._weigh(self._row.read())
        else:
            self._weights = _padded(len(tokens))
            self._weigh(self._row.at(tokens))
        self._log_total = self._reference + math.log(self._whole)

    def _weigh(self, logits: NDArray[np.float32]) -> None:
        """Make weights relative to the highest of ``logits``, whose array is overwritten."""
        highest = logits.max()
        logits -= highest
        np.exp(logits, out=self._weights[: len(logits)])
        self._set_sums(float(highest))

    def _set_sums(self, reference: float) -> None:
        """Sum weights that are ``exp(logit - reference)``."""
        self._reference = reference
        self._blocks = _sums(self._weights)
        self._whole = float(self._blocks.sum())

    @property
    def remaining(self) -> float:
        """Mass of the tokens that have not been taken out."""
        return float(self._blocks.sum()) / self._whole

    def mass(self, token: int) -> float:
        """Mass of ``token``; 0 once it has been taken out."""
        slot = self._slot(token)
        return float(self._weights[slot]) / self._whole if slot >= 0 else 0.0

    def log_probability(self, token: int) -> float:
        """Natural logarithm of the probability of ``token``, whatever was taken out."""
        if self._kept is not None and _place(self._kept, token) < 0:
            return -math.inf
        return self._row.value(token) - self._log_total

    def draw(self, rng: np.random.Generator) -> int | None:
        """A token drawn by mass among those that remain; ``None`` if none has any.

        Inversion with one 64-bit uniform: first over the block sums, then within the block.
        """
        if self.greedy:
            return self._most_probable()
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
        # The block's sum is now known in 64 bits, so that a mass taken out and the remaining
        # mass add up exactly.
        rough, exact = float(self._blocks[block]), float(within[-1])
        self._blocks[block] = exact
        self._whole += exact - rough
        # Rounding may point past the end of the block: take its last token with mass.
        target = min(target * (exact / rough), math.nextafter(exact, 0))
        return self._token(start + int(within.searchsorted(target, side="right")))

    def _most_probable(self) -> int | None:
        slot = int(self._weights.argmax())
        heaviest = self._weights[slot]
        if heaviest <= 0:
            return None
        # Different logits can have equal weights.
        self._weights[slot] = 0
        tied = self._weights.max() == heaviest
        self._weights[slot] = heaviest
        if not tied:
            return self._token(slot)
        equal = np.flatnonzero(self._weights == heaviest)
        tokens = equal if self._tokens is None else self._tokens[equal]
        return int(tokens[self._row.at(tokens).argmax()])

    def take_out(self, token: int) -> float:
        """Remove ``token`` from what can be drawn; returns the mass it had."""
        self._out.append(token)
        slot = self._slot(token)
        if slot < 0:
            return 0.0
        mass = float(self._weights[slot]) / self._whole
        self._weights[slot] = 0
        block = slot // _BLOCK
        # Summed again: a difference would have the rounding error of the mass taken out.
        self._blocks[block] = self._weights[block * _BLOCK : (block + 1) * _BLOCK].sum(
            dtype=np.float64
        )
        return mass

    def restrict(self, allowed: NDArray[np.bool_]) -> float:
        """Remove every token that is not allowed; returns the mass that remains.

        Rescales if that underflows 32 bits, so the result is positive whenever an allowed token has
        a finite logit; the true mass is the result times ``exp(log_scale)``.

        Args:
            allowed: one boolean for each token of the vocabulary; not kept.
        """
        if self._tokens is not None:
            slots = np.flatnonzero(allowed[self._tokens])
            self._keep(self._tokens[slots], slots)
        elif 4 * np.count_nonzero(allowed) < len(allowed):
            slots = np.flatnonzero(allowed)
            self._keep(slots if self._allowed is None else slots[self._allowed[slots]])
        else:
            self._allowed = allowed.copy() if self._allowed is None else self._allowed & allowed
            self._weights[: len(allowed)] *= allowed.astype(np.float32)
            self._blocks = _sums(self._weights)
        return self._remaining_or_rescaled()

    def restrict_by_mask(self, mask: NDArray[np.uint32]) -> float:
        """As ``restrict``, with a packed mask as matchers return it: faster if few are allowed.

        Args:
            mask: shape ``(ceil(vocabulary / 32),)``; not kept.
        """
        few = few_tokens(mask)
        if few is None:
            return self.restrict(unpack(mask, len(self._row)))
        if self._tokens is not None:
            slots = np.flatnonzero(np.isin(self._tokens, few, assume_unique=True))
            self._keep(self._tokens[slots], slots)
        else:
            self._keep(few if self._allowed is None else few[self._allowed[few]])
        return self._remaining_or_rescaled()

    def log_left(self) -> float:
        """Natural logarithm of the mass that remains; rescales if that underflows 32 bits."""
        left = self._remaining_or_rescaled()
        return math.log(left) + self.log_scale if left > 0 else -math.inf

    def _remaining_or_rescaled(self) -> float:
        remaining = self.remaining
        return remaining if remaining > 1e-30 else self.rescale()

    def _keep(self, tokens: NDArray[np.intp], slots: NDArray[np.intp] | None = None) -> None:
        """Keep these tokens alone, copied to arrays of their own."""
        weights = _padded(len(tokens))
        weights[: len(tokens)] = self._weights.take(tokens if slots is None else slots)
        self._tokens, self._weights = tokens, weights
        self._allowed = None
        self._blocks = _sums(weights)

    def heaviest(
        self, most: int, share: float
    ) -> tuple[NDArray[np.int32], NDArray[np.float64], float]:
        """The fewest heaviest tokens that hold ``share`` of what remains, at most ``most``.

        Returns:
            their ids, from the heaviest down; natural logarithms of their probabilities; and that
            of the summed probability of all others that remain, ``-inf`` for none.
        """
        least = self._threshold(2 * most)
        found = np.flatnonzero(self._weights > least)
        if least > 0 and len(found) < most:
            least, found = 0.0, np.flatnonzero(self._weights)
        weights = self._weights[found]
        rest = 0.0
        if least > 0:
            # Summed on its own: a difference would lose small masses.
            others = self._weights.copy()
            others[found] = 0
            rest = float(_sums(others).sum())
        total = rest + float(weights.sum(dtype=np.float64))
        if len(found) > most:
            split = np.argpartition(weights, -most)
            rest += float(weights[split[:-most]].sum(dtype=np.float64))
            found, weights = found[split[-most:]], weights[split[-most:]]
        order = np.argsort(-weights, kind="stable")
        upto = weights[order].cumsum(dtype=np.float64)
        count = int(upto.searchsorted(share * total)) + 1
        rest += float(weights[order[count:]].sum(dtype=np.float64))
        # From the weights, not the logits, so that they sum to the remaining mass exactly.
        scale = self.log_scale + math.log(self.remaining / total) if total > 0 else -math.inf
        log_masses = np.log(weights[order[:count]].astype(np.float64)) + scale
        log_rest = math.log(rest) + scale if rest > 0 else -math.inf
        slots = found[order[:count]]
        tokens = slots if self._tokens is None else self._tokens[slots]
        return tokens.astype(np.int32), log_masses, log_rest

    def heavier(self, share: float) -> NDArray[np.int32]:
        """The tokens with more than this share of what remains, from the heaviest down."""
        found = np.flatnonzero(self._weights > np.float32(share * float(self._blocks.sum())))
        slots = found[np.argsort(-self._weights[found], kind="stable")]
        tokens = slots if self._tokens is None else self._tokens[slots]
        return tokens.astype(np.int32)

    def _threshold(self, count: int) -> float:
        """A weight that roughly ``count`` tokens exceed, guessed from every 16th; 0: all do."""
        few = self._weights[::16]
        rank = count // 16
        return float(np.partition(few, -rank)[-rank]) if len(few) > 4 * rank else 0.0

    def rescale(self) -> float:
        """Make the masses of the remaining tokens sum to 1, from their logits; sets ``log_scale``.

        Returns:
            1, or 0 if no remaining token has a finite logit.
        """
        logits = self._row.read() if self._tokens is None else self._row.at(self._tokens)
        if self._allowed is not None:
            logits[~self._allowed] = -np.inf
        logits[[slot for slot in map(self._slot, self._out) if slot >= 0]] = -np.inf
        if logits.max(initial=-np.inf) == -np.inf:
            self._weights[:] = 0
            self._blocks[:] = 0
            return 0.0
        self._weigh(logits)
        self.log_scale = self._reference + math.log(self._whole) - self._log_total
        return 1.0

    def _slot(self, token: int) -> int:
        """Index of the weight of ``token``; -1 if it is excluded."""
        return token if self._tokens is None else _place(self._tokens, token)

    def _token(self, slot: int) -> int:
        return slot if self._tokens is None else int(self._tokens[slot])


def _place(tokens: NDArray[np.intp], token: int) -> int:
    """Where ``token`` is in ``tokens``, which ascend; -1 if it is not."""
    place = int(tokens.searchsorted(token))
    return place if place < len(tokens) and tokens[place] == token else -1


def _padded(size: int) -> NDArray[np.float32]:
    """An array for ``size`` weights, uninitialised, padded by zeros to whole blocks."""
    weights = np.empty(max(1, -(-size // _BLOCK)) * _BLOCK, dtype=np.float32)
    weights[size:] = 0
    return weights


def _sums(weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """The sum of each block."""
    # The fastest sum of numpy for rows this short that does not use BLAS.
    sums: NDArray[np.float32] = np.einsum("ij->i", weights.reshape(-1, _BLOCK))
    return sums.astype(np.float64)
