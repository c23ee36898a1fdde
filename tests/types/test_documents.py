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
