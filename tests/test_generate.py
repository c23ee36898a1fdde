"""The verb, on the small model and on the embedded one: what comes back, and every way it ends."""

from __future__ import annotations

import dataclasses
import enum
import json
import math
from collections.abc import Callable
from typing import Any, Literal, TypedDict

import numpy as np
import pytest
from pydantic import BaseModel, Field

import condit
from condit import AWRS, SMC, Masked, NgramModel, Strength, Vocabulary
from condit.constraint.base import Constraint, Matcher, Violation
from condit.constraint.budgeted import Budgeted
from condit.errors import (
    ArgumentError,
    BudgetError,
    ConstraintTooComplexError,
    DeadEndError,
    PromptTooLongError,
    RejectedError,
    UnknownNameError,
    VocabularyError,
)
from condit.model.transformers import TransformersModel


def certain(text: str) -> NgramModel:
    """A model of bytes that all but surely writes ``text``."""
    return NgramModel.train([text] * 50, order=len(text) + 1, smoothing=1e-6)


def test_a_free_draw_has_weight_one(letters: NgramModel) -> None:
    result = condit.generate(letters, "ab", n=5, max_tokens=3, seed=1)
    assert {sample.finish_reason for sample in result.samples} <= {"stop", "length"}
    assert all(sample.valid and sample.log_weight == 0 for sample in result.samples)
    assert result.log_evidence == 0
    assert result.ess == pytest.approx(5)
    assert max(len(sample.tokens) for sample in result.samples) == 3


@pytest.mark.parametrize("sampler", ["masked", "awrs", "smc"])
def test_the_same_seed_gives_the_same_draws(letters: NgramModel, sampler: str) -> None:
    def draw(seed: int) -> condit.Result:
        return condit.generate(
            letters, "ab", condit.regex("(ab|c)+"), n=6, sampler=sampler, seed=seed
        )

    assert draw(3).samples == draw(3).samples
    assert draw(3).draw() == draw(3).draw()
    assert draw(3).samples != draw(4).samples


def test_a_fresh_seed_is_reported_and_repeats(letters: NgramModel) -> None:
    first = condit.generate(letters, "ab", condit.regex("[abc]+"), n=3)
    again = condit.generate(letters, "ab", condit.regex("[abc]+"), n=3, seed=first.seed)
    assert first.samples == again.samples


def test_log_probability_is_that_of_the_tokens_and_the_end(letters: NgramModel) -> None:
    result = condit.generate(letters, "ab", condit.regex("(ab|c)+"), n=3, seed=0)
    for sample in result.samples:
        tokens = letters.encode_prompt("ab")
        expected = 0.0
        for token in [*sample.tokens, letters.vocabulary.end]:
            row = letters.logits(tokens).astype(np.float64)
            expected += row[token] - np.logaddexp.reduce(row)
            tokens.append(token)
        assert sample.log_probability == pytest.approx(expected, abs=1e-5)


def test_at_the_budget_only_the_end_is_left() -> None:
    model = NgramModel.train(["aaaaaaaab"] * 9, order=2, smoothing=0.1)
    result = condit.generate(model, "a", condit.regex("a*"), max_tokens=3, sampler="masked", seed=0)
    (sample,) = result.samples
    assert sample.text == "aaa"
    assert sample.finish_reason == "stop"
    after_a = np.exp(model.logits([ord("a")]))
    # Three steps each allow "a" or the end; the last step allows the end alone.
    allowed = after_a[ord("a")] + after_a[256]
    assert sample.log_weight == pytest.approx(3 * math.log(allowed) + math.log(after_a[256]), 1e-4)


