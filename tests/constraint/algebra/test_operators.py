"""Operators, values, explanations and plans of composed constraints."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass

import pytest

import condit
from condit import Vocabulary, grammar, optional, regex, repeat, then
from condit.constraint.algebra.alternatives import Alternative
from condit.constraint.algebra.plan import plan_for
from condit.constraint.base import Constraint, Matcher, Strength, Violation
from condit.errors import (
    ArgumentError,
    ConstraintTooComplexError,
    UnsatisfiableError,
    VocabularyError,
)

INTEGER = condit.json_schema({"type": "integer"})
BOOLEAN = condit.json_schema({"type": "boolean"})
BYTES = Vocabulary.of_bytes()


def test_strings_stand_for_themselves_on_either_side() -> None:
    digits = regex("[0-9]")
    assert ("a" + digits + "b").accepts("a1b")
    assert ("x" | digits).accepts("x")
    assert ("1" & digits).accepts("1")
    assert not ("1" & digits).accepts("2")
    assert (2 * digits).accepts("12")
    assert (digits * (1, None)).accepts("12345")


def test_operators_of_one_kind_do_not_nest() -> None:
    a, b, c = regex("a"), regex("b"), regex("c")
    assert (a + b + c).value("abc") == ("a", "b", "c")
    assert (a | b | c).value("c") == Alternative(2, "regex 'c'", "c")
    assert then(then(a, b), c).value("abc") == (("a", "b"), "c")
    assert ~~a == a


def test_alternatives_say_which_one_it_was() -> None:
    either = BOOLEAN | INTEGER
    assert either.value("12") == Alternative(1, "JSON schema", 12)
    assert either.value("true").index == 0  # type: ignore[attr-defined]
    assert "none of 2 alternatives fits" in either.explain("x")


def test_values_of_sequences_leave_fixed_texts_and_separators_out() -> None:
    row = then(INTEGER, regex("[a-z]+"), separator=regex(" +"))
    assert row.value("12   ab") == (12, "ab")
    assert repeat(INTEGER, 1, 3, separator=",").value("1,22,3") == (1, 22, 3)
    assert optional(INTEGER).value("") is None
    assert optional(INTEGER).value("7") == 7
    assert (regex("[0-9]+") & INTEGER).value("7") == 7


def test_of_several_readings_each_part_takes_as_much_as_it_can() -> None:
    assert then(regex("a*"), regex("a*b?")).value("aaab") == ("aaa", "b")
    assert then(regex("a*"), regex("a+")).value("aaa") == ("aa", "a")
    assert repeat(regex("a{1,2}"), 2).value("aaa") == ("aa", "a")


def test_a_value_of_a_refused_text_is_an_error() -> None:
    with pytest.raises(ArgumentError, match="not accepted"):
        then(INTEGER, "x").value("12")


def test_explanations_name_the_part_and_the_place() -> None:
    row = then("id ", INTEGER, ": ", regex("[a-z]+"))
    violation = row.violation("id 12: ab!")
    assert violation is not None
    assert violation.position == 9
    assert "part 4, regex '[a-z]+'" in violation.reason
    assert row.violation("id 12: ") is not None
    assert row.violation("id 12: ").position == 7  # type: ignore[union-attr]
    both = regex("[ab]+") & regex("[a-z]{3}")
    assert both.violation("abq").position == 2  # type: ignore[union-attr]


def test_a_refused_token_is_explained_by_the_parts_it_could_belong_to() -> None:
    matcher = (optional(condit.grammar('start: "7"')) + "x").bind(BYTES)
    said = matcher.explain(ord("q"))
    assert "part 1" in said
    assert "part 2, the text 'x'" in said
    several = grammar('start: "a"*') + "b"
    assert "may stop here, but not the whole text" in several.bind(BYTES).explain(256)


def test_what_no_text_satisfies_is_refused() -> None:
    with pytest.raises(UnsatisfiableError, match="both the text 'a' and regex 'b'"):
        ("a" & regex("b")).bind(BYTES)
    with pytest.raises(UnsatisfiableError):
        then("x", "a" & regex("b")).bind(BYTES)
    # An alternative without a text is no alternative.
    matcher = (("a" & regex("b")) | "c").bind(BYTES)
    assert [token for token in range(257) if matcher.allows(token)] == [ord("c")]


def test_a_vocabulary_that_cannot_spell_it_is_refused() -> None:
    vocabulary = Vocabulary.of(["a", "b"])
    for constraint in (regex("c") & regex(".{1,3}"), regex("c") | "d", then("c", "a")):
        with pytest.raises(VocabularyError):
            constraint.bind(vocabulary)


def test_an_ending_satisfies_all_parts() -> None:
    both = regex("[a-z]*") & regex(".{4,9}") & ~regex("a*")
    ending = both.bind(BYTES).ending()
    assert ending is not None
    assert both.accepts(ending.text.decode())


def test_strengths_compose() -> None:
    a, b = regex("a+"), regex("b+")
    assert (a + b).bind(BYTES).strength is Strength.EXACT
    assert (a | b).bind(BYTES).strength is Strength.EXACT
    assert (a + INTEGER).bind(BYTES).strength is Strength.SOUND
    # Without a token for each byte, tokens may lead where no token leads on.
    assert (a + b).bind(Vocabulary.of(["a", "b"])).strength is Strength.SOUND


def test_longest_texts_compose() -> None:
    word = condit.choice("a", "bcd")
    assert (word + "xy").longest() == 5
    assert (word | "xyzw").longest() == 4
    assert (word & regex("a*")).longest() == 3
    assert repeat(word, 0, 2, separator=", ").longest() == 8
    assert repeat(word, 1).longest() is None


def test_what_is_not_regular_is_denied_by_its_oracle_at_the_end() -> None:
    matcher = (~INTEGER).bind(BYTES)
    matcher.give(b"12")
    assert not matcher.allows(256)
    cut = matcher.copy()
    cut.advance(0xC2)
    assert not cut.allows(ord("a"))
    matcher.give(b"a")
    assert matcher.allows(256)


def test_examples_of_a_part_that_the_others_refuse_are_not_shown() -> None:
    both = regex("[ab]*") & regex(".{3}") & regex("b.*")
    patterns, _, examples = both.describe().partition("\nMade-up examples:\n")
    assert "matches the regular expression .{3}" in patterns
    assert examples
    assert all(both.accepts(line) for line in examples.splitlines())


def test_descriptions_compose() -> None:
    said = then("id ", INTEGER, repeat(regex("a|b"), 1, 2, separator="-")).describe()
    for words in ("Respond only with the following", "id ", "integer", "1 to 2 times", "-"):
        assert words in said
    assert "one of the following" in (INTEGER | "none").describe()
    assert (~INTEGER).describe().startswith("Respond only with a text that is not ")


def test_regular_expressions_are_described_by_their_pattern_before_examples() -> None:
    said = (regex("[ab]+") | INTEGER).describe().splitlines()
    assert said[1] == (
        "1. a text that matches the regular expression [ab]+, such as these made-up examples:"
    )
    assert regex("[ab]+").accepts(said[2].strip())
    assert (~regex("[ab]+")).describe() == (
        "Respond only with a text that does not match the regular expression [ab]+"
    )


def test_the_plan_tells_where_each_part_is_enforced() -> None:
    plan = (then("id ", INTEGER) & ~BOOLEAN).plan  # type: ignore[attr-defined]
    found = {each.path: each.where for each in plan}
    assert found == {
        (): "side by side",
        (1,): "in turn",
        (1, 1): "automaton",
        (1, 2): "engine",
        (2,): "end",
    }
    assert "not regular" in next(each.note for each in plan if each.path == (2,))


def test_a_plan_tells_which_keywords_of_a_schema_come_later() -> None:
    array = {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}
    named = {"type": "object", "properties": {"a": array}, "required": ["a"]}
    plan = ("x" + condit.where(repr, of=condit.json_schema(named))).plan  # type: ignore[attr-defined]
    late = [(each.path, each.part, each.where) for each in plan if each.where in ("close", "end")]
    assert late == [((2,), "uniqueItems at /properties/a", "close"), ((2,), "where repr", "end")]


def test_a_plan_prints_as_a_table() -> None:
    plan = (then("id ", INTEGER) & ~BOOLEAN).plan  # type: ignore[attr-defined]
    lines = str(plan).splitlines()
    cells = [re.split("  +", line) for line in lines]
    assert cells[0] == ["path", "part", "where", "note"]
    assert cells[1][:3] == ["(top)", "all of several", "side by side"]
    assert cells[3][:3] == ["1.1", "the text 'id '", "automaton"]
    assert lines[0].index("where") == lines[1].index("side by side")
    assert "<td>1.1</td><td>the text &#x27;id &#x27;</td>" in plan._repr_html_()
    assert str(INTEGER.plan).splitlines()[0].split() == ["pointer", "keyword", "where", "note"]
    (row,) = plan_for(regex("a+"))
    assert (row.path, row.part, row.where) == ((), "regex 'a+'", "engine")
    checked = condit.where(str.isdigit, of=then("1", regex("[0-9]")))
    assert str(checked.plan).splitlines()[0].split() == ["place", "part", "where", "note"]


@dataclass(frozen=True)
class Even(Constraint):
    """A condition on the value of the constraint that it stands beside."""

    typed: Constraint | None = None

    def of(self, typed: Constraint) -> Constraint:
        return Even(typed)

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        return regex("[0-9]*").bind(vocabulary)

    def violation(self, text: str) -> Violation | None:
        assert self.typed is not None
        value = self.typed.value(text)
        return None if isinstance(value, int) and value % 2 == 0 else Violation("odd")


def test_a_condition_on_values_is_given_the_constraint_beside_it() -> None:
    even = Even() & INTEGER
    assert even.accepts("12")
    assert not even.accepts("13")


@pytest.mark.parametrize(
    "make",
    [
        lambda: then(),
        lambda: then(regex("a"), 3),  # type: ignore[arg-type]
        lambda: regex("a") * -1,
        lambda: regex("a") * (2, 1),
        lambda: regex("a") * (0, 10**9),
        lambda: repeat("a", True),
        lambda: optional(None),  # type: ignore[arg-type]
        lambda: then("\ud800"),
        lambda: condit.free(until=""),
        lambda: condit.free(until=["a", ""]),
        lambda: condit.free(max_tokens=0),
        lambda: condit.free(max_chars=1.5),  # type: ignore[arg-type]
        lambda: condit.within(regex("a")),
        lambda: condit.within(regex("a"), words=0),
        lambda: condit.template("{a}", b="x"),
        lambda: condit.template("{a}"),
        lambda: condit.template("a", b="x"),
        lambda: condit.template("{a"),
        lambda: condit.template("{a!r}", a="x"),
        lambda: condit.template(3),  # type: ignore[arg-type]
        lambda: condit.triggered(),
        lambda: condit.triggered(("", "a", "b")),
        lambda: condit.triggered(("<a>", "a")),  # type: ignore[arg-type]
        lambda: condit.triggered(("a", "x", "y"), ("ab", "x", "y")),
        lambda: condit.triggered(("a", "x", "y"), at_least=2, at_most=1),
        lambda: condit.triggered(("a", "x", "y"), at_least=-1),
        lambda: condit.triggered(("a", "x", "y"), max_tokens=0),
    ],
)
def test_bad_arguments_are_errors_that_say_so(make) -> None:
    with pytest.raises(ArgumentError):
        make()


def test_operands_that_are_no_constraints_are_type_errors() -> None:
    for make in (lambda: regex("a") & 3, lambda: 3 | regex("a"), lambda: regex("a") * "b"):
        with pytest.raises(TypeError):
            make()


@pytest.mark.parametrize(
    "deeper",
    [
        optional,
        lambda part: then(part, INTEGER),
        lambda part: (part + INTEGER) | "x",
        lambda part: condit.template("{a}", a=part),
        lambda part: condit.within(part, chars=9),
    ],
)
def test_what_nests_too_deeply_is_refused_when_it_is_made(deeper) -> None:
    def nested():
        made = regex("a")
        for _ in range(400):
            made = deeper(made)

    with pytest.raises(ConstraintTooComplexError, match="nests constraints"):
        nested()


@pytest.mark.slow
def test_a_row_of_many_patterns_is_read_at_once() -> None:
    row = then(*(regex(f"[a-c]{{1,2}}{number}") for number in range(300)), separator=",")
    text = ",".join(f"ab{number}" for number in range(300))
    assert row.accepts(text)
    assert not row.accepts(text + "x")


def test_a_fuzzy_part_sees_nothing_of_what_follows() -> None:
    nearly = regex("(?:ab){e<=1}")
    for constraint in (nearly + nearly, nearly * 2, nearly + "b"):
        assert constraint.accepts("ab")
        assert constraint.bind(BYTES).count_allowed([*b"ab", BYTES.end]) == 3


def test_a_part_without_any_text_is_nowhere_in_the_plan() -> None:
    empty = regex("a") & regex("b")
    assert [each.where for each in plan_for(empty)] == ["nowhere"]
    found = {each.path: each.where for each in plan_for(empty | BOOLEAN)}
    assert found[(1,)] == "nowhere"


@pytest.mark.parametrize("constraint", [regex("a+"), BOOLEAN, regex("a") | BOOLEAN])
def test_a_deep_copy_of_what_holds_a_constraint_holds_the_same(constraint: Constraint) -> None:
    assert copy.deepcopy({"asked": constraint})["asked"] is constraint
