"""The prompts of refining: the request with its instructions, and with an answer to be improved."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from condit.errors import ArgumentError
from condit.model.base import Model, Prompt

Messages = list[dict[str, str]]


class Request:
    """What a user asks for, before any instruction is added to it or taken from it.

    An instruction that stands in the prompt word for word is not said a second time; the prompt
    without it is the prompt from which its words are cut.

    Args:
        model: whose chat template is used. Where it has none, prompts are plain text.
        prompt: a text, which is sent as a message of the user; or chat messages, the last of which
            is the user's.

    Raises:
        ArgumentError: the prompt is token ids, or its last message is not the user's.
    """

    def __init__(self, model: Model, prompt: Prompt) -> None:
        if isinstance(prompt, str):
            self._before: Messages = []
            self.text = prompt
        elif prompt and all(isinstance(message, Mapping) for message in prompt):
            messages = [dict(message) for message in prompt if isinstance(message, Mapping)]
            *self._before, last = messages
            if last.get("role") != "user" or not isinstance(last.get("content"), str):
                raise ArgumentError(
                    "refine: the last message must be one of the user, with a text as its content"
                )
            self.text = last["content"]
        else:
            raise ArgumentError("refine: the prompt must be a text or chat messages")
        self.chat = bool(self._before) or _takes_messages(model)

    def asked(self, instructions: Sequence[str], without: str | None = None) -> Prompt:
        """The request with these instructions.

        Args:
            instructions: those that stand in the prompt already, and others.
            without: one of them that is to be left out.
        """
        text = self.text
        if without is not None and without in text:
            text = re.sub(" ?" + re.escape(without), "", text).strip()
        added = [each for each in instructions if each != without and each not in self.text]
        return self._sent([_user("\n".join([text, *added]))])

    def revised(self, instructions: Sequence[str], answer: str, critique: str) -> Prompt:
        """The request, an answer to it, and what is to be better in the next."""
        whole = [each for each in instructions if each not in self.text]
        answered = {"role": "assistant", "content": answer}
        return self._sent([_user("\n".join([self.text, *whole])), answered, _user(critique)])

    def _sent(self, messages: Messages) -> Prompt:
        if self.chat:
            return [*self._before, *messages]
        return "".join(f"{message['content']}\n\n" for message in messages)


def critique_of(failing: Sequence[str], reason: str = "") -> str:
    """What is said of an answer: which instructions it does not follow, and why."""
    listed = "\n".join(f"- {each}" for each in failing)
    which = "this instruction" if len(failing) == 1 else "these instructions"
    because = f"\n{reason}" if reason else ""
    return (
        f"Your answer does not follow {which}:\n{listed}{because}\n\n"
        "Write the answer again, so that it follows all instructions."
    )


def reason_asked(failing: Sequence[str]) -> str:
    """The question why an answer does not follow some instructions."""
    listed = "\n".join(f"- {each}" for each in failing)
    return (
        f"What is missing in your answer to follow this?\n{listed}\n\nSay it in one short sentence."
    )


def _takes_messages(model: Model) -> bool:
    try:
        model.encode_prompt([_user("Hello")])
    except ArgumentError:
        return False
    return True


def _user(content: str) -> dict[str, str]:
    return {"role": "user", "content": content}
