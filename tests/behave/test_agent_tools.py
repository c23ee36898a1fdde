"""Tools: whatever they do is an outcome, in time, and no text of theirs passes for an event."""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest

import condit
from condit.behave.form import Form
from condit.behave.tools import OUTCOMES, command, tool
from condit.errors import ArgumentError, UnsatisfiableError

NAMES = ("search", "answer", *OUTCOMES)
TEXT = condit.regex("[a-z]+")


def double(x: int) -> int:
    """Twice."""
    return 2 * x


async def later(x: int) -> str:
    return f"later {x}"


def test_a_function_is_called_with_typed_arguments() -> None:
    made = tool(double)
    assert (made.name, made.description) == ("double", "Twice.")
    outcome = made.call('{"x": 4}')
    assert (outcome.event, outcome.text, outcome.value) == ("observe", "8", 8)
    assert made.call('{"x": "four"}').event == "error"
    assert tool(later).call('{"x": 1}').text == "later 1"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("no"), "ValueError: no"),
        (SystemExit(1), "SystemExit: 1"),
        (KeyError(), "KeyError"),
    ],
)
def test_errors_are_outcomes(error: BaseException, said: str) -> None:
    def fails(text: str) -> None:
        raise error

    made = tool(fails, content=TEXT)
    assert (made.call("a").event, made.call("a").text) == ("error", said)
    folded = tool(fails, content=TEXT, outcomes=("observe",))
    assert (folded.call("a").event, folded.call("a").text) == ("observe", f"error: {said}")


def test_an_error_that_cannot_be_told_is_one_still() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise SystemExit(3)

    def broken(text: str) -> None:
        raise MuteError

    outcome = condit.tool(broken, content=condit.regex("[a-z]")).call("a")
    assert (outcome.event, outcome.text) == ("error", "MuteError")


def test_of_an_endless_iterator_the_first_values_are_taken() -> None:
    def numbers(text: str) -> Iterator[int]:
        return count()

    async def two(text: str) -> AsyncIterator[int]:
        yield 1
        yield 2

    word = condit.regex("[a-z]")
    outcome = condit.tool(numbers, content=word, max_observation=16).call("a")
    assert outcome.text == "[0, 1, 2,  [...]"
    assert outcome.value == list(range(16))
    assert condit.tool(two, content=word).call("a").value == [1, 2]


def test_texts_and_bytes_of_other_kinds() -> None:
    class Shade(str):
        def __str__(self) -> str:
            return "Shade.RED"

    assert tool(Shade, name="shade", content=TEXT).call("red").text == "red"
    assert tool(lambda text: memoryview(b"abc"), name="m", content=TEXT).call("a").text == "abc"


def test_an_answer_stays_as_it_was() -> None:
    cart: list[str] = []

    def add(text: str) -> list[str]:
        cart.append(text)
        return cart

    made = tool(add, content=TEXT)
    first = made.call("a")
    made.call("b")
    assert first.value == ["a"]


def test_a_call_ends_at_its_limit() -> None:
    made = tool(time.sleep, content=condit.integer(1, 9), seconds=0.1, name="wait")
    start = time.perf_counter()
    assert made.call("2").event == "timeout"
    assert time.perf_counter() - start < 1


def test_what_is_returned_is_cut() -> None:
    made = tool(lambda text: "x" * 10**6, name="long", content=TEXT, max_observation=50)
    said = made.call("a").text
    assert len(said) == 50
    assert said.endswith("[...]")


def test_a_command_takes_arguments_and_no_shell_reads_them() -> None:
    program = "import sys; print(sys.argv[1:])"
    made = command("say", [sys.executable, "-c", program, "{word}", "a{n}"])
    text = json.dumps({"word": '$(id); `id` "x" | cat', "n": "1"})
    assert made.content.accepts(text)
    assert made.call(text).text == repr(['$(id); `id` "x" | cat', "a1"]) + "\n"
    option = json.dumps({"word": "-rf", "n": "-1"})
    assert not made.content.accepts(option)
    assert made.call(option).event == "error"
    assert made.content.accepts(json.dumps({"word": "rf", "n": "-1"}))


def test_a_command_that_fails_or_hangs() -> None:
    gone = command("gone", ["/nowhere/at-all"])
    assert gone.call("{}").event == "error"
    exits = command("exits", [sys.executable, "-c", "import sys; print('bad'); sys.exit(3)"])
    assert exits.call("{}").text == "RuntimeError: exit status 3. bad"


