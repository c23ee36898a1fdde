"""The seed of a row: of the batch's seed and the row's id, whatever else is in the batch."""

from __future__ import annotations

import hashlib
import secrets

_BITS = 53
"""A number of so many bits is the same in every reader of JSON."""


def seed_of(batch_seed: int, row_id: str) -> int:
    """The seed of the row with that id.

    >>> seed_of(0, "a") == seed_of(0, "a") != seed_of(1, "a")
    True
    """
    content = f"{batch_seed}:{row_id}".encode()
    return int.from_bytes(hashlib.sha256(content).digest()[:8]) >> (64 - _BITS)


def fresh_seed() -> int:
    """A seed for a batch that was given none."""
    return secrets.randbits(_BITS)
