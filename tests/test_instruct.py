"""The format in the prompt: what each kind of constraint says of itself, and where that goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import pytest
from pydantic import Field

import condit
from condit.constraint.base import Constraint, Matcher, Violation
from condit.errors import ArgumentError
from condit.vocabulary import Vocabulary

if TYPE_CHECKING:
    from condit.model.transformers import TransformersModel

YES_OR_NO = condit.choice("yes", "no")
SUM = 'start: NUM ("+" NUM)*\nNUM: /[0-9]{1,2}/'


@dataclass
class Shirt:
    size: Annotated[Literal["S", "M"], Field(description="of the chest")]
    count: int = 1


class Shouted(Constraint):
    """A constraint of somebody else's: only what must be there."""

    def __init__(self, inner: Constraint) -> None:
        self.inner = inner

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        return self.inner.bind(vocabulary)

    def violation(self, text: str) -> Violation | None:
        return None if text.isupper() else Violation("it is not in capitals")


def order(item: str, count: int = 1) -> None:
    """Order something.

    Args:
        item: what it is.
        count: how many.
    """


def test_a_type() -> None:
    text = condit.describe(condit.json_schema(Shirt))
    assert '{"size": "S" | "M" (of the chest), "count": integer (optional)}' in text


def test_a_function() -> None:
    text = condit.describe(condit.function(order))
    assert text.endswith(
        '{"item": string (what it is), "count": integer (how many) (optional)} (Order something)'
    )


def test_references_out_of_the_document() -> None:
    schema = {"properties": {"home": {"$ref": "https://example.org/a"}}, "required": ["home"]}
    made = condit.json_schema(schema, registry={"https://example.org/a": {"type": "integer"}})
    assert condit.describe(made).endswith('{"home": integer}')


def test_a_pattern_and_its_examples() -> None:
    pattern = condit.regex(r"[A-Z]{3}-\d{4}")
    assert all(pattern.accepts(each) for each in pattern.example_texts())
    assert pattern.example_texts()[0] in condit.describe(pattern)


def test_a_pattern_without_a_short_match_is_shown_itself() -> None:
    assert condit.describe(condit.regex("x{300,}")).endswith("x{300,}")
    assert len(condit.describe(condit.regex("x{300}" + "y?" * 500))) < 300


def test_a_long_grammar_is_left_out() -> None:
    made = condit.grammar(SUM + "\n// remark" * 500)
    text = condit.describe(made)
    assert len(text) < 600
    assert made.example_texts()[0] in text


def test_a_grammar() -> None:
    text = condit.describe(condit.grammar(SUM))
    assert SUM in text


def test_choices_are_listed_and_long_lists_cut() -> None:
    assert condit.describe(YES_OR_NO).endswith(":\nyes\nno")
    assert condit.describe(condit.choice("a\nb", " c")).endswith(':\n"a\\nb"\n" c"')
    text = condit.describe(condit.choice([f"option {i}" for i in range(5000)]))
    assert len(text) < 3000
    assert "more texts)" in text


def test_constraints_of_your_own_show_examples_that_they_accept() -> None:
    made = Shouted(condit.regex("[A-Za-z]"))
    text = condit.describe(made)
    assert made.example_texts()[0] in text
    assert all(each.isupper() for each in made.example_texts())


def test_without_an_example_there_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(ArgumentError, match=r"describe\(\)"):
        condit.describe(Shouted(condit.regex("[a-z]")))


@pytest.mark.parametrize(
    "made",
    [
        condit.regex(r"\d{4}-\d{2}-\d{2}"),
        condit.regex("(.|\n)*"),
        condit.regex("ä+ö{200}|ü"),
        condit.grammar(SUM),
        condit.grammar('root ::= "(" root ")" | "x"'),
        condit.choice("only"),
        condit.json_schema(Shirt),
        condit.json_schema({"type": "string", "format": "date"}),
    ],
)
def test_examples_are_valid_and_the_same_each_time(made: Constraint) -> None:
    found = made.example_texts()
    assert found
    assert len(set(found)) == len(found)
    assert all(made.accepts(each) for each in found)
    assert found == made.example_texts()
    assert condit.describe(made) == condit.describe(made)


def test_what_is_no_constraint_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"condit\.json_schema"):
        condit.describe({"type": "string"})  # type: ignore[arg-type]


def test_text_has_the_format_before_it() -> None:
    text = condit.instructed_prompt("Is ice warm? ", YES_OR_NO)
    assert text == f"{condit.describe(YES_OR_NO)}\n\nIs ice warm? "


def test_chat_has_the_format_at_the_end_of_the_last_message_of_the_user() -> None:
    messages = [
        {"role": "user", "content": "Hello"},
        {"role": "user", "content": "Is ice warm?"},
        {"role": "assistant", "content": "Well,"},
    ]
    sent = condit.instructed_prompt(messages, YES_OR_NO)
    assert messages[1]["content"] == "Is ice warm?"
    assert sent == [
        messages[0],
        {"role": "user", "content": f"Is ice warm?\n\n{condit.describe(YES_OR_NO)}"},
        messages[2],
    ]


def test_own_words() -> None:
    assert condit.instructed_prompt("?", YES_OR_NO, "[{format}] {x}") == (
        f"[{condit.describe(YES_OR_NO)}] {{x}}\n\n?"
    )
    assert condit.instructed_prompt("?", None, False) == "?"


@pytest.mark.parametrize(
    ("prompt", "constraint", "instruct", "said"),
    [
        ("?", None, True, "needs a constraint"),
        ([1, 2], YES_OR_NO, True, "token ids"),
        ([], YES_OR_NO, True, "token ids"),
        ("?", YES_OR_NO, "in words", "{format}"),
        ("?", YES_OR_NO, 1, "{format}"),
        ([{"role": "system", "content": "x"}], YES_OR_NO, True, "role 'user'"),
    ],
)
def test_what_cannot_be_done_is_said(
    prompt: object, constraint: object, instruct: object, said: str
) -> None:
    with pytest.raises(ArgumentError, match=said):
        condit.instructed_prompt(prompt, constraint, instruct)  # type: ignore[arg-type]


def test_generate_sends_that_prompt() -> None:
    model = condit.NgramModel.train(["yes or no?yes", "yes\nno"], order=3)
    asked = {"n": 4, "max_tokens": 5, "seed": 1}
    sent = condit.instructed_prompt("or", YES_OR_NO)
    by_hand = condit.generate(model, sent, YES_OR_NO, **asked)
    made = condit.generate(model, "or", YES_OR_NO, instruct=True, **asked)
    assert made.log_evidence == by_hand.log_evidence
    with pytest.raises(ArgumentError, match="needs a constraint"):
        condit.generate(model, "or", instruct=True)


def test_a_chat_model_gives_more_mass_to_valid_texts(smollm2: TransformersModel) -> None:
    chat = [{"role": "user", "content": "The hotel was dirty and loud. What is its rating?"}]
    stars = {"type": "integer", "minimum": 1, "maximum": 5}
    rating = condit.json_schema(
        {
            "type": "object",
            "properties": {"stars": stars},
            "required": ["stars"],
            "additionalProperties": False,
        }
    )
    evidence = [
        condit.generate(
            smollm2, chat, rating, n=2, max_tokens=12, sampler="masked", seed=0, instruct=instruct
        ).log_evidence
        for instruct in (False, True)
    ]
    assert evidence[1] > evidence[0] + 5