@pytest.fixture
def no_ending_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lanes are not steered, as where no ending of the empty text is found."""
    monkeypatch.setattr(Budgeted, "of", lambda within, most, **_: Budgeted(within, most))


@pytest.mark.usefixtures("no_ending_known")
def test_an_unfinished_run_says_what_would_have_finished_it() -> None:
    model = certain('{"name": "oak chair"}')
    schema = {"type": "object", "properties": {"name": {"minLength": 9}}, "required": ["name"]}
    schema["properties"]["name"]["type"] = "string"
    with pytest.raises(BudgetError) as caught:
        condit.generate(model, "{", condit.json_schema(schema), n=2, max_tokens=15, seed=0)
    message = str(caught.value)
    assert "none of 2 lanes finished within max_tokens=15" in message
    assert "Raise max_tokens" in message
    result = caught.value.result
    assert [sample.finish_reason for sample in result.samples] == ["length", "length"]
    assert not any(sample.valid for sample in result.samples)
    assert result.best.text
    assert json.loads(result.best.text + message.split("finished by '")[1].split("'. ")[0])
    assert result.log_evidence == -math.inf
    assert result.ess == 0
    assert result.weights == (0.0, 0.0)
    with pytest.raises(ValueError, match="no sample is valid"):
        result.draw()


def test_when_every_lane_dies_the_error_says_where() -> None:
    model = certain("abcd")
    with pytest.raises(DeadEndError, match=r"all 3 lanes came to a dead end.*top_k 1") as caught:
        condit.generate(model, "a", condit.regex("bx+"), n=3, top_k=1, seed=0)
    samples = caught.value.result.samples
    assert [sample.finish_reason for sample in samples] == ["dead_end"] * 3
    assert samples[0].text == "b"


@pytest.mark.usefixtures("no_ending_known")
def test_a_lane_that_meets_the_budget_does_not_spoil_the_others() -> None:
    vocabulary = Vocabulary.of(["abc", "a", "bc"])
    model = NgramModel.train(["abcabc", "abc"], vocabulary=vocabulary, order=2, smoothing=2)
    asked: dict[str, Any] = {"n": 40, "max_tokens": 3, "sampler": "awrs", "seed": 1}
    result = condit.generate(model, "abc", condit.regex("(abc)+"), **asked)
    reasons = {sample.finish_reason for sample in result.samples}
    assert reasons == {"stop", "length"}
    for sample in result.samples:
        assert sample.valid == (sample.finish_reason == "stop")
        assert (sample.log_weight == -math.inf) == (not sample.valid)
    assert 0 < result.ess < 40


def test_an_end_without_mass_at_the_budget_is_a_dead_end() -> None:
    model = NgramModel.train(["aaaaaaaa"] * 9, order=2, smoothing=0.01)
    with pytest.raises(DeadEndError):
        condit.generate(model, "a", condit.regex("a*"), max_tokens=3, top_k=1, seed=0)


class Breaking(Matcher):
    """A matcher whose engine breaks down at the third token."""

    strength = Strength.SOUND

    def __init__(self, vocabulary: Vocabulary, length: int = 0) -> None:
        self.vocabulary, self.length = vocabulary, length

    def allows(self, token: int) -> bool:
        if self.length == 3:
            raise ConstraintTooComplexError("too many states")
        return token != self.vocabulary.end

    def mask(self) -> None:
        return None

    def advance(self, token: int) -> None:
        self.length += 1

    def copy(self) -> Breaking:
        return Breaking(self.vocabulary, self.length)

    def explain(self, token: int) -> str:
        return ""


class BreakingConstraint(Constraint):
    """Binds to a matcher that breaks."""

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        return Breaking(vocabulary)

    def violation(self, text: str) -> Violation | None:
        return None


def test_what_was_drawn_before_the_engine_broke_is_not_lost(letters: NgramModel) -> None:
    with pytest.raises(ConstraintTooComplexError) as caught:
        condit.generate(letters, "ab", BreakingConstraint(), n=2, seed=0)
    assert caught.value.result is not None
    assert [len(sample.tokens) for sample in caught.value.result.samples] == [3, 3]
    assert len(caught.value.result.trace) == 3


@dataclasses.dataclass(frozen=True)
class NeverRight(Constraint):
    """A matcher that allows what its oracle refuses: what must never come back as valid."""

    inner: Constraint

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        return self.inner.bind(vocabulary)

    def violation(self, text: str) -> Violation | None:
        return Violation("never") if len(text) % 2 else None


def test_nothing_that_the_oracle_refuses_is_valid(letters: NgramModel) -> None:
    constraint = NeverRight(condit.regex("[abc]{1,6}"))
    result = condit.generate(letters, "ab", constraint, n=50, sampler="awrs", seed=0)
    for sample in result.samples:
        assert sample.valid == (len(sample.text) % 2 == 0)
        assert sample.finish_reason == ("stop" if sample.valid else "dead_end")


def test_temperature_zero_is_deterministic_and_has_no_evidence(letters: NgramModel) -> None:
    results = [
        condit.generate(
            letters, "ab", condit.regex("(ab|c)+"), n=2, temperature=0, sampler=sampler, seed=seed
        )
        for sampler, seed in [("masked", 1), ("awrs", 2), ("smc", 3)]
    ]
    assert len({sample.tokens for result in results for sample in result.samples}) == 1
    assert all(math.isnan(result.log_evidence) for result in results)
    assert results[0].weights == (0.5, 0.5)
    assert json.dumps(results[0].to_dict())


def test_steps_are_told_and_kept(letters: NgramModel) -> None:
    told: list[Any] = []
    result = condit.generate(
        letters, "ab", condit.regex("(ab|c)+"), n=4, seed=2, on_step=told.append
    )
    assert tuple(told) == result.trace
    assert [info.step for info in told] == list(range(len(told)))
    assert result.stats.tokens == sum(each.token is not None for i in told for each in i.draws) > 0
    assert result.stats.checks == sum(info.checks for info in told)


def test_no_token_is_forwarded_twice(letters: NgramModel) -> None:
    result = condit.generate(
        letters,
        "abcab",
        condit.regex("[abc]{30,40}"),
        n=6,
        max_tokens=40,
        seed=0,
        sampler="awrs",
        drafts=False,
    )
    stats = result.stats
    emitted = sum(len(sample.tokens) for sample in result.samples)
    assert stats.positions_forwarded - stats.prompt_tokens <= emitted


def test_a_model_may_be_given_by_name() -> None:
    result = condit.generate("ngram", "The answer is ", condit.choice("yes", "no"), n=8, seed=0)
    assert {sample.value for sample in result.samples} == {"yes", "no"}


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n": 0}, ArgumentError, "n must be 1 or more, not 0"),
        ({"max_tokens": 0}, ArgumentError, "max_tokens must be 1 or more"),
        ({"seed": -1}, ArgumentError, "seed must be 0 or more"),
        ({"constraint": {"type": "object"}}, ArgumentError, "make one with condit.json_schema"),
        ({"sampler": "mask"}, UnknownNameError, "did you mean 'masked'"),
        ({"model": "ngran"}, UnknownNameError, "did you mean 'ngram'"),
        ({"temperature": -2}, ArgumentError, "temperature"),
        ({"prompt": []}, ArgumentError, "the prompt is empty"),
        ({"constraint": condit.regex("x+")}, VocabularyError, "x"),
    ],
)
def test_bad_arguments_are_named(
    letters: NgramModel, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    usual = {"model": letters, "prompt": "ab", "constraint": None}
    with pytest.raises(error, match=message):
        condit.generate(**{**usual, **arguments})


def test_result_as_plain_data(letters: NgramModel) -> None:
    result = condit.generate(letters, "ab", condit.regex("(ab|c)+"), n=3, seed=0)
    data = json.loads(json.dumps(result.to_dict()))
    assert data["samples"][data["best"]]["text"] == result.best.text
    assert sum(sample["weight"] for sample in data["samples"]) == pytest.approx(1)
    assert data["seed"] == 0
    assert data["stats"]["tokens_per_second"] > 0


def test_best_is_the_most_probable_valid_sample(letters: NgramModel) -> None:
    result = condit.generate(letters, "ab", condit.regex("[abc]{1,3}"), n=20, seed=0)
    assert result.best.log_probability == max(s.log_probability for s in result.samples)


def test_draws_follow_the_weights(letters: NgramModel) -> None:
    result = condit.generate(
        letters, "ab", condit.regex("(abc)+"), n=30, sampler="awrs", max_tokens=3, seed=1
    )
    rng = np.random.default_rng(0)
    assert all(result.draw(rng).valid for _ in range(50))


class Item(BaseModel):
    name: str = Field(max_length=20)
    count: int = Field(ge=1, le=20)


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Point(TypedDict):
    x: Literal[1, 2]
    y: Literal["a"]


@dataclasses.dataclass
class Pair:
    left: Literal[0, 1]
    color: Color


KINDS: dict[str, tuple[Any, Callable[[Any], bool]]] = {
    "pydantic": (Item, lambda value: isinstance(value, Item) and 1 <= value.count <= 20),
    "dataclass": (Pair, lambda value: isinstance(value, Pair) and value.color in Color),
    "typed dict": (Point, lambda value: value["x"] in (1, 2) and value["y"] == "a"),
    "literal": (Literal["yes", "no"], lambda value: value in ("yes", "no")),
    "enum": (Color, lambda value: isinstance(value, Color)),
    "list or none": (
        list[Literal[1, 2]] | None,
        lambda value: value is None or set(value) <= {1, 2},
    ),
}


@pytest.mark.smoke
@pytest.mark.parametrize("name", KINDS)
def test_values_have_the_type_that_was_asked_for(smollm2: TransformersModel, name: str) -> None:
    kind, check = KINDS[name]
    result = condit.generate(
        smollm2, "An example, as JSON:", condit.json_schema(kind), n=4, max_tokens=60, seed=1
    )
    assert check(result.best.value)
    assert result.best.finish_reason == "stop"


@pytest.mark.model
@pytest.mark.usefixtures("no_ending_known")
@pytest.mark.parametrize("sampler", [Masked(), AWRS(), SMC()], ids=repr)
def test_the_embedded_model_forwards_nothing_twice(
    smollm2: TransformersModel, sampler: condit.Sampler
) -> None:
    pattern = condit.regex(r"[A-Za-z ,.']{300,400}")
    condit.clear_cache()
    with pytest.raises(BudgetError) as caught:
        condit.generate(
            smollm2,
            "Once upon a time",
            pattern,
            n=4,
            max_tokens=20,
            sampler=sampler,
            drafts=False,
            heal=False,
        )
    stats = caught.value.result.stats
    assert stats.tokens == 4 * 20
    assert stats.positions_forwarded - stats.prompt_tokens <= stats.tokens


@pytest.mark.model
def test_the_embedded_model_draws_alike_at_any_number_of_lanes(
    smollm2: TransformersModel,
) -> None:
    # In its own 16 bits: attention sums in 64, so that rounding has nothing to depend on.
    asked: dict[str, Any] = {"max_tokens": 12, "sampler": "awrs", "seed": 11, "temperature": 0.7}
    pattern = condit.regex(r"[ A-Za-z]{1,30}\.")
    one, four = (condit.generate(smollm2, "The sea is", pattern, n=n, **asked) for n in (1, 4))
    assert one.samples[0].tokens == four.samples[0].tokens


@pytest.mark.smoke
def test_chat_messages_go_through_the_template(smollm2: TransformersModel) -> None:
    messages = [{"role": "user", "content": "Is snow white? Answer yes or no."}]
    tokens = smollm2.encode_prompt(messages)
    assert smollm2.tokenizer.decode(tokens).endswith("<|im_start|>assistant\n")
    result = condit.generate(smollm2, messages, condit.choice("yes", "no"), n=4, seed=0)
    assert result.best.text in {"yes", "no"}


@pytest.mark.model
def test_a_prompt_beyond_the_context_is_refused(smollm2: TransformersModel) -> None:
    with pytest.raises(PromptTooLongError, match="set max_tokens to 192 or less"):
        condit.generate(smollm2, [500] * 8000, condit.regex("a"), max_tokens=500)
    with pytest.raises(PromptTooLongError, match="shorten the prompt"):
        condit.generate(smollm2, [500] * 9000, condit.regex("a"))


@pytest.mark.parametrize(
    "wrong",
    [{"sampler": 3}, {"sampler": Masked}, {"memory": 3}, {"on_step": 3}, {"insert": 3}]
    + [{"model": None}]
    + [{"prompt": prompt} for prompt in (3, b"ab", None, [1.5], ["a"], [1, {"role": "user"}])],
    ids=repr,
)
def test_arguments_of_a_wrong_kind_are_named(wrong: dict[str, Any]) -> None:
    asked = {"model": condit.load("ngram"), "prompt": "a", "max_tokens": 1, **wrong}
    with pytest.raises(ArgumentError, match=f"{next(iter(wrong))} is"):
        condit.generate(**asked)


@pytest.mark.parametrize(
    "prompt", [np.array([97, 98]), (97, 98), iter([97, 98])], ids=["array", "tuple", "iterator"]
)
def test_token_ids_of_any_kind(prompt: Any) -> None:
    assert condit.load("ngram").encode_prompt(prompt) == [97, 98]


class Own(Constraint):
    """A constraint of a user's own, with mistakes."""

    def __init__(self, matcher: object = None, violation: object = None) -> None:
        self.matcher, self.returned = matcher, violation

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        return self.matcher or condit.regex("a").bind(vocabulary)  # type: ignore[return-value]

    def violation(self, text: str) -> Violation | None:
        return self.returned  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("constraint", "message"),
    [
        (Own(matcher="none"), r"Own.bind must return a Matcher, not something of type str"),
        (Own(violation=False), r"Own.violation must .* or None .*; of 'a' it returned False"),
        (Own, "the constraint is the class Own itself: make one"),
        ("a+", "the constraint is of type str: make one"),
    ],
    ids=["matcher", "violation", "class", "text"],
)
def test_what_a_constraint_must_be_and_return_is_said(constraint: Any, message: str) -> None:
    model = NgramModel.train(["ab"])
    with pytest.raises(ArgumentError, match=message):
        condit.generate(model, "b", constraint, max_tokens=3, sampler="masked", seed=0)


