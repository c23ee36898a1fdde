"""``condit check --ltlf``."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from condit import cli


def check(text: str, *options: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli.app, ["check", *options, "-"], input=text)
    return done.exit_code, done.output


def test_names_of_events_need_no_event() -> None:
    formula = "G(search -> X observe) & F answer"
    assert check("search observe\nanswer\n", "--ltlf", formula) == (0, "satisfied\n")
    code, said = check("search answer", "--ltlf", formula)
    assert code == 1
    assert said.startswith("clause 1, G (search -> X observe), fails at event 2, answer:")


def test_events_are_written_as_constraints(tmp_path: Path) -> None:
    events = ["--event", 'ask="<q>" + free(until="</q>")', "--event", 'reply="<r/>"']
    formulas = ["--ltlf", "G(ask -> X reply)", "--ltlf", "F ask"]
    assert check("<q>a?</q><r/>", *formulas, *events) == (0, "satisfied\n")
    code, said = check("<r/>", *formulas, *events)
    assert code == 1
    assert said.startswith("clause 2, F ask, fails at the end")
    code, said = check("<q>a?", *formulas, *events)
    assert code == 1
    assert "in the event 'ask'" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--ltlf", "G("], "ends too early"),
        (["--ltlf", "G x", "--event", "x"], "NAME=EXPRESSION"),
        (["--ltlf", "G x", "--event", "x="], "NAME=EXPRESSION"),
        (["--ltlf", "G x", "--event", 'x="x"', "--event", 'x="y"'], "x= is given twice"),
        (["--ltlf", "G x", "--event", 'y="y"'], "no event or label is called 'x'"),
        (["--event", 'y="y"'], "give --ltlf, too"),
        (["--ltlf", "G x", "--regex", "x"], "no other constraint"),
    ],
)
def test_what_cannot_be_asked(options: list[str], said: str) -> None:
    code, shown = check("x", *options)
    assert code == 2
    assert said in " ".join(shown.split())
