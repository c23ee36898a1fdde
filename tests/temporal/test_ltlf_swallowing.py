"""Events whose text may go on over that of another are named in a warning."""

from __future__ import annotations

import warnings

import pytest

import condit
from condit.constraint.base import Constraint
from condit.errors import SwallowedEventWarning
from condit.vocabulary import Vocabulary

ANSWER = "<a>" + condit.integer(0, 9) + "</a>"


@pytest.mark.parametrize(
    ("think", "warned"),
    [
        (condit.free(), True),
        ("<t>" + condit.free(), True),
        (condit.free(max_chars=40), True),
        (condit.regex("hm, .*"), True),
        ("<t>" + condit.line(), True),
        ("<t>" + condit.free(until="</t>"), False),
        (condit.regex("[^<]+"), False),
        (condit.regex("[a-z ]+"), False),
        (condit.free(max_chars=2), False),
        (condit.line() + "\n", False),
    ],
)
def test_open_ended_events_are_named(think: Constraint, warned: bool) -> None:
    part = condit.then("T", think)
    spec = condit.ltlf("F answer", {"think": part, "answer": ANSWER})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        spec.bind(Vocabulary.of_bytes())
    said = [str(each.message) for each in caught if each.category is SwallowedEventWarning]
    assert len(said) == warned
    assert all("'think' has no end of its own" in each and "'answer'" in each for each in said)


def test_the_last_event_needs_no_end() -> None:
    spec = condit.ltlf("G(answer -> last)", {"ask": "?", "answer": "!" + condit.free(max_chars=9)})
    assert spec.validate("??!so it is?")
    with pytest.warns(SwallowedEventWarning, match="'answer'"):
        condit.ltlf("F ask", dict(zip(spec.events, spec.parts, strict=True))).validate("?!a")
