"""In which script a text is written, and so, for some languages, in which language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import regex  # type: ignore[import-untyped]

from condit.constraint.lexical.alphabet import POINTS, Members
from condit.constraint.lexical.component import Component
from condit.constraint.lexical.constraint import Lexical, Rule
from condit.errors import ArgumentError

SCRIPT_OF: Mapping[str, str] = {
    "am": "Ethiopic",
    "bn": "Bengali",
    "el": "Greek",
    "gu": "Gujarati",
    "he": "Hebrew",
    "hy": "Armenian",
    "ka": "Georgian",
    "km": "Khmer",
    "kn": "Kannada",
    "ko": "Hangul",
    "lo": "Lao",
    "ml": "Malayalam",
    "pa": "Gurmukhi",
    "si": "Sinhala",
    "ta": "Tamil",
    "te": "Telugu",
    "th": "Thai",
}
"""Languages (ISO 639-1) whose script hardly any other language is written in."""


def script(name: str) -> Lexical:
    """Texts whose letters all belong to one script, with one of them at least.

    Digits, signs and white space may stand between.

    >>> script("Greek").accepts("Καλημέρα, 2 φορές!"), script("Greek").accepts("Hello")
    (True, False)

    Args:
        name: as Unicode has it, such as ``Greek``, ``Kannada``, ``Cyrillic``.

    Raises:
        ArgumentError: there is no script of this name.
    """
    if not isinstance(name, str) or not name.isidentifier():
        raise ArgumentError(f"script: {name!r} is no name of a script")
    own = rf"\p{{Script={name}}}"
    try:
        letters = _members(rf"[[\p{{L}}\p{{M}}]&&{own}]")
    except regex.error as error:
        raise ArgumentError(f"script: Unicode has no script {name!r}") from error
    others = _members(rf"[[\p{{L}}\p{{M}}]--[{own}\p{{Script=Common}}\p{{Script=Inherited}}]]")

    def step(state: bool, number: int) -> tuple[bool, int] | None:
        return None if number == 1 else (state or number == 0, 0)

    component = Component.explored(
        [letters, others], False, step, lambda state: 0 if state else None
    )

    def objection(text: str) -> str | None:
        of_words = regex.findall(r"[\p{L}\p{M}]", text)
        shared = rf"{own}|\p{{Script=Common}}|\p{{Script=Inherited}}"
        foreign = next((each for each in of_words if not regex.fullmatch(shared, each)), None)
        if foreign is not None:
            return f"{foreign!r} is no letter of the script {name}"
        has_own = any(regex.fullmatch(own, each) for each in of_words)
        return None if has_own else f"it has no letter of the script {name}"

    first = "".join(map(chr, np.flatnonzero(letters)[:1].tolist()))
    said = f"it is written in the script {name}"
    return Lexical((Rule(said, component, objection, (f" {first}", first)),))


@lru_cache(maxsize=64)
def _members(of: str) -> Members:
    found = np.zeros(POINTS, dtype=np.bool_)
    text = "".join(map(chr, (*range(0xD800), *range(0xE000, POINTS))))
    found[[ord(each) for each in regex.findall(of, text, regex.VERSION1)]] = True
    found.setflags(write=False)
    return found
