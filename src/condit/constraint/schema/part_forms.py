"""The forms of single parts of the values of a JSON Schema, such as ``integer (0 to 150)``.

How a form is written is in ``skeleton.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from condit.constraint.schema.index import Index
from condit.constraint.schema.keywords import escape
from condit.constraint.schema.skeleton import SIZES, FormWriter, Places, TooLongError

_MOST_WAYS = 20
"""So many alternatives are looked at."""

_DEEPEST = 5
"""So many alternatives inside alternatives are."""


class PartForms:
    """Forms of parts, by where they are.

    Args:
        documents: the schema and others, as of ``skeleton``.
        draft: likewise.
    """

    def __init__(self, documents: Sequence[tuple[str, object]], draft: int | None = None) -> None:
        self._index = Index(documents, draft)
        self._known: dict[tuple[str | int, ...], str] = {}

    def at(self, steps: tuple[str | int, ...], limit: int = 200) -> str:
        """The form of the part with these keys and indices; ``""`` where the schema has none."""
        if steps not in self._known:
            text = ""
            for size in SIZES[2:]:
                try:
                    text = self._form(FormWriter(self._index, size), steps)
                except TooLongError:
                    continue
                if len(text) <= limit:
                    break
            self._known[steps] = text if len(text) <= limit else f"{text[: limit - 4]} ..."
        return self._known[steps]

    def _form(self, writer: FormWriter, steps: Sequence[str | int]) -> str:
        ways = [writer.together([""])]
        for step in steps:
            found = dict.fromkeys(each for way in ways for each in self._below(writer, way, step))
            ways = list(found)[:_MOST_WAYS]
        return " | ".join(dict.fromkeys(writer.value(way, 0) for way in ways))

    def _below(
        self, writer: FormWriter, places: Places, step: str | int, depth: int = 0
    ) -> Iterator[Places]:
        """What may apply one step further: what is said of all values, or by an alternative."""
        wanted = (
            [[f"properties/{escape(step)}"], ["additionalProperties"]]
            if isinstance(step, str)
            else [[f"prefixItems/{step}", f"items/{step}"], ["items", "additionalItems"]]
        )
        for names in wanted:
            below = [f"{place}/{name}" for place in places for name in names]
            if found := writer.together(below):
                yield found
                return
        if depth == _DEEPEST:
            return
        for place in places:
            for keyword in ("anyOf", "oneOf"):
                options = self._index.subschemas[place].schema.get(keyword)
                for number in range(len(options) if isinstance(options, list) else 0):
                    way = writer.together([f"{place}/{keyword}/{number}"])
                    yield from self._below(writer, way, step, depth + 1)
