r"""The members of what stands for one character in a pattern, as the ``regex`` module has them.

``\w``, ``\p{Greek}``, ``[\w--\d]`` and so on: their members are found by asking the module about
every character, once. How such a thing is delimited is not known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import regex  # type: ignore[import-untyped]

from condit.constraint.regular.characters import EVERY, Characters, merged

_MOST_KEPT = 2048
# Classes in which each character is itself are many, and need no question.
_PLAIN = re.compile(r"""\[(\^?)((?:[\w .,;:!@#$%*+/=?(){}<>"'](?:-[a-zA-Z0-9])?)+)\]""", re.ASCII)
_RANGE = re.compile(r"(.)(?:-(.))?")


@dataclass(frozen=True)
class Encoding:
    """Whether ASCII or Unicode decides what a letter is.

    Attributes:
        whole: ``"a"`` or ``"u"``: of the whole pattern, which decides about upper and lower case.
        here: ``"a"``, ``"u"`` or ``""``: as flags say it at this place of the pattern.
    """

    whole: str = "u"
    here: str = ""


UNICODE = Encoding()


def members(item: str, encoding: Encoding = UNICODE, *, folded: bool = False) -> Characters:
    """The characters that ``item``, a pattern of one character, matches.

    Args:
        item: a class, or an escape that stands for one character.
        encoding: what decides about letters.
        folded: without regard to case, as far as one character stands for one.
    """
    return _members(item, encoding, folded)


@lru_cache(maxsize=_MOST_KEPT)
def _members(item: str, encoding: Encoding, folded: bool) -> Characters:
    if not folded:
        if found := _PLAIN.fullmatch(item):
            pairs = _RANGE.findall(found[2])
            plain = Characters.of((ord(low), ord(high or low)) for low, high in pairs)
            return plain.complement() if found[1] else plain
        pattern = regex.compile(_flagged(item, encoding, "") + "+", regex.V1)
        # In the text of all characters a run of members is a range.
        runs = (found[0] for found in pattern.finditer(_every()))
        return Characters.of((ord(run[0]), ord(run[-1])) for run in runs)
    exact = _members(item, encoding, False)
    # Regard to case is slow to go without: it is asked about where it may make a difference.
    pattern = regex.compile(_flagged(item, encoding, "i-f"), regex.V1)
    cased_ones = merged((ord(each), ord(each)) for each in cased() if pattern.fullmatch(each))
    kept = exact.intersection(_cased().complement())
    return Characters.of((*kept.ranges, *cased_ones))


def _flagged(item: str, encoding: Encoding, flags: str) -> str:
    return f"(?{encoding.whole})(?{encoding.here}{flags}:{item})"


@cache
def _every() -> str:
    """All characters in order."""
    points = np.concatenate([np.arange(low, high + 1) for low, high in EVERY.ranges])
    return points.astype("<u4").tobytes().decode("utf-32-le")


@cache
def _cased() -> Characters:
    names = ("Lu", "Ll", "Lt", "Cased", "CWCM", "CWCF", "Uppercase", "Lowercase")
    return _members("[" + "".join(rf"\p{{{name}}}" for name in names) + "]", UNICODE, False)


@cache
def cased() -> str:
    """The characters for which it may make a difference whether case is regarded."""
    return "".join(chr(point) for low, high in _cased().ranges for point in range(low, high + 1))
