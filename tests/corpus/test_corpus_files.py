"""Saved indexes: the same after opening; torn, foreign and damaged files are refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

import condit
from condit.corpus import files
from condit.errors import ConditError, IndexFileError
from condit.vocabulary import Vocabulary

pytest.importorskip("pydivsufsort")

DOCUMENTS = {"eins": "The cat sat on the mat.", "zwei": "Die Katze saß auf der Matte."}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "docs.index"
    condit.Corpus(DOCUMENTS).save(path)
    return path


def test_an_opened_index_is_the_same(saved: Path) -> None:
    corpus, opened = condit.Corpus(DOCUMENTS), condit.Corpus.open(saved, verify=True)
    for text in ("The cat", "saß auf", "cat sat on", "Katz"):
        assert opened.locate(text) == corpus.locate(text)
        assert opened.count(text) == corpus.count(text)
    constraint = condit.quote(saved, min_words=2)
    assert constraint.accepts("saß auf")
    assert constraint.machine.alphabet == condit.quote(DOCUMENTS).machine.alphabet
    assert repr(opened) == repr(corpus)
    assert [each.name for each in saved.parent.iterdir()] == [saved.name]


def test_another_process_opens_the_file(saved: Path) -> None:
    copied = pickle.loads(pickle.dumps(condit.Corpus.open(saved)))
    assert copied.locate("The cat")[0].document == "eins"
    assert len(pickle.dumps(condit.Corpus.open(saved))) < 500
    assert pickle.loads(pickle.dumps(condit.Corpus(DOCUMENTS))).count("The cat") == 1
    constraint = condit.quote(condit.Corpus.open(saved))
    for each in (constraint, constraint.json_string()):
        assert each.bind(Vocabulary.of_bytes()).mask() is not None
        assert len(pickle.dumps(each)) < 700
        assert pickle.loads(pickle.dumps(each)).machine.alphabet == each.machine.alphabet
    used = condit.quote(DOCUMENTS)
    assert used.accepts("The cat sat on")
    assert pickle.loads(pickle.dumps(used)).accepts("The cat sat on")


def test_every_cut_file_is_refused(saved: Path) -> None:
    whole = saved.read_bytes()
    for size in range(0, len(whole), 7):
        saved.write_bytes(whole[:size])
        with pytest.raises(IndexFileError):
            condit.Corpus.open(saved)
    saved.write_bytes(whole + b"\0")
    with pytest.raises(IndexFileError, match="cut short or written over"):
        condit.Corpus.open(saved)


def test_foreign_and_damaged_files_are_refused(saved: Path, tmp_path: Path) -> None:
    whole = bytearray(saved.read_bytes())
    foreign = tmp_path / "foreign"
    foreign.write_bytes(b"PAR1 and more, but no index")
    with pytest.raises(IndexFileError, match="no index of Condit"):
        condit.Corpus.open(foreign)
    with pytest.raises(IndexFileError, match="kind 'corpus', not 'strings'"):
        condit.Strings.open(saved)
    other = bytearray(whole)
    other[8] = files.VERSION + 1
    saved.write_bytes(other)
    with pytest.raises(IndexFileError, match="version 2"):
        condit.Corpus.open(saved)
    other = bytearray(whole)
    other[30] ^= 1
    saved.write_bytes(other)
    with pytest.raises(IndexFileError, match="header"):
        condit.Corpus.open(saved)
    other = bytearray(whole)
    other[whole.index(b"The cat")] ^= 1
    saved.write_bytes(other)
    condit.Corpus.open(saved)
    with pytest.raises(IndexFileError, match="'text' is damaged"):
        condit.Corpus.open(saved, verify=True)
    other[whole.index(b'"eins"')] ^= 128
    saved.write_bytes(other)
    with pytest.raises(IndexFileError, match="'names' is damaged"):
        condit.Corpus.open(saved)


def test_a_file_may_be_replaced_while_it_is_open(saved: Path) -> None:
    opened = condit.Corpus.open(saved)
    condit.Corpus({"drei": "Something else."}).save(saved)
    assert opened.locate("The cat")[0].document == "eins"
    assert condit.Corpus.open(saved).count("The cat") == 0
    saved.with_name("plain").touch()
    assert saved.stat().st_mode == saved.with_name("plain").stat().st_mode


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nothing"):
        condit.Corpus.open(tmp_path / "nothing")
    assert issubclass(IndexFileError, ConditError)
