"""Every registered model obeys the laws of decoders."""

from __future__ import annotations

import numpy as np
import pytest

import condit
from condit.plugins import registered
from condit.testing import check_decoder


def test_the_embedded_model_obeys(
    smollm2_in_32_bits: condit.Model, rng: np.random.Generator
) -> None:
    check_decoder(smollm2_in_32_bits, rng, rounds=8)


@pytest.mark.parametrize("name", sorted(registered("models").keys() - {"smollm2"}))
def test_registered_models_obey(name: str, rng: np.random.Generator) -> None:
    check_decoder(condit.load(name), rng, rounds=8)
