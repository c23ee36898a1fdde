"""Every example runs as it stands and prints what it promises."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

import condit
from condit.model.transformers import TransformersModel

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"

PROMISES = {
    "arithmetic.py": [" = ", "0."],
    "byte_matcher.py": ["obey their laws", "balanced: ", "nested at most 1 deep"],
    "chat.py": ["The sky is blue because"],
    "classify.py": ["P(positive) is about", "mass of all labels together"],
    "masking.py": ["plain masking", "the same draws, weighted", "different dates"],
    "memory.py": ["call 7:", "surely at most", "Memory of 1 problems"],
    "preference.py": ["without", "with a preference", "0."],
    "order.py": ["different texts of 4", "effective sample", "as a value: Order(", "left free"],
    "own_constraint.py": ["obey their laws", "without e:"],
    "own_model.py": ["ngram: [", "log evidence"],
    "pattern.py": ["is about"],
}

# Fewer draws than by default, for speed.
ARGUMENTS = {"masking.py": ("-n", "20"), "order.py": ("--seed", "3", "-n", "4")}

Run = Callable[..., str]


@pytest.fixture
def run(
    smollm2: TransformersModel,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Run an example with arguments, on the model that is loaded already; what it printed."""
    real = condit.load

    def load(source: str = "smollm2") -> condit.Model:
        return smollm2 if source == "smollm2" else real(source)

    def run(name: str, *arguments: str) -> str:
        monkeypatch.setattr(condit, "load", load)
        monkeypatch.setattr("sys.argv", [name, *arguments])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_every_example_is_listed() -> None:
    assert sorted(PROMISES) == sorted(path.name for path in EXAMPLES.glob("*.py"))


@pytest.mark.model
@pytest.mark.parametrize("name", sorted(PROMISES))
def test_it_runs(name: str, run: Run) -> None:
    printed = run(name, *ARGUMENTS.get(name, ()))
    for promise in PROMISES[name]:
        assert promise in printed.replace("\n", " ")


@pytest.mark.model
def test_own_model_loads_a_directory(run: Run, smollm2: TransformersModel) -> None:
    assert smollm2.directory is not None
    assert smollm2.directory.name in run("own_model.py", str(smollm2.directory))
