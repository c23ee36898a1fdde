"""``condit.quote`` against brute force: what is allowed is what begins a substring that fits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import condit
from condit.constraint.byte_matcher import ByteMatcher
from condit.corpus import masks
from condit.corpus.index import Occurrence
from condit.corpus.passages import spans
from condit.corpus.quote import Quote
from condit.errors import ArgumentError, MissingDependencyError, UnsatisfiableError
from condit.testing import World, check_sampler
from condit.testing.byte_matchers import check_byte_matcher
from condit.testing.matchers import check_matcher
from condit.vocabulary import Vocabulary

pytest.importorskip("pydivsufsort")

DOCUMENTS = [
    "The cat sat on the mat. It's 3,500 times—новый мир, 東京塔 don't!\n\n «Quoted» text -5 "
    "x=rock-n-roll\u2019s end  ",
    'Another doc:  the cat sat; the cat\x00 ran to 3.5 o\'clock, "é" e\u0301a\tb\\c',
    " x ! ",
    "",
]
CASES: list[dict[str, Any]] = [
    {"min_words": 1, "max_words": None},
    {"min_words": 2, "max_words": 3},
    {"min_words": 4, "max_words": 4},
    {"min_words": 1, "max_words": 1},
    {"borders": "character", "min_words": 2, "max_words": 5},
    {"borders": "sentence", "units": (1, 2)},
    {"borders": "line"},
]
TOKENS = [
    *(bytes([byte]) for byte in range(256)),
    *(b"the ", b" cat", b"cat sat", b"at", b"t on the mat", b"sat;", b"the cat", b"\\n", b'"T'),
    *("но".encode(), "но".encode()[1:3], "東".encode()[:2], "東京".encode(), b"s\xff", b"3,"),
]


def substrings(documents: list[str]) -> set[str]:
    return {
        text[start:stop]
        for text in documents
        for start in range(len(text))
        for stop in range(start + 1, len(text) + 1)
    }


def reached(machine: ByteMatcher[Any]) -> Iterator[tuple[bytes, bool]]:
    """Every prefix that is allowed, and whether the text may stop there."""
    waiting = [(b"", machine.start)]
    while waiting:
        text, state = waiting.pop()
        yield text, machine.may_stop(state)
        for byte in range(256):
            after = machine.next(state, byte)
            if after is not None:
                waiting.append((text + bytes([byte]), after))


def quotation(constraint: Quote) -> set[bytes]:
    return {text.encode() for text in substrings(DOCUMENTS) if constraint.accepts(text)}


@pytest.mark.parametrize("options", CASES, ids=str)
def test_allowed_prefixes_are_those_of_quotations(options: dict[str, Any]) -> None:
    constraint = condit.quote(DOCUMENTS, **options)
    wanted = quotation(constraint)
    prefixes = {text[:size] for text in wanted for size in range(len(text) + 1)}
    found = dict(reached(constraint.machine))
    assert set(found) == prefixes
    assert {text for text, stops in found.items() if stops} == wanted


def test_words_are_not_cut() -> None:
    constraint = condit.quote(DOCUMENTS, min_words=1)
    for text in ("rock-n-roll\u2019s", "3,500 times", "京", "«Quoted»", "-5 x", "мир", "don't"):
        assert constraint.accepts(text), text
    for text in ("rock-n", "n-roll\u2019s", "3", "500 times", "roll", "новы", "on ", "don"):
        assert not constraint.accepts(text), text


@pytest.mark.parametrize("options", CASES, ids=str)
@pytest.mark.parametrize("way", ["one by one", "together", "by nodes"])
def test_laws_and_masks(options: dict[str, Any], way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masks, "_FEW", 1000 if way == "one by one" else 0)
    monkeypatch.setattr(masks, "_MANY", 0 if way == "by nodes" else 1000)
    constraint = condit.quote(DOCUMENTS, **options)
    vocabulary, rng = Vocabulary.of(TOKENS), np.random.default_rng(1)
    check_byte_matcher(constraint.machine, vocabulary, rng, walks=3, steps=20)
    check_matcher(constraint, vocabulary, rng, walks=1)


def test_random_documents_by_every_way(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    letters = np.array([*"aab b..'é,1東\n "])
    documents = ["".join(rng.choice(letters, 60)) for _ in range(4)]
    vocabulary = Vocabulary.of(["a", "ab", " a", "b b", " ", ".", "é", "東".encode()[:1], "a."])
    constraint = condit.quote(documents, min_words=2, max_words=3)
    found = {text for text in substrings(documents) if constraint.accepts(text)}
    assert {text for text, stops in reached(constraint.machine) if stops} == {
        text.encode() for text in found
    }
    matcher = constraint.bind(vocabulary)
    texts = [b"", *(text.encode()[:3] for text in sorted(found)[:50])]
    for text in texts:
        state: Any = constraint.machine.start
        for byte in text:
            state = constraint.machine.next(state, byte)
        trie = masks.VocabularyTrie.of(matcher.vocabulary)
        made = []
        for few, many in ((1000, 1000), (0, 1000), (0, 0)):
            monkeypatch.setattr(masks, "_FEW", few)
            monkeypatch.setattr(masks, "_MANY", many)
            made.append(constraint.machine.own_mask(state, trie).tolist())
        assert made[0] == made[1] == made[2]


PROSE = """Mr. Smith paid 3.50 euros for it. "Really?" asked Ann. Yes!
It was in 1999. Then the U.S. law, i.e. No. 5, came...

