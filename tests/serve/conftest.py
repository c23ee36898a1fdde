"""Servers that tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from running_server import Served, serving

import condit


@pytest.fixture(scope="session")
def served(smollm2) -> Iterator[Served]:
    """SmolLM2, served."""
    with serving(smollm2) as server:
        yield server


@pytest.fixture(scope="session")
def served_ngram() -> Iterator[Served]:
    """A model that needs no time, served; it knows no chat."""
    with serving(condit.load("ngram")) as server:
        yield server


@pytest.fixture(scope="session")
def serve():
    """`serving`: a context manager that serves a model with settings of the test's own."""
    return serving
