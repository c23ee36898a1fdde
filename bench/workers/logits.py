"""Synthetic logits, seeded: a sharp head around the target over a heavy Zipf tail.

For one row, with target token ``t``, alternatives ``A`` (other tokens that begin the same rest of
the text) and vocabulary size ``V``::

    confidence  p ~ U(.8, .99) with chance .6;  U(.3, .8) with chance .3;  U(.02, .3) else
    t gets p;  A share (1 - p) / 2 in proportion 1, 1/2, 1/3, … (nothing if A is empty)
    the rest of the mass lies on all V tokens: (rank + 2.7)^-1.3 * exp(0.5 N(0,1)), ranks permuted

and the logits are the logarithms, in 32 bits. The tail comes from a pool of 16 rows made once for
a vocabulary; which one, ``p`` and the order of ``A`` depend on (seed, case, lane, position) alone,
so all contestants see the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_POOL = 16


class Synthetic:
    def __init__(self, size: int) -> None:
        rng = np.random.default_rng(size)
        weights = (np.arange(size) + 2.7) ** -1.3
        pool = []
        for _ in range(_POOL):
            tail = rng.permutation(weights) * np.exp(0.5 * rng.standard_normal(size))
            pool.append(np.log(tail / tail.sum()).astype(np.float32))
        self._pool = pool

    def write(
        self, row: NDArray[np.float32], key: Sequence[int], target: int, others: Sequence[int]
    ) -> None:
        """Fill ``row`` with the logits for ``key`` = (seed, case, lane, position)."""
        rng = np.random.default_rng(key)
        low, high = ((0.8, 0.99), (0.3, 0.8), (0.02, 0.3))[rng.choice(3, p=(0.6, 0.3, 0.1))]
        sure = rng.uniform(low, high)
        near = (1 - sure) / 2 if others else 0.0
        np.add(self._pool[rng.integers(_POOL)], np.float32(np.log(1 - sure - near)), out=row)
        row[target] = np.logaddexp(row[target], np.log(sure))
        if others:
            shares = 1 / np.arange(1, len(others) + 1)
            shares = near * rng.permutation(shares / shares.sum())
            chosen = list(others)
            row[chosen] = np.logaddexp(row[chosen], np.log(shares))


class Recorded:
    """A model's own logits along the paths: one ``.npy`` a case, shape ``(positions, size)``."""

    def __init__(self, files: Sequence[str]) -> None:
        self._rows = [np.load(file, mmap_mode="r") for file in files]

    def write(
        self, row: NDArray[np.float32], key: Sequence[int], target: int, others: Sequence[int]
    ) -> None:
        _, case, _, position = key
        row[:] = self._rows[case][position]
