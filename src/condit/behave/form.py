"""How events are written in a transcript, so that none can pass for another.

An event is its opening, its text, and its closing: ``<search>moons of mars</search>`` and a
newline. No text of a model holds a closing of its own event or an opening of an outcome. In texts
of tools these, and all tags of events, are spelled differently.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from condit.constraint.algebra.free import Free
from condit.constraint.algebra.literal import Literal
from condit.constraint.algebra.sequence import then
from condit.constraint.base import Constraint
from condit.constraint.choice import Choice
from condit.errors import ArgumentError

# Control characters, line breaks but a newline, and what is drawn as nothing. What chooses the look
# of emoji is left.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f"
    r"\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e00ff]"
)
_TAG = r"<(?=\s*/?\s*(?:{names})\b|\|)"


@dataclass(frozen=True)
class Form:
    """What stands before and after the text of an event; ``{name}`` stands for its name.

    Attributes:
        opening: before it.
        closing: after it. Where it is a newline alone, events are lines.
        never: what no text of a model may hold, beside its closing. With ``("</",)`` a small model
            that begins a closing can only write the right one.
    """

    opening: str = "<{name}>"
    closing: str = "</{name}>\n"
    never: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        never = (self.never,) if isinstance(self.never, str) else tuple(self.never)
        if not all(isinstance(each, str) and each for each in never):
            raise ArgumentError(f"form: never={self.never!r}: give texts that are not empty")
        object.__setattr__(self, "never", never)
        for what in ("opening", "closing"):
            if not getattr(self, what):
                raise ArgumentError(f"form: the {what} is empty: give a text")
        if "{name}" not in self.opening:
            raise ArgumentError("form: the opening has no {name}, so events look alike")

    def opened(self, name: str) -> str:
        """The opening of an event."""
        return self.opening.replace("{name}", name)

    def closed(self, name: str) -> str:
        """The closing of an event."""
        return self.closing.replace("{name}", name)

    def written(self, name: str, text: str) -> str:
        """The whole of an event."""
        return f"{self.opened(name)}{text}{self.closed(name)}"

    def constraint(self, name: str, content: Constraint, outcomes: Iterable[str]) -> Constraint:
        """What a model may write of an event: no text that ends it early or opens an outcome."""
        return self._constraint(name, content, (*map(self.opened, outcomes), *self.never))

    def _constraint(self, name: str, content: Constraint, never: Iterable[str]) -> Constraint:
        closing = self.closed(name)
        words = [closing.rstrip("\n") or closing, *never]
        return then(Literal(self.opened(name)), _without(content, words), Literal(closing))

    def observed(self, name: str, most: int, outcomes: Iterable[str]) -> Constraint:
        """What is written of an outcome."""
        return self._constraint(name, Free((), max_chars=most), map(self.opened, outcomes))

    def check(self, names: Iterable[str]) -> None:
        """Check that no event begins as another one does.

        Raises:
            ArgumentError: two do, and which are not known apart.
        """
        names = sorted(names, key=lambda name: len(self.opened(name)))
        for place, long in enumerate(names):
            for short in names[:place]:
                if self.opened(long).startswith(self.opened(short)):
                    raise ArgumentError(
                        f"form: {self.opened(long)!r} of {long!r} begins with "
                        f"{self.opened(short)!r} of {short!r}: let openings end with a sign that "
                        "no name has"
                    )

    def escaped(self, text: str, names: Iterable[str]) -> str:
        """Text from outside, in which nothing passes for an opening or a closing of an event.

        ``<`` before the name of an event becomes ``&lt;``; other openings and closings have a
        backslash behind their first character. Lone surrogates and characters that are not seen
        become question marks.
        """
        names = tuple(names)
        text = text.encode("utf-8", "replace").decode()
        text = _UNSEEN.sub("?", text.replace("\r\n", "\n").replace("\r", "\n"))
        shut = {self.closed(each) for each in names}
        if any(not each.strip("\n") for each in shut):
            text = " ".join(text.split("\n"))
        tags = "|".join(map(re.escape, names))
        text = re.sub(_TAG.format(names=tags), "&lt;", text, flags=re.IGNORECASE)
        words = [*map(self.opened, names), *(each.rstrip("\n") for each in shut)]
        for word in filter(None, words):
            text = text.replace(word, f"{word[0]}\\{word[1:]}")
        return text


def _without(content: Constraint, words: list[str]) -> Constraint:
    if isinstance(content, Free):
        never = (*content.never, *words)
        return _Unsaid(content.until, content.max_tokens, content.max_chars, never)
    if isinstance(content, Literal | Choice):
        texts = [content.text] if isinstance(content, Literal) else list(content.options)
        if not any(word in text for text in texts for word in words):
            return content
    return content & _Unsaid((), never=tuple(words))


class _Unsaid(Free):
    """Free text that lacks some words, as a machine of its own.

    Joined with a pattern of counted repeats it would be a large expression; beside it, it is small.
    """

    @property
    def tree(self) -> None:
        """None: it is not joined with others."""
        return None
