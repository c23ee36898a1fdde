"""Pictures of a run by matplotlib: what they show, and that they leave the program as it was."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from dataclasses import replace

import pytest

import condit
from condit.errors import ArgumentError, MissingDependencyError

DRAWS = importlib.util.find_spec("matplotlib") is not None
needs = pytest.mark.skipif(not DRAWS, reason="needs matplotlib, which is optional")


@pytest.fixture(scope="module")
def result() -> condit.Result:
    model = condit.load("ngram")
    odd = condit.choice(["$x_1", "表\u202e"])
    return condit.generate(model, "The answer is ", odd, n=8, max_tokens=60, sampler="smc", seed=1)


def test_without_matplotlib_the_error_says_how_to_install_it(
    result: condit.Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("matplotlib", *(each for each in sys.modules if each.startswith("matplotlib."))):
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    with pytest.raises(MissingDependencyError, match=r"pip install 'condit\[plot\]'"):
        result.plot()


@needs
def test_all_pictures_are_drawn_and_nothing_warns(result: condit.Result) -> None:
    figure = result.plot()
    assert len(figure.axes) == 4
    assert figure._repr_png_().startswith(b"\x89PNG")
    told = [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()]
    assert {each.of for each in result.agreement()} == {""}
    assert set(told) & {"$x_1", "<U+8868>⟨U+202E⟩"}


@needs
def test_a_picture_is_drawn_on_given_axes(result: condit.Result) -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    ax = figure.add_subplot()
    assert result.plot("evidence", ax=ax) is figure
    steps = [line["log_evidence"] for line in result.trace_lines() if line["kind"] == "step"]
    assert list(ax.lines[0].get_ydata()) == pytest.approx(steps, nan_ok=True)
    figure = result.plot("genealogy")
    segments = [len(lines.get_segments()) for lines in figure.axes[0].collections]
    assert sum(segments) == sum(line["kind"] == "draw" for line in result.trace_lines())


@needs
def test_what_cannot_be_drawn_is_said(result: condit.Result) -> None:
    with pytest.raises(ArgumentError, match="'pie': choose one of 'evidence'"):
        result.plot("pie")
    with pytest.raises(ArgumentError, match="name the picture"):
        result.plot(ax=object())
    figure = replace(result, run=None).plot()
    assert any("no trace" in text.get_text() for axes in figure.axes for text in axes.texts)


@needs
def test_pyplot_is_not_imported() -> None:
    code = "import sys, condit.page.plots; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
