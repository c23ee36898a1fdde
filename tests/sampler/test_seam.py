"""What of a prompt is taken back, and that everything else sees the text after the prompt alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

import condit
from condit.errors import ArgumentError, BudgetError, DeadEndError
from condit.sampler.seam import MOST_TOKENS, taken_back
from condit.vocabulary import Vocabulary

TOKENS = ["a", "b", "c", " ", ":", "/", "1", "://", " a", "ab", "abc", "c1", "é", "éa"]
VOCABULARY = Vocabulary.of(TOKENS)


def model(vocabulary: Vocabulary = VOCABULARY) -> condit.NgramModel:
    texts = ["c://ab", "b abc", "c ab1", "a abc1", "b: c1", "c:/ ab", "abcé", "bé a"]
    return condit.NgramModel.train(texts, vocabulary=vocabulary, order=3, smoothing=3)


@pytest.mark.parametrize(
    ("prompt", "healed"),
    [
        ("b ", " "),
        ("c:", ":"),
        ("b:ab", "ab"),
        ("bbb", ""),  # no longer token begins with b
        ("b://", ""),
        ("a", ""),  # the first token stays
        ("baé", "é"),
    ],
)
def test_what_longer_tokens_begin_with_is_taken_back(prompt: str, healed: str) -> None:
    result = condit.generate(model(), prompt, n=2, max_tokens=3, heal=True, seed=0)
    assert result.healed == healed
    assert result.to_dict()["healed"] == healed
    assert ("log_mass_of_prompt_end" in result.report.notes) == bool(healed)
    assert result.stats.prompt_tokens == len(model().encode(prompt))


def test_more_tokens_are_taken_back_where_a_token_is_long() -> None:
    vocabulary = Vocabulary.of(["x", "y", "xyxyxyx"])
    tokens = [0, *[1, 0] * 8]
    prompt = vocabulary.decode(tokens)
    assert taken_back(vocabulary, prompt, tokens) == 5  # xyxyx
    long = Vocabulary.of(["x", "x" * 20])
    assert taken_back(long, "x" * 12, [0] * 12) == MOST_TOKENS


def test_special_tokens_and_cut_characters_are_not_taken_back() -> None:
    vocabulary = Vocabulary([b"a", b"ab", b"\xc3", b"\xa9", b"\xa9a", b"", b""], end=6)
    assert taken_back(vocabulary, "aa", [0, 0]) == 1
    assert taken_back(vocabulary, "aa", [0, 0, 5]) == 0
    # A longer token begins with the second half of é, which no text can begin with.
    assert taken_back(vocabulary, "aé", [0, 2, 3]) == 0
    # Tokens that do not spell the prompt, as of a tokenizer that rewrites it, are left alone.
    assert taken_back(vocabulary, "AA", [0, 0]) == 0


def test_token_ids_and_unhealed_prompts_are_as_they_were() -> None:
    known = model()
    given = condit.generate(known, known.encode("b "), n=3, max_tokens=4, heal=True, seed=1)
    plain = condit.generate(known, "b ", n=3, max_tokens=4, heal=False, seed=1)
    assert given.healed == plain.healed == ""
    assert [each.text for each in given.samples] == [each.text for each in plain.samples]


def test_text_tokens_and_trace_fit_together() -> None:
    """The first bytes of the tokens are the prompt's; the trace says which."""
    known = model()
    for sampler in ("smc", "awrs", "masked", "exact", "learned", "mcmc", "rejection", "beam"):
        result = condit.generate(
            known, "c:", condit.regex("/{0,2}[abc1]*"), n=3, max_tokens=5, heal=True,
            sampler=sampler, seed=2,
        )  # fmt: skip
        assert result.healed == ":"
        for sample in result.samples:
            assert known.decode(sample.tokens) == ":" + sample.text
            assert len(sample.tokens) <= 5 + 1
        drawn = [each for info in result.trace for each in info.draws if each.token is not None]
        assert {each.prompt_bytes for each in drawn} == {0, 1}
        for each in drawn:
            assert each.prompt_bytes <= VOCABULARY.bytes[each.token or 0].startswith(b":")


def test_probabilities_are_given_the_text_of_the_prompt() -> None:
    known = model()
    result = condit.generate(known, "c:", n=400, max_tokens=2, heal=True, sampler="masked", seed=3)
    row = np.exp(known.logits(known.encode("c")).astype(float))
    row /= row.sum()
    mass = row[TOKENS.index(":")] + row[TOKENS.index("://")]
    assert result.report.notes["log_mass_of_prompt_end"] == pytest.approx(math.log(mass), abs=1e-5)
    assert result.log_evidence == pytest.approx(0, abs=1e-5)
    straddling = next(each for each in result.samples if each.text.startswith("//"))
    assert straddling.tokens[0] == TOKENS.index("://")
    assert straddling.log_probability <= math.log(row[TOKENS.index("://")] / mass) + 1e-5


def test_a_preference_sees_the_text_alone() -> None:
    seen: set[str] = set()

    def score(text: str) -> float:
        seen.add(text)
        return -len(text)

    preference = condit.prefer(score, 1.0, partial=True)
    condit.generate(
        model(), "c:", condit.regex("/{0,2}[abc]+"), n=4, max_tokens=5, prefer=preference,
        heal=True, sampler="smc", seed=0,
    )  # fmt: skip
    assert seen
    assert not any(":" in text for text in seen)


