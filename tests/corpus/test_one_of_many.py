"""``condit.one_of_many`` and ``condit.retrieve`` against brute force."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest

import condit
from condit.constraint.base import Matcher
from condit.corpus.one_of_many import OneOfMany
from condit.errors import ArgumentError, UnsatisfiableError
from condit.model.base import Model
from condit.retrieval import _log_probabilities
from condit.testing.byte_matchers import check_byte_matcher
from condit.testing.matchers import check_matcher
from condit.vocabulary import Vocabulary

STRINGS = ["ab", "abc", "a", "b\x00c", "é", "東京", "ab", "cab", "bca ", "abcabc"]
TOKENS = [*(bytes([b]) for b in range(256)), b"ab", b"bc", b"abc", "東".encode()[:2], b"a\xff"]


def test_members_are_the_strings_as_a_whole() -> None:
    constraint = condit.one_of_many(STRINGS)
    for text in [*STRINGS, "", "abca", "b", "bca", "東", "ab\xff", "\udc80", "abc\nab"]:
        assert constraint.accepts(text) == (text in STRINGS)
        assert (text in constraint.strings) == (text in STRINGS)
        state: Any = constraint.machine.start
        for byte in text.encode(errors="surrogatepass"):
            state = state and constraint.machine.next(state, byte)
        assert bool(state and constraint.machine.may_stop(state)) == (text in STRINGS)
    assert [constraint.strings.number(text) for text in ("ab", "abcabc", "x")] == [0, 9, None]
    assert constraint.strings.strings == 9
    assert constraint.longest() == 6
    assert constraint.violation("abd").position == 2  # type: ignore[union-attr]
    assert "9 texts" in constraint.describe()


def test_laws() -> None:
    constraint, rng = condit.one_of_many(STRINGS), np.random.default_rng(1)
    check_byte_matcher(constraint.machine, Vocabulary.of(TOKENS), rng, walks=8)
    check_matcher(constraint, Vocabulary.of(TOKENS), rng, walks=4)
    check_matcher(constraint.json_string(), Vocabulary.of(TOKENS), rng, walks=4)


@pytest.mark.parametrize(
    ("strings", "error", "message"),
    [
        ([], UnsatisfiableError, "no string"),
        (["a", ""], ArgumentError, "string 1 is empty"),
        (["a", 3], ArgumentError, "string 1 is int"),
        (["a", "b\ud800"], ArgumentError, "string 1 .* character 1"),
        ("abc", ArgumentError, "str"),
        (7, ArgumentError, "int"),
    ],
)
def test_bad_input(strings: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        condit.one_of_many(strings)


def small_model(strings: list[str]) -> condit.NgramModel:
    tokens = ["a", "b", "c", "ab", "bc", "a", "ca"]
    return condit.NgramModel.train(
        strings, vocabulary=Vocabulary.of(tokens), order=3, smoothing=0.7
    )


def best_by_brute_force(model: Model, prompt: str, strings: list[str]) -> dict[str, float]:
    """Of each string the log-probability of its most probable tokens, all of which are tried."""
    vocabulary = model.vocabulary
    reader = model.reader(model.encode_prompt(prompt))

    def best(rest: bytes, tokens: tuple[int, ...]) -> float:
        logs = _log_probabilities(reader.read([tokens])[0], vocabulary)
        if not rest:
            return float(logs[vocabulary.end])
        fitting = (t for t, each in enumerate(vocabulary.bytes) if each and rest.startswith(each))
        return max(
            (
                float(logs[token]) + best(rest[len(vocabulary.bytes[token]) :], (*tokens, token))
                for token in fitting
            ),
            default=-math.inf,
        )

    return {text: best(text.encode(), ()) for text in strings}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("width", [1, 5])
def test_retrieval_finds_the_most_probable_strings(seed: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    strings = sorted({"".join(rng.choice([*"abc"], rng.integers(1, 7))) for _ in range(60)})
    model = small_model(strings[::3])
    wanted = best_by_brute_force(model, "ab", strings)
    ranked = sorted(wanted.values(), reverse=True)
    found = condit.retrieve(model, "ab", strings, k=7, width=width)
    assert found.complete
    assert [each.log_probability for each in found] == pytest.approx(ranked[:7], abs=1e-5)
    for each in found:
        assert each.log_probability == pytest.approx(wanted[each.text], abs=1e-5)
        assert strings[each.number] == each.text


def test_retrieval_of_fewer_and_of_a_search_cut_short() -> None:
    model = small_model(["ab", "ca"])
    assert len(condit.retrieve(model, "", ["ab", "ca"], k=5)) == 2
    cut = condit.retrieve(model, "", ["ab", "abcab"], k=2, max_forwards=1)
    assert not cut.complete
    assert cut.forwards == 1
    with pytest.raises(ArgumentError, match="k=0"):
        condit.retrieve(model, "", ["ab"], k=0)
    with pytest.raises(ArgumentError, match="of type str"):
        condit.retrieve("ngram", "", ["ab"])  # type: ignore[arg-type]


def test_saved_strings(tmp_path: Any) -> None:
    path = tmp_path / "strings"
    condit.Strings(STRINGS).save(path)
    opened = condit.Strings.open(path, verify=True)
    assert [opened.number(text) for text in STRINGS] == [0, 1, 2, 3, 4, 5, 0, 7, 8, 9]
    assert condit.one_of_many(path).accepts("cab")
    assert pickle.loads(pickle.dumps(opened)).number("a") == 2
    matcher: Matcher = OneOfMany(opened).bind(Vocabulary.of(TOKENS))
    assert matcher.allows(97)
