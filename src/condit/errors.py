"""The errors that Condit raises. Each message says what was wrong, where, and what to do."""

from __future__ import annotations

from typing import Any


class ConditError(Exception):
    """Base of all Condit errors: catch this to catch them all.

    Attributes:
        result: if drawing had begun, the partial `condit.Result`, with every lane as far as it got
            (of ``condit.refine``, a `Refined` with the rounds before it); else ``None``.
        position: character offset of what is at fault, in the text that a constraint was made of,
            if that is known.
    """

    result: Any = None  # of a type whose module imports this one
    position: int | None = None


class ArgumentError(ConditError, ValueError):
    """An argument has a value that cannot be used (``n=0``, a negative temperature)."""


class UnknownNameError(ConditError, LookupError):
    """No model, sampler or option has that name; the message suggests a similar one."""


class MissingDependencyError(ConditError, ImportError):
    """An optional package is needed; the message gives the command that installs it."""


class IncompatibleDependencyError(ConditError, ImportError):
    """A package is installed, but not in a version that Condit can use; the message names both.

    Attributes:
        package: its name on PyPI.
        reason: what Condit relies on and did not find there.
    """

    def __init__(self, message: str, *, package: str, reason: str = "") -> None:
        super().__init__(message)
        self.package = package
        self.reason = reason


class ModelError(ConditError):
    """A model cannot be loaded or run: no such directory, a damaged file, an unknown kind."""


class RunCancelledError(ConditError):
    """A run that shares a model with others was cancelled by the program."""


class PromptTooLongError(ConditError, ValueError):
    """Prompt and ``max_tokens`` together exceed the model's context."""


class VocabularyError(ConditError, ValueError):
    """A tokenizer whose tokens cannot be read as bytes, or one that cannot spell the constraint."""


class CompileError(ConditError, ValueError):
    """A constraint cannot be compiled: it does not parse, or it says something unsupported.

    Attributes:
        position: character offset of the error in the source, if known.
        keywords: the keywords or constructs that cause the error, if known.
    """

    def __init__(
        self, message: str, *, position: int | None = None, keywords: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.position = position
        self.keywords = keywords


class UnsupportedConstraintError(CompileError):
    """The constraint is well formed, but uses something that Condit cannot enforce."""


class UnsatisfiableError(CompileError):
    """The constraint is well formed, but no text at all satisfies it."""


class UnrealizableError(CompileError):
    """A specification of an agent that the outcomes of its tools may keep it from fulfilling.

    Attributes:
        counterexample: a row of events that shows how.
    """

    def __init__(self, message: str, *, counterexample: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.counterexample = counterexample


class ConstraintTooComplexError(ConditError, RuntimeError):
    """The constraint engine exceeded one of its own limits."""


class ValidatorError(ConditError, RuntimeError):
    """A validator of a Python type raised an error other than that for a refused value.

    Attributes:
        field: the key of the value that it was asked about, where that is known.
    """

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class CheckError(ConditError, RuntimeError):
    """A function given to ``where`` or ``where_prefix`` raised, answered wrongly, or hung.

    Attributes:
        function: its name.
        file: the file of the line at fault, where that is known.
        line: the number of that line: where it raised; else where the function begins.
        value: what it was asked about, as the message shows it.
    """

    def __init__(
        self,
        message: str,
        *,
        function: str,
        file: str | None = None,
        line: int | None = None,
        value: str = "",
    ) -> None:
        super().__init__(message)
        self.function = function
        self.file = file
        self.line = line
        self.value = value


class CheckTimeoutError(CheckError):
    """A function given to ``where`` or ``where_prefix`` did not answer within its ``seconds``."""


class IndexFileError(ConditError, ValueError):
    """A file is no saved index, one of another kind or version, or a damaged one."""


class TraceFileError(ConditError, ValueError):
    """A file cannot be read, or is no trace of a run."""


class UnknownEndingWarning(UserWarning):
    """No text that the constraint accepts is known: draws may not finish within ``max_tokens``."""


class UnlimitedTextWarning(UserWarning):
    """Free text without a limit stands before another part, and may leave it no tokens."""


class SwallowedEventWarning(UserWarning):
    """The text of an event has no end of its own, and may go on over that of another event."""


class RefusedTokenError(ConditError, ValueError):
    """A matcher was advanced by a token that it refuses; its state is unchanged."""


class InsertionError(ConditError, ValueError):
    """The constraint refuses what ``insert`` gave, or ``insert`` raised an error, the cause."""


class RowError(ConditError, ValueError):
    """A row of a batch is no JSON object, lacks what it needs, or says something unknown.

    Attributes:
        line: its line in the file, from 1; in a table, its row; 0 where rows are not counted.
        field: the key at fault, where there is one.
    """

    def __init__(self, message: str, *, line: int = 0, field: str | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.field = field


class BatchOutputError(ConditError, RuntimeError):
    """The output of a batch cannot be continued: other settings, other rows, another writer."""


class GenerationError(ConditError, RuntimeError):
    """No valid text was drawn; ``result`` has every lane as far as it got."""

    def __init__(self, message: str, result: Any) -> None:
        super().__init__(message)
        self.result = result


class DeadEndError(GenerationError):
    """Every lane came to a prefix where all allowed tokens have probability 0."""


class BudgetError(GenerationError):
    """No text fits into ``max_tokens``, or no lane finished within them.

    Attributes:
        needed: if the shortest text found has more than ``max_tokens`` tokens, how many; nothing
            was drawn then, and ``result`` is ``None``.
    """

    def __init__(self, message: str, result: Any = None, *, needed: int | None = None) -> None:
        super().__init__(message, result)
        self.needed = needed


class RejectedError(GenerationError):
    """No attempt was accepted within the number of attempts that the sampler may make."""
