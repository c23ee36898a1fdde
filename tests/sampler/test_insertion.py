"""Text that the caller puts in between draws: seen by model and constraint, and free."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

import condit
from condit.errors import ArgumentError, InsertionError, PromptTooLongError
from condit.sampler.base import Problem
from condit.testing import World, check_sampler
from condit.vocabulary import Vocabulary

LETTERS = Vocabulary.of(["a", "b", "c", "ab"])
CONSTRAINT = condit.regex("(a[ab]c|b|c){1,3}")
MOST = 3


def after_a(text: str) -> str | None:
    """What is put in: "b" or "c", by what there is so far."""
    if not text:
        return "b"
    return "bc" if text.endswith("a") else None


@dataclasses.dataclass(frozen=True)
class InsertedWorld(World):
    """Every text with its insertions, and the mass of what is drawn."""

    def problem(self, lanes: int) -> Problem:
        return dataclasses.replace(super().problem(lanes), insert=after_a, finish=True)

    @property
    def probabilities(self) -> dict[tuple[int, ...], float]:
        vocabulary, found = self.model.vocabulary, {}

        def go_on(tokens: tuple[int, ...], drawn: int, mass: float, may_insert: bool) -> None:
            put_in = after_a(vocabulary.decode(tokens)) if may_insert else None
            if put_in:
                more = tuple(self.model.encode(put_in))
                return go_on((*tokens, *more), drawn, mass, False)
            law = self.next_token(tokens)
            if self.constraint.accepts(vocabulary.decode(tokens)):
                found[tokens] = mass * law[vocabulary.end]
            if drawn < self.max_tokens:
                for token in range(4):
                    go_on((*tokens, token), drawn + 1, mass * law[token], drawn + 1 < MOST)
            return None

        go_on((), 0, 1.0, True)
        return found


@pytest.fixture(scope="module")
def world() -> InsertedWorld:
    model = condit.NgramModel.train(
        ["abcab", "acb", "bbcabc"], vocabulary=LETTERS, order=3, smoothing=2
    )
    return InsertedWorld(model, CONSTRAINT, "ab", MOST)


@pytest.mark.slow
@pytest.mark.parametrize(
    "sampler",
    [condit.Masked(), condit.AWRS(mask_after=None), condit.SMC(kernel="awrs")],
    ids=repr,
)
def test_weights_are_those_of_what_was_drawn(world: InsertedWorld, sampler: condit.Sampler) -> None:
    assert len(world.probabilities) > 5
    check_sampler(sampler, world, runs=350, lanes=4)


def test_the_result_marks_it(world: InsertedWorld) -> None:
    result = condit.generate(
        world.model, "ab", CONSTRAINT, n=20, max_tokens=MOST, insert=after_a, seed=2
    )
    assert "put in between" in result.reason
    put_in = {
        LETTERS.decode(sample.tokens[span.start : span.stop])
        for sample in result.samples
        for span in sample.given
    }
    assert put_in == {"b", "bc"}
    for sample in result.samples:
        assert sample.given[0] == range(1)
        assert sample.text.startswith("b")
        assert len(sample.tokens) - sum(map(len, sample.given)) <= MOST
    assert result.to_dict()["samples"][0]["given"][0] == [0, 1]
    given = [drawn for info in result.trace for drawn in info.draws if drawn.given]
    assert given
    assert all(drawn.log_probability == 0 for drawn in given)
    assert result.stats.tokens == sum(
        not drawn.given and drawn.token is not None for info in result.trace for drawn in info.draws
    )


def test_the_model_sees_it() -> None:
    """A template: only the model's own words depend on what stands before them."""
    model = condit.NgramModel.train(["name: ann\nage: 30\n"] * 5, order=6, smoothing=1e-3)

    def template(text: str) -> str | None:
        if not text:
            return "name: "
        return "age: " if text.endswith("\n") and text.count("\n") == 1 else None

    result = condit.generate(
        model,
        "",
        condit.regex(r"name: [a-z]+\nage: \d+\n"),
        insert=template,
        max_tokens=8,
        sampler="masked",
        seed=0,
    )
    assert result.best.text == "name: ann\nage: 30\n"
    assert result.best.log_probability > math.log(0.9)
    assert [len(span) for span in result.best.given] == [6, 5]


def test_nothing_is_put_in_where_the_budget_is_used_up(world: InsertedWorld) -> None:
    asked: list[str] = []

    def note(text: str) -> str | None:
        asked.append(text)
        return "c" if text == "ab" else None

    result = condit.generate(
        world.model,
        "ab",
        condit.regex("(ab|abcb)"),
        n=30,
        max_tokens=2,
        insert=note,
        sampler="masked",
        seed=0,
    )
    # "ab" as one token leaves room; as two it has used it up, and may only end.
    found = {(sample.text, len(sample.tokens), sample.finish_reason) for sample in result.samples}
    assert ("abcb", 3, "stop") in found
    assert ("ab", 2, "stop") in found


