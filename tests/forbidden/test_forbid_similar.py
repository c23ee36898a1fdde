"""Forbidden by a scorer: what it is asked, and that token by token the same is refused."""

import re

import pytest

import condit
from condit.errors import ArgumentError, CheckError
from condit.vocabulary import Vocabulary

VOCABULARY = Vocabulary(
    [*(bytes([byte]) for byte in range(256)), b"ad. B", b"ad.", b"!?", b""], 259
)


def badness(text):
    """How much is bad."""
    return text.lower().count("bad") / len(re.findall(r"\w+", text) or [1])


@pytest.mark.parametrize("each", ["sentence", "text"])
def test_sentences_are_judged_as_they_end(each):
    guard = condit.forbid.similar((), badness, 0.5, each=each)
    for text in (
        "Fine. Bad.",
        "All is not bad. Good.",
        "bad",
        "B 1.5 bad!",
        "Bad.\nA b c d",
        "a\ud83d",
    ):
        text = text.replace("\ud83d", "\N{GRINNING FACE} bad. x")
        ends = [found.end() for found in re.finditer(r"[.!?\n]", text)] + [len(text)]
        parts = [text[:end] for end in ends]
        if each == "sentence":
            parts = [re.split(r"(?<=[.!?])\s+(?=\S)|\n+(?=\S)", part)[-1].strip() for part in parts]
        want = all(badness(part) < 0.5 for part in parts)
        assert guard.accepts(text) == want, text
        tokens = [*text.encode(), VOCABULARY.end]
        assert (guard.bind(VOCABULARY).count_allowed(tokens) == len(tokens)) == want, text


def test_within_tokens_and_other_constraints():
    guard = condit.forbid.similar((), badness, 0.5, of=condit.regex("[Bad. ]+"))
    matcher = guard.bind(VOCABULARY)
    matcher.advance(ord("B"))
    assert [matcher.allows(token) for token in (256, 257, ord("a"), ord("!"))] == [
        *(False, False, True, False)
    ]
    assert "badness gives 'Bad.' a score of 1, and refused is 0.5" in matcher.explain(257)
    model = condit.load("ngram")
    drawn = condit.generate(model, "It is ", guard, n=4, max_tokens=12, seed=1)
    assert all(guard.accepts(sample.text) for sample in drawn.samples)


def test_what_is_compared_and_what_is_wrong():
    def same(text, texts):
        assert texts == ("Go.",)
        return [0.5, float(text in texts)]

    guard = condit.forbid.similar("Go.", same, 1)
    assert guard.explain("Stay. Go.").startswith("at character 6: ")
    assert guard.accepts("Go on.")
    with pytest.raises(CheckError, match="return the score as a number"):
        condit.forbid.similar("x", lambda text: None, 1).accepts("a")
    for wrong in ((), same, 1), ("x", same, "high"), ("x", 3, 1), ([3], same, 1):
        with pytest.raises(ArgumentError, match=r"forbid\.similar"):
            condit.forbid.similar(*wrong)
