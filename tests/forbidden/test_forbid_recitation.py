"""The recitation guard: against all runs of the corpus, one by one, and masks against checks."""

import pickle
import random
import re

import numpy as np
import pytest

import condit
from condit.constraint.base import unpack
from condit.errors import ArgumentError
from condit.testing import check_matcher
from condit.vocabulary import Vocabulary

TOKENS = [bytes([byte]) for byte in range(256)] + [
    *(b"a ", b" b", b"ab", b"a b a", b". a", b"b a", b"ba b", b"\xe4\xb8", b"a\xe4"),
    *("中".encode(), "中丁".encode(), "a中".encode(), b"\xb8\x81", b"a b.", b" a b"),
]
VOCABULARY = Vocabulary([*TOKENS, b""], end=len(TOKENS))
LETTERS = "aab  b.é中丁丂"


def runs(documents, longest, unit):
    """Each shortest run that is too long; words as of texts without joined ones."""
    found = set()
    for document in documents:
        words = [each.span() for each in re.finditer(r"[a-zé]+|[中丁丂]", document)]
        for number, (start, _) in enumerate(words):
            if unit == "characters":
                found.add(document[start : start + longest + 1])
            elif number + longest < len(words):
                found.add(document[start : words[number + longest][1]])
    return {each for each in found if unit == "words" or len(each) > longest}


def recites(text, run, unit):
    before = r"(?<![a-zé])" if re.match("[a-zé]", run) else ""
    behind = r"(?![a-zé])" if unit == "words" and re.search("[a-zé]$", run) else ""
    return re.search(before + re.escape(run) + behind, text) is not None


@pytest.mark.parametrize("unit", ["words", "characters"])
def test_against_all_runs(unit):
    draw = random.Random(7)
    for _ in range(12):
        documents = ["x" + "".join(draw.choices(LETTERS, k=draw.randint(5, 40))) for _ in "ab"]
        longest = draw.randint(1, 3)
        guard = condit.forbid.recitation(documents, longest=longest, unit=unit)
        matcher = guard.bind(VOCABULARY)
        too_long = runs([each.rstrip() for each in documents], longest, unit)
        for _ in range(12):
            text = "".join(draw.choices(LETTERS, k=draw.randint(1, 10)))
            if draw.random() < 0.5:
                start = draw.randrange(len(documents[0]))
                text += draw.choice(["", " "]) + documents[0][start : start + draw.randint(1, 9)]
            want = not any(recites(text, run, unit) for run in too_long)
            assert guard.accepts(text) == want, (documents, longest, text)
            tokens = [*text.encode(), VOCABULARY.end]
            assert (matcher.copy().count_allowed(tokens) == len(tokens)) == want, (documents, text)
        here = matcher.copy()
        for byte in documents[0].encode()[:15]:
            asked = [here.allows(each) for each in range(len(VOCABULARY))]
            assert unpack(here.mask(), len(VOCABULARY)).tolist() == asked, (documents, longest)
            if not asked[byte]:
                break
            here.advance(byte)


def test_what_is_said(tmp_path):
    corpus = condit.Corpus({"rules": "Returns aren't free. Goods are, within 30 days, free."})
    corpus.save(tmp_path / "rules.index")
    guard = condit.forbid.recitation(tmp_path / "rules.index", longest=3)
    assert guard.explain("So goods: Goods are, within 30 days.") == (
        "at character 10: it recites 'Goods are, within 30', at character 21 of document rules: "
        "more than 3 words in a row"
    )
    assert guard.accepts("Goods are, within 300 days.")
    assert guard.accepts("Returns aren't free")
    assert pickle.loads(pickle.dumps(guard)).explain("x") == ""
    for options in ({"longest": 0}, {"unit": "lines"}):
        with pytest.raises(ArgumentError, match=next(iter(options))):
            condit.forbid.recitation(corpus, **options)
    with pytest.raises(ArgumentError, match="borders of a character"):
        condit.forbid.recitation(condit.Corpus(["ab"], borders="character"))


def test_laws():
    small = Vocabulary(
        [*(b"a", b"b", b" ", b"ab", b" b", b"\xe4", b"\xb8", b"\xad", b"x"), b""], end=9
    )
    guard = condit.forbid.recitation(["a b a 中 b a", "b b ab a"], longest=1)
    check_matcher(guard, small, np.random.default_rng(0), walks=1, steps=6)