def test_the_same_seed_gives_the_same_draws_at_any_number(world: InsertedWorld) -> None:
    def draw(n: int) -> condit.Result:
        asked: dict[str, Any] = {"max_tokens": MOST, "insert": after_a, "seed": 5}
        return condit.generate(world.model, "ab", CONSTRAINT, n=n, sampler="awrs", **asked)

    assert draw(3).samples == draw(9).samples[:3]


@pytest.mark.parametrize(
    "sampler", ["exact", "learned", "asap", "mcmc", "rejection", "best_of", "beam"]
)
def test_other_samplers_say_that_they_cannot(world: InsertedWorld, sampler: str) -> None:
    with pytest.raises(ArgumentError, match="cannot put text in between draws"):
        condit.generate(world.model, "ab", CONSTRAINT, insert=after_a, sampler=sampler)
    with pytest.raises(ArgumentError, match="cannot put text in between draws"):
        condit.generate(
            world.model, "ab", CONSTRAINT, insert=after_a, sampler=condit.SMC(kernel="learned")
        )


def test_what_the_constraint_refuses_is_an_error(world: InsertedWorld) -> None:
    with pytest.raises(InsertionError, match=r"refuses 'aa'.*after 'b'") as caught:
        condit.generate(
            world.model,
            "ab",
            condit.regex("b[bc]*"),
            insert=lambda text: "aa" if len(text) == 1 else None,
            seed=1,
        )
    assert caught.value.result is not None
    # One is drawn from eight lanes, all of which a failed run keeps.
    assert len(caught.value.result.samples) == 8


def test_wrong_answers_are_named(world: InsertedWorld) -> None:
    answer: Any = 7
    with pytest.raises(ArgumentError, match="insert gave a int"):
        condit.generate(world.model, "ab", CONSTRAINT, insert=lambda text: answer)
    with pytest.raises(condit.ConditError, match="spell"):
        condit.generate(world.model, "ab", CONSTRAINT, insert=lambda text: "xyz")


def test_what_does_not_fit_the_context_is_refused(
    world: InsertedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.model, "context", 20)
    with pytest.raises(PromptTooLongError):
        condit.generate(
            world.model, "ab", None, insert=lambda text: "c" * 30, max_tokens=MOST, seed=0
        )


def broken(text: str) -> str | None:
    """A tool that is down."""
    if len(text) > 1:
        raise ConnectionError("no line")
    return None


def test_what_was_drawn_is_kept_where_insert_fails(world: InsertedWorld) -> None:
    with pytest.raises(InsertionError, match=r"insert failed after .*ConnectionError") as caught:
        condit.generate(world.model, "ab", CONSTRAINT, n=2, max_tokens=3, insert=broken, seed=0)
    assert isinstance(caught.value.__cause__, ConnectionError)
    assert caught.value.result is not None
    assert any(sample.tokens for sample in caught.value.result.samples)


@pytest.mark.parametrize("given", [b"b", 3, ["b"], "\ud800", "zz", "b" * 9999], ids=ascii)
@pytest.mark.parametrize("constraint", [CONSTRAINT, None])
def test_what_cannot_be_put_in_is_named_in_short(
    world: InsertedWorld, given: Any, constraint: condit.Constraint | None
) -> None:
    if constraint is None and len(given if isinstance(given, str) else "") > 99:
        pytest.skip("without a constraint that may be put in")
    with pytest.raises(condit.ConditError) as caught:
        condit.generate(world.model, "ab", constraint, max_tokens=3, insert=lambda text: given)
    assert len(str(caught.value)) < 400


def test_insert_is_a_function(world: InsertedWorld) -> None:
    with pytest.raises(ArgumentError, match="insert is of type str"):
        condit.generate(world.model, "ab", CONSTRAINT, insert="b")  # type: ignore[arg-type]


def test_free_text_that_is_no_unicode_is_asked_about_as_it_is_given_back() -> None:
    """Only a last character that may still be completed is waited for."""
    vocabulary = Vocabulary.of([b"\xc3", "é".encode()[1:], "a"])
    model = condit.NgramModel.train(["é"], vocabulary=vocabulary, order=1, smoothing=9)
    asked: set[str] = set()

    def note(text: str) -> None:
        asked.add(text)

    condit.generate(model, "a", n=50, max_tokens=3, insert=note, seed=0)
    assert {"", "é", "\ufffda", "a\ufffd"} <= asked
    assert not any(text.endswith("\ufffd\ufffd\ufffd") for text in asked)


def test_a_memory_does_not_take_the_evidence_of_another_law(world: InsertedWorld) -> None:
    memory = condit.Memory()
    asked: dict[str, Any] = {"n": 4, "max_tokens": MOST, "memory": memory, "seed": 0}
    condit.generate(world.model, "ab", CONSTRAINT, insert=after_a, **asked)
    with memory.borrow(world.problem(4)) as trie:
        assert trie.log_evidence is None
    condit.generate(world.model, "ab", CONSTRAINT, sampler="exact", **asked)
    with memory.borrow(world.problem(4)) as trie:
        assert trie.log_evidence is not None