class NoRecord(Masked):
    def step(self, rng: Any, state: Any) -> Any:
        return super().step(rng, state)[0], None


class NoDraw(Masked):
    def draw(self, *_: Any) -> Any:
        return None


class NoWeight(Masked):
    def draw(self, *arguments: Any) -> Any:
        return super().draw(*arguments)._replace(log_weight=math.nan)


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        (NoDraw(), r"NoDraw\(\): draw must return a Draw .*, not None"),
        (NoWeight(), "log_weight is a number, not Draw.*nan"),
        (NoRecord(), "step must return a state and a StepInfo, .* the latter is of type NoneType"),
        (Masked, "the sampler is the class Masked itself: give a name"),
        (3, "the sampler is of type int: give a name"),
    ],
    ids=["draw", "weight", "record", "class", "number"],
)
def test_what_a_sampler_must_be_and_return_is_said(sampler: Any, message: str) -> None:
    model = NgramModel.train(["ab"])
    with pytest.raises(ArgumentError, match=message):
        condit.generate(model, "b", condit.regex("a"), max_tokens=3, sampler=sampler, seed=0)


def test_a_class_is_no_model() -> None:
    with pytest.raises(ArgumentError, match="the model is the class NgramModel itself"):
        condit.generate(NgramModel, "b", max_tokens=3)  # type: ignore[arg-type]


