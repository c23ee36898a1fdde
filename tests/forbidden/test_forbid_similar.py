"""Texts that are too like others by a scorer: refused at the end of the sentence."""

import pytest

import condit
from condit.errors import ArgumentError, CheckError
from condit.vocabulary import Vocabulary


def share_of_a(text, texts):
    return [text.count("a") / len(text)] * len(texts)


def test_refused_at_the_end_of_a_sentence():
    few = condit.forbid.similar(["a"], share_of_a, 0.5)
    matcher = few.bind(Vocabulary.of_bytes())
    assert matcher.count_allowed(list(b"aaab. x")) == 5  # not the space behind it
    assert matcher.count_allowed(list(b"abbb. aaaaaaaa")) == 14  # the sentence has not ended
    words = Vocabulary([b"aaab", b". x", b""], end=2)
    assert few.bind(words).count_allowed([0, 1]) == 1  # a token that leads over the border
    end = matcher.vocabulary.end
    assert matcher.count_allowed([*b"aab", end]) == 3
    assert matcher.count_allowed([*b"abb", end]) == 4
    assert few.accepts("abb. b")
    # What follows does not make up for it.
    assert "at character 5: up to here it scores 0.6" in few.explain("aaab. bbbbbb")


def test_mistakes():
    for arguments in (([], share_of_a, 0.5), (["a"], None, 0.5), (["a"], share_of_a, "x")):
        with pytest.raises(ArgumentError):
            condit.forbid.similar(*arguments)
    broken = condit.forbid.similar("a", lambda text, texts: float("nan"), 0.5)
    with pytest.raises(CheckError, match="gave no number"):
        broken.accepts("b")
