"""How JSON is spaced: its marks as terminals."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """The marks of JSON, each a regular expression without slashes.

    Attributes:
        open_object, close_object, open_array, close_array, comma, colon: the marks, with the
            spaces that may stand around them.
    """

    open_object: str
    close_object: str
    open_array: str
    close_array: str
    comma: str
    colon: str


# Bounded, or a model could write spaces for ever.
_SPACE = r"[ \n\t\r]{0,24}"

LAYOUTS = {
    "compact": Layout(r"\{", r"\}", r"\[", r"\]", ", ?", ": ?"),
    "flexible": Layout(
        rf"\{{{_SPACE}",
        rf"{_SPACE}\}}",
        rf"\[{_SPACE}",
        rf"{_SPACE}\]",
        f"{_SPACE},{_SPACE}",
        f"{_SPACE}:{_SPACE}",
    ),
}
