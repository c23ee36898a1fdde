"""The constraint ``function``: JSON objects of arguments for a Python function, and the call.

The signature is read in ``python_signature.py``; the object is matched by ``json_schema.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from condit.constraint.base import Constraint, Matcher, Violation
from condit.constraint.json_fields import JsonFields
from condit.constraint.json_positions import NotJsonError, position_of, read_json
from condit.constraint.json_schema import JsonSchema, json_schema
from condit.constraint.python_signature import Signature, arguments_type, signature_of
from condit.constraint.python_types import schema_of
from condit.errors import ArgumentError
from condit.vocabulary import Vocabulary


class Drawn(Protocol):
    """Anything with a text, such as ``condit.Sample``."""

    @property
    def text(self) -> str:
        """The text."""


class DrawnBest(Protocol):
    """Anything with a best sample, such as ``condit.Result``."""

    @property
    def best(self) -> Drawn:
        """That sample."""


def function(callable: Callable[..., Any], **options: Any) -> Function:
    """JSON objects of arguments with which a Python function can be called.

    The object has a key for each parameter, with values of its annotated type (any JSON value
    without annotation). Parameters with a default may be left out, and ``**kwargs: T`` allows
    further keys with values of type ``T``. What ``functools.partial`` has bound is left out, and so
    is the ``self`` of a bound method. Descriptions come from ``Annotated[..., Field(...)]`` or
    from the docstring, in Google, NumPy or Sphinx style.

    >>> def order(item: str, count: int = 1) -> str:
    ...     return item * count
    >>> function(order).accepts('{"item": "ab", "count": "two"}')
    False
    >>> function(order).call('{"item": "ab", "count": 2}')
    'abab'

    Args:
        callable: a function, a coroutine function, a bound method, a ``functools.partial``, a
            class, or an object that can be called.
        options: what ``json_schema`` takes beside a schema, such as ``whitespace``.

    Raises:
        ArgumentError: it cannot be called with named arguments, or an annotation is no type that
            pydantic can describe; the message names the parameter.
        CompileError: the types of its parameters make a schema that cannot be enforced; see
            ``json_schema``.
    """
    return Function(callable, tuple(sorted(options.items())))


@dataclass(frozen=True)
class Function(Constraint):
    """JSON objects of arguments for a function; made by ``function``.

    Attributes:
        function: what is to be called.
        options: what ``json_schema`` was given beside the schema.
        arguments: the constraint on the object.
    """

    function: Callable[..., Any]
    options: tuple[tuple[str, Any], ...] = ()
    arguments: JsonSchema | JsonFields = field(init=False, repr=False, compare=False)
    _signature: Signature = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        signature = signature_of(self.function)
        object.__setattr__(self, "_signature", signature)
        described = arguments_type(signature)
        try:
            arguments = json_schema(described, **dict(self.options))
        except ArgumentError as error:
            raise _undescribed(signature) or error from error
        object.__setattr__(self, "arguments", arguments)

    @property
    def name(self) -> str:
        """What the function is called."""
        return self._signature.name

    @property
    def description(self) -> str:
        """The summary of its docstring; empty without one."""
        return self._signature.summary

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of the object, as a fresh dictionary."""
        return cast("dict[str, Any]", self.arguments.schema)

    @property
    def tool(self) -> dict[str, Any]:
        """The function as a tool, in the form that chat templates and chat APIs take."""
        described = {"description": self.description} if self.description else {}
        function = {"name": self.name, **described, "parameters": self.schema}
        return {"type": "function", "function": function}

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        """A matcher at the empty text; see ``JsonSchema.bind``.

        Raises:
            VocabularyError: no token of this vocabulary can begin an object.
        """
        return self.arguments.bind(vocabulary)

    def violation(self, text: str) -> Violation | None:
        """What is wrong with ``text``, in which argument, and where that begins."""
        violation = self.arguments.violation(text)
        if violation is None:
            return None
        argument = _argument_at(text, violation.position)
        if argument is None:
            return violation
        return Violation(f"argument {argument!r}: {violation.reason}", violation.position)

    def describe(self) -> str:
        """The form of the object and what the function does, as an instruction to a model."""
        return self.arguments.describe()

    def longest(self) -> int | None:
        """The most bytes that a text may have, where that is known."""
        return self.arguments.longest()

    def last_bytes(self) -> frozenset[int] | None:
        """The bytes with which an object may end."""
        return self.arguments.last_bytes()

    def possible_ends(self, text: str, start: int) -> Iterable[int] | None:
        """Where the object that begins there ends."""
        return self.arguments.possible_ends(text, start)

    def value(self, text: str) -> dict[str, Any]:
        """The arguments that an accepted ``text`` gives, by name, as objects of their types.

        Those that are not given are left out.

        Raises:
            ArgumentError: the text is not accepted; the message names the argument.
        """
        violation = self.violation(text)
        if violation is not None:
            raise ArgumentError(f"{self.name} cannot be called so: {violation}")
        return cast("dict[str, Any]", self.arguments.value(text))

    def call(self, drawn: str | Drawn | DrawnBest) -> Any:
        """Call the function with the arguments of a text.

        Args:
            drawn: a text, a sample, or a result, of which the best sample is taken.

        Returns:
            what the function returns: of a coroutine function, a coroutine to be awaited.

        Raises:
            ArgumentError: the text is not accepted; the message names the argument. What the
                function itself raises is passed on.
        """
        if not isinstance(drawn, str):
            sample: Any = getattr(drawn, "best", drawn)
            drawn = getattr(sample, "text", sample)
        if not isinstance(drawn, str):
            raise ArgumentError(
                f"{self.name}: call takes a text, a sample or a result, not {type(drawn).__name__}"
            )
        named = self.value(drawn)
        return self.function(*self._positional(named), **named)

    def _positional(self, named: dict[str, Any]) -> list[Any]:
        """Remove the arguments that can be given by position only from ``named``; in order."""
        parameters = [each for each in self._signature.parameters if each.positional]
        while parameters and parameters[-1].name not in named:
            parameters.pop()
        return [named.pop(each.name, each.default) for each in parameters]


def _undescribed(signature: Signature) -> ArgumentError | None:
    """Which parameter has a type that pydantic cannot describe, as the error to raise."""
    for each in signature.parameters:
        try:
            schema_of(each.annotation)
        except ArgumentError as error:
            reason = str(error.__cause__ or error).split("\n")[0]
            return ArgumentError(
                f"function: the type of {each.name!r} of {signature.name} is none that pydantic "
                f"can describe: {reason}"
            )
    return None


def _argument_at(text: str, position: int | None) -> str | None:
    """The key of the object whose value holds that character, if any."""
    try:
        value = read_json(text)
    except NotJsonError:
        return None
    if position is None or not isinstance(value, Mapping):
        return None
    places = [(position_of(text, [name]), name) for name in value]
    before = [each for each in places if each[0] <= position]
    return max(before)[1] if before else None
