from __future__ import annotations

import pytest

from condit import Vocabulary
from condit.errors import VocabularyError


def test_of_puts_the_end_after_the_texts() -> None:
    vocabulary = Vocabulary.of(["a", b"\xff", "é"])
    assert vocabulary.bytes == (b"a", b"\xff", "é".encode(), b"")
    assert vocabulary.end == 3
    assert vocabulary.ends == {3}
    assert len(vocabulary) == 4


def test_of_bytes_has_every_byte() -> None:
    vocabulary = Vocabulary.of_bytes()
    assert vocabulary.spell([0, 104, 255]) == b"\x00h\xff"
    assert vocabulary.end == 256


def test_decode_marks_a_character_cut_short() -> None:
    vocabulary = Vocabulary.of_bytes()
    assert vocabulary.decode("é".encode()) == "é"
    assert vocabulary.decode("é".encode()[:1]) == "\ufffd"


def test_all_ends_are_kept() -> None:
    vocabulary = Vocabulary([b"a", b"", b""], end=1, ends=frozenset({2}))
    assert vocabulary.ends == {1, 2}


def test_an_end_outside_is_refused() -> None:
    with pytest.raises(VocabularyError, match="end token 7 is outside the vocabulary of 2 tokens"):
        Vocabulary([b"a", b""], end=7)


def test_an_end_with_bytes_is_refused() -> None:
    with pytest.raises(VocabularyError, match="end token 0 also has bytes b'a'"):
        Vocabulary([b"a", b""], end=0)
