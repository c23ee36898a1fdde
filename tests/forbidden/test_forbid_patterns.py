"""Forbidden patterns: found nowhere in a text, whatever flags they have."""

import re

import numpy as np
import pytest

import condit
from condit.errors import ArgumentError
from condit.testing import check_matcher
from condit.vocabulary import Vocabulary


def test_patterns_are_searched_for():
    digits = condit.forbid(re.compile(r"\b[0-9]{3}\b"))
    for text in ("1234", "a 123 b", "12", "x123", ""):
        assert digits.accepts(text) == (re.search(r"\b[0-9]{3}\b", text) is None)
    assert digits.explain("a 123") == (
        "at character 2: it has '123', which the forbidden pattern '\\\\b[0-9]{3}\\\\b' matches"
    )
    matcher = condit.forbid(condit.regex("ab+c")).bind(Vocabulary.of_bytes())
    assert matcher.count_allowed(list(b"xabbd ab")) == 8
    assert matcher.count_allowed(list(b"xabbc")) == 4
    both = condit.forbid([re.compile("B\nx", re.IGNORECASE | re.VERBOSE), "no"])
    assert [both.accepts(text) for text in ("a bX", "No.", "nob x")] == [False, False, True]
    check_matcher(both, Vocabulary.of_bytes(), np.random.default_rng(0), walks=1, steps=4)


def test_mistaken_patterns():
    with pytest.raises(ArgumentError, match="matches the empty text"):
        condit.forbid(re.compile("a*"))
    with pytest.raises(ArgumentError, match="in every text that is not empty"):
        condit.forbid(condit.regex(r"[\s\S]"))
    with pytest.raises(ArgumentError, match="of bytes"):
        condit.forbid(re.compile(b"a"))
