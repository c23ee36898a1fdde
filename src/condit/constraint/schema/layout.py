"""How drawn JSON is spaced and written, as the user may choose it."""

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


@dataclass(frozen=True)
class Style:
    """What is left open by a schema, and decided by the user, about how its values are written.

    Attributes:
        layout: how the text is spaced.
        any_order: whether keys may come in any order; else in that of the schema.
        any_number: whether integers may have all spellings that JSON Schema takes for one.
    """

    layout: Layout
    any_order: bool = False
    any_number: bool = False


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


def repeated(symbol: str, low: int, high: int | None) -> str:
    """``low`` to ``high`` times a symbol, one after the other; ``None`` for no bound."""
    low = max(0, low)
    if high is None:
        return f"({symbol})*" if low == 0 else f"({symbol}){{{low},}}"
    return f"({symbol}){{{low},{high}}}" if high else ""


def separated(symbol: str, comma: str, low: int, high: int | None) -> str:
    """``low`` to ``high`` times a symbol, with commas between; ``high`` is not 0."""
    more = repeated(f"{comma} {symbol}", low - 1, None if high is None else high - 1)
    members = f"{symbol} {more}".strip()
    return members if low > 0 else f"({members})?"
