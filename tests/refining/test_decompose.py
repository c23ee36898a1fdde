"""A request split into instructions, and the rules that their words spell."""

from __future__ import annotations

import pytest

import condit
from condit.refining.decompose import decompose, parts_of, rule_for


def test_parts_stand_in_the_request() -> None:
    request = (
        "Write an email to Ann and Bob. Be friendly, offer a discount, and use at most 4 lines!\n"
        "- Cost: 3.50 euros\n2) be brief; be kind."
    )
    parts = parts_of(request)
    assert parts == [
        *("Write an email to Ann and Bob", "Be friendly", "offer a discount"),
        *("use at most 4 lines", "Cost", "3.50 euros", "be brief", "be kind"),
    ]
    assert all(part in request for part in parts)
    assert parts_of("...") == []


@pytest.mark.parametrize(
    ("part", "rule"),
    [
        ("in 20 to 40 words", "words(at_least=20, at_most=40)"),
        ("between two and 4 paragraphs", "paragraphs(at_least=2, at_most=4)"),
        ("Use no more than 60 words", "words(at_most=60)"),
        ("in under 50 words", "words(at_most=49)"),
        ("write more than 50 words", "words(at_least=51)"),
        ("with three bullet points", "bullets(exactly=3)"),
        ("3 sentences", "sentences(exactly=3)"),
        ("all in upper-case", "upper()"),
        ("no capital letters", "lower()"),
        ("Don\u2019t use the word 'very'", 'without("very")'),
        ("Do not mention the pope", 'without("pope")'),
        ("never mention  prices", 'without("prices")'),
        ("do not use slang", None),
        ("do not mention the pope in Rome", None),
        ("mention the word harbour", 'contains("harbour")'),
        ("Do not write more than 40 words", None),
        ("between 9 and 4 words", None),
        ("under 1 word", None),
        ("in about 50 words", None),
        ("a title of 3 words", None),
        ("Define the word entropy", None),
        ("Be kind", None),
    ],
)
def test_words_spell_a_rule(part: str, rule: str | None) -> None:
    found = rule_for(part)
    assert (found.written if found else None) == rule
    if found is not None and "sentences" not in found.written:  # that takes seconds to import
        found.make()


def test_what_is_clear_asks_no_model() -> None:
    found = decompose(condit.load("ngram"), "Greet me. Include the word sea. Be kind.")
    assert [(each.text, each.enforced, each.by) for each in found] == [
        ("Include the word sea", True, "model"),
        ("Be kind", False, "model"),
    ]
    rule = found[0].constraint
    assert rule is not None
    assert rule.accepts("To the sea!")
