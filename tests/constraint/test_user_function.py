"""Functions of users in constraints: what is refused, how errors and hanging calls are reported."""

from __future__ import annotations

import contextvars
import functools
import inspect
import sys
import threading
import time
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np
import pytest

import condit
from condit.constraint.time_limit import OutOfTimeError, call_within
from condit.errors import ArgumentError, CheckError, CheckTimeoutError
from condit.sampler.base import Problem
from condit.sampler.local import LocalState

DIGITS = condit.regex("[0-9]{1,3}")


def broken(text: str) -> bool:
    """Never mind."""
    table: dict[str, bool] = {}
    return table[text]


def line_of(function: object, word: str) -> int:
    lines, first = inspect.getsourcelines(function)  # type: ignore[arg-type]
    return first + next(place for place, line in enumerate(lines) if word in line)


def test_an_error_of_the_function_is_reported_with_its_line_and_value() -> None:
    with pytest.raises(CheckError, match=r"broken failed at .*test_user_function\.py") as caught:
        condit.where(broken, of=DIGITS).accepts("12")
    error = caught.value
    assert isinstance(error.__cause__, KeyError)
    assert (error.function, error.file) == ("broken", __file__)
    assert error.line == line_of(broken, "return table")
    assert error.value == "'12'"
    assert "KeyError: '12'" in str(error)


def test_the_line_is_that_in_the_users_file_if_a_library_raises() -> None:
    def check(text: str) -> bool:
        numbers = np.array([1, 2])
        return bool(numbers.reshape(3, 5).sum())

    with pytest.raises(CheckError) as caught:
        condit.where(functools.partial(check)).accepts("12")
    assert caught.value.file == __file__
    assert caught.value.line == line_of(check, "reshape")


def test_an_error_in_a_function_in_c_has_no_line() -> None:
    with pytest.raises(CheckError, match="int failed, with ValueError") as caught:
        condit.where(int).accepts("ab")
    assert caught.value.line is None


def test_a_run_that_fails_has_its_partial_result() -> None:
    constraint = condit.where(broken, of=DIGITS)
    with pytest.raises(CheckError) as caught:
        condit.generate("ngram", "1", constraint, n=2, max_tokens=5, seed=0, sampler="awrs")
    assert len(caught.value.result.samples) == 2
    assert not any(sample.valid for sample in caught.value.result.samples)


def test_leaving_the_program_is_an_error_of_the_function() -> None:
    with pytest.raises(CheckError, match="SystemExit"):
        condit.where(lambda text: exit(3)).accepts("1")


@pytest.mark.parametrize("answer", [None, 1, [], "", np.int64(1), object()])
def test_an_answer_that_means_nothing_is_an_error(answer: object) -> None:
    with pytest.raises(CheckError, match=r"return True or False") as caught:
        condit.where(lambda text: answer).accepts("1")
    assert ("without return" in str(caught.value)) == (answer is None)


def test_answers_and_reasons() -> None:
    assert condit.where(lambda text: np.bool_(True)).accepts("1")
    assert condit.where(lambda text: "too short").explain("1") == "too short"
    violation = condit.Violation("here", 3)
    assert condit.where(lambda text: violation).violation("12345") == violation


def test_errors_are_not_cached_and_answers_are() -> None:
    asked: list[str] = []

    def flaky(text: str) -> bool:
        asked.append(text)
        if len(asked) == 1:
            raise OSError("no connection")
        return True

    constraint = condit.where(flaky)
    with pytest.raises(CheckError, match="no connection"):
        constraint.accepts("1")
    assert constraint.accepts("1")
    assert constraint.accepts("1")
    assert asked == ["1", "1"]


def test_a_function_that_hangs_is_given_up_and_its_thread_ends() -> None:
    threads: list[threading.Thread] = []

    def hangs(text: str) -> bool:
        threads.append(threading.current_thread())
        while True:
            pass

    constraint = condit.where(hangs, of=DIGITS, seconds=0.5)
    began = time.monotonic()
    with pytest.raises(CheckTimeoutError, match=r"hangs \(.*\) did not answer within 0\.5 s") as e:
        condit.generate("ngram", "1", constraint, max_tokens=5, seed=0)
    assert time.monotonic() - began < 30
    assert e.value.result.samples
    assert not any(sample.valid for sample in e.value.result.samples)
    assert e.value.function.endswith("hangs")
    for thread in threads:
        thread.join(timeout=30)
        assert not thread.is_alive()


