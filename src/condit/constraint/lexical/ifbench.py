"""What makes constraints of those instructions of IFBench that need more than one rule about text.

Most are the form of one prompt's answer as a regular expression, or a rule of ``relations.py``. For
the rest, and for what calls this, see ``instructions.py``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from condit.constraint.base import Constraint
from condit.constraint.choice import choice
from condit.constraint.lexical.numbers import numbers
from condit.constraint.lexical.places import first_word
from condit.constraint.lexical.relations import (
    equal_sentences,
    growing_alliteration,
    growing_sentences,
    keyword_at,
    keyword_in_sentence,
    lettered_sentences,
    linked_sentences,
)
from condit.constraint.lexical.shares import (
    enough,
    few_of,
    framed_lines,
    new_words,
)
from condit.constraint.lexical.words import contains, without
from condit.constraint.regex import regex

Given: TypeAlias = Mapping[str, Any]

_PRONOUNS = """i me my mine myself we us our ours ourselves you your yours yourself yourselves he
    him his himself she her hers herself it its itself they them their theirs themselves""".split()  # noqa: SIM905
_CONJUNCTIONS = "and but for nor or so yet".split()  # noqa: SIM905
_NAMES = """Emma Liam Sophia Jackson Olivia Noah Ava Lucas Isabella Mason Mia Ethan Charlotte
    Alexander Amelia Benjamin Harper Leo Zoe Daniel Chloe Samuel Lily Matthew Grace Owen Abigail
    Gabriel Ella Jacob Scarlett Nathan Victoria Elijah Layla Nicholas Audrey David Hannah
    Christopher Penelope Thomas Nora Andrew Aria Joseph Claire Ryan Stella Jonathan""".split()  # noqa: SIM905
_STOP_WORDS = frozenset(
    """about above after again against ain all also although always among and another any anybody
    anyone anything are aren around because been before behind being below beneath beside besides
    between both but can cannot could couldn did didn does doesn doing don down during each either
    else enough even ever every everybody everyone everything except few for from further had hadn
    has hasn have haven having hence her here hers herself him himself his how however into isn its
    itself just least less lest like ll ma many may might mightn mine more most much must mustn
    myself nearly need needn neither never nobody none nor nothing not now off often once one only
    onto other others ought our ours ourselves out over own per perhaps quite rather really same
    several shall shan she should shouldn since some somebody someone something still such than that
    the their theirs them themselves then there therefore these they this those though through thus
    till too toward towards under unless until upon very via was wasn were weren what whatever when
    whenever where whereas wherever whether which while who whoever whom whose why will with within
    without won would wouldn yet you your yours yourself yourselves""".split()  # noqa: SIM905
)
"""Words of English that are no nouns, verbs, adjectives; with all of one or two letters."""

_VERBS = "Is Are Was Were Be Do Does Did Has Have Had".split()  # noqa: SIM905
_EMOJI = "\U0001f600\U0001f60a\U0001f389\U0001f525\U0001f31f\U0001f44d\U0001f680\U0001f4a1"
_CAPITALS = (
    "Reykjavik Helsinki Oslo Tallinn Stockholm Riga Moscow Copenhagen Vilnius Minsk Dublin Berlin "
    "Amsterdam Warsaw London Brussels Prague Luxembourg Paris Vienna Bratislava Budapest Vaduz "
    "Chisinau Bern Ljubljana Zagreb"
)
"""Those north of 45 degrees, from north to south, but for Kyiv, which the data set leaves out."""
_AFRICA = """Zimbabwe, Zambia, Uganda, Tunisia, Togo, Tanzania, Sudan, South Sudan, South Africa,
    Somalia, Sierra Leone, Seychelles, Senegal, Sao Tome and Principe, Rwanda, Nigeria, Niger,
    Namibia, Mozambique, Morocco, Mauritius, Mauritania, Mali, Malawi, Madagascar, Libya, Liberia,
    Lesotho, Kenya, Ivory Coast, Guinea-Bissau, Guinea, Ghana, Gambia, Gabon, Ethiopia, Eswatini,
    Eritrea, Equatorial Guinea, Egypt, Djibouti, Democratic Republic of the Congo, Comoros, Chad,
    Central African Republic, Cape Verde, Cameroon, Burundi, Burkina Faso, Botswana, Benin, Angola,
    Algeria"""


_SIGNS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_WITHOUT_SIGNS = str.maketrans("", "", _SIGNS)


def _between_spaces(text: str) -> list[str]:
    """The words that white space divides, without the signs around them, in small letters."""
    return [each.strip(_SIGNS) for each in text.lower().split()]


def _letters_alone(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _split_words(text: str) -> list[str]:
    """What white space divides, if all signs are taken out first."""
    return text.lower().translate(_WITHOUT_SIGNS).split()


def _number_of(words: list[str]) -> list[Callable[[str], int]]:
    ways = (_between_spaces, _letters_alone, _split_words)

    def counting(way: Callable[[str], list[str]]) -> Callable[[str], int]:
        return lambda text: sum(each in words for each in way(text))

    return [counting(way) for way in ways]


def _kinds_of(words: list[str]) -> list[Callable[[str], int]]:
    return [
        lambda text: len(set(_between_spaces(text)) & set(words)),
        lambda text: len(set(_letters_alone(text)) & set(words)),
    ]


def _conjunctions(given: Given) -> Constraint:
    def missing(text: str) -> Iterator[str]:
        seen = set(_between_spaces(text)) & set(_letters_alone(text))
        yield from (each for each in _CONJUNCTIONS if each not in seen)

    return enough(_kinds_of(_CONJUNCTIONS), int(given["small_n"]), missing)


def _pronouns(given: Given) -> Constraint:
    def more(text: str) -> Iterator[str]:
        while True:
            yield from ("my", "dry")  # it fits rules about vowels and first letters, too

    return enough(_number_of(_PRONOUNS), int(given["N"]), more)


def _names(given: Given) -> Constraint:
    def count(text: str) -> int:
        return len({each for each in _NAMES if re.search(rf"(?<!\w){each}(?!\w)", text)})

    def missing(text: str) -> Iterator[str]:
        yield from (each for each in _NAMES if not re.search(rf"(?<!\w){each}(?!\w)", text))

    return enough([count], int(given["N"]), missing)


def _japanese(given: Given) -> Constraint:
    every = int(given["N"])
    word = "[\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff]+[.,!?]*"
    if every == 1:
        return regex(rf"{word}(\s{word})*")
    one = rf"\S+(\s\S+){{{every - 2}}}\s{word}"
    return regex(rf"{one}(\s{one})*(\s\S+){{0,{every - 1}}}")


def _nested() -> Constraint:
    """Brackets five deep, round or curly ones and square ones in turns."""
    free = r"[^()\[\]{}]*"
    found = free
    for pairs in (("()", "{}"), ("[]",)) * 2 + (("()",),):
        either = "|".join(rf"\{a}{found}\{b}" for a, b in pairs)
        found = f"{free}({either}){free}"
    return regex(rf"{free}(\({free}\){free})*({found})+")


def _indented() -> Constraint:
    """Lines each of which begins one space more to the right than the one before, or two."""
    forms = []
    for step, most in ((1, 24), (2, 12)):
        rest = ""
        for number in range(most, 0, -1):
            line = rf"\n {{{number * step}}}\S[^\n]*"
            rest = f"{line}({rest})?" if rest else line
        forms.append(rf"\S[^\n]*{rest}")
    return regex("|".join(forms))


def _emoji() -> Constraint:
    free = f"[^.!?\\n{_EMOJI}]"
    one = rf"[A-Za-z0-9]{free}*\w[\"')]?[.!?] [{_EMOJI}]"
    return regex(rf"{one}([ \n]{one})*")


def _quotations() -> Constraint:
    # No apostrophe stands beside a quotation mark, so that each mark is clearly one.
    own = "[^\"\u201c\u201d'\\n]"
    between = '[^"\u201c\u201d]*[A-Za-z][^"\u201c\u201d\']*'
    return regex(f'({between})?("{own}*[A-Za-z]{own}*"[^"\u201c\u201d\']{between})+')


def _theses() -> Constraint:
    section = r"<i>[^<>\n]*\w[^<>\n]*</i>[^<>\n]*\w[^<>\n]*"
    return regex(rf"{section}(\n\n?{section})*")


def _positions(given: Given) -> Constraint:
    word = re.escape(given["keyword"].strip())
    apart = without("cannot", "gimme", "gonna", "gotta", "lemme", "wanna")
    return regex(rf"[A-Z][a-z]+ {word}( [^\n]*)? {word} [a-z]+") & apart


def _numbers(given: Given) -> Constraint:
    return numbers(exactly=int(given["N"]))


def _questions() -> Constraint:
    """Four questions with five options each, each in a longer range of lengths."""
    option = r"[\w][\w ,'-]{0,40}"
    found = []
    for number, (least, most) in enumerate(((15, 49), (50, 79), (80, 109), (110, 160)), 1):
        said = rf"[A-Z][\w ,'-]{{{least},{most}}}\?"
        options = "".join(rf"\n{letter}\) {option}" for letter in "ABCDE")
        found.append(rf"Question {number}: {said}{options}")
    return regex(r"\n\n".join(found))


def _csv(heads: str, rows: int) -> Constraint:
    head = ",".join(heads.split())
    field = r'[^",\n\s]([^",\n]*[^",\n\s])?'
    return regex(rf"{head}(\n{field}(,{field}){{4}}){{{rows}}}")


def _csv_special() -> Constraint:
    field, special = r'[^",\n\s]([^",\n]*[^",\n\s])?', r'"[\w ]*[!#$%&*+/@-][\w ]*"'
    row = rf"\n({field}|{special})(,({field}|{special})){{4}}"
    form = regex(rf"ProductID,Category,Brand,Price,Stock({row}){{14}}")
    return form & regex(r'[^"]*"[^"\n]*"[^"]*')


def _csv_quoted() -> Constraint:
    head = r"\t".join(
        f'"{each}"' for each in ("StudentID", "Subject", "Grade", "Semester", "Score")
    )
    field = r'"[^"\t\n]+"'
    return regex(rf"{head}(\n{field}(\t{field}){{4}}){{3}}")


def _dates() -> Constraint:
    day = "(0[1-9]|1[0-9]|2[0-8])"
    one = rf"(179[3-9]|180[0-9]|181[0-5])-((0[1-9]|1[0-2])-{day}|(0[13-9]|1[0-2])-(29|30))"
    return regex(rf"{one}(, {one})+")


def _stop_words(given: Given) -> Constraint:
    return few_of(_STOP_WORDS, float(given["percentage"]))


def _unique(given: Given) -> Constraint:
    def kinds(way: Callable[[str], list[str]]) -> Callable[[str], int]:
        return lambda text: len(set(way(text)) - {""})

    return enough([kinds(_between_spaces), kinds(_letters_alone)], int(given["N"]), new_words)


def repeats(text: str) -> Counter[str]:
    """How often each word occurs, counted in each of two ways."""
    return Counter(_letters_alone(text)) | Counter(_split_words(text))


MORE_MAKERS: Mapping[str, Callable[[Given], Constraint]] = {
    "count:conjunctions": _conjunctions,
    "count:numbers": _numbers,
    "count:person_names": _names,
    "count:pronouns": _pronouns,
    "count:unique_word_count": _unique,
    "count:words_japanese": _japanese,
    "custom:character_reverse": lambda given: contains("elgae dlab", anywhere=True),
    "custom:csv_city": lambda given: _csv("ID Country City Year Count", 7),
    "custom:csv_quotes": lambda given: _csv_quoted(),
    "custom:csv_special_character": lambda given: _csv_special(),
    "custom:date_format_list": lambda given: _dates(),
    "custom:european_capitals_sort": lambda given: choice([", ".join(_CAPITALS.split())]),
    "custom:mcq_count_length": lambda given: _questions(),
    "custom:multiples": lambda given: choice(
        [between.join(map(str, range(14, 50, 7))) for between in (", ", "\n", " ")]
    ),
    "custom:reverse_newline": lambda given: choice(["\n".join(re.split(r",\s+", _AFRICA))]),
    "custom:sentence_alphabet": lambda given: lettered_sentences("abcdefghijklmnopqrstuvwxyz"),
    "custom:word_reverse": lambda given: regex(r"([a-z]+ )*eagle bald( [a-z]+)*( [A-Z][a-z]*)?"),
    "format:emoji": lambda given: _emoji(),
    "format:line_indent": lambda given: _indented(),
    "format:parentheses": lambda given: _nested(),
    "format:quote_unquote": lambda given: _quotations(),
    "format:thesis": lambda given: _theses(),
    "ratio:sentence_words": lambda given: equal_sentences(3),
    "ratio:stop_words": _stop_words,
    "sentence:alliteration_increment": lambda given: growing_alliteration(),
    "sentence:increment": lambda given: growing_sentences(int(given["small_n"])),
    "sentence:keyword": lambda given: keyword_in_sentence(given["word"], int(given["N"])),
    "words:keywords_specific_position": lambda given: keyword_at(
        given["keyword"].strip(), int(given["n"]), int(given["m"])
    ),
    "words:last_first": lambda given: linked_sentences(),
    "words:paragraph_last_first": lambda given: framed_lines(),
    "words:start_verb": lambda given: first_word(*_VERBS),
    "words:words_position": _positions,
}
"""For each instruction what makes its constraint of the arguments."""
