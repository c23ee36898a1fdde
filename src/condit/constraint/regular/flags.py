"""Inline flags, as ``(?i)``: which hold at a place of a pattern.

Which flags a dialect has is its reader's to say; the meaning of each is the ``regex`` module's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from condit.constraint.regular.folding import Folding
from condit.constraint.regular.properties import Encoding

_ENCODINGS = frozenset("aLu")


@dataclass(frozen=True)
class Flags:
    """The flags that hold at a place.

    Attributes:
        on: those of ``f i m s w x`` and of ``a u`` that are on.
        whole: ``"a"`` or ``"u"``: the encoding of the pattern as a whole.
    """

    on: frozenset[str]
    whole: str

    def changed(self, on: str, off: str, *, scoped: bool) -> Flags:
        """With some flags turned on and some turned off.

        Args:
            on: the flags to turn on.
            off: the flags to turn off.
            scoped: whether they hold in a group of their own (``(?a:...)``), where an encoding
                replaces that which held before.
        """
        held = (self.on | set(on)) - set(off)
        if scoped and held & _ENCODINGS:
            held = (held - _ENCODINGS) | (set(on) & _ENCODINGS)
        return replace(self, on=held)

    @property
    def encoding(self) -> Encoding:
        """What decides about letters."""
        return Encoding(self.whole, "a" if "a" in self.on else "u" if "u" in self.on else "")

    @property
    def folding(self) -> Folding:
        """How case is regarded."""
        if "i" not in self.on:
            return ""
        return "full" if "f" in self.on and "a" not in self.on else "simple"