def test_a_dead_end_speaks_of_a_plan_only_where_there_is_one() -> None:
    model = NgramModel.train(["ab"])
    own = Own(violation=Violation("never"))
    with pytest.raises(DeadEndError, match="check_matcher") as error:
        condit.generate(model, "b", own, max_tokens=3, sampler="masked", seed=0)
    assert "constraint.plan" not in str(error.value)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n": "3"}, "n must be a whole number, not '3'"),
        ({"max_tokens": 2.5}, "max_tokens must be a whole number, not 2.5"),
        ({"seed": "x"}, "seed must be a whole number, not 'x'"),
        ({"insert": "abc"}, "insert is of type str: give a function"),
    ],
    ids=["n", "max_tokens", "seed", "insert"],
)
def test_arguments_of_another_kind_are_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        condit.generate(NgramModel.train(["ab"]), "b", **{"max_tokens": 3, **wrong})


class Refusing(Masked):
    """Refuses whatever it draws, and counts no attempts."""

    def step(self, rng: Any, state: Any) -> Any:
        state, info = super().step(rng, state)
        for lane in state.lanes:
            lane.finish_reason, lane.log_weight = "rejected", -math.inf
        return state, info


def test_a_sampler_without_attempts_is_told_of_lanes() -> None:
    model = NgramModel.train(["ab"])
    with pytest.raises(RejectedError, match=r"none of 2 lanes gave .* Draw more lanes"):
        condit.generate(model, "b", condit.regex("a"), n=2, max_tokens=3, sampler=Refusing())


