"""``condit.where_prefix``: a Python function that is asked about texts as they are written.

It prunes early: a text that it says *no* to is given up at that token. Checks of finished texts and
of fields are in ``where.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from condit.constraint.base import Constraint, Matcher, Violation
from condit.constraint.checked import Checked
from condit.constraint.schema.plan import Enforcement
from condit.constraint.user_function import Arguments, UserFunction, WrongAnswerError
from condit.errors import ArgumentError, UnsatisfiableError

Answer = Literal["yes", "no", "not yet"]
"""What a function says of a text.

`"yes"`: it is valid if it stops here, and longer texts may be. `"not yet"`: it is not, but a longer
one may be. `"no"`: no text that begins so is valid.
"""

_WHO = "where_prefix"


def where_prefix(
    function: Callable[[str], Answer | bool | None],
    /,
    *,
    of: Constraint | None = None,
    ending: Callable[[str], str | None] | None = None,
    seconds: float | None = 1.0,
) -> WherePrefix:
    """Texts that a Python function accepts, asked after each token.

    The function is given the text so far, without a character that is not complete yet. It returns

    - ``"yes"`` or ``True``: the text is valid if it stops here. It may also go on;
    - ``"not yet"`` or ``None``: it is not valid, but with more behind it it may be;
    - ``"no"`` or ``False``: no text that begins so is valid. This must be final: of a text that
      goes on from there the function would have to say no as well.

    >>> import condit
    >>> def balanced(text: str) -> str:
    ...     opened = 0
    ...     for character in text:
    ...         opened += (character == "(") - (character == ")")
    ...         if opened < 0:
    ...             return "no"
    ...     return "not yet" if opened else "yes"
    >>> brackets = condit.where_prefix(balanced, of=condit.regex("[()]+"))
    >>> brackets.accepts("(())()"), brackets.accepts("(()"), brackets.accepts("())(")
    (True, False, False)

    It must depend on the text alone. Answers are cached.

    A function that says yes or no finds no way to finish a text within the budget. ``ending`` does:

    >>> closed = condit.where_prefix(
    ...     balanced, ending=lambda text: ")" * (text.count("(") - text.count(")"))
    ... )
    >>> result = condit.generate("ngram", "Once ", closed, max_tokens=20, seed=0)
    >>> closed.accepts(result.best.text)
    True

    Args:
        function: as above.
        of: the constraint that texts must satisfy as well. Without it, any text; the method ``of``
            gives the check to a constraint later.
        ending: given the text so far, a text behind which the function says yes; ``None``: none is
            known. What it gives is checked. It must depend on the text alone.
        seconds: time limit of a call, which is made in a thread of its own; ``None``: no limit,
            and the call is made in the thread that draws.

    Returns:
        one constraint: ``of`` together with the check; ``SOUND``. Drawing with it raises
        ``CheckError`` if the function fails, and ``CheckTimeoutError`` if it does not answer in
        time.

    Raises:
        ArgumentError: it is no function that can be called so.
    """
    if of is not None and not isinstance(of, Constraint):
        raise ArgumentError(f"where_prefix: of={of!r} is a {type(of).__name__}, not a constraint")
    if ending is not None and not callable(ending):
        raise ArgumentError(f"where_prefix: ending={ending!r} is no function of the text so far")
    return WherePrefix(function, ending, typed=of, seconds=seconds)


@dataclass(frozen=True)
class WherePrefix(Checked):
    """Texts that a function accepts, which also judges texts in writing; see ``where_prefix``.

    Attributes:
        function: asked about the text so far.
        ending: a text that may finish the text so far; ``None``: none is known.
        refuses: whether the function may say no. If it never does, it is asked at the end alone.
    """

    function: Callable[[str], Answer | bool | None]
    ending: Callable[[str], str | None] | None = None
    refuses: bool = True
    _asked: UserFunction[Answer] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        asked = UserFunction(self.function, _WHO, _read, self.seconds)
        asked.check_takes(Arguments(("",)), "a text")
        object.__setattr__(self, "_asked", asked)

    @property
    def name(self) -> str:
        """What the function is called."""
        return self._asked.name

    @property
    def enforcement(self) -> Enforcement:
        """At each token."""
        return Enforcement("", f"where_prefix {self.name}", "token", self.summary)

    @property
    def summary(self) -> str:
        """The first line of the function's docstring; empty without one."""
        return self._asked.summary

    def reading(self) -> _Prefix:
        """The reading of the empty text.

        Raises:
            UnsatisfiableError: the function says no to it, and so to all texts.
        """
        if self.answer("") == "no":
            raise UnsatisfiableError(
                f"where_prefix: {self.name} says no to the empty text, and so to every text, as "
                'all begin with it: return "not yet" where a text may still become valid'
            )
        return _Prefix(self)

    @property
    def _may_end_by(self) -> Callable[[_Prefix], bytes | None] | None:
        if self.ending is None:
            return None
        find = self.ending

        def given(reading: _Prefix) -> bytes | None:
            # Within a character it is not known what the function would be asked about.
            try:
                found = find(reading.text.decode())
            except UnicodeDecodeError:
                return None
            return None if found is None else found.encode()

        return given

    def answer(self, text: str) -> Answer:
        """What the function says of the text so far."""
        return self._asked.ask(text, lambda: Arguments((text,)), repr(text))

    def objection(self, text: str) -> Violation | None:
        """What the function says against a finished text that the constraint accepts."""
        answer = self.answer(text)
        if answer == "yes":
            return None
        if answer == "no":
            return Violation(f"{self.name} refuses it")
        return Violation(f"{self.name} asks for more to come", len(text))


@dataclass(frozen=True)
class _Prefix:
    """The bytes so far, about which the function is asked each time."""

    check: WherePrefix
    text: bytes = b""
    asks_end: ClassVar[bool] = True

    @property
    def asks_next(self) -> bool:
        return self.check.refuses

    @property
    def refusal(self) -> Violation | None:
        if not self.check.refuses:
            return None
        # A character that is not complete yet is left out.
        text = self.text.decode(errors="ignore")
        no = self.check.answer(text) == "no"
        return Violation(f"{self.check.name} says that nothing valid begins so") if no else None

    def after(self, piece: bytes) -> _Prefix:
        return _Prefix(self.check, self.text + piece)

    def end_refusal(self) -> Violation | None:
        try:
            text = self.text.decode()
        except UnicodeDecodeError:
            return Violation("it breaks off inside a character")
        return self.check.objection(text)

    def dead_end(self, matcher: Callable[[], Matcher]) -> None:
        return None


def _read(name: str, answer: object) -> Answer:
    if answer is None:
        return "not yet"
    if isinstance(answer, bool | np.bool_):
        return "yes" if answer else "no"
    if answer == "yes" or answer == "no" or answer == "not yet":
        return answer
    raise WrongAnswerError('return "yes", "no" or "not yet" (or True, False or None)')
