"""Errors as a server answers them: a status, and what was wrong in words.

How an answer looks is up to each protocol; here is what all of them tell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from condit.errors import (
    ArgumentError,
    BudgetError,
    CheckError,
    CompileError,
    ConditError,
    ConstraintTooComplexError,
    GenerationError,
    MissingDependencyError,
    PromptTooLongError,
    UnknownNameError,
    UnsatisfiableError,
    UnsupportedConstraintError,
    VocabularyError,
)
from condit.serve.job import Job


class RequestError(Exception):
    """A request that is not answered.

    Attributes:
        status: of HTTP.
        message: what was wrong, and what to do.
        kind: OpenAI's ``type``, such as ``"invalid_request_error"``.
        param: the field of the request that is at fault, if one is.
        code: a short name of the fault for programs.
        retry_after: seconds after which it may be tried again, if that is of use.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.param = param
        self.code = code
        self.retry_after = retry_after


def invalid(message: str, param: str | None = None, code: str | None = None) -> RequestError:
    """A request that says something wrong, or asks for what there is not."""
    return RequestError(400, message, param=param, code=code)


def error_of(error: RequestError) -> dict[str, Any]:
    """An error as OpenAI answers it."""
    return {
        "message": error.message,
        "type": error.kind,
        "param": error.param,
        "code": error.code,
    }


_CODES: tuple[tuple[type[ConditError], str], ...] = (
    (UnsatisfiableError, "unsatisfiable_constraint"),
    (UnsupportedConstraintError, "unsupported_constraint"),
    (CompileError, "invalid_constraint"),
    (ConstraintTooComplexError, "constraint_too_complex"),
    (VocabularyError, "constraint_not_writable"),
    (CheckError, "invalid_constraint"),
    (UnknownNameError, "unknown_name"),
    (MissingDependencyError, "unknown_name"),
)


def of_constraint(error: ConditError, param: str) -> RequestError:
    """The error for a constraint that cannot be compiled.

    Args:
        error: why.
        param: where the request says the constraint; the keyword at fault is added with its path.
    """
    code = next((code for kind, code in _CODES if isinstance(error, kind)), "invalid_constraint")
    return invalid(str(error), ".".join([param, *_place(error)]), code)


_REASON = re.compile(r"(?:[;:] |\bat )(at the top|/[^\s:;]+): ([a-zA-Z$]+)?")
"""Where a message about a schema tells a place: the JSON pointer, and the word after it."""


def _place(error: ConditError) -> list[str]:
    """The path of the keyword at fault, in what the constraint is made of; empty: not known."""
    found = _REASON.findall(str(error)) if isinstance(error, CompileError) else []
    pointer, word = found[-1] if found else ("", "")
    steps = [] if pointer in ("", "at the top") else pointer[1:].split("/")
    steps = [step.replace("~1", "/").replace("~0", "~") for step in steps]
    keywords = list(getattr(error, "keywords", ()))
    if not keywords and isinstance(error, UnsatisfiableError) and word not in ("", "false"):
        keywords = [word]
    return steps if keywords[:1] == steps[-1:] else [*steps, *keywords[:1]]


def of_error(error: BaseException, job: Job | None = None) -> RequestError:
    """The error for an error raised while a request was prepared or drawn.

    Args:
        error: what was raised.
        job: what was drawn, which knows what the request calls its fields.
    """
    if isinstance(error, RequestError):
        return error
    prompt, limit = ("messages", "max_tokens") if job is None else _fields(job)
    if isinstance(error, PromptTooLongError):
        at_fault = limit if "set max_tokens" in str(error) else prompt
        return invalid(str(error), at_fault, "context_length_exceeded")
    if isinstance(error, BudgetError) and error.needed is not None:
        return invalid(str(error), limit, "max_tokens_too_small")
    if isinstance(error, GenerationError):
        return RequestError(422, str(error), kind="generation_error", code="no_valid_text")
    if isinstance(error, CompileError | ConstraintTooComplexError | VocabularyError):
        # What was compiled alone before cannot be together with the stop strings.
        if job is None or not job.stop:
            return of_constraint(error, "constraint")
        refused = of_constraint(error, "stop")
        if isinstance(error, UnsatisfiableError):
            refused.message = (
                "the stop strings leave no text: under a constraint no text may hold one: "
                f"leave out those of {list(job.stop)} that every text needs"
            )
        return refused
    if isinstance(error, UnknownNameError | MissingDependencyError):
        field = "condit.prefer" if job is not None and job.prefer else None
        return invalid(str(error), field, "unknown_name")
    if isinstance(error, ArgumentError):
        about = str(error).partition(":")[0]
        if not about.isidentifier():
            about = prompt if "prompt" in about or "messages" in about else ""
        return invalid(str(error), about or None)
    return RequestError(
        500,
        f"the server failed ({type(error).__name__}); its log tells more",
        kind="server_error",
        code="internal_error",
    )


def _fields(job: Job) -> tuple[str, str]:
    return job.prompt_field, job.limit_field


_TYPES = re.compile(r"(str|int|float|bool|list|dict|constrained|function|literal|tagged)\b.*")


def of_validation(errors: Sequence[Mapping[str, Any]]) -> RequestError:
    """The error for a body that is not of the protocol's types, of what pydantic says.

    Where one of several types may stand, all are told.
    """

    def where(error: Mapping[str, Any]) -> str:
        steps = [str(step) for step in error["loc"] if step != "body"]
        # Pydantic puts the types that it tried between the names of fields.
        return ".".join(steps[:1] + [step for step in steps[1:] if not _TYPES.fullmatch(step)])

    field = where(errors[0])
    said = dict.fromkeys(str(error["msg"]) for error in errors if where(error) == field)
    first, *others = said
    message = ", or ".join([first, *(each[:1].lower() + each[1:] for each in others)])
    return invalid(f"{field or 'the body'}: {message}", field or None)