def test_what_is_inserted_follows_the_text_of_the_prompt() -> None:
    asked: list[str] = []

    def insert(text: str) -> str | None:
        asked.append(text)
        return "b" if text == "/" else None

    result = condit.generate(
        model(), "c:", condit.regex("(//|/b)[abc]"), n=20, max_tokens=5, insert=insert, heal=True,
        seed=0,
    )  # fmt: skip
    assert result.healed == ":"
    assert {each.text[:2] for each in result.samples if each.valid} == {"//", "/b"}
    assert not any(":" in text for text in asked)
    # Text that is put in at once leaves no seam.
    result = condit.generate(
        model(), "c:", condit.regex("b[abc]"), max_tokens=5, heal=True, seed=0,
        insert=lambda text: None if text else "b",
    )  # fmt: skip
    assert result.healed == ""
    assert result.best.given == (range(1),)


def test_text_is_inserted_without_a_constraint_too() -> None:
    result = condit.generate(
        model(), "c:", n=8, max_tokens=4, heal=True, seed=0,
        insert=lambda text: "c1" if text.endswith("/") else None,
    )  # fmt: skip
    assert result.healed == ":"
    assert all("/" not in each.text or "/c1" in each.text for each in result.samples)


def test_the_budget_is_that_of_the_text() -> None:
    with pytest.raises(BudgetError, match=r"max_tokens=2 .* takes 3 tokens, 'ccc'") as caught:
        condit.generate(model(), "b ", condit.regex("c{3}"), max_tokens=2, heal=True)
    assert caught.value.needed == 3
    result = condit.generate(model(), "b ", condit.regex("c{3}"), max_tokens=3, heal=True, seed=0)
    assert result.best.text == "ccc"


def test_a_cut_text_is_cut_after_the_end_of_the_prompt() -> None:
    result = condit.generate(model(), "b:ab", n=50, max_tokens=1, heal=True, seed=0)
    assert result.healed == "ab"
    assert any(each.finish_reason == "length" for each in result.samples)
    for sample in result.samples:
        assert model().decode(sample.tokens) == "ab" + sample.text


def test_an_end_that_top_k_cuts_off_is_not_healed() -> None:
    known = model()
    likely = int(known.logits(known.encode("b")).argmax())
    other = next(text for text in (" ", ":", "a") if TOKENS.index(text) != likely)
    prompt = "b" + other
    assert condit.generate(known, prompt, max_tokens=2, heal=True, seed=0).healed == other
    assert condit.generate(known, prompt, max_tokens=2, heal=True, top_k=1, seed=0).healed == ""


def test_errors_show_the_text_alone() -> None:
    def refuse(text: str) -> float:
        return -math.inf

    with pytest.raises(DeadEndError) as caught:
        condit.generate(
            model(), "c:", condit.regex("/a"), prefer=condit.prefer(refuse, 1.0), max_tokens=4,
            heal=True, seed=0,
        )  # fmt: skip
    assert "':" not in str(caught.value)
    assert caught.value.result is not None
    assert caught.value.result.samples[0].text == "/a"


def test_a_memory_keeps_seams_apart() -> None:
    known, memory = model(), condit.Memory()
    pattern = condit.regex("[abc/]{1,3}")
    for prompt in ("c:", "c ", "c:"):
        for seed in range(2):
            result = condit.generate(
                known, prompt, pattern, n=3, max_tokens=4, memory=memory, heal=True, seed=seed
            )
            assert result.log_evidence <= 1e-6
    assert len(memory) == 2


def test_a_proposal_with_its_own_prompt_is_not_healed() -> None:
    sampler = condit.Rejection(prompt="b ", attempts=5000)
    result = condit.generate(
        model(), "c:", condit.regex("[abc/]+"), max_tokens=4, sampler=sampler, heal=True, seed=0
    )
    assert result.healed == ""


def test_greedy_draws_the_best_of_the_text() -> None:
    result = condit.generate(
        model(), "c:", condit.regex("//[abc]"), max_tokens=4, temperature=0, heal=True
    )
    assert result.healed == ":"
    assert result.best.text.startswith("//")
    assert math.isnan(result.log_evidence)


def test_best_of_needs_something_to_be_best_by() -> None:
    with pytest.raises(ArgumentError, match="nothing to be best by"):
        condit.generate(model(), "c:", max_tokens=4, sampler="best_of", heal=True)


@pytest.mark.model
def test_a_word_is_gone_on_with(smollm2: condit.Model) -> None:
    prompt, ends = "The Eiffel Tower stands in the capital of Fra", condit.choice("nce", "gance")
    plain, healed = (
        condit.generate(smollm2, prompt, ends, n=4, max_tokens=8, heal=heal, seed=0)
        for heal in (False, True)
    )
    assert healed.healed == " Fra"
    assert {each.text for each in healed.samples} == {"nce"}
    assert healed.log_evidence > plain.log_evidence + 5


@pytest.mark.model
def test_streamed_bytes_are_those_of_the_text(smollm2: condit.Model) -> None:
    said: list[bytes] = []

    def note(info: condit.StepInfo) -> None:
        for drawn in info.draws:
            if drawn.token is not None:
                said.append(smollm2.vocabulary.bytes[drawn.token][drawn.prompt_bytes :])

    result = condit.generate(
        smollm2, "The answer is ", condit.regex("[a-z]{3,8}"), max_tokens=8, sampler="awrs",
        heal=True, on_step=note, seed=0,
    )  # fmt: skip
    assert b"".join(said).decode() == result.best.text
