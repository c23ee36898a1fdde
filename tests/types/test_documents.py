"""XML documents of nested elements, and Markdown tables."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest
from small_texts import check_agreement, check_laws, matches

import condit
from condit.constraint.base import Strength
from condit.errors import ArgumentError

ORDER = {"item": condit.line(), "parts": {"part": [{"n": condit.integer(0, 12)}], "end": None}}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("root", "content"),
    [("a", None), ("a", {}), ("order", ORDER), ("a", {"b": [condit.choice("<x>", "a&b", "")]})],
)
def test_documents_by_matcher_and_oracle(root: str, content: Any) -> None:
    wanted = condit.xml(root, content)
    assert wanted.machine.strength is Strength.EXACT
    check_agreement(wanted, 'ab<>&/;lt"1\r\0\uffff\x0b\u00e9!', texts=200)
    check_agreement(wanted, "ab<>&/;ltgmp", texts=30, stopping=0.02)
    letters = 'abdeimnoprst<>/&;glx12 "\u00e9'
    check_laws(wanted, [*letters, "</", "<a>", "&amp;", "item>"], walks=2)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        *(("<a><b>1</b></a>", True), ("<a></a>", True), ("<a/>", False), ("<a />", False)),
        *(("<a><b>1</b><b>9</b></a>", True), ("<a><b>10</b></a>", False), ("<a>1</a>", False)),
        *(("<a><b>1</b> </a>", False), ("<a><b x='1'>1</b></a>", False), ("<a><b>1</a>", False)),
        *(("<?xml version='1.0'?><a></a>", False), ("<a></a><!-- -->", False), ("", False)),
        *(("<!DOCTYPE a><a></a>", False), ("<a><c></c></a>", False), ("<a></a>\n", False)),
        *(("<a><b>&#49;</b></a>", False), ("<b>1</b>", False)),
    ],
)
def test_traps_of_documents(text: str, valid: bool) -> None:
    wanted = condit.xml("a", {"b": [condit.integer(0, 9)]})
    assert matches(wanted, text) == wanted.accepts(text) == valid


def test_values_are_those_of_the_library() -> None:
    root = ElementTree.Element("order")
    ElementTree.SubElement(root, "item").text = 'tea & <milk> "hot"'
    parts = ElementTree.SubElement(root, "parts")
    for number in (3, 12):
        part = ElementTree.SubElement(parts, "part")
        ElementTree.SubElement(part, "n").text = str(number)
    ElementTree.SubElement(parts, "end")
    text = ElementTree.tostring(root, "unicode", short_empty_elements=False)
    wanted = condit.xml("order", ORDER)
    assert matches(wanted, text)
    assert wanted.value(text) == {
        "item": 'tea & <milk> "hot"',
        "parts": {"part": [{"n": 3}, {"n": 12}], "end": ""},
    }
    assert "<n>: " in wanted.explain(text.replace("12", "13"))
    assert "<n>...</n>" in wanted.describe()


@pytest.mark.parametrize(
    ("root", "content"),
    [("a b", None), ("", None), ("a", {"1": None}), ("a", {"b": []}), ("a", 5), (None, None)],
)
def test_documents_that_are_none(root: Any, content: Any) -> None:
    with pytest.raises(ArgumentError, match="xml: "):
        condit.xml(root, content)


def test_they_are_made_by_name() -> None:
    made = condit.make_constraint("xml", '{"a": {"b": ["integer=0,9"], "c": null}}')
    assert made == condit.xml("a", {"b": [condit.integer(0, 9)], "c": None})
    with pytest.raises(ArgumentError, match="one element"):
        condit.make_constraint("xml", "{}")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("columns", "options"),
    [
        (["a", "b|c"], {}),
        ({"a": condit.line(), "n": condit.integer(0, 12)}, {"rows": (0, 2)}),
        ({"a": condit.choice("x|y", "z", "--", "")}, {"rows": 2}),
    ],
)
def test_markdown_tables_by_matcher_and_oracle(columns: Any, options: dict[str, Any]) -> None:
    wanted = condit.markdown_table(columns, **options)
    assert wanted.machine.strength is Strength.EXACT
    check_agreement(wanted, "ab|\\ -\n1\r\0\u2003\x85`*<&", texts=200)
    check_laws(wanted, [*"abcnxyz|\\ -\n12\u00e9", "| ", " |", "---", "\\|"], walks=2)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        *(("| 1 | x |", True), ("| 1 | x \\| y |", True), ("| 1 | x | y |", False)),
        *(("| 1 |  |", True), ("| 1 |   |", False), ("|1 | x |", False), ("| 1 | x", False)),
        *(("| 13 | x |", False), ("| 1 | x\\ |", False), ("| 1 | `|` |", False), ("", False)),
        *(
            ("| 1 | **x** <b> |\n| 2 | [y](z) |", True),
            ("| 1 | x |\n", False),
            ("| 1 | x |\n\ny", False),
        ),
    ],
)
def test_traps_of_markdown_tables(text: str, valid: bool) -> None:
    wanted = condit.markdown_table({"n": condit.integer(0, 12), "note": None})
    whole = f"| n | note |\n| --- | --- |\n{text}"
    assert matches(wanted, whole) == wanted.accepts(whole) == valid


def test_markdown_tables_that_are_none() -> None:
    for columns in (["a "], [""], ["a\nb"], ["a\\"], [], "a,b"):
        with pytest.raises(ArgumentError, match="markdown_table: "):
            condit.markdown_table(columns)
    with pytest.raises(ArgumentError, match="no count"):
        condit.markdown_table(["a"], rows=(2, 1))
    made = condit.make_constraint("markdown_table", '{"a": "integer=0,9"}', rows=[1, 2])
    assert made == condit.markdown_table({"a": condit.integer(0, 9)}, rows=(1, 2))
    assert made.value("| a |\n| --- |\n| 7 |") == [{"a": 7}]
