"""The format of a constraint's texts in the prompt: what it says, and where it goes.

Each constraint says its format itself (``Constraint.describe``). No model is used here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from condit.constraint.base import Constraint
from condit.errors import ArgumentError
from condit.model.base import Prompt

_SLOT = "{format}"


def describe(constraint: Constraint) -> str:
    """The format of a constraint's texts in words, as an instruction to a model.

    For the prompt: a constraint forbids other texts, but does not tell the model what is wanted. Of
    a JSON schema, a Python type or a function it is a skeleton in the order in which keys are
    drawn, with bounds and descriptions; of a pattern made-up texts that match; of a grammar its
    rules, if they are few; of a choice the options. Long ones are cut, and what is left out
    is said. It is the same text each time.

    >>> from condit import choice
    >>> print(describe(choice("yes", "no")))
    Respond only with one of these texts:
    yes
    no

    Args:
        constraint: made by ``condit.json_schema`` or the like.

    Raises:
        ArgumentError: it is no constraint, or one of your own without ``describe`` of which no
            short text is found.
    """
    if not isinstance(constraint, Constraint):
        raise ArgumentError(
            f"describe: what is to be described is of type {type(constraint).__name__}: make a "
            "constraint of it with condit.json_schema, condit.regex, condit.grammar, "
            "condit.choice or condit.function"
        )
    return constraint.describe()


def instructed_prompt(
    prompt: Prompt, constraint: Constraint | None, instruct: bool | str = True
) -> Prompt:
    """The prompt that ``condit.generate(..., instruct=...)`` sends: with the format in it.

    In chat messages the format stands at the end of the last message of the user, after an empty
    line. Before a prompt that is text it stands at the beginning, and an empty line follows it, so
    that the model goes on from the end of the prompt.

    >>> from condit import choice
    >>> instructed_prompt("Is ice warm? ", choice("yes", "no"))
    'Respond only with one of these texts:\\nyes\\nno\\n\\nIs ice warm? '

    Args:
        prompt: text or chat messages; these are not changed.
        constraint: whose format it is.
        instruct: a text with ``{format}`` in it, where ``describe(constraint)`` is put in; True
            for that alone; False returns the prompt itself.

    Raises:
        ArgumentError: ``instruct`` has no ``{format}``, there is no constraint, the prompt is token
            ids, or no message is the user's.
    """
    if instruct is False:
        return prompt
    if instruct is not True and not (isinstance(instruct, str) and _SLOT in instruct):
        raise ArgumentError(
            f"instruct is {instruct!r}: give True, or a text with {_SLOT} in it, which the format "
            "is put in place of"
        )
    if constraint is None:
        raise ArgumentError("instruct=True needs a constraint: without one there is no format")
    described = describe(constraint)
    wanted = described if instruct is True else str(instruct).replace(_SLOT, described)
    if isinstance(prompt, str):
        return f"{wanted}\n\n{prompt}"
    if not prompt or not all(isinstance(message, Mapping) for message in prompt):
        raise ArgumentError(
            "instruct=True needs a prompt that is text or chat messages, not token ids: put "
            "condit.describe(constraint) into the text that they are made of"
        )
    return _in_last_of_user(
        [dict(message) for message in prompt if isinstance(message, Mapping)], wanted
    )


def _in_last_of_user(messages: list[dict[str, str]], wanted: str) -> Sequence[Mapping[str, str]]:
    """The messages, with a text at the end of the user's last."""
    for message in reversed(messages):
        content = message.get("content")
        if message.get("role") == "user" and isinstance(content, str):
            message["content"] = f"{content}\n\n{wanted}" if content else wanted
            return messages
    raise ArgumentError(
        "instruct=True needs a message with the role 'user' whose content is text, to put the "
        "format at its end: add one, or put condit.describe(constraint) into a message yourself"
    )
