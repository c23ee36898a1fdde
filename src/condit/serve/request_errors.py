"""Errors as a server answers them: a status, and what was wrong in words.

How an answer looks is up to each protocol; here is what all of them tell.
"""

from __future__ import annotations

from collections.abc import Sequence
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


def unreadable(errors: Sequence[Any]) -> RequestError:
    """The error for a body whose fields are not of the right kinds: of pydantic's first one."""
    first = errors[0]
    where = ".".join(str(step) for step in first["loc"] if step != "body")
    return invalid(f"{where or 'the body'}: {first['msg']}", where or None)


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
        param: where the request says the constraint; the keyword at fault is added to it.
    """
    code = next((code for kind, code in _CODES if isinstance(error, kind)), "invalid_constraint")
    keywords = getattr(error, "keywords", ())
    return invalid(str(error), ".".join([param, *keywords[:1]]), code)


def of_error(error: BaseException) -> RequestError:
    """The error for an error raised while a request was prepared or drawn."""
    if isinstance(error, RequestError):
        return error
    if isinstance(error, PromptTooLongError):
        return invalid(str(error), "messages", "context_length_exceeded")
    if isinstance(error, BudgetError) and error.needed is not None:
        return invalid(str(error), "max_tokens", "max_tokens_too_small")
    if isinstance(error, GenerationError):
        return RequestError(422, str(error), kind="generation_error", code="no_valid_text")
    if isinstance(error, CompileError | ConstraintTooComplexError | VocabularyError):
        return of_constraint(error, "constraint")
    if isinstance(error, ArgumentError | UnknownNameError):
        return invalid(str(error))
    return RequestError(
        500,
        f"the server failed ({type(error).__name__}); its log tells more",
        kind="server_error",
        code="internal_error",
    )
