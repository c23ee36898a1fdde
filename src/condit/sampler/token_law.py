"""The law of one next token: drawn from, taken out of, and restricted, in 32-bit weights.

One pass over a row makes weights, and their sums over blocks of tokens. A draw then walks the block
sums and one block, and a token can be taken out so that the next draw is without replacement, both
in time proportional to the square root of the vocabulary. A restriction to few tokens keeps only
those. Weights are 32-bit, the precision that models have, and so is the first sum of each block;
a block that is drawn from is summed again in 64 bits. Sums over blocks and noise are 64-bit.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import few_tokens, unpack
from condit.sampler.logit_row import LogitRow

_BLOCK = 512

_LEAST, _MOST = 0.5, 1e30
"""Where the sum of ``exp`` of all logits lies in between, they need not be made relative to their
highest first: none overflows, and all that matters in 32 bits is a normal number."""


class TokenLaw:
    """The distribution of one next token, from which tokens can be drawn and taken out.

    Masses are linear and relative to the whole law, so they sum to 1 before anything is taken
    out. Where what remains is too small beside what was taken out to be told apart from nothing in
    32 bits, ``rescale`` blows it up, and ``log_scale`` keeps the account.

    Args:
        logits: one row, ``-inf`` for tokens that the law excludes; not modified, and read again
            later.
        greedy: temperature 0: ``draw`` gives the most probable token that remains.
        tokens: the only ones that the law does not exclude, in ascending order; ``None``: all.

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
        self._tokens = tokens
        self._allowed: NDArray[np.bool_] | None = None
        self._out: list[int] = []
        self.log_scale = 0.0
        """Logarithm of what masses must be multiplied with since ``rescale`` was used."""
        if tokens is None:
            self._weights = _room(len(self._row))
            self._row.exponentials(self._weights[: len(self._row)])
            self._sum_up(0.0)
            if not _LEAST <= self._whole <= _MOST:
                self._weigh(self._row.read())
        else:
            self._weights = _room(len(tokens))
            self._weigh(self._row.at(tokens))
        self._log_total = self._reference + math.log(self._whole)

    def _weigh(self, logits: NDArray[np.float32]) -> None:
        """Make weights relative to the highest of ``logits``, which are used up."""
        highest = logits.max()
        logits -= highest
        np.exp(logits, out=self._weights[: len(logits)])
        self._sum_up(float(highest))

    def _sum_up(self, reference: float) -> None:
        """Note the sums of weights that are relative to ``exp(reference)``."""
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
        """Natural logarithm of the probability of ``token`` under the whole law."""
        return self._row.value(token) - self._log_total

    def draw(self, rng: np.random.Generator) -> int | None:
        """A token from what remains, by its mass; ``None`` where nothing remains.

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
        # The block's 32-bit sum gives way to its 64-bit one, so that a mass taken out and what
        # remains add up to what was there.
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
        # Logits may differ where their weights do not.
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
        # Summed afresh: a difference would keep the rounding of a large mass among small ones.
        self._blocks[block] = self._weights[block * _BLOCK : (block + 1) * _BLOCK].sum(
            dtype=np.float64
        )
        return mass

    def restrict(self, allowed: NDArray[np.bool_]) -> float:
        """Remove every token that is not allowed; returns the mass that remains.

        Where the allowed tokens are too improbable for 32 bits it rescales, so the mass is
        positive whenever any allowed token has a finite logit; multiply by ``exp(log_scale)``.

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
        """As ``restrict``, by a packed mask as a matcher returns it: faster where few are allowed.

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
        """Natural logarithm of what remains, however little: it rescales where 32 bits see none."""
        left = self._remaining_or_rescaled()
        return math.log(left) + self.log_scale if left > 0 else -math.inf

    def _remaining_or_rescaled(self) -> float:
        remaining = self.remaining
        return remaining if remaining > 1e-30 else self.rescale()

    def _keep(self, tokens: NDArray[np.intp], slots: NDArray[np.intp] | None = None) -> None:
        """Go on with these tokens alone: gathering a few beats a pass over all."""
        weights = _room(len(tokens))
        weights[: len(tokens)] = self._weights.take(tokens if slots is None else slots)
        self._tokens, self._weights = tokens, weights
        self._allowed = None
        self._blocks = _sums(weights)

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
            # Summed on its own: a difference would lose what is small beside the rest.
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
        # From the weights, not the logits: so they sum up to what remains, to the last digit.
        scale = self.log_scale + math.log(self.remaining / total) if total > 0 else -math.inf
        log_masses = np.log(weights[order[:count]].astype(np.float64)) + scale
        log_rest = math.log(rest) + scale if rest > 0 else -math.inf
        slots = found[order[:count]]
        tokens = slots if self._tokens is None else self._tokens[slots]
        return tokens.astype(np.int32), log_masses, log_rest

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
        """Where the weight of ``token`` is kept; -1 for nowhere, where it has none."""
        if self._tokens is None:
            return token
        slot = int(self._tokens.searchsorted(token))
        return slot if slot < len(self._tokens) and self._tokens[slot] == token else -1

    def _token(self, slot: int) -> int:
        return slot if self._tokens is None else int(self._tokens[slot])


def _room(size: int) -> NDArray[np.float32]:
    """Uninitialised weights, and zeros up to the end of the last block."""
    weights = np.empty(max(1, -(-size // _BLOCK)) * _BLOCK, dtype=np.float32)
    weights[size:] = 0
    return weights


def _sums(weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """The sum of each block."""
    # No other sum of numpy is as fast on rows this short, and none but this needs no BLAS.
    sums: NDArray[np.float32] = np.einsum("ij->i", weights.reshape(-1, _BLOCK))
    return sums.astype(np.float64)
