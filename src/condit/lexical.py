"""Rules about text that can be checked while it is written: words, sentences, lines, letters.

Each function gives a constraint; ``&`` joins them. See ``docs/how-to/lexical.md``.
"""

from condit.constraint.lexical.layout import (
    bullets,
    highlights,
    lines,
    paragraphs,
    placeholders,
    sections,
)
from condit.constraint.lexical.letters import (
    characters,
    letter,
    lower,
    never,
    no_white_space,
    only,
    title_case,
    upper,
)
from condit.constraint.lexical.numbers import numbers
from condit.constraint.lexical.places import (
    acrostic,
    ends_with,
    first_word,
    last_word,
    postscript,
    quoted,
    starts_with,
    titled,
)
from condit.constraint.lexical.scripts import script
from condit.constraint.lexical.sentences import sentences
from condit.constraint.lexical.spelled import (
    alphabetical,
    consonant_clusters,
    kinds_of,
    palindromes,
    vowel_kinds,
    word_lengths,
)
from condit.constraint.lexical.words import (
    capital_words,
    contains,
    in_order,
    no_same_initials,
    without,
    words,
)
from condit.constraint.lexical.written import different_words, no_repeated, repeated_words

__all__ = [
    "acrostic",
    "alphabetical",
    "bullets",
    "capital_words",
    "characters",
    "consonant_clusters",
    "contains",
    "different_words",
    "ends_with",
    "first_word",
    "highlights",
    "in_order",
    "kinds_of",
    "last_word",
    "letter",
    "lines",
    "lower",
    "never",
    "no_repeated",
    "no_same_initials",
    "no_white_space",
    "numbers",
    "only",
    "palindromes",
    "paragraphs",
    "placeholders",
    "postscript",
    "quoted",
    "repeated_words",
    "script",
    "sections",
    "sentences",
    "starts_with",
    "title_case",
    "titled",
    "upper",
    "vowel_kinds",
    "without",
    "word_lengths",
    "words",
]
