"""Tools: what an agent can call, how the call is written, and how its failures become events.

A call never raises and never takes longer than its limit: what went wrong is an outcome, as
``observe`` is. What becomes of a call that is out of time is in ``constraint/time_limit.py`` for
functions; a command's processes are killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import inspect
import json
import math
import os
import re
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from string import Formatter
from typing import Any

from condit.constraint.base import Constraint
from condit.constraint.function import Function, function
from condit.constraint.json_schema import json_schema
from condit.constraint.time_limit import OutOfTimeError, call_within
from condit.errors import ArgumentError

OUTCOMES = ("observe", "error", "timeout")
"""The events that tools cause: an answer, a failure, and no answer in time."""
CUT = " [...]"
"""What stands where a text was cut off."""


@dataclass(frozen=True)
class Outcome:
    """What came of a call.

    Attributes:
        event: one of ``OUTCOMES``.
        text: the answer as text, or what went wrong.
        value: what the function returned; ``None`` where it did not.
        seconds: how long it took.
    """

    event: str
    text: str
    value: object = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Tool:
    """Something that an agent can call; made by ``tool`` or ``command``.

    Attributes:
        name: of the tool and of the event that calls it.
        content: what the model writes between the tags of the event.
        run: what is called with that text.
        outcomes: the events that may follow: those of ``OUTCOMES`` that it can have.
        pure: whether equal calls have equal outcomes and change nothing: they are made once.
        seconds: the most that a call may take.
        max_observation: the most characters of an answer that the model sees.
        description: what it does, in words.
    """

    name: str
    content: Constraint
    run: Callable[[str], Any]
    outcomes: tuple[str, ...] = OUTCOMES
    pure: bool = False
    seconds: float = 30.0
    max_observation: int = 2000
    description: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ArgumentError(f"tool: {self.name!r} is no name: give a text")
        if self.name in OUTCOMES:
            raise ArgumentError(f"tool: {self.name!r} is the name of an outcome: give name=")
        unknown = [each for each in self.outcomes if each not in OUTCOMES]
        if unknown or "observe" not in self.outcomes:
            raise ArgumentError(
                f"tool {self.name}: outcomes={self.outcomes!r}: give 'observe', and 'error' and "
                "'timeout' where they are events of their own"
            )
        if not (isinstance(self.seconds, int | float) and 0 < self.seconds < math.inf):
            raise ArgumentError(
                f"tool {self.name}: seconds={self.seconds!r}: give a number above 0"
            )
        if not (isinstance(self.max_observation, int) and self.max_observation >= 16):
            raise ArgumentError(
                f"tool {self.name}: max_observation={self.max_observation!r}: give 16 or more"
            )

    def call(self, text: str) -> Outcome:
        """Call it; whatever happens is an outcome.

        An outcome that is not declared is told as the text of an ``observe``.
        """
        start = time.perf_counter()
        try:
            event, said, value = call_within(self.seconds, lambda: self._answer(text))
        except OutOfTimeError:
            event, said, value = "timeout", f"no answer within {self.seconds:g} seconds", None
        if event not in self.outcomes:
            event, said = "observe", f"{event}: {said}"
        if len(said) > self.max_observation:
            said = said[: self.max_observation - len(CUT)] + CUT
        return Outcome(event, said, value, time.perf_counter() - start)

    def _answer(self, text: str) -> tuple[str, str, object]:
        """Runs in a thread of its own, so that nothing of the tool's runs outside of the limit."""
        try:
            value = self.run(text)
            if inspect.isawaitable(value):
                value = asyncio.run(_awaited(value))
            # No more of a row than can be shown: it may be endless.
            if isinstance(value, AsyncIterator):
                value = asyncio.run(_first(value, self.max_observation))
            elif isinstance(value, Iterator):
                value = list(islice(value, self.max_observation))
            return "observe", rendered(value), _kept(value)
        except OutOfTimeError:
            return "timeout", f"no answer within {self.seconds:g} seconds", None
        except BaseException as error:
            return "error", _fault(error), None


async def _awaited(value: Any) -> Any:
    return await value


