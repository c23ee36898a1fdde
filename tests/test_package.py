"""The package as a whole: what it exports, how fast it is imported, what it does not import."""

from __future__ import annotations

import subprocess
import sys

import pytest

import condit


def test_every_public_name_is_there() -> None:
    for name in condit.__all__:
        assert getattr(condit, name) is not None
        assert name in dir(condit)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = condit.nothing


def test_importing_it_leaves_heavy_packages_alone() -> None:
    heavy = "torch, transformers, llguidance, lark, pydantic, jsonschema_rs"
    program = f"import sys, condit; print([m for m in '{heavy}'.split(', ') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_verb_survives_the_import_of_its_module() -> None:
    program = "import condit.generate, condit; assert callable(condit.generate)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
