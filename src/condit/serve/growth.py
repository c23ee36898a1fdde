"""What is new in an answer that grows: text outside of calls, and calls of tools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from condit.serve.tools import Call, read


@dataclass(frozen=True)
class MoreText:
    """Text outside of calls."""

    text: str


@dataclass(frozen=True)
class CallBegins:
    """The name of a call is written."""

    place: int
    call: Call


@dataclass(frozen=True)
class MoreArguments:
    """More of a call's arguments, or of its text."""

    place: int
    text: str
    custom: bool


@dataclass(frozen=True)
class CallEnds:
    """A call is written to its end."""

    place: int
    call: Call


News = MoreText | CallBegins | MoreArguments | CallEnds


class Growth:
    """One answer as it grows.

    Args:
        has_tools: whether it may hold calls; else all of it is text.

    Attributes:
        texts: the texts before, between and after calls, as far as they were told.
        calls: the calls so far.
    """

    def __init__(self, has_tools: bool) -> None:
        self.texts: list[str] = []
        self.calls: list[Call] = []
        self._has_tools = has_tools
        self._written = ""

    def add(self, more: str) -> Iterator[News]:
        """What is new with a piece of the answer."""
        self._written += more
        return self._news(ended=False)

    def end(self, whole: str) -> Iterator[News]:
        """What is new as the answer has ended."""
        self._written = whole
        return self._news(ended=True)

    @property
    def text(self) -> str:
        """The text outside of calls that was told so far."""
        return "".join(self.texts)

    def _news(self, *, ended: bool) -> Iterator[News]:
        plain: tuple[tuple[str, ...], tuple[Call, ...]] = ((self._written,), ())
        texts, calls = read(self._written, ended) if self._has_tools else plain
        for place, text in enumerate(texts):
            if place == len(self.texts):
                self.texts.append("")
            if more := text[len(self.texts[place]) :]:
                self.texts[place] = text
                yield MoreText(more)
            if place < len(calls):
                yield from self._call(place, calls[place])

    def _call(self, place: int, call: Call) -> Iterator[News]:
        if place == len(self.calls):
            begun = Call(call.name, "", call.custom, False)
            self.calls.append(begun)
            yield CallBegins(place, begun)
        before = self.calls[place]
        self.calls[place] = call
        if more := call.arguments[len(before.arguments) :]:
            yield MoreArguments(place, more, call.custom)
        if call.complete and not before.complete:
            yield CallEnds(place, call)
