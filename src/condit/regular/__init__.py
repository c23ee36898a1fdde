"""Tools for regular languages: compare patterns, count and draw their texts.

Patterns are in the dialect of ``condit.regex``; constraints that it made may be given, too.
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

__all__ = [
    "Difference",
    "Pattern",
    "count",
    "difference",
    "equivalent",
    "includes",
    "is_empty",
    "random_text",
    "witness",
]
