"""``condit.refine``: enforced, judged, drawn again and weighed, in a world known exactly."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import condit
from condit import NgramModel, Vocabulary, lexical
from condit.errors import ArgumentError, CheckError, CheckTimeoutError, DeadEndError
from condit.refining.instruction import Instruction
from condit.refining.judge import log_follows
from condit.refining.record import Refined
from condit.refining.request import Request

PIECES = ["a", "b", "!", "0", "1", "2"]
LAWS = {"0": (0.5, 0.5, 0.1), "1": (0.6, 0.4, 0.3), "2": (0.2, 0.8, 0.8)}
"""After the prompts without the instruction, with it, and with a critique: the probabilities that
the text begins with a, that it begins with b, and that "!" follows."""

SHOUT = "Shout."


class SmallModel(NgramModel):
    """Its texts are a, b, a! and b!; of a prompt it sees only which of three kinds it is."""

    def __init__(self, laws: dict[str, tuple[float, float, float]] = LAWS) -> None:
        super().__init__(Vocabulary.of(PIECES), 99, {}, 1.0)
        self.laws = laws
        self.prompts: list[str] = []

    def _encode_text_prompt(self, text: str) -> list[int]:
        self.prompts.append(text)
        kind = "2" if "does not follow" in text else "1" if SHOUT in text else "0"
        return [PIECES.index(kind)]

    def logits(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        a, b, shout = self.laws[PIECES[tokens[0]]]
        row = np.zeros(len(self.vocabulary))
        end = self.vocabulary.end
        match len(tokens):
            case 1:
                row[:2] = a, b
            case 2:
                row[2], row[end] = shout, 1 - shout
            case _:
                row[end] = 1
        with np.errstate(divide="ignore"):
            return np.log(row).astype(np.float32)

    def log_p(self, kind: str, text: str) -> float:
        a, b, shout = self.laws[kind]
        return math.log((a if text[0] == "a" else b) * (shout if "!" in text else 1 - shout))


def loud(text: str, instruction: str) -> float:
    return 2.0 if "!" in text else -1.0


def refined(**options: Any) -> Refined:
    given: dict[str, Any] = {"instructions": [SHOUT], "judge": loud, "seed": 1, "max_tokens": 4}
    model = options.pop("model", None) or SmallModel()
    return condit.refine(model, "Say it.", **{**given, **options})


def test_weights_are_for_the_question_of_the_first_round() -> None:
    model = SmallModel()
    found = refined(model=model, threshold=9, rounds=2, n=20, sampler="masked")
    assert found.ended == "rounds"
    assert {draft.round for draft in found.drafts} == {1, 2}
    unnormalised = []
    for draft in found.drafts:
        log_preference = -math.log1p(math.exp(-loud(draft.text, "")))
        assert draft.log_follows == pytest.approx(log_preference)
        assert draft.sample.log_weight == pytest.approx(log_preference)
        drawn_after = str(draft.round)
        log_weight = log_preference + model.log_p("1", draft.text)
        log_weight -= model.log_p(drawn_after, draft.text)
        assert draft.log_weight == pytest.approx(log_weight, abs=1e-5)
        unnormalised.append(math.exp(log_weight))
    shares = [each / sum(unnormalised) for each in unnormalised]
    assert found.weights == pytest.approx(shares, abs=1e-5)
    assert 1 < found.ess < 40


@pytest.mark.parametrize("sampler", ["masked", "smc", "rejection"])
def test_each_round_estimates_the_first_evidence(sampler: str) -> None:
    model = SmallModel()
    texts = ["a", "b", "a!", "b!"]
    weights = [math.exp(model.log_p("1", text) + log_follows([loud(text, "")])) for text in texts]
    found = refined(threshold=9, rounds=2, n=400, sampler=sampler, seed=5)
    for each in found.rounds:
        mean = sum(math.exp(draft.log_weight or 0) for draft in each.drafts) / 400
        # The deviation of a weight is below 0.6: 0.2 is more than 6 deviations of the mean.
        assert mean == pytest.approx(sum(weights), abs=0.2)


def test_contrast_is_the_log_odds_by_the_rule_of_bayes() -> None:
    model = SmallModel()
    found = refined(model=model, judge="contrast", threshold=9, rounds=1, n=8)
    for draft in found.drafts:
        odds = model.log_p("1", draft.text) - model.log_p("0", draft.text)
        assert draft.log_odds == pytest.approx((odds,), abs=1e-5)
    assert found.rounds[0].positions_judged > 0
    begun = refined(model=model, judge="contrast", threshold=9, rounds=1, n=8, partial=True)
    known = {"a": math.log(0.6 / 0.5), "b": math.log(0.4 / 0.5)}
    for draft in begun.drafts:  # the end does not count
        odds = known[draft.text[0]] + (math.log(0.3 / 0.1) if "!" in draft.text else 0)
        assert draft.log_odds == pytest.approx((odds,), abs=1e-5)


def test_the_question_is_the_log_odds_of_yes() -> None:
    model = condit.load("ngram")
    found = condit.refine(
        model, "The sea", instructions=[SHOUT], judge="question", rounds=1, n=2, max_tokens=4
    )
    asked = f'Text: {{text}}\n\nDoes the text follow this instruction: "{SHOUT}"? Answer Yes or No.'
    labels = [" Yes", " No"]
    yes, no = (condit.zero_shot(model, f"{asked}\nAnswer:", labels, label) for label in labels)
    for draft in found.drafts:
        odds = yes.scores([draft.text])[0] - no.scores([draft.text])[0]
        assert draft.log_odds == pytest.approx((odds,), abs=1e-5)
    again = condit.refine(
        model,
        "The sea",
        instructions=[SHOUT],
        judge="question",
        rounds=1,
        n=2,
        max_tokens=4,
        seed=found.seed,
    )
    assert [draft.text for draft in again.drafts] == [draft.text for draft in found.drafts]
    assert found.rounds[0].positions_judged > 0


def test_it_ends_as_soon_as_all_is_followed() -> None:
    seen: list[Any] = []
    model = SmallModel({"1": (1, 0, 0), "2": (1, 0, 1)})
    found = refined(model=model, rounds=9, on_round=seen.append)
    assert tuple(seen) == found.rounds
    assert [each.failing for each in found.rounds] == [(), (SHOUT,)]
    assert (found.text, found.ended, found.held) == ("a!", "held", True)
    asked = f"Say it.\n{SHOUT}\n\n"
    assert found.rounds[0].prompt == asked
    critique = str(found.rounds[1].prompt).removeprefix(f"{asked}a\n\n")
    assert critique.startswith(f"Your answer does not follow this instruction:\n- {SHOUT}\n")


def test_a_round_never_makes_it_worse() -> None:
    laws = {**LAWS, "1": (0.5, 0.5, 0.9), "2": (0.5, 0.5, 0.01)}
    found = refined(model=SmallModel(laws), threshold=9, n=2)
    assert [each.best(9).log_odds for each in found.rounds] == [(2.0,), (-1.0,), (-1.0,)]
    assert found.best.round == 1
    assert not found.held


def test_programs_are_obeyed_in_every_round() -> None:
    rule = lexical.starts_with("b")
    found = refined(instructions=[SHOUT, ("Begin with b.", rule)], threshold=9, n=5)
    assert all(rule.accepts(draft.text) for draft in found.drafts)
    assert [len(draft.log_odds) for draft in found.drafts] == [1] * 15
    assert [each.enforced for each in found.instructions] == [False, True]
    table = str(found).splitlines()
    assert table[0].split("  ")[0] == "instruction"
    assert "enforced" in table[2]
    assert table[2].split()[-3:] == ["holds"] * 3
    told = json.loads(json.dumps(found.to_dict()))
    assert len(told["rounds"][2]["drafts"]) == 5
    assert told["instructions"][1]["dealt_with"] == "enforced"


def test_without_anything_to_judge_there_is_one_round() -> None:
    found = refined(instructions=[lexical.starts_with("b")], constraint=condit.choice("a!", "b!"))
    assert (found.text, found.ended, len(found.rounds)) == ("b!", "held", 1)
    assert found.judge == ""


def test_the_order_of_instructions_does_not_matter() -> None:
    def judge(text: str, instruction: str) -> float:
        return {"x": 0.1, "y": 1.7, "z": -0.3}[instruction] * len(text)

    rules = [("r", lexical.starts_with("b")), ("s", condit.choice("b", "b!", "a"))]
    one = refined(instructions=["x", *rules, "y", "z"], judge=judge, threshold=9, n=6)
    two = refined(instructions=["z", "y", *rules[::-1], "x"], judge=judge, threshold=9, n=6)
    assert [draft.text for draft in one.drafts] == [draft.text for draft in two.drafts]
    assert one.weights == two.weights
    assert [sorted(d.log_odds) for d in one.drafts] == [sorted(d.log_odds) for d in two.drafts]


def test_what_stands_in_the_prompt_is_not_said_twice() -> None:
    request = Request(SmallModel(), "Say it loudly, please.")
    assert request.asked(["loudly", "Rhyme."]) == "Say it loudly, please.\nRhyme.\n\n"
    assert request.asked(["loudly", "Rhyme."], without="loudly") == "Say it, please.\nRhyme.\n\n"
    assert request.asked(["loudly", "Rhyme."], without="Rhyme.") == "Say it loudly, please.\n\n"


def test_a_round_that_draws_nothing_leaves_the_texts_before_it() -> None:
    only_b = {**LAWS, "2": (0.0, 1.0, 0.5)}
    found = refined(model=SmallModel(only_b), constraint=condit.choice("a", "a!"), threshold=9)
    assert found.ended == "failed"
    assert "dead end" in found.failure
    assert len(found.rounds) == 1
    assert found.text in ("a", "a!")
    assert found.unfinished is not None
    with pytest.raises(DeadEndError) as caught:
        refined(model=SmallModel({**LAWS, "1": (0.0, 1.0, 0.5)}), constraint=condit.choice("a"))
    assert caught.value.result.rounds == ()
    assert "no text was drawn" in str(caught.value.result)


def test_errors_of_the_judge_have_the_rounds_before_them() -> None:
    def judge(text: str, instruction: str) -> Any:
        return -1.0 if text == "a" else "good"

    with pytest.raises(CheckError, match="'good', of type str") as caught:
        refined(model=SmallModel({"1": (1, 0, 0), "2": (0, 1, 0)}), judge=judge)
    assert [draft.text for draft in caught.value.result.drafts] == ["a"] * 4
    assert caught.value.result.ended == "failed"

    with pytest.raises(CheckError, match="return the log-odds as a number"):
        refined(judge=lambda text, instruction: 10**400)
    assert log_follows([-1e308, -1e308]) == -math.inf

    def slow(text: str, instruction: str) -> float:
        while True:
            pass

    with pytest.raises(CheckTimeoutError):
        refined(judge=slow, judge_seconds=0.01)


def test_weights_over_rounds_need_the_law_of_the_model() -> None:
    found = refined(threshold=9, temperature=0.7)
    with pytest.raises(ArgumentError, match="temperature 1"):
        _ = found.weights
    assert found.to_dict()["weights"] is None
    assert sum(found.rounds[1].result.weights) == pytest.approx(1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"instructions": "Shout."}, "give a list of texts"),
        ({"instructions": [3]}, "3 is of type int"),
        ({"instructions": ["Rhyme.", " "]}, "is empty"),
        ({"instructions": ["Rhyme.", "Rhyme."]}, "given twice"),
        ({"rounds": 0}, "rounds=0"),
        ({"threshold": math.nan}, "threshold=nan"),
        ({"strength": -1}, "strength=-1"),
        ({"judge": "nobody"}, "'contrast', 'question'"),
        ({"judge": lambda text: 1.0}, "a text and an instruction"),
        ({"constraint": "a"}, "constraint is of type str"),
        ({"on_round": 3}, "on_round"),
        ({"instructions": ["Rhyme\ud800."]}, "the instruction .* is not text"),
        ({"instructions": [Instruction("Rhyme.", "a")]}, "constraint of the instruction 'Rhyme.'"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": 1.5}, "seed=1.5"),
    ],
)
def test_bad_input_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        refined(**options)


def test_prompts_that_cannot_be_continued() -> None:
    for prompt in ([1, 2], [{"role": "assistant", "content": "Yes."}]):
        with pytest.raises(ArgumentError, match="refine: the"):
            condit.refine(SmallModel(), prompt, instructions=[SHOUT], judge=loud)


def test_a_reason_goes_into_the_next_prompt() -> None:
    found = condit.refine(
        condit.load("ngram"),
        "The sea",
        instructions=[SHOUT],
        judge=loud,
        threshold=9,
        rounds=2,
        reasons=True,
        n=1,
        max_tokens=5,
        seed=1,
    )
    again = found.rounds[1]
    assert condit.sentence(160).accepts(again.reason)
    assert f"- {SHOUT}\n{again.reason}\n" in str(again.prompt)
    assert again.tokens > again.result.stats.tokens


@pytest.mark.model
def test_a_real_model_splits_and_is_shown_its_answer(smollm2: condit.Model) -> None:
    prompt = "Name a colour of the sky, in 1 to 3 words, with two lines of dialogue."
    found = condit.refine(
        smollm2,
        prompt,
        instructions=["Be formal."],
        decompose=True,
        judge=loud,
        threshold=99,
        rounds=2,
        n=1,
        max_tokens=4,
        seed=1,
    )
    assert [(each.text, each.by, each.enforced) for each in found.instructions] == [
        ("Be formal.", "user", False),
        ("in 1 to 3 words", "model", True),
        ("with two lines of dialogue", "model", False),
    ]
    one, two = found.rounds
    assert one.prompt == [{"role": "user", "content": f"{prompt}\nBe formal."}]
    assert isinstance(two.prompt, list)
    assert [each["role"] for each in two.prompt] == ["user", "assistant", "user"]
    assert two.prompt[1] == {"role": "assistant", "content": one.best(99).text}
    assert all(len(draft.text.split()) <= 3 for draft in found.drafts)
    assert sum(found.weights) == pytest.approx(1)
