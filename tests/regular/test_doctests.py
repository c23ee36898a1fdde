"""The examples in the docstrings of ``condit.regular``."""

from __future__ import annotations

import doctest
import sys

import pytest

import condit


@pytest.mark.parametrize("name", condit.regular.__all__)
def test_examples(name: str) -> None:
    made = getattr(condit.regular, name)
    if not callable(made):
        return
    module = sys.modules[getattr(made, "__module__", "")] if hasattr(made, "__module__") else None
    runner = doctest.DocTestRunner()
    names = dict(vars(condit.regular))
    for example in doctest.DocTestFinder().find(made, name, module=module, globs=names):
        runner.run(example)
    assert not runner.failures
    assert runner.tries or isinstance(made, type), f"{name} has no example"
