"""Tools for regular languages: compare patterns, count and draw their texts.

Patterns are in the dialect of ``condit.regex``; constraints made of such may be given, too.
"""

from condit.regular.argument import Pattern
from condit.regular.compare import (
    Difference,
    difference,
    equivalent,
    includes,
    is_empty,
    witness,
)
from condit.regular.count import count, random_text
from condit.regular.minimal import minimal
from condit.regular.synthesize import Synthesis, synthesize

__all__ = [
    "Difference",
    "Pattern",
    "Synthesis",
    "count",
    "difference",
    "equivalent",
    "includes",
    "is_empty",
    "minimal",
    "random_text",
    "synthesize",
    "witness",
]