async def _first(values: AsyncIterator[Any], most: int) -> list[Any]:
    found: list[Any] = []
    async for value in values:
        found.append(value)
        if len(found) == most:
            break
    return found


def _kept(value: object) -> object:
    """The value as it is now: a tool may go on to change a list or a dict that it has returned."""
    if isinstance(value, list | dict | set | tuple):
        with contextlib.suppress(Exception):
            return copy.deepcopy(value)
    return value


def _fault(error: BaseException) -> str:
    try:
        said = str(error)
    except BaseException:
        said = ""
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def rendered(value: object) -> str:
    """What a tool returned as text: text itself, bytes decoded, all else as JSON or by ``repr``."""
    if isinstance(value, str):
        return str.__str__(value)  # of a text that is a member of an enumeration, its value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "replace")
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        return repr(value)


def tool(
    function: Callable[..., Any],
    *,
    name: str | None = None,
    content: Constraint | None = None,
    outcomes: Collection[str] = OUTCOMES,
    pure: bool = False,
    seconds: float = 30.0,
    max_observation: int = 2000,
    description: str | None = None,
) -> Tool:
    """A Python function as a tool of an agent.

    The model writes its arguments as a JSON object, as ``condit.function`` has it; or, with
    ``content``, the text of its only argument.

    >>> def double(x: int) -> int:
    ...     return 2 * x
    >>> tool(double).call('{"x": 21}').text
    '42'

    Args:
        function: the function; one that gives a coroutine is awaited, and of one that gives an
            iterator the first values are taken.
        name: what the event is called; by default as the function.
        content: a constraint of one text, whose value the function is called with.
        outcomes: which of ``observe``, ``error`` and ``timeout`` are events of their own; others
            are told as an ``observe``. The specification must be kept whichever comes.
        pure: whether equal calls have equal answers and change nothing.
        seconds: the most that a call may take; then it is abandoned, and the outcome a timeout.
        max_observation: the most characters of an answer that the model sees.
        description: what it does; by default the summary of the docstring.

    Raises:
        ArgumentError: the function cannot be called with named arguments, or an argument is out of
            range.
    """
    if not callable(function):
        raise ArgumentError(f"tool: {function!r} is no function")
    whole: Constraint
    run: Callable[[str], Any]
    if content is None:
        called = _function(function)
        whole, run, own = called, called.call, called.name
        said = called.description
    else:
        whole, own = content, str(getattr(function, "__name__", "") or "")
        said = (inspect.getdoc(function) or "").split("\n\n")[0]
        run = partial(_of_text, function, content)
    return Tool(
        name or own,
        whole,
        run,
        tuple(outcomes),
        pure,
        seconds,
        max_observation,
        said if description is None else description,
    )


def _of_text(function: Callable[..., Any], content: Constraint, text: str) -> Any:
    value = content.value(text)
    return function(text if value is None else value)


def _function(callable: Callable[..., Any]) -> Function:
    return function(callable)


def command(
    name: str,
    arguments: Sequence[str],
    fields: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    outcomes: Collection[str] = OUTCOMES,
    pure: bool = False,
    seconds: float = 30.0,
    max_observation: int = 2000,
    description: str = "",
    directory: str | os.PathLike[str] | None = None,
) -> Tool:
    """A command of the shell as a tool: its arguments are a list, and no shell reads them.

    ``command("count", ["grep", "-c", "-e", "{word}", "log.txt"])`` is called with
    ``{"word": "..."}``. What a model writes is always part of one argument. Where it begins an
    argument it may not begin with ``-``, so that it is no option.

    Args:
        name: what the event is called.
        arguments: the program and its arguments, with names of fields in braces.
        fields: for fields the JSON Schema of their values; by default any text of at most 200
            characters.
        outcomes: see ``tool``.
        pure: see ``tool``.
        seconds: the most that it may take; then it is killed, with the processes it has started.
        max_observation: see ``tool``.
        description: what it does.
        directory: where it runs.

    Raises:
        ArgumentError: there is no program, braces are not balanced, or ``fields`` names none.
    """
    if (
        isinstance(arguments, str)
        or not arguments
        or not all(isinstance(a, str) for a in arguments)
    ):
        raise ArgumentError(
            f"command {name}: give the program and its arguments as a list of texts"
        )
    made = _Command(name, tuple(arguments), float(seconds), directory)
    unknown = [each for each in fields or {} if each not in made.names]
    if unknown:
        raise ArgumentError(f"command {name}: no argument has a field {{{unknown[0]}}}")
    properties = {each: dict((fields or {}).get(each) or made.usual(each)) for each in made.names}
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    # The command ends itself at its limit; the thread that waits for it has a little more time.
    return Tool(
        name,
        json_schema(schema),
        made,
        tuple(outcomes),
        pure,
        seconds + 2,
        max_observation,
        description or "runs " + " ".join(arguments),
    )


