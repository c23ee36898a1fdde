"""``condit agent``: agents in files, their errors with lines, and what is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from condit import trace
from condit.cli import app
from condit.cli_agent_file import read_agent
from condit.errors import ArgumentError

GOOD = """\
formula:
  - F answer & G(answer -> last)
events:
  answer: choice("yes", "no")
  think: free(max_chars=9)
tools:
  shout: {function: cli_agent_tools:shout, content: 'regex("[a-z]{1,3}")', pure: true}
  say:
    command: [echo, "{word}"]
    fields: {word: {enum: [a, b]}}
    seconds: 5
policy: {calls: {shout: 2, say: [0, 1]}, texts: {answer: '"yes"'}}
form: {opening: "[{name}]", closing: "[end]\\n"}
labels: {think: [quiet]}
model: ngram
task: Is it so?
limits: {max_events: 9, max_tokens: 80}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "cli_agent_tools.py").write_text("def shout(text):\n    return text.upper()\n")
    made = tmp_path / "agent.yaml"
    made.write_text(GOOD)
    return made


def test_a_file_becomes_an_agent(file: Path) -> None:
    read = read_agent(file)
    assert sorted(read.agent.tools) == ["say", "shout"]
    assert (read.model, read.task) == ("ngram", "Is it so?")
    assert read.settings == {"max_events": 9, "max_tokens": 80}
    assert read.agent.policy.calls == {"shout": (0, 2), "say": (0, 1)}
    assert read.agent.tools["say"].call('{"word": "a"}').text == "a\n"


def test_runs_as_json_and_the_same_with_a_trace(file: Path, tmp_path: Path) -> None:
    arguments = ["agent", str(file), "--seed", "3", "-n", "2", "--output", "json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert len(told["runs"]) == 2
    for run in told["runs"]:
        assert run["satisfied"]
        assert run["events"][-1]["text"] == "yes"
    path = tmp_path / "run.jsonl"
    again = json.loads(CliRunner().invoke(app, [*arguments, "--trace", str(path)]).stdout)
    texts = [[[e["text"] for e in run["events"]] for run in each["runs"]] for each in (told, again)]
    assert texts[0] == texts[1]
    run = trace.read(path)
    events = {each["draw"]: each for each in run.lines["event"]}
    for sample, expected in zip(run.samples, told["runs"], strict=True):
        found = [events[each["draw"]] for each in sample.draws if each["draw"] in events]
        assert [(each["number"], each["name"], each["text"], each["given"]) for each in found] == [
            (number, each["name"], each["text"], each["given"])
            for number, each in enumerate(expected["events"])
        ]
        drawn = [each["log_probability"] for each in sample.draws if not each["given"]]
        assert sum(drawn) == pytest.approx(expected["log_probability"])
        assert len(sample.draws) - len(drawn) == sum(
            each["tokens"] for each in expected["events"] if each["given"]
        )
    # What could have come is told of each drawn token, by the same law.
    assert set(run.alternatives) == {
        number for number, each in run.draws.items() if not each["given"]
    }
    for number, found in run.alternatives.items():
        draw = run.draws[number]
        same = [each for each in found["tokens"] if each["token"] == draw["token"]]
        assert not same or same[0]["allowed"]
        assert not same or same[0]["log_probability"] == pytest.approx(
            draw["log_probability"], abs=1e-4
        )


def test_events_as_lines(file: Path) -> None:
    done = CliRunner().invoke(app, ["agent", str(file), "--seed", "3", "--max-events", "5"])
    assert done.exit_code == 0, done.output
    assert 'answer: "yes"' in done.stdout.splitlines()
    assert "satisfied; " in done.stderr


def test_check_reads_only(file: Path) -> None:
    done = CliRunner().invoke(app, ["agent", str(file), "--check"])
    assert done.exit_code == 0
    assert "answer" in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("F answer", "F (answer", "line 1, formula: "),
        ('choice("yes", "no")', 'choice("yes"', "line 4, events.answer: "),
        ("model:", "modle:", "line 15, modle: "),
        ("cli_agent_tools:shout", "cli_agent_tools:gone", "line 7, tools.shout: "),
        ("cli_agent_tools:shout", "cli_agent_gone:shout", "line 7, tools.shout: "),
        ("    seconds: 5", "    seconds: -5", "line 8, tools.say: "),
        ("    seconds: 5", "    secs: 5", "line 11, tools.say.secs: "),
        ("shout: 2, say", "shout: many, say", "line 12, policy: "),
        ("max_events: 9", "max_event: 9", "line 17, limits.max_event: "),
        ("task: Is it so?", "task: [1", "no YAML"),
        ("task: Is it so?", "model: smollm2", "line 16, model: it is there twice"),
        ("task: Is it so?", "task: 3", "line 16, task: give a text"),
        ('choice("yes", "no")', "!!python/object/apply:os.getcwd []", "could not determine"),
        ("F answer &", "F observe & F answer &", "line 1, formula: agent: no choice of events"),
    ],
)
def test_errors_name_line_and_field(file: Path, old: str, new: str, said: str) -> None:
    file.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(ArgumentError) as raised:
        read_agent(file)
    assert str(raised.value).startswith(str(file))
    assert said in str(raised.value)


def test_a_file_without_a_task_needs_one(file: Path) -> None:
    file.write_text(GOOD.replace("task: Is it so?\n", ""))
    done = CliRunner().invoke(app, ["agent", str(file)])
    assert done.exit_code == 2
    assert "give --task" in done.stderr
