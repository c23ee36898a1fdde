"""What tells apart models of one name."""

from __future__ import annotations

import condit
from condit.model.shared import SharedModel


def test_of_counts() -> None:
    one, same, other = (condit.NgramModel.train([text]) for text in ("abc", "abc", "abd"))
    assert one.fingerprint() == same.fingerprint() != other.fingerprint()
    assert SharedModel(one).fingerprint() == one.fingerprint()


def test_of_weights(smollm2: condit.Model) -> None:
    """It stays as the model draws (which packs its weights), and says the number format."""
    before = smollm2.fingerprint()
    condit.generate(smollm2, "a", max_tokens=1, seed=0)
    assert smollm2.fingerprint() == before == SharedModel(smollm2).fingerprint()
    assert "float" in before
    weight = next(smollm2.module.parameters())
    kept = weight.data
    try:
        weight.data = kept + 1
        assert smollm2.fingerprint() != before
    finally:
        weight.data = kept
    assert smollm2.fingerprint() == before