@dataclass(frozen=True)
class _Command:
    name: str
    arguments: tuple[str, ...]
    seconds: float
    directory: str | os.PathLike[str] | None

    @cached_property
    def _read(self) -> list[list[tuple[str, str | None]]]:
        try:
            found = [
                [(fixed, field) for fixed, field, _, _ in Formatter().parse(each)]
                for each in self.arguments
            ]
        except ValueError as error:
            raise ArgumentError(f"command {self.name}: {error}: write {{{{ for a brace") from error
        bad = [f for parts in found for _, f in parts if f is not None and not f.isidentifier()]
        if bad:
            raise ArgumentError(f"command {self.name}: {{{bad[0]}}} must be just a name in braces")
        return found

    @property
    def names(self) -> tuple[str, ...]:
        fields = (field for parts in self._read for _, field in parts if field is not None)
        return tuple(dict.fromkeys(fields))

    def _begins(self, name: str) -> bool:
        return any(parts and parts[0] == ("", name) for parts in self._read[1:])

    def usual(self, name: str) -> dict[str, Any]:
        first = r"[^\x00\-]" if self._begins(name) else r"[^\x00]"
        return {"type": "string", "pattern": rf"^{first}[^\x00]{{0,199}}$"}

    def __call__(self, text: str) -> str:
        values = {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in json.loads(text).items()
        }
        for name, value in values.items():
            if self._begins(name) and value.startswith("-"):
                raise ValueError(f"{name} may not begin with -")
        row = [
            "".join(fixed + ("" if field is None else values[field]) for fixed, field in parts)
            for parts in self._read
        ]
        process = subprocess.Popen(
            row,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.directory,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=self.seconds)
        except subprocess.TimeoutExpired:
            raise OutOfTimeError from None
        finally:
            _kill(process)
        said = output.decode("utf-8", "replace")
        if process.returncode:
            raise RuntimeError(f"exit status {process.returncode}. {said}".strip())
        return said


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process and those that it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def tools_of(given: object) -> dict[str, Tool]:
    """Tools by name, of tools and functions in a row, or by name.

    Raises:
        ArgumentError: one is neither, or two have the same name.
    """
    found: dict[str, Tool] = {}
    named = list(given.items()) if isinstance(given, Mapping) else [(None, g) for g in _row(given)]
    for name, each in named:
        if not isinstance(each, Tool):
            each = tool(each, name=name)
        elif name is not None and name != each.name:
            raise ArgumentError(f"tools: {name!r} is called {each.name!r}: give one name")
        if each.name in found:
            raise ArgumentError(f"tools: two are called {each.name!r}: give tool(..., name=...)")
        found[each.name] = each
    return found


def _row(given: object) -> list[Any]:
    if isinstance(given, Tool) or callable(given):
        return [given]
    if isinstance(given, Sequence) and not isinstance(given, str):
        return list(given)
    raise ArgumentError(f"tools: {given!r} is no list of functions and tools")


_PLAIN_NAME = re.compile(r"[^\W\d]\w*")


def checked_name(name: object) -> str:
    """The name of an event: a plain word, so that it can be a tag.

    Raises:
        ArgumentError: it is none.
    """
    if not isinstance(name, str) or not _PLAIN_NAME.fullmatch(name):
        raise ArgumentError(f"{name!r} is no name of an event: give letters, digits and _")
    return name
