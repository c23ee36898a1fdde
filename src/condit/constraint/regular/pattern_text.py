"""Goes over the text of a pattern: what comes next, with white space and comments left out or not.

What the characters mean is not known here.
"""

from __future__ import annotations

import re


class PatternText:
    """A pattern and a place in it.

    Attributes:
        text: the pattern.
        position: the place.
        verbose: whether white space and ``# comments`` are skipped.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.verbose = False

    def peek(self, *, exact: bool = False) -> str:
        """The next character, or ``""`` at the end; ``exact``: white space too."""
        if not exact:
            self._skip()
        return self.text[self.position : self.position + 1]

    def next(self, *, exact: bool = False) -> str:
        """The next character, which is passed; ``exact``: white space too."""
        character = self.peek(exact=exact)
        self.position += len(character)
        return character

    def take(self, expected: str, *, exact: bool = False) -> bool:
        """Whether ``expected`` comes next; if so it is passed; ``exact``: no white space in it."""
        start = self.position
        if exact:
            self.position += len(expected) * self.text.startswith(expected, start)
            return self.position > start
        for character in expected:
            if self.next() != character:
                self.position = start
                return False
        return True

    def match(self, expression: re.Pattern[str]) -> re.Match[str] | None:
        """Passes what ``expression`` matches here, white space included."""
        found = expression.match(self.text, self.position)
        if found:
            self.position = found.end()
        return found

    def take_while(self, allowed: str) -> str:
        """Passes the characters that are among ``allowed``."""
        found = []
        while (character := self.peek()) and character in allowed:
            found.append(self.next())
        return "".join(found)

    def take_until(self, ends: str) -> str:
        """Passes the characters before one of ``ends``."""
        found = []
        while (character := self.peek()) and character not in ends:
            found.append(self.next())
        return "".join(found)

    def _skip(self) -> None:
        if not self.verbose:
            return
        while self.position < len(self.text):
            character = self.text[self.position]
            if character == "#":
                end = self.text.find("\n", self.position)
                self.position = len(self.text) if end < 0 else end
            elif not character.isspace():
                return
            else:
                self.position += 1
