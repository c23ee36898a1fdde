"""What notebooks show of a result: well-formed HTML without scripts, whatever the texts."""

from __future__ import annotations

import math
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

import condit
from condit.page.curve import MOST, curve
from condit.page.notebook import fields, framed, notebook, plain_text
from condit.page.tokens import narrowness, spelled

VOID = {"br"}
TAGS = {
    *("div", "p", "span", "b", "br", "bdi", "pre", "code", "details", "summary", "figure"),
    *("figcaption", "table", "tbody", "tr", "td", "svg", "path", "polyline", "text"),
}


class Reader(HTMLParser):
    """Reads HTML strictly: each element is ended, in order, and none can run anything."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.titles: list[str] = []
        self.words = ""
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        for name, value in attrs:
            assert not name.startswith("on")
            assert name not in ("href", "src", "id")
            assert "url(" not in (value or "")
            if name == "title":
                self.titles.append(value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        assert "svg" in self.open or all(c.isprintable() or c in "\n\xa0" for c in data)
        self.words += data


@pytest.fixture(scope="module")
def result() -> condit.Result:
    model = condit.load("ngram")
    schema = {
        "type": "object",
        "properties": {"a<b": {"enum": ["$x$", "<script>"]}, "count": {"maximum": 3}},
        "required": ["a<b"],
        "additionalProperties": False,
    }
    made = condit.json_schema(schema)
    return condit.generate(model, "<b>&", made, n=4, max_tokens=60, sampler="smc", seed=0)


def test_a_result_shows_its_texts_tokens_fields_curves_and_report(result: condit.Result) -> None:
    shown = Reader(result._repr_html_())
    for sample in result.samples:
        assert not sample.valid or sample.text in shown.words
    for words in ("Log evidence: from", "Effective sample size: from", "How far to trust it"):
        assert words in shown.words
    assert str(result.report).splitlines()[0] in shown.words
    assert '["a<b"]' in shown.words
    assert "<b>&" in shown.words
    heaviest = max(result.marginal(), key=lambda each: each.share).value
    spelled_by = next(s for s in result.samples if s.text == heaviest)
    assert len(shown.titles) >= len(spelled_by.tokens)
    assert any("forced" in title for title in shown.titles)


def hostile(text: str, n: int = 1) -> dict[str, Any]:
    sample = {"text": text, "finish_reason": "stop", "valid": True, "weight": 1 / n, "draw": 2_999}
    values = [{"value": text, "share": 1 / n, "standard_error": None}] * n
    return {
        "samples": [sample] * n,
        "best": 0,
        "sampler": text,
        "reason": text,
        "seed": 0,
        "stats": {"tokens": 1, "seconds": 1.0},
        "log_evidence": None,
        "ess": 1.0,
        "marginals": [{"field": text, "values": values}] * n,
        "report_in_words": text,
    }


@pytest.mark.parametrize(
    "text",
    [
        "</bdi><script>alert(1)</script>",
        '" onload="x',
        "\u202eab\ud800\x00\r",
        "&lt;",
        "表" * 9_000,
    ],
)
def test_no_text_gets_out_of_its_place_and_the_size_is_bounded(text: str) -> None:
    flags = dict.fromkeys(("given", "forced", "guessed", "refused"), False)
    logs = {"log_allowed": None, "log_probability": -1.0}
    draws = [
        {"kind": "draw", "draw": at, "after": at - 1 if at else None, "text": text, **flags, **logs}
        for at in range(3_000)
    ]
    steps = [
        {"kind": "step", "step": at, "log_evidence": -at, "effective_sample_size": 1.0}
        for at in range(3_000)
    ]
    run = {"kind": "run", "prompt": text, "constraint": text, "model": text}
    summary = hostile(text, 200)
    made = notebook(summary, [run, *draws, *steps, {"kind": "result", **summary}])
    assert len(made.encode()) < 200_000
    Reader(made)


def test_a_result_without_a_trace_is_shown(result: condit.Result) -> None:
    shown = Reader(replace(result, run=None)._repr_html_())
    assert result.best.text in shown.words
    assert "token by token" not in shown.words


def test_marginals_and_agreement_are_shown_as_bars(result: condit.Result) -> None:
    assert "$x$" in Reader(result.marginal('["a<b"]')._repr_html_()).words
    shown = Reader(result.agreement()._repr_html_()).words
    assert "count" in shown
    assert str(result.agreement()).splitlines()[-1] in shown


def test_a_text_alone_keeps_its_lines() -> None:
    shown = Reader(framed(plain_text("<b>\n$x$ \u202e")))
    assert shown.words == "<b>\n$x$ U+202E"


def test_errors_are_told_where_there_are_draws_enough() -> None:
    values = [{"value": 1, "share": 0.5, "standard_error": 0.1}]
    line = {"field": "a", "values": values}
    assert "± 10.0%" in Reader(fields([line], 5)).words
    assert "±" not in Reader(fields([line], 4.9, "worth little")).words


def test_a_curve_has_gaps_and_few_points() -> None:
    values = [None, 1.0, 2.0, -math.inf, 0.5, *[0.1] * 5_000]
    drawn = curve("x", list(range(len(values))), values)
    assert drawn.count("<polyline") <= 2
    assert drawn.count(",") < MOST + 20
    assert curve("x", [0, 1], [None, None]) == ""


def test_half_a_character_is_shown_by_its_bytes() -> None:
    halves = [{"text": "\ufffd", "bytes": "c3"}, {"text": "\ufffd", "bytes": "a9"}, {"text": "a"}]
    assert spelled(halves) == [("c3", True), ("é", False), ("a", False)]


def test_colours_go_by_the_mass_that_is_allowed() -> None:
    shares = (0.96, 0.6, 0.2, 0.01, 1e-4)
    draws = [{"given": False, "log_allowed": math.log(share)} for share in shares]
    assert [narrowness(draw) for draw in draws] == [0, 1, 2, 3, 4]
    assert narrowness({"given": True, "log_allowed": None}) == 0
