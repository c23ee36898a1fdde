"""What is said of a constraint while it is typed: what is wrong, or how it is enforced."""

from __future__ import annotations

import asyncio
import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from condit.constraint.algebra.plan import plan_for
from condit.constraint.base import Constraint
from condit.errors import ConditError
from condit.instruct import describe
from condit.serve.engine import Engine
from condit.serve.request_errors import RequestError
from condit.serve.specification import Specification
from condit.serve.turns import QueueFullError, Turns

FIELD = "constraint.text"
"""What the text is called in messages."""

_MOST_ROWS = 200
_MOST_WORDS = 4000
_MOST_MESSAGE = 1000
_SECONDS = 5.0

_POINTER = re.compile(r" at (/\S*?):? ")


class Written(BaseModel):
    """A constraint as it is typed."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["none", "json_schema", "regex", "choice", "lark", "gbnf", "expression"] = "none"
    text: str = Field(
        default="",
        max_length=2**20,
        description="As its kind is written; of choice, one text a line.",
    )


class WrittenError(Exception):
    """A constraint that is not taken.

    Attributes:
        message: what is wrong.
        position: where in the text, in characters; ``None`` where that is not known.
    """

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


def specification(written: Written) -> Specification | None:
    """The constraint as the server compiles it; ``None`` if there is none.

    Raises:
        WrittenError: the text is not JSON, where it must be.
    """
    if written.kind == "none":
        return None
    given: object = written.text
    if written.kind == "choice":
        given = [line for line in written.text.split("\n") if line]
    elif written.kind == "json_schema":
        given = _json(written.text)
    return Specification.of(written.kind, given, FIELD)


def _json(text: str) -> object:
    if not text.strip():
        raise WrittenError("write a JSON Schema, such as {}, or describe the fields", 0)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        what = f"not JSON: {error.msg}, at line {error.lineno}, column {error.colno}"
        raise WrittenError(what, error.pos) from error
    except ValueError as error:  # an integer of thousands of digits
        raise WrittenError(f"not taken: {error}") from error
    except RecursionError as error:
        raise WrittenError("the schema is nested too deeply") from error


class Checker:
    """Checks constraints for the page.

    Args:
        engine: of the server, whose processes compile what is new.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="condit-check")
        self._turns = Turns(1, 1, engine.settings.queue)

    async def check(self, written: Written) -> dict[str, Any]:
        """What is to be said of it, ready for JSON.

        ``ok``, and then either ``message`` and ``position``, or ``words`` and the rows of ``plan``.

        Raises:
            RequestError: the server has too much to do.
        """
        try:
            wanted = specification(written)
            if wanted is None:
                return {"ok": True, "words": "Any text.", "plan": {"headings": [], "rows": []}}
            constraint = await self._engine.compiler.constraint(wanted)
        except WrittenError as error:
            return {"ok": False, "message": error.message, "position": error.position}
        except QueueFullError as error:
            raise self._engine.full() from error
        except RequestError as error:
            if error.status != 400:
                raise
            position = _position(written, error)
            return {"ok": False, "message": _shortened(error.message), "position": position}
        try:
            async with asyncio.timeout(_SECONDS):
                return {"ok": True, **await self._tell(constraint)}
        except (TimeoutError, QueueFullError, ConditError, RecursionError):
            return {"ok": True, "words": "", "plan": {"headings": [], "rows": []}}

    async def _tell(self, constraint: Constraint) -> dict[str, Any]:
        await self._turns.take()
        said = asyncio.get_running_loop().run_in_executor(self._thread, _said, constraint)
        # The turn is over when the thread is free, whoever waits.
        said.add_done_callback(lambda _: self._turns.give_back())
        return await asyncio.shield(said)


def _said(constraint: Constraint) -> dict[str, Any]:
    plan = getattr(constraint, "plan", None) or plan_for(constraint)
    rows = plan.cells
    return {
        "words": describe(constraint)[:_MOST_WORDS],
        "plan": {
            "headings": plan.headings,
            "rows": rows[:_MOST_ROWS],
            "more": max(0, len(rows) - _MOST_ROWS),
        },
    }


def _shortened(message: str) -> str:
    """A message that may quote all that was typed: its beginning, and why at its end."""
    half = _MOST_MESSAGE // 2
    return message if len(message) <= _MOST_MESSAGE else f"{message[:half]} … {message[-half:]}"


def _position(written: Written, error: RequestError) -> int | None:
    cause = error.__cause__
    position = cause.position if isinstance(cause, ConditError) else None
    if position is None and written.kind == "json_schema":
        found = _POINTER.search(f"{error.message} ")
        position = None if found is None else place_of(written.text, found[1].rstrip(":"))
    return position


def place_of(text: str, pointer: str) -> int | None:
    """Where the value that a JSON pointer (RFC 6901) names begins in a JSON text.

    ``None`` if there is none; that of the deepest part that there is would mislead.
    """
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    decoder = json.JSONDecoder()
    at = _after_space(text, 0)
    for step in steps:
        if text[at] == "{":
            keyed = True
        elif text[at] == "[" and step.isdecimal():
            keyed = False
        else:
            return None
        at, number = _after_space(text, at + 1), 0
        while text[at] not in "]}":
            key: object = str(number)
            if keyed:
                key, at = decoder.raw_decode(text, at)
                at = _after_space(text, _after_space(text, at) + 1)  # the colon
            if key == step:
                break
            _, at = decoder.raw_decode(text, at)
            at, number = _after_space(text, at), number + 1
            if text[at] == ",":
                at = _after_space(text, at + 1)
        else:
            return None
    return at


def _after_space(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at
