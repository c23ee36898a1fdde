"""The laws of readers: logits after a prefix depend on the prompt and the prefix alone."""

from __future__ import annotations

import numpy as np

from condit.model.base import PrefixModel
from condit.testing.decoders import difference
from condit.testing.laws import require


def check_reader(
    model: PrefixModel, rng: np.random.Generator, *, rounds: int = 20, tolerance: float = 1e-3
) -> None:
    """Ask for the logits after random prefixes; compare with a reader of prompt and prefix.

    Args:
        model: the model.
        rng: random numbers for the prefixes.
        rounds: how many calls of ``read``.
        tolerance: largest difference between log-probabilities; for floating-point rounding only.

    Raises:
        BrokenLawError: after which prefix, and by how much.
    """
    candidates = [token for token, spelled in enumerate(model.vocabulary.bytes) if spelled]
    prompt = rng.choice(candidates, size=3).tolist()
    reader = model.reader(prompt)
    asked: list[tuple[int, ...]] = [()]
    for _ in range(rounds):
        question = []
        for _ in range(int(rng.integers(1, 5))):
            known = asked[int(rng.integers(len(asked)))]
            more = rng.choice(candidates, size=int(rng.integers(0, 4))).tolist()
            question.append((*known[: int(rng.integers(len(known) + 1))], *more))
        question.append(question[0])
        before = reader.positions_forwarded, reader.forwards
        rows = reader.read(question)
        require(len(rows) == len(question), f"{len(rows)} rows for {len(question)} prefixes")
        spent = reader.positions_forwarded - before[0], reader.forwards - before[1]
        require(min(spent) >= 0, f"counts went down by {spent} for {question}")
        for prefix, row in zip(question, rows, strict=True):
            (fresh,) = model.reader([*prompt, *prefix]).read([()])
            off = difference(model.vocabulary, row, fresh)
            require(off <= tolerance, f"logits after {prefix} are off by {off:.2g}")
        asked += question
