"""The instructions of IFEval and IFBench that are not expressed, with the reason for each."""

from __future__ import annotations

from collections.abc import Mapping

_ANSWER = "it asks for one prompt's own answer; say its form with csv, regex or template"
_BETWEEN = "it relates sentences or paragraphs to each other, of which no limit is known"
_WHERE = "it asks for a word at a place within a sentence, which no rule here says yet"

WITHOUT_MAKER: Mapping[str, str] = {
    "count:numbers": "what counts as one number (3.5, 1st, ten) is not said",
    "count:words_japanese": "no rule here counts places of words yet; use condit.where_prefix",
    "custom:character_reverse": _ANSWER,
    "custom:csv_city": _ANSWER,
    "custom:csv_quotes": _ANSWER,
    "custom:csv_special_character": _ANSWER,
    "custom:date_format_list": _ANSWER,
    "custom:european_capitals_sort": _ANSWER,
    "custom:mcq_count_length": _ANSWER,
    "custom:multiples": _ANSWER,
    "custom:reverse_newline": _ANSWER,
    "custom:sentence_alphabet": _ANSWER,
    "custom:word_reverse": _ANSWER,
    "format:emoji": "which characters are emoji changes by the year, and no rule here has them",
    "format:line_indent": "each line depends on the one before; use condit.where_prefix",
    "format:parentheses": "no rule here counts nesting; use condit.grammar",
    "format:quote_unquote": "what explains a quotation no program can decide",
    "format:thesis": "what a section or a thesis is no program can decide",
    "ratio:overlap": "a share of common trigrams within 2 % cannot be steered to; use condit.where",
    "ratio:sentence_words": _BETWEEN,
    "ratio:stop_words": "it depends on a list of stop words that is not given; use condit.where",
    "sentence:alliteration_increment": _BETWEEN,
    "sentence:increment": _BETWEEN,
    "sentence:keyword": _WHERE,
    "words:keywords_specific_position": _WHERE,
    "words:last_first": _BETWEEN,
    "words:odd_even_syllables": "syllables need a dictionary of pronunciation",
    "words:paragraph_last_first": _BETWEEN,
    "words:start_verb": "whether a word is a verb depends on a tagger",
    "words:words_position": _WHERE,
}
"""For each instruction why there is no constraint for it."""
