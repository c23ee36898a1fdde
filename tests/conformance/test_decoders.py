"""Every registered model obeys the laws of decoders."""

from __future__ import annotations

import numpy as np
import pytest

import condit
from condit.plugins import registered
from condit.testing import check_decoder

SETTINGS = {"smollm2": {"dtype": "float32"}}


@pytest.mark.model
@pytest.mark.parametrize("name", sorted(registered("models")))
def test_registered_models_obey(name: str, rng: np.random.Generator) -> None:
    check_decoder(condit.load(name, **SETTINGS.get(name, {})), rng, rounds=8)
