"""What is told of specifications: failing clauses, comparisons, automata, monitors."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

import condit
from condit.errors import ArgumentError, MissingDependencyError
from condit.temporal.ltlf import ltlf

EVENTS = {"search": "S;", "observe": "O;", "answer": "A;"}
SPEC = ltlf("G(search -> X observe) & F answer & G(answer -> last)", EVENTS)


@pytest.mark.parametrize(
    ("transcript", "said"),
    [
        ("S;O;A;", "satisfied"),
        (
            "S;A;",
            "clause 1, G (search -> X observe), fails at event 2, answer: 'answer' may not come "
            "right after 'search'; what may: 'observe'",
        ),
        (
            "O;S;O;",
            "clause 2, F answer, fails at the end: the transcript ends here, and what is still "
            "missing may be as short as: answer",
        ),
        ("S;O;Q;", "at character 4: no event begins here, of search, observe, answer"),
        ("S;O;AA", "at character 5: in the event 'answer': the text must be 'A;'"),
        (["observe", "answer", "answer"], "what may"),
    ],
)
def test_the_clause_and_the_event_are_named(transcript: str | list[str], said: str) -> None:
    found = SPEC.validate(transcript)
    assert bool(found) == (said == "satisfied")
    if said == "what may":
        assert found.failures[0].clause == 3
        assert found.failures[0].index == 3
        assert "nothing" in str(found)
    else:
        assert str(found) == said


def test_failures_come_in_the_order_of_the_text() -> None:
    found = SPEC.validate("S;S;")
    assert [(each.clause, each.index, each.event, each.position) for each in found.failures] == [
        (1, 2, "search", 2),
        (2, 3, None, 4),
    ]
    assert [(each.event, each.text, each.position) for each in found.events] == [
        ("search", "S;", 0),
        ("search", "S;", 2),
    ]
    assert SPEC.explain("S;S;").startswith("at character 2: clause 1")


def test_an_empty_transcript_satisfies_nothing() -> None:
    assert not SPEC.validate("")
    assert not SPEC.validate([])
    assert "one event at least" in str(SPEC.validate(""))
    assert not (~SPEC).accepts("")


def test_a_name_of_no_event_is_an_error() -> None:
    with pytest.raises(ArgumentError, match="did you mean 'search'"):
        SPEC.validate(["serch"])


def test_comparisons_have_shortest_counterexamples() -> None:
    assert SPEC.implies("F answer")
    assert SPEC.implies("F answer").counterexample is None
    assert SPEC.implies("G !search").counterexample == ("search", "observe", "answer")
    assert ltlf("F answer", EVENTS).implies(SPEC).counterexample == ("search", "answer")
    assert SPEC.equivalent(
        ltlf(["F (answer & last)", "G(search -> X observe)", "!answer U last"], EVENTS)
    )
    assert SPEC.equivalent("F answer").counterexample == ("search", "answer")
    with pytest.raises(ArgumentError, match="the same events"):
        SPEC.equivalent(ltlf("F answer", {"answer": "a"}))


def test_the_automaton_is_smallest_and_shown() -> None:
    automaton = SPEC.automaton
    assert len(automaton.states) == 3
    assert len(automaton.accepting) == 1
    assert automaton.accepts(["search", "observe", "answer"])
    assert not automaton.accepts(["search", "answer"])
    assert automaton.completion() == ("answer",)
    assert automaton.completion(automaton.run(["answer", "answer"])) is None
    shown = str(automaton)
    assert shown.splitlines()[0].split() == ["state", "may", "end", "event", "to"]
    assert len(shown.splitlines()) == 1 + len(automaton.edges) + 1
    dot = automaton.to_dot()
    assert dot.count("->") == 1 + len(automaton.edges)
    assert dot.count("doublecircle") == 1


def test_edge_labels_are_short() -> None:
    labels = {edge.label for edge in ltlf("G(search -> X observe)", EVENTS).automaton.edges}
    assert labels == {"search", "observe", "observe | answer"}
    many = {each: each for each in "abcdef"}
    assert {edge.label for edge in ltlf("G !a", many).automaton.edges} == {"!a"}


def test_the_picture_is_drawn_where_graphviz_is(monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("dot") is not None:
        assert "<svg" in SPEC.automaton.to_svg()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingDependencyError, match="graphviz"):
        SPEC.automaton.to_svg()


def test_a_monitor_follows_events() -> None:
    monitor = SPEC.monitor()
    assert set(monitor.allowed) == set(EVENTS)
    assert not monitor.may_end
    monitor.advance("search")
    assert monitor.allowed == ("observe",)
    assert monitor.completion == ("observe", "answer")
    twin = monitor.copy()
    with pytest.raises(ArgumentError, match="'answer' may not come here; what may: observe"):
        monitor.advance("answer")
    for event in ("observe", "answer"):
        monitor.advance(event)
    assert monitor.may_end
    assert monitor.allowed == ()
    assert twin.allowed == ("observe",)


def test_importing_it_is_lazy() -> None:
    program = "import sys, condit; assert 'lark' not in sys.modules; condit.ltlf"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
    assert condit.ltlf is ltlf


def test_long_transcripts_are_read_by_the_ends_of_their_events() -> None:
    # Each event has parts that may be of any length; trying all of them took minutes.
    events = {
        "think": "<t>" + condit.line() + "</t>",
        "write": "<w>" + condit.regex("(?s)[^<]*") + "</w>",
        "stop": "<s/>",
    }
    spec = ltlf("G(think -> X write) & F stop", events)
    text = "<t>well, well</t><w>some\nlines of text</w>" * 40
    assert spec.accepts(text + "<s/>")
    assert len(spec.validate(text + "<s/>").events) == 81
    unread = spec.validate(text + "<w>abc").unread
    assert unread is not None
    assert unread.position == len(text) + 6
    assert "the event 'write'" in unread.reason
