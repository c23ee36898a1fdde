"""The instructions of IFEval and IFBench as constraints."""

from __future__ import annotations

from typing import Any

import pytest

import condit
from condit.constraint.lexical.instructions import MAKERS
from condit.constraint.lexical.without_maker import WITHOUT_MAKER
from condit.errors import ArgumentError, UnsupportedConstraintError
from condit.vocabulary import Vocabulary

KWARGS = {
    "keywords": ["sea", "ship"],
    "forbidden_words": ["rock"],
    "relation": "at least",
    "keyword": "sea",
    "frequency": 2,
    "letter": "q",
    "let_relation": "less than",
    "let_frequency": 2,
    "num_sentences": 3,
    "language": "kn",
    "num_words": 8,
    "num_paragraphs": 2,
    "nth_paragraph": 2,
    "first_word": "then",
    "postscript_marker": "P.P.S",
    "num_placeholders": 2,
    "num_bullets": 2,
    "num_highlights": 2,
    "section_spliter": "Part",
    "num_sections": 2,
    "prompt_to_repeat": "Say what the sea is like.",
    "end_phrase": "Any questions?",
    "capital_relation": "at least",
    "capital_frequency": 2,
    "small_n": 3.0,
    "N": 3.0,
    "min_words": 4.0,
    "max_words": 6.0,
    "sep": "!?!?",
    "options": "yes/no/maybe",
    "percentage": 20,
    "word": "sea",
    "n": 2,
    "m": 3,
    "n_start": 1,
    "n_end": 3,
} | {f"keyword{number}": f"word{number}" for number in range(1, 6)}

_OF_SENTENCES = {"words:keywords_specific_position", "words:last_first"}


def test_every_instruction_has_a_maker_or_a_reason() -> None:
    assert not set(MAKERS) & set(WITHOUT_MAKER)
    assert len(MAKERS) + len(WITHOUT_MAKER) == 25 + 58


@pytest.mark.parametrize("name", MAKERS)
def test_each_instruction_has_an_ending_that_its_judge_accepts(name: str) -> None:
    if "sentence" in name or name in _OF_SENTENCES:
        pytest.importorskip("nltk")
    rule = condit.instructions([name], [KWARGS])
    ending = rule.bind(Vocabulary.of_bytes()).unchecked().ending()
    assert ending is not None
    assert rule.accepts(ending.text.decode()), rule.explain(ending.text.decode())


def test_a_row_of_the_data_sets_is_read() -> None:
    row = {
        "key": 1,
        "prompt": "Write two responses.",
        "instruction_id_list": ["combination:two_responses", "punctuation:no_comma"],
        "kwargs": [{}, {"num_words": None}],
    }
    rule = condit.instructions(row)
    assert rule.accepts("One ****** Two")
    assert not rule.accepts("One ****** One")
    assert not rule.accepts("One, ****** Two")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (None, "None: give a row"),
        ({}, "no 'instruction_id_list'"),
        ("punctuation:no_comma", "give a row, or a list of names"),
        (("keywords:existence", {"keywords": "cat"}), "give a list of words"),
        (("length_constraints:number_words", {"num_words": "a", "relation": "at least"}), "'a'"),
        (("length_constraints:number_words", {"num_words": 3, "relation": "over"}), "'over'"),
    ],
)
def test_rows_that_are_none_are_refused(row: Any, said: str) -> None:
    if isinstance(row, tuple):
        row = {"instruction_id_list": [row[0]], "kwargs": [row[1]]}
    with pytest.raises(ArgumentError, match=said):
        condit.instructions(row)


def test_what_cannot_be_expressed_says_why() -> None:
    with pytest.raises(UnsupportedConstraintError, match="syllables"):
        condit.instructions(["words:odd_even_syllables"], [{}])
    with pytest.raises(ArgumentError, match="no instruction"):
        condit.instructions(["words:none"], [{}])
    with pytest.raises(ArgumentError, match="lack 'keywords'"):
        condit.instructions(["keywords:existence"], [{}])
