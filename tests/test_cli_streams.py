"""The command line under bad conditions, as a program: full disks, pipes, encodings, Ctrl-C."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from condit.cli_streams import BAD_INPUT, INTERRUPTED, NO_OUTPUT, PIPE_CLOSED

# Each starts processes of its own.
pytestmark = pytest.mark.slow

CONDIT = (sys.executable, "-m", "condit")
DRAW = ("generate", "-m", "ngram", "--seed", "0", "-p", "The ", "--max-tokens", "40")
WORD = "schön 漢字 🙂"
LATIN = WORD[:5] + "".join(f" {escaped}" for escaped in (r"\u6f22\u5b57", r"\U0001f642"))


def start(*arguments: str | bytes, **settings: Any) -> subprocess.Popen[bytes]:
    settings = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE} | settings
    return subprocess.Popen([*CONDIT, *arguments], stderr=subprocess.PIPE, **settings)


def ask(*arguments: str | bytes, **settings: Any) -> tuple[int, bytes, str]:
    """Exit code, standard output and standard error."""
    process = start(*arguments, **settings)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err.decode()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize(
    "arguments",
    [
        *(DRAW, (*DRAW, "--output", "json"), (*DRAW, "--output", "text"), (*DRAW, "--stream")),
        *(("models",), ("--version",), ("generate", "--help")),
    ],
    ids=" ".join,
)
def test_a_full_disk(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        code, _, err = ask(*arguments, stdout=full)
    said = f"error: the answer cannot be written: {os.strerror(errno.ENOSPC)}\n"
    assert (code, err) == (NO_OUTPUT, said)


def test_a_closed_output() -> None:
    code, _, err = ask(*DRAW, preexec_fn=lambda: os.close(1))
    assert (code, err) == (
        NO_OUTPUT,
        "error: the answer cannot be written: standard output is closed\n",
    )


def test_a_closed_standard_error_does_not_change_the_code() -> None:
    assert ask(*DRAW, "--regex", "(", preexec_fn=lambda: os.close(2))[0] == BAD_INPUT


@pytest.mark.parametrize(
    "arguments", [(*DRAW, "--stream"), (*DRAW, "--output", "json"), ("models",)], ids=" ".join
)
def test_nobody_reads_on(arguments: tuple[str, ...]) -> None:
    process = start(*arguments)
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (PIPE_CLOSED, b"")


def test_a_closed_or_binary_input() -> None:
    code, _, err = ask(*DRAW[:-4], "-p", "-", preexec_fn=lambda: os.close(0))
    assert (code, err) == (BAD_INPUT, "error: standard input cannot be read: it is closed\n")
    piped = subprocess.run(
        [*CONDIT, "check", "--regex", "x", "-"], input=b"x\xff", capture_output=True, check=False
    )
    assert piped.returncode == BAD_INPUT
    assert piped.stderr == b"error: standard input is not UTF-8 text (byte 1)\n"


def test_an_argument_that_is_not_text() -> None:
    code, _, err = ask(*DRAW, "-p", b"x\xff")
    assert code == BAD_INPUT
    assert err.startswith("error: the prompt is not text")
    assert "at character 1" in err


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize("output", ["table", "text", "json", "--stream"])
@pytest.mark.parametrize(
    ("environment", "encoding", "printed"),
    [
        (ASCII, "utf-8", WORD),
        ({"PYTHONIOENCODING": "ascii"}, "utf-8", WORD),
        ({"PYTHONIOENCODING": "latin-1"}, "latin-1", LATIN),
    ],
    ids=["locale", "ascii", "latin-1"],
)
def test_every_text_can_be_printed(
    output: str, environment: dict[str, str], encoding: str, printed: str
) -> None:
    how = (output,) if output == "--stream" else ("--output", output)
    code, out, err = ask(*DRAW, "--choice", WORD, *how, env={**os.environ, **environment})
    assert (code, err) == (0, "")
    if output == "json":
        assert json.loads(out.decode(encoding))["samples"][0]["text"] == WORD
    else:
        assert printed in out.decode(encoding)


def test_errors_too() -> None:
    latin = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    process = start(*DRAW, "--regex", f"({WORD}", env=latin)
    err = process.communicate(timeout=60)[1].decode("latin-1")
    assert process.returncode == BAD_INPUT
    assert err.startswith(f"error: regex '({LATIN}' does not parse")


@pytest.mark.usefixtures("ctrl_c")
def test_an_interrupt() -> None:
    process = start(*DRAW, "--max-tokens", "100000", "--regex", "[a-z]{90000}", "--stream")
    assert process.stdout is not None
    assert len(process.stdout.read(5)) == 5
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (INTERRUPTED, b"interrupted\n")
    assert out.endswith(b"\n")
