"""The instructions of IFEval and IFBench that are not expressed, with the reason for each."""

from __future__ import annotations

from collections.abc import Mapping

WITHOUT_MAKER: Mapping[str, str] = {
    "ratio:overlap": "whether trigrams are of characters or of words, its checkers disagree",
    "words:odd_even_syllables": "syllables need a dictionary of pronunciation",
}
"""For each instruction why there is no constraint for it."""