def test_a_command_that_hangs_is_killed_with_what_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    script = f"sleep 60 & echo $! > {mark}; wait"
    hangs = command("hangs", ["sh", "-c", script], seconds=0.5)
    assert hangs.call("{}").event == "timeout"
    child = int(mark.read_text())
    for _ in range(50):
        try:
            if Path(f"/proc/{child}/stat").read_text().split()[2] == "Z":
                return
        except FileNotFoundError:
            return
        time.sleep(0.02)
    pytest.fail("its child is alive")


@pytest.mark.parametrize(
    "make",
    [
        lambda: tool(double, outcomes=("error",)),
        lambda: tool(double, outcomes=("observe", "other")),
        lambda: tool(double, seconds=0),
        lambda: tool(double, max_observation=3),
        lambda: tool(double, name="error"),
        lambda: command("c", "ls -l"),
        lambda: command("c", ["ls", "{a.b}"]),
        lambda: command("c", ["ls"], {"word": {}}),
    ],
)
def test_bad_arguments_are_told(make: object) -> None:
    with pytest.raises(ArgumentError, match=r"tool|command"):
        make()  # type: ignore[operator]


def test_events_that_begin_alike_are_refused() -> None:
    with pytest.raises(ArgumentError, match="'ab' of 'ab' begins with 'a' of 'a'"):
        condit.Agent("F a", {"a": "x", "ab": "y"}, form=Form("{name}", ";"))


def test_what_no_text_may_hold() -> None:
    form = Form(never=("</",))
    text = form.constraint("think", condit.line(), OUTCOMES)
    assert text.accepts("<think>a</think>\n")
    assert not text.accepts("<think>a</tink></think>\n")
    assert form.observed("observe", 99, OUTCOMES).accepts("<observe></b></observe>\n")
    with pytest.raises(ArgumentError, match="never"):
        Form(never=("",))


FORMS = (Form(), Form("{name}: ", "\n"), Form("[{name}]\n", "\n[/{name}]\n"))


@pytest.mark.parametrize("form", FORMS)
def test_no_observation_forges_an_event(form: Form) -> None:
    rng = random.Random(0)
    pieces = [
        *(form.opened(name) for name in NAMES),
        *(form.closed(name) for name in NAMES),
        *(
            "<",
            "</",
            "\n",
            "x",
            "\\",
            "<|im_end|>",
            "</ Answer >",
            "\r",
            "\x00",
            "\ud800",
            "&lt;",
            " ",
        ),
        *(form.opened(name)[1:] for name in NAMES),
    ]
    for _ in range(3000):
        text = "".join(rng.choice(pieces) for _ in range(rng.randint(1, 8)))
        said = form.escaped(text, NAMES)
        written = form.written("observe", said)
        assert form.observed("observe", 10_000, OUTCOMES).accepts(written), (text, said)
        for name in NAMES:
            assert form.opened(name) not in said
            assert (form.closed(name).rstrip("\n") or "\n") not in said
        assert "<|" not in said
        said.encode()


def test_characters_that_are_not_seen_hide_no_tag() -> None:
    for hidden in "\xad\u034f\u2060\ufeff\u2028\x85\U000e0041":
        assert Form().escaped(f"</ob{hidden}serve>", NAMES) == "</ob?serve>"


def test_an_event_in_which_nothing_can_be_said_is_named() -> None:
    agent = condit.Agent("F answer", {"answer": "</answer>"})
    with pytest.raises(UnsatisfiableError, match="in the event 'answer'"):
        agent.run("ngram", "go ", seed=0)


def test_what_is_harmless_stays_as_it_is() -> None:
    for text in ("a < b, <b>bold</b>", "1\n2", "ünï 漢字"):
        assert Form().escaped(text, NAMES) == text


def test_a_model_cannot_write_an_outcome_into_its_text() -> None:
    form = Form()
    text = form.constraint("think", condit.free(max_chars=99), OUTCOMES)
    assert text.accepts("<think>a < b</think>\n")
    assert not text.accepts("<think>a</think>\n<observe>b</observe>\n")
    assert not text.accepts("<think>a<observe>b</think>\n")
    call = form.constraint("say", condit.json_schema({"type": "string"}), OUTCOMES)
    assert call.accepts('<say>"a"</say>\n')
    assert not call.accepts('<say>"</say>"</say>\n')
