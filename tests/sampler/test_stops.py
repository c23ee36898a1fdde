"""Words that end a text, and biases of logits: what is kept of it, and what is refused."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from typer.testing import CliRunner

import condit
from condit import NgramModel
from condit.cli import app
from condit.errors import ArgumentError, ConditError


def drawn(model: NgramModel, **options: Any) -> list[condit.Sample]:
    usual: dict[str, Any] = {"n": 200, "max_tokens": 6, "seed": 0}
    return list(condit.generate(model, "ab", **{**usual, **options}).samples)


def test_a_word_across_tokens_ends_the_text(letters: NgramModel) -> None:
    samples = drawn(letters, stop="abc")
    stopped = [sample for sample in samples if "abc" in letters.decode(sample.tokens)]
    assert {len(sample.tokens) for sample in stopped} > {2}
    for sample in samples:
        whole = letters.decode(sample.tokens)
        assert "abc" not in sample.text
        assert sample.text == whole.partition("abc")[0]
        assert "abc" not in letters.decode(sample.tokens[:-1])
    assert all(sample.finish_reason == "stop" for sample in stopped)


def test_the_first_of_several_words_counts(letters: NgramModel) -> None:
    for sample in drawn(letters, stop=["ca", "b"]):
        whole = letters.decode(sample.tokens)
        assert sample.text == min(whole.partition("ca")[0], whole.partition("b")[0], key=len)


def test_after_a_healed_prompt_words_are_looked_for_in_the_text_alone(letters: NgramModel) -> None:
    result = condit.generate(letters, "cca", n=100, max_tokens=5, stop="b", heal=True, seed=0)
    assert result.healed
    assert all("b" not in sample.text for sample in result.samples)
    assert any(sample.text for sample in result.samples)
    assert result.log_evidence == pytest.approx(0, abs=1e-5)


def test_lanes_that_are_resampled_stop(letters: NgramModel) -> None:
    prefer = condit.prefer(lambda text: text.count("a"), strength=1, partial=True)
    for sampler in ("smc", "auto"):
        for sample in drawn(letters, stop="c", prefer=prefer, sampler=sampler, n=20):
            assert "c" not in sample.text
            assert sample.log_preference == pytest.approx(sample.text.count("a"))


@pytest.mark.parametrize("sampler", ["auto", "exact", "rejection", "masked", "smc", "learned"])
def test_under_a_constraint_no_text_holds_a_word(letters: NgramModel, sampler: str) -> None:
    samples = drawn(letters, constraint=condit.regex("[abc]+"), stop="ca", sampler=sampler, n=30)
    valid = [sample for sample in samples if sample.valid]
    assert len(valid) > 10
    assert all("ca" not in sample.text for sample in valid)
    assert any("c" in sample.text for sample in valid)


def test_the_value_is_that_of_the_constraint() -> None:
    model = condit.load("ngram")
    schema = condit.json_schema({"enum": ["yes", "no"]})
    result = condit.generate(model, "Is it? ", schema, stop="ye", n=3, seed=0)
    assert {sample.value for sample in result.samples if sample.valid} == {"no"}


@pytest.mark.parametrize("sampler", ["exact", "rejection", "mcmc", "learned", "beam", "asap"])
def test_samplers_of_whole_texts_refuse_words(letters: NgramModel, sampler: str) -> None:
    with pytest.raises(ArgumentError, match="cannot end texts at a word"):
        drawn(letters, stop="c", sampler=sampler)


def test_what_a_word_cannot_go_with(letters: NgramModel) -> None:
    with pytest.raises(ArgumentError, match="give one of the two"):
        drawn(letters, stop="c", insert=lambda _: None)
    with pytest.raises(ArgumentError, match="cannot redraw"):
        drawn(letters, stop="c", sampler=condit.SMC("awrs", rejuvenate=True))
    for stop in ("", ["a", ""], [3], "\ud800"):
        with pytest.raises(ArgumentError, match="give a text that is not empty"):
            drawn(letters, stop=stop)


def test_a_memory_tells_words_apart(letters: NgramModel) -> None:
    memory = condit.Memory()
    for stop in ("c", "b", ()):
        for sample in drawn(letters, stop=stop, sampler="smc", memory=memory):
            assert not stop or stop not in sample.text


@pytest.mark.parametrize("sampler", ["masked", "exact", "learned", "awrs"])
def test_a_token_without_mass_is_never_drawn(letters: NgramModel, sampler: str) -> None:
    biases = {0: -math.inf, 3: -math.inf}
    samples = drawn(
        letters, logit_bias=biases, sampler=sampler, constraint=condit.regex("[abc]*"), heal=False
    )
    assert not {0, 3} & {token for sample in samples for token in sample.tokens}
    assert {2} <= {token for sample in samples for token in sample.tokens}


@pytest.mark.parametrize(
    ("biases", "message"),
    [
        ({99: 1.0}, "there is no token 99: the vocabulary has"),
        ({-1: 1.0}, "there is no token -1"),
        ({0: math.nan}, "nan for token 0"),
        ({0: math.inf}, "inf for token 0"),
        ({"a": 1.0}, "'a': 1.0 is not a token id"),
        ({0: "much"}, "0: 'much' is not a token id"),
        ([(0, 1.0)], "give a dict"),
    ],
)
def test_biases_that_are_none_are_refused(letters: NgramModel, biases: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        drawn(letters, logit_bias=biases)


def test_a_law_without_any_mass_is_refused(letters: NgramModel) -> None:
    with pytest.raises(ConditError):
        drawn(letters, logit_bias=dict.fromkeys(range(len(letters.vocabulary)), -math.inf))


def test_on_the_shell() -> None:
    asked = ["generate", "-m", "ngram", "-p", "The answer is ", "-n", "20", "--seed", "1"]
    asked += ["--max-tokens", "20", "--stop", "e", "--stop", "a", "--output", "json"]
    answer = CliRunner().invoke(app, asked)
    assert answer.exit_code == 0, answer.output
    samples = json.loads(answer.stdout)["samples"]
    assert not any(letter in sample["text"] for sample in samples for letter in "ea")
    assert any(sample["finish_reason"] == "stop" for sample in samples)