A heading

1. It rains, e.g. in May. 2 men left (or three). 这是。那是。 J. Doe came \u2014 at last."""


def test_sentences_are_whole() -> None:
    punkt = pytest.importorskip("nltk.tokenize.punkt")
    found = [PROSE[start:stop] for start, stop in spans(PROSE, "sentence")]
    parameters = punkt.PunktParameters()
    parameters.abbrev_types |= {"mr", "u.s", "i.e", "no", "e.g", "j"}
    judged = punkt.PunktSentenceTokenizer(parameters).tokenize(PROSE)
    # Of speech, dots, headings, lists and Chinese Punkt has another opinion.
    plain = {
        "Mr. Smith paid 3.50 euros for it.",
        "Yes!",
        "It was in 1999.",
        "2 men left (or three).",
    }
    assert set(judged) & set(found) == plain
    assert "Then the U.S. law, i.e. No. 5, came..." in found
    assert "1. It rains, e.g. in May." in found
    assert "这是。" in found
    assert "A heading" in found
    constraint = condit.quote({"a": PROSE}, borders="sentence", units=(1, 2))
    assert constraint.accepts('"Really?" asked Ann. Yes!')
    assert "ends inside a sentence" in constraint.explain("Mr. Smith paid 3.50")
    assert "not begin where a sentence" in constraint.explain("asked Ann.")
    assert "has 3 sentences, of 2" in constraint.explain(
        '"Really?" asked Ann. Yes!\nIt was in 1999.'
    )
    assert "1 to 2 sentences" in constraint.describe()
    assert condit.quote([PROSE], borders="paragraph").accepts("A heading")


def test_where_a_quotation_stands() -> None:
    constraint = condit.quote({"a": "é The cat sat.", "b": "The cat ran. The cats"}, min_words=1)
    assert constraint.locate("The cat") == [Occurrence("a", 2, 9), Occurrence("b", 0, 7)]
    value = constraint.value("The cat ran")
    assert (str(value), value.count) == ("The cat ran", 1)
    often = condit.quote(["é ab " * 100_000, "ab"], min_words=1)
    assert often.value("é ab").occurrences[99] == Occurrence(0, 495, 499)  # type: ignore[attr-defined]
    assert often.locate("ab", most=None)[-1] == Occurrence(1, 0, 2)
    assert "inside a word" in often.explain("é a")
    assert condit.quote(["ab ab"], min_words=1).locate("ab", most=1) == [Occurrence(0, 0, 2)]
    assert constraint.locate("dog") == constraint.locate("") == []


def test_violations_say_what_is_wrong() -> None:
    constraint = condit.quote(["The cat sat on the mat."], min_words=2, max_words=3)
    assert "goes on" in constraint.explain("The cat ran")
    assert constraint.violation("The cat ran").position == 8  # type: ignore[union-attr]
    assert "inside a word" in constraint.explain("The ca")
    assert "where a word begins" in constraint.explain("he cat")
    assert "white space" in constraint.explain("The cat ")
    assert "needs 2" in constraint.explain("The")
    assert "3 at most" in constraint.explain("The cat sat on")
    assert "empty" in constraint.explain("")
    assert constraint.explain("\ud800")
    assert "2 to 3 words" in constraint.describe()


def test_documents_from_files_and_iterators(tmp_path: Path) -> None:
    file = tmp_path / "one.txt"
    file.write_bytes(b"\xef\xbb\xbfA line\r\nand more")
    corpus = condit.Corpus(iter([file, "some other text"]))
    assert corpus.locate("line\r\nand") == [Occurrence(str(file), 2, 11)]
    assert corpus.locate("other text")[0].document == 1
    assert condit.quote(file, min_words=1).accepts("and more")
    file.write_bytes(b"\xff")
    with pytest.raises(ArgumentError, match=r"one\.txt is not UTF-8 at byte 0"):
        condit.Corpus([file])


@pytest.mark.parametrize(
    ("documents", "options", "error", "message"),
    [
        ([], {}, UnsatisfiableError, "no documents"),
        (["", " \n"], {}, UnsatisfiableError, "all documents are empty"),
        (["one two"], {}, UnsatisfiableError, "no document has 4 words"),
        (["!"], {"min_words": 1}, UnsatisfiableError, "no document has 1 word"),
        (["a", 3], {}, ArgumentError, "document 1 is int"),
        ({"x": b"a"}, {}, ArgumentError, "document 'x' is bytes"),
        (["a", "b\ud800"], {}, ArgumentError, "document 1 .* character 1"),
        (7, {}, ArgumentError, "int"),
        (b"abc", {}, ArgumentError, "bytes"),
        (["a"], {"min_words": 0}, ArgumentError, "min_words=0"),
        (["a"], {"min_words": 300}, ArgumentError, "at most 255"),
        (["a"], {"max_words": 2}, ArgumentError, "less than"),
        (["a"], {"units": 0}, ArgumentError, "units=0"),
        (["a"], {"units": [1, 2]}, ArgumentError, "or a pair of such"),
        (["a"], {"units": 300}, ArgumentError, "units: the least, 300"),
        (["a"], {"units": (2, 1)}, ArgumentError, "less than"),
        (["a"], {"units": 2, "min_words": 1}, ArgumentError, "give units"),
        (["a"], {"borders": "sentence", "max_words": 9}, ArgumentError, "give units"),
        (["A. B"], {"borders": "line", "units": 2}, UnsatisfiableError, "no document has 2 lines"),
        (["a"], {"borders": "page"}, ArgumentError, "borders='page'"),
    ],
)
def test_bad_input(documents: Any, options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        condit.quote(documents, **options)


def test_only_texts_are_looked_for() -> None:
    corpus = condit.Corpus(["The cat sat."])
    with pytest.raises(ArgumentError, match="not NoneType"):
        corpus.count(None)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="most=-1"):
        corpus.locate("cat", -1)
    with pytest.raises(ArgumentError, match="not int"):
        condit.Strings(["a"]).number(5)  # type: ignore[arg-type]


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr("condit.corpus.index.import_module", missing)
    with pytest.raises(MissingDependencyError, match=r"condit\[corpus\]"):
        condit.Corpus(["a"])


def test_spans_of_templates_and_fields_of_json() -> None:
    constraint = condit.quote(['He said "no"\\\n\x01 and left é\x7f.'], min_words=2, max_words=4)
    machine = constraint.json_string().machine
    wanted = {
        json.dumps(text.decode(), ensure_ascii=False).encode()
        for text, stops in reached(constraint.machine)
        if stops
    }
    assert {text for text, stops in reached(machine) if stops} == wanted
    vocabulary, rng = (
        Vocabulary.of([*TOKENS, b'said \\"', b'\\"\\', b'o\\"']),
        np.random.default_rng(3),
    )
    check_byte_matcher(machine, vocabulary, rng, walks=8)
    check_matcher(constraint.json_string(), vocabulary, rng, walks=4)
    form = condit.template(
        '{{"sure": {sure}, "quote": {quote}}}',
        sure=condit.choice("true", "false"),
        quote=constraint.json_string(),
    )
    text = '{"sure": true, "quote": "said \\"no\\""}'
    assert form.accepts(text)
    assert str(form.value(text)["quote"]) == 'said "no"'  # type: ignore[index]
    result = condit.generate(condit.load("ngram"), "x", form, n=2, max_tokens=200, seed=1)
    for sample in result.samples:
        assert constraint.accepts(json.loads(sample.text)["quote"])


LETTERS = ["a", "b", "c", " ", "a ", " b", "b c"]


@pytest.mark.parametrize("sampler", [condit.Masked(), condit.AWRS(), condit.SMC()], ids=str)
def test_draws_follow_the_exact_law(sampler: condit.Sampler[Any]) -> None:
    """Against all quotations and their probabilities; see ``check_sampler`` for false alarms."""
    model = condit.NgramModel.train(
        ["a b c a", "b c a b", "c a"], vocabulary=Vocabulary.of(LETTERS), order=3, smoothing=1.5
    )
    constraint = condit.quote(["a b c", "b c a b"], min_words=2, max_words=3)
    check_sampler(sampler, World(model, constraint, "a", 5), runs=150, lanes=4)
