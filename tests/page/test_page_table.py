"""A result in a terminal: ``print``, ``repr``, and texts that mean harm."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

import condit
from condit.errors import DeadEndError
from condit.page.distinct import distinct
from condit.page.table import MOST, table
from condit.page.words import end_fitted, fitted, percent

HOSTILE = [
    "",
    "a\nb\r\tc",
    "\u202etxt\u202c",
    "\ud800 alone",
    "\x1b[31mred",
    "表" * 300,
    "x" * 10_000,
]


@pytest.fixture(scope="module")
def result() -> condit.Result:
    model = condit.load("ngram")
    pattern = condit.regex("(yes|no)( please)?")
    return condit.generate(model, "The answer is ", pattern, n=6, max_tokens=12, seed=0)


def test_a_result_prints_as_its_different_texts(result: condit.Result) -> None:
    lines = str(result).splitlines()
    assert lines[0].split() == ["weight", "lanes", "text"]  # all are finished: nobody says so
    rows = [line.split(maxsplit=2) for line in lines[1 : 1 + result.distinct]]
    assert {text for _, _, text in rows} == {sample.text for sample in result.samples}
    assert sum(int(lanes) for _, lanes, _ in rows) == 6
    assert f"effective sample size {result.ess:.2f} of 6; log evidence" in lines[-2]
    assert f"seed {result.seed}" in lines[-1]


def test_repr_is_one_short_line(result: condit.Result) -> None:
    assert "\n" not in repr(result)
    assert len(repr(result)) < 300
    assert f"{result.distinct} distinct valid text" in repr(result)


def test_without_a_valid_text_there_is_advice() -> None:
    model = condit.load("ngram")
    with pytest.raises(DeadEndError) as caught:
        condit.generate(
            model, "a", condit.regex("[a-z]{4}"), n=3, max_tokens=5, top_k=1, sampler="masked"
        )
    said = str(caught.value.result)
    assert "dead end" in said
    assert "No text is valid: 3 of 3 lanes" in said


@pytest.mark.parametrize("width", [40, 100])
def test_any_text_takes_one_line_of_visible_characters(width: int) -> None:
    samples = [(text, "stop", True, 1 / len(HOSTILE)) for text in HOSTILE]
    lines = table(distinct(samples), [], width).split("\n")
    assert len(lines) == 1 + len(HOSTILE)
    for line in lines:
        assert line.isprintable()
        assert cell_len(line) <= width
        line.encode()
    assert "⟨U+202E⟩" in "".join(lines)
    assert "⟨U+D800⟩" in "".join(lines)


def test_many_texts_are_summed_up() -> None:
    samples = [(str(number), "stop", True, 1e-4) for number in range(10_000)]
    lines = table(distinct(samples), ["fact"], 80).split("\n")
    assert len(lines) == 1 + MOST + 2
    assert lines[-2].split() == ["99.8%", "9,980", "and", "9,980", "other", "texts"]


def test_a_table_of_nothing_says_so() -> None:
    assert "There is no text." in table(distinct([]), [], 80)


def test_an_end_is_kept_where_there_is_no_room() -> None:
    assert fitted("abcdef", 4) == "abc…"
    assert end_fitted("abcdef", 4) == "…def"
    assert end_fitted("abcd", 4) == "abcd"
    assert cell_len(end_fitted("表" * 9, 5)) <= 5


def test_shares_near_the_ends_are_not_rounded_to_them() -> None:
    told = [percent(share) for share in (0.0, 1e-7, 0.25, 0.9999, 1.0, None)]
    assert told == ["0%", "< 0.1%", "25.0%", "> 99.9%", "100%", "?"]
