"""Pairs of patterns with a construct each, and whether they match the same texts.

Whole texts are meant, of Unicode characters, and the dialect of the ``regex`` module, version 1.
"""

from __future__ import annotations

KNOWN: dict[str, tuple[str, str, bool]] = {
    "repeats": ("(?:a|b){2,3}", "[ab][ab][ab]?", True),
    "lazy repeats": ("a*?b", "a*b", True),
    "a negated class": ("[^,]|,", "(?s:.)", True),
    "the dot": (".", r"[^\n]", True),
    "Unicode digits": (r"\d", "[0-9]", False),
    "Unicode letters": (r"\w", "[A-Za-z0-9_]", False),
    "Unicode properties": (r"\p{Lu}|\p{Ll}|\p{Lt}|\p{Lm}|\p{Lo}", r"\p{L}", True),
    "characters beyond ASCII": ("[à-ü]+", "[à-üA]+", False),
    "case": ("(?i:k)", "[kK]", False),  # the Kelvin sign
    "sets": ("[[a-z]--[aeiou]]", "[b-df-hj-np-tv-z]", True),
    "lookahead": ("(?=.*b)[ab]+", "[ab]*b[ab]*", True),
    "lookbehind": ("[ab]+(?<!b)", "[ab]*a", True),
    "word boundaries": (r"ab\b-?", "ab-?", True),
    "possessive repeats": ("(?:a++|b)a", "ba", True),
    "atomic groups": ("(?>a|ab)c", "ac", True),
    "backreferences": (r"(a|b)-\1", "a-a|b-b", True),
    "conditionals": ("(a)?b(?(1)c|d)", "abc|bd", True),
}
