"""Lines, sentences, and tables made of cells."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from small_texts import check_agreement, check_laws, matches

import condit
from condit.constraint.base import Strength
from condit.errors import ArgumentError, UnsatisfiableError

SENTENCE = condit.sentence()
LINE = "A. \n\u2028\u00e9\u65e5\u3002?\x85\x1c3"


@pytest.mark.parametrize("most", [None, 1, 7])
def test_lines_by_matcher_and_oracle(most: int | None) -> None:
    check_agreement(condit.line(most), LINE)
    check_laws(condit.line(most), [*LINE, "ab", " c", "x" * 9])


@pytest.mark.slow
@pytest.mark.parametrize("most", [None, 2, 9])
def test_sentences_by_matcher_and_oracle(most: int | None) -> None:
    check_agreement(condit.sentence(most), LINE)
    check_laws(condit.sentence(most), [*LINE, "It is", " 3.5", "x" * 9])


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        *(("It costs 3.5 euros.", True), ("It rains. It pours.", False), ("no", False)),
        *(("\u00c9t\u00e9!", True), ("\u00e9t\u00e9!", False), ("\u65e5\u672c\u3002", True)),
        *(("It\nrains.", False), (".", False), ("I.", True), ("", False), ("What?!", True)),
    ],
)
def test_what_a_sentence_is(text: str, valid: bool) -> None:
    assert matches(SENTENCE, text) == SENTENCE.accepts(text) == valid


def test_no_count_of_characters() -> None:
    for most in (-1, True, 0.5):
        with pytest.raises(ArgumentError, match="no count"):
            condit.line(most)  # type: ignore[arg-type]
    with pytest.raises(UnsatisfiableError):
        condit.line(0)
    with pytest.raises(UnsatisfiableError):
        condit.sentence(1)


TABLES: list[tuple[Any, dict[str, Any]]] = [
    (["a", "b"], {}),
    (['a,"b'], {"rows": (0, 2)}),
    ({"name": None, "age": condit.integer(0, 130), "on": condit.date()}, {"header": False}),
    ({"line": condit.line(), "code": condit.iban("NO")}, {"rows": 2}),
    ({"what": condit.choice("a,b", "c", 'say "hi"')}, {"rows": (1, 3)}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("columns", "options"), TABLES)
def test_tables_by_matcher_and_oracle(columns: Any, options: dict[str, Any]) -> None:
    wanted = condit.csv(columns, **options)
    assert wanted.machine.strength is Strength.EXACT
    if "code" not in columns:
        letters = 'abcdefghinosrtuwxy",\n0123- \u00e9'
        check_laws(wanted, [*letters, "a,b\n1", '""', '",', "age"], walks=2)
    check_agreement(wanted, 'a,b"\n\r12\u00e9\0', texts=150)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        *(("a,b\n1,2", True), ("a,b\n1,2\n", False), ("a,b\n,", True), ("a,b", False)),
        *(('a,b\n"1,",2', True), ('a,b\n"1",2', False), ('a,b\n"say ""hi""",2', True)),
        *(('a,b\n"two\nlines",2', True), ("a,b\n1", False), ("a,b\n1,2,3", False)),
        *(('a,b\nsay "hi",2', False), ("b,a\n1,2", False), ("a,b\r\n1,2", False), ("", False)),
    ],
)
def test_traps_of_tables(text: str, valid: bool) -> None:
    wanted = condit.csv(["a", "b"])
    assert matches(wanted, text) == wanted.accepts(text) == valid


def test_rows_are_those_of_the_library() -> None:
    rows = [["Lee, Ann", "42", "a\nb"], ['"', "0", ""], ["", "130", " "]]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([["name", "age", "note"], *rows])
    wanted = condit.csv({"name": None, "age": condit.integer(0, 130), "note": None})
    text = out.getvalue()[:-1]
    assert matches(wanted, text)
    assert wanted.value(text)[0] == {"name": "Lee, Ann", "age": 42, "note": "a\nb"}
    assert "row 2, age: " in wanted.explain(text.replace(",0,", ",131,"))


def test_any_constraint_may_stand_in_a_table() -> None:
    wanted = condit.csv(
        {"code": condit.regex('[a-c"]{2}'), "n": condit.integer(0, 9)}, header=False
    )
    assert wanted.machine.strength is Strength.SOUND
    for text in ("ab,1", '"a""",2\ncc,3', 'a",2', "ab,10", '"ab",1', "abc,1"):
        assert matches(wanted, text) == wanted.accepts(text), text
    assert matches(wanted, '"a""",2\ncc,3')


@pytest.mark.parametrize(
    ("columns", "options"),
    [
        *(("a,b", {}), ([], {}), (["a", "a"], {}), ([1], {}), ({"a": 5}, {}), (["a\r"], {})),
        *((["a"], {"rows": -1}), (["a"], {"rows": (2, 1)}), (["a"], {"rows": True})),
        (["a"], {"rows": (0, 3), "header": False}),
    ],
)
def test_tables_that_are_none(columns: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="csv: "):
        condit.csv(columns, **options)


def test_they_are_made_by_name() -> None:
    assert condit.make_constraint("csv", "a,b") == condit.csv(["a", "b"])
    made = condit.make_constraint(
        "csv", '{"name": "line", "age": {"integer": [0, 130]}}', rows=[1, 2]
    )
    assert made == condit.csv({"name": condit.line(), "age": condit.integer(0, 130)}, rows=(1, 2))
    assert condit.make_constraint("sentence", "80") == condit.sentence(80)
    assert condit.make_constraint("line", "") == condit.line()
    with pytest.raises(ArgumentError, match="JSON"):
        condit.make_constraint("csv", '{"name": ')


WANTED = [
    (condit.integer(0, 130), "Her age in years: "),
    (condit.date("2024-01-01", "2024-12-31"), "The day of the meeting: "),
    (condit.csv({"name": condit.line(20), "age": condit.integer(0, 130)}, rows=2), "Two people:\n"),
]


@pytest.mark.model
@pytest.mark.parametrize(("wanted", "prompt"), WANTED)
def test_a_model_draws_them(smollm2: condit.Model, wanted: Any, prompt: str) -> None:
    result = condit.generate(smollm2, prompt, wanted, n=2, max_tokens=60, seed=0)
    for sample in result.samples:
        assert sample.valid, sample
        assert wanted.accepts(sample.text)
        assert wanted.value(sample.text) is not None