class AsksAtOnce(condit.Masked):
    """As some samplers do that read the beginnings of texts before their first step."""

    def init(self, problem: Problem, rng: np.random.Generator) -> LocalState:
        assert problem.constraint is not None
        problem.constraint.accepts("1")
        return super().init(problem, rng)


def test_a_function_that_fails_before_the_first_step_leaves_empty_texts() -> None:
    constraint = condit.where(broken, of=DIGITS)
    with pytest.raises(CheckError) as caught:
        condit.generate("ngram", "1", constraint, n=2, max_tokens=5, sampler=AsksAtOnce())
    assert [sample.text for sample in caught.value.result.samples] == ["", ""]
    assert caught.value.result.report.valid == 0


@pytest.mark.parametrize("traced", [True, False])  # else an exception may wait already
def test_a_wait_in_c_does_not_hold_up_the_caller(traced: bool) -> None:
    def waits(text: str) -> bool:
        time.sleep(8)
        return True

    def tracer(frame: FrameType, event: str, argument: object) -> Any:
        return tracer

    before = sys.gettrace()
    if traced:
        sys.settrace(tracer)
    try:
        began = time.monotonic()
        with pytest.raises(CheckTimeoutError):
            condit.where(waits, seconds=0.1).accepts("1")
        took = time.monotonic() - began
    finally:
        sys.settrace(before)
    assert took < 6


def test_calls_see_context_variables_and_share_a_thread() -> None:
    user = contextvars.ContextVar("user", default="")
    threads: set[str] = set()

    def check(text: str) -> bool:
        threads.add(threading.current_thread().name)
        return user.get() == text

    token = user.set("ann")
    try:
        constraint = condit.where(check)
        assert constraint.accepts("ann")
        assert not constraint.accepts("bob")
    finally:
        user.reset(token)
    assert threads == {"condit-check"}


def test_without_a_limit_the_call_is_made_here() -> None:
    here = threading.current_thread()
    assert condit.where(lambda text: threading.current_thread() is here, seconds=None).accepts("1")
    assert not condit.where(lambda text: threading.current_thread() is here).accepts("1")


def test_a_call_may_make_calls() -> None:
    inner = condit.where(str.isdigit)
    assert condit.where(lambda text: inner.accepts(text)).accepts("1")


def test_many_threads_ask_at_a_time() -> None:
    def slow(text: str) -> bool:
        time.sleep(0.05)
        return text == "3"

    constraint = condit.where(slow)
    found: dict[int, bool] = {}

    def ask(number: int) -> None:
        found[number] = constraint.accepts(str(number))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: number == 3 for number in range(8)}


def test_an_interrupted_wait_passes_the_interruption_on() -> None:
    def raises() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call_within(5, raises)
    with pytest.raises(OutOfTimeError):
        call_within(0.05, lambda: time.sleep(0.5))
    assert call_within(5, lambda: 3) == 3


async def asynchronous(text: str) -> bool:
    return True


def generator(text: str):  # type: ignore[no-untyped-def]
    yield True


class Awaited:
    async def __call__(self, text: str) -> bool:
        return True


@dataclass
class Unhashable:
    """A dataclass that compares by value has no hash."""

    wanted: str

    def __call__(self, text: str) -> bool:
        return text == self.wanted


@dataclass(frozen=True)
class Frozen:
    wanted: str

    def __call__(self, text: str) -> bool:
        return text == self.wanted


@pytest.mark.parametrize("make", [condit.where, condit.where_prefix])
@pytest.mark.parametrize(
    ("function", "message"),
    [
        (3, "not a function"),
        (asynchronous, "asynchronous"),
        (functools.partial(asynchronous), "asynchronous"),
        (Awaited(), "asynchronous"),
        (generator, "generator"),
        (Unhashable("1"), "frozen dataclass"),
        (lambda: True, "cannot be called with"),
        (lambda one, other: True, "cannot be called with"),
    ],
)
def test_functions_that_cannot_be_asked_are_refused(make, function, message) -> None:
    with pytest.raises(ArgumentError, match=message):
        make(function)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), True, "1"])
def test_time_limits_out_of_range(seconds) -> None:
    with pytest.raises(ArgumentError, match="seconds="):
        condit.where(str.isdigit, seconds=seconds)


def test_what_can_be_called() -> None:
    assert condit.where(Frozen("1")).accepts("1")
    assert condit.where("12".startswith).accepts("1")
    assert condit.where(lambda text, *, strict=True: strict).accepts("1")
    assert condit.where(functools.partial(lambda wanted, text: wanted == text, "1")).accepts("1")
