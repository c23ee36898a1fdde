"""A user's function in a constraint: called with care, its answers cached, its errors named.

What is asked, and what an answer means, is said by ``where.py``, ``where_prefix.py`` and
``where_field.py``.
"""

from __future__ import annotations

import functools
import inspect
import math
import threading
from collections.abc import Callable, Hashable, Mapping
from numbers import Real
from types import TracebackType
from typing import Any, Final, Generic, NamedTuple, TypeVar

import numpy as np
from cachetools import LRUCache

from condit.constraint import time_limit
from condit.constraint.base import Violation
from condit.constraint.time_limit import OutOfTimeError, call_within
from condit.errors import ArgumentError, CheckError, CheckTimeoutError

T = TypeVar("T")

_REMEMBERED = 4096
"""Size of the cache of answers: lanes often have equal texts, and finished ones are asked again."""

_LONGEST_SHOWN = 200
_MISSING: Final = object()


class Arguments(NamedTuple):
    """What a function is called with.

    Attributes:
        positional: the arguments that are given by position.
        named: the others.
    """

    positional: tuple[Any, ...]
    named: Mapping[str, Any] = {}


class WrongAnswerError(Exception):
    """The function has returned what is no answer; the message says what would be one."""


class UserFunction(Generic[T]):
    """A function of a user, whose answers are cached. Safe to use from several threads.

    Args:
        function: what to call.
        who: the function of Condit that it was given to, for messages.
        read: what an answer means, given a name for the function and what it returned; raises
            `WrongAnswerError` where it means nothing.
        seconds: the time limit of a call; ``None``: none.

    Raises:
        ArgumentError: it cannot be called, is asynchronous or a generator, or is not hashable; or
            the time limit is no positive number.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        who: str,
        read: Callable[[str, object], T],
        seconds: float | None,
    ) -> None:
        self.name = name_of(function)
        _check(function, who, self.name)
        _check_seconds(seconds, who)
        self._function, self._who, self._read, self._seconds = function, who, read, seconds
        self._said = f"{self.name} ({self.summary})" if self.summary else self.name
        self._lock = threading.Lock()
        self._known: LRUCache[Hashable, Any] = LRUCache(_REMEMBERED)

    @property
    def summary(self) -> str:
        """The first line of its docstring; empty without one."""
        written = getattr(_innermost(self._function), "__doc__", None)
        lines = inspect.cleandoc(written).splitlines() if isinstance(written, str) else []
        return lines[0].strip() if lines and _code(self._function) is not None else ""

    def check_takes(self, given: Arguments, what: str) -> None:
        """Check that it can be called so; a function without a known signature passes.

        Raises:
            ArgumentError: it takes other arguments; ``what`` says which it is given.
        """
        signature = signature_of(self._function)
        if signature is None:
            return
        try:
            signature.bind(*given.positional, **given.named)
        except TypeError as error:
            raise ArgumentError(
                f"{self._who}: {self.name}{signature} cannot be called with {what}: {error}"
            ) from None

    def ask(self, key: Hashable, arguments: Callable[[], Arguments], shown: str) -> T:
        """The answer for ``key``, from the cache or by a call. Exceptions are not cached.

        Args:
            key: equal for equal questions.
            arguments: makes what it is called with, which belongs to the function.
            shown: the question, for messages.

        Raises:
            CheckError: the function raised an error, or returned what is no answer.
            CheckTimeoutError: it did not return in time.
        """
        with self._lock:
            known = self._known.get(key, _MISSING)
        if known is not _MISSING:
            return known  # type: ignore[no-any-return]
        positional, named = arguments()
        answer = self._answer(lambda: self._function(*positional, **named), shortened(shown))
        with self._lock:
            self._known[key] = answer
        return answer

    def _answer(self, call: Callable[[], object], shown: str) -> T:
        try:
            returned = call_within(self._seconds, call)
        except OutOfTimeError:
            raise CheckTimeoutError(
                f"{self._who}: {self._placed()} did not answer within {self._seconds:g} s about "
                f"{shown}. Make it faster, or give it more time (seconds=)",
                **self._details(shown),
            ) from None
        except (Exception, SystemExit) as error:
            raise self._failed(error, shown) from error
        try:
            return self._read(self._said, returned)
        except WrongAnswerError as wrong:
            hint = "; a function without return gives None" if returned is None else ""
            raise CheckError(
                f"{self._who}: {self._placed()} returned {shortened(repr(returned))}, of type "
                f"{type(returned).__name__}, about {shown}: {wrong}{hint}",
                **self._details(shown),
            ) from None

    def _failed(self, error: BaseException, shown: str) -> CheckError:
        file, line = _line_at_fault(error.__traceback__, self._function)
        where = f" at {file}:{line}" if file is not None else ""
        return CheckError(
            f"{self._who}: {self.name} failed{where}, with {type(error).__name__}: {error}, when "
            f"it was asked about {shown}. The error is in this function",
            **{**self._details(shown), "file": file, "line": line},
        )

    def _placed(self) -> str:
        details = self._details("")
        file = details["file"]
        return self.name if file is None else f"{self.name} ({file}:{details['line']})"

    def _details(self, shown: str) -> dict[str, Any]:
        code = _code(self._function)
        file, line = (None, None) if code is None else (code.co_filename, code.co_firstlineno)
        return {"function": self.name, "file": file, "line": line, "value": shown}


def read_verdict(name: str, answer: object) -> Violation | None:
    """What the answer of a check means: the reason to refuse, or ``None``.

    Args:
        name: what the function is called.
        answer: what it returned.

    Raises:
        WrongAnswerError: it is neither true or false, nor a reason.
    """
    if isinstance(answer, bool | np.bool_):
        return None if answer else Violation(f"{name} refuses it")
    if isinstance(answer, Violation):
        return answer
    if isinstance(answer, str) and answer:
        return Violation(answer)
    raise WrongAnswerError(
        "return True or False, or the reason for a refusal as a text or condit.Violation"
    )


def name_of(function: object) -> str:
    """The name of a function (that inside a ``partial``, too), or of the class of an object."""
    function = _innermost(function)
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return str(name).rpartition("<locals>.")[2]


def shortened(text: str) -> str:
    """A text with its middle left out where it is long."""
    if len(text) <= _LONGEST_SHOWN:
        return text
    half = _LONGEST_SHOWN // 2
    return f"{text[:half]} … {text[-half:]}"


def signature_of(function: Callable[..., Any]) -> inspect.Signature | None:
    """The signature of a function; ``None`` where it is not known, as of some in C."""
    try:
        return inspect.signature(function)
    except (ValueError, TypeError):
        return None


def _innermost(function: object) -> object:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _code(function: object) -> Any:
    """The code that a user has written; ``None`` of a function in C."""
    function = _innermost(function)
    if not inspect.isroutine(function) and callable(function) and not isinstance(function, type):
        function = type(function).__call__
    function = inspect.unwrap(function) if callable(function) else function
    return getattr(function, "__code__", None)


def _check(function: object, who: str, name: str) -> None:
    if not callable(function):
        raise ArgumentError(f"{who}: {function!r} is a {type(function).__name__}, not a function")
    inner: Any = _innermost(function)
    called = type(inner).__call__
    if any(map(inspect.iscoroutinefunction, (inner, called))):
        raise ArgumentError(
            f"{who}: {name} is asynchronous, and its answer would have to be awaited: give a plain "
            "function, such as lambda value: asyncio.run(check(value))"
        )
    kinds = (inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    if any(kind(each) for kind in kinds for each in (inner, called)):
        raise ArgumentError(f"{who}: {name} is a generator (it has a yield): let it return")
    try:
        hash(function)
    except TypeError:
        raise ArgumentError(
            f"{who}: {name} is not hashable, so that constraints with it cannot be compared: make "
            "its class a frozen dataclass, or give one of its methods wrapped in a lambda"
        ) from None


def _check_seconds(seconds: object, who: str) -> None:
    if seconds is None:
        return
    known = isinstance(seconds, Real) and not isinstance(seconds, bool)
    if not known or not (math.isfinite(seconds) and seconds > 0):  # type: ignore[arg-type,operator]
        raise ArgumentError(
            f"{who}: seconds={seconds!r} must be a positive number, or None for no time limit"
        )


_OURS = frozenset({__file__, time_limit.__file__})


def _line_at_fault(
    trace: TracebackType | None, function: object
) -> tuple[str, int] | tuple[None, None]:
    """The innermost line of the user's own file that an error has passed."""
    steps: list[tuple[str, int]] = []
    while trace is not None:
        steps.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    theirs = [step for step in steps if step[0] not in _OURS]
    if not theirs:
        return None, None
    code = _code(function)
    home = code.co_filename if code is not None else theirs[0][0]
    at_home = [step for step in theirs if step[0] == home]
    return (at_home or theirs[:1])[-1]
