"""``condit.forbid``: what a text must not have."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import and_
from pathlib import Path
from typing import Any

from condit.constraint.base import Constraint
from condit.corpus.documents import lines_of
from condit.errors import ArgumentError
from condit.forbidden.patterns import without_pattern
from condit.forbidden.readings import LookThrough, read_look_through
from condit.forbidden.recitation import recitation
from condit.forbidden.similar import similar
from condit.forbidden.strings import WithoutStrings, checked_strings


class Forbidding:
    """What ``condit.forbid`` is: a function, with further ones for what is no string."""

    recitation = staticmethod(recitation)
    similar = staticmethod(similar)

    def __call__(
        self,
        what: object,
        *,
        anywhere: bool = False,
        match_case: bool = False,
        look_through: LookThrough = "nothing",
    ) -> Constraint:
        r"""Texts in which none of some strings stands, also in disguise; and no match of patterns.

        >>> import condit
        >>> condit.forbid("bomb").accepts("A Bomb!")
        False
        >>> mild = condit.forbid(["bomb", "arsenic"], look_through=["leetspeak", "spelled_out"])
        >>> [mild.accepts(text) for text in ("b0mb", "b-o-m-b", "bombard", "10 m b")]
        [False, False, True, True]

        A string counts where it stands as a word: no character of words (``\w``) stands before or
        behind it. White space within it stands for any run of white space. What is looked through:

        - ``"accents"``: marks on Latin, Greek and Cyrillic letters, and strokes (``ø``).
        - ``"compatibility"``: full-width, mathematical, circled and other forms (NFKC of Unicode).
        - ``"homoglyphs"``: these, and what looks the same in other scripts; takes
          ``condit[forbid]``.
        - ``"invisible"``: characters that show nothing, such as those of no width.
        - ``"leetspeak"``: digits and signs for letters, of which each may stand for several. A
          number is never taken for a word: one character at least is no digit.
        - ``"repeats"``: letters that are written several times.
        - ``"spelled_out"``: signs or spaces between all letters: ``b o m b``, ``b-o-m-b``.
        - ``"spacing"``: signs or spaces between some letters: ``bo mb``. This also finds
          ``therapist`` in *the rapist*.

        ``"usual"`` is all of these but the last, ``"all"`` is all, ``"nothing"`` none. No token is
        refused but those that complete a string, and those after which a string would have to come.

        Args:
            what: a string; the ``pathlib.Path`` of a UTF-8 file with one in each line; a pattern,
                as ``condit.regex`` or a compiled one, which is found nowhere, as by ``search``; or
                a list of these. The options are those of strings: nothing is looked through for
                patterns.
            anywhere: find strings also within longer words.
            match_case: whether small and capital letters are told apart.
            look_through: names of disguises, or one of the three words.

        Raises:
            ArgumentError: there is nothing to forbid, a string is empty or nothing is left of it,
                a pattern matches the empty text, a name is not known, or options are given for
                patterns alone.
            UnsupportedConstraintError: a pattern cannot be followed.
            MissingDependencyError: ``confusable-homoglyphs`` is not installed, for homoglyphs.
            OSError: a file cannot be read.
        """
        listed = _listed(what)
        if not listed:
            raise ArgumentError("forbid: give at least one string: nothing is forbidden")
        patterns = [without_pattern(each) for each in listed]
        found: list[Constraint] = [each for each in patterns if each is not None]
        pairs = zip(listed, patterns, strict=True)
        strings = checked_strings(each for each, pattern in pairs if pattern is None)
        through = read_look_through(look_through)
        if not strings and (through or match_case or anywhere):
            raise ArgumentError(
                "forbid: look_through, match_case and anywhere are about strings, and there are "
                "only patterns: say in the pattern what it is to find, as with (?i)"
            )
        if strings:
            found.append(WithoutStrings(strings, through, bool(match_case), bool(anywhere)))
        return reduce(and_, found)


def _listed(what: object) -> list[Any]:
    if isinstance(what, Path):
        return list(lines_of(what, "forbid"))
    if isinstance(what, str):
        return [what]
    if isinstance(what, Iterable) and not isinstance(what, bytes | bytearray):
        return [
            each
            for part in what
            for each in ([part] if not isinstance(part, Path) else _listed(part))
        ]
    return [what]


forbid = Forbidding()
"""Texts without some strings and patterns; see ``Forbidding.__call__``."""