class Hasty(Masked):
    """Ends its lanes by hand, after one token, and asks nobody."""

    def step(self, rng: Any, state: Any) -> Any:
        state, info = super().step(rng, state)
        for lane in state.lanes:
            lane.finish_reason = "stop"
        return state, info


def test_no_text_is_valid_that_the_oracle_has_not_seen() -> None:
    model = NgramModel.train(["abc", "c"])
    constraint = condit.regex("abc|c")
    result = condit.generate(model, "b", constraint, n=30, max_tokens=3, sampler=Hasty(), seed=0)
    found = {(sample.text, sample.valid, sample.finish_reason) for sample in result.samples}
    assert found == {("c", True, "stop"), ("a", False, "dead_end")}
    assert all(constraint.accepts(sample.text) for sample in result.samples if sample.valid)


def test_a_text_cut_off_by_top_k_is_not_said_to_be_complete() -> None:
    model = condit.NgramModel.train(['{"a":1,"b":2}'], order=4)
    schema = {
        "type": "object",
        "properties": {"a": {"const": 1}, "c": {"const": 2}},
        "required": ["a"],
        "additionalProperties": False,
    }
    with pytest.raises(DeadEndError, match="the model gives no mass to any token") as raised:
        condit.generate(model, "", condit.json_schema(schema), n=2, top_k=1, sampler="masked")
    assert "written to its end" not in str(raised.value)


@pytest.mark.parametrize("partial", [False, True])
def test_a_preference_that_forbids_everything_is_blamed(partial: bool) -> None:
    model = condit.NgramModel.train(["ab", "ba"], order=2)
    nothing = condit.prefer(lambda text: -math.inf, partial=partial)
    with pytest.raises(DeadEndError, match="the preference gives no weight"):
        condit.generate(model, "", condit.regex("[ab]{2}"), n=2, prefer=nothing, seed=0)
