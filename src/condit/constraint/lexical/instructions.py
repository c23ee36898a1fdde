"""The instructions of the data sets IFEval and IFBench as constraints: ``condit.instructions``.

Each instruction that a program can decide has a maker here, by its name in the data sets. Where its
words leave room, the constraint is the stricter reading. What has no maker is in ``without_maker``.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from condit.constraint.base import Constraint
from condit.constraint.choice import choice
from condit.constraint.json_schema import json_schema
from condit.constraint.lexical.constraint import Lexical
from condit.constraint.lexical.ifbench import MORE_MAKERS, repeats
from condit.constraint.lexical.layout import (
    bullets,
    highlights,
    lines,
    paragraphs,
    placeholders,
    sections,
)
from condit.constraint.lexical.letters import (
    letter,
    lower,
    never,
    no_white_space,
    only,
    title_case,
    upper,
)
from condit.constraint.lexical.places import (
    ends_with,
    first_word,
    postscript,
    quoted,
    starts_with,
    titled,
)
from condit.constraint.lexical.scripts import SCRIPT_OF, script
from condit.constraint.lexical.sentences import sentences
from condit.constraint.lexical.shares import (
    at_most_each,
    english,
)
from condit.constraint.lexical.spelled import (
    alphabetical,
    consonant_clusters,
    palindromes,
    vowel_kinds,
    word_lengths,
)
from condit.constraint.lexical.without_maker import WITHOUT_MAKER
from condit.constraint.lexical.words import (
    capital_words,
    contains,
    in_order,
    no_same_initials,
    without,
    words,
)
from condit.constraint.regex import regex
from condit.constraint.where import where
from condit.errors import ArgumentError, UnsupportedConstraintError

_Given: TypeAlias = Mapping[str, Any]
_Maker: TypeAlias = Callable[[_Given], Constraint]

_ANSWERS = ["My answer is yes.", "My answer is no.", "My answer is maybe."]
_PRIMES = {n for n in range(2, 40) if all(n % other for other in range(2, n))}


def instructions(
    instruction_ids: Mapping[str, Any] | Sequence[str],
    kwargs: Sequence[Mapping[str, Any]] | None = None,
    *,
    prompt: str | None = None,
) -> Constraint:
    """Texts that follow all of some instructions of IFEval or IFBench.

    >>> rule = instructions(["punctuation:no_comma"], [{}])
    >>> rule.accepts("One and two"), rule.accepts("One, two")
    (True, False)

    Args:
        instruction_ids: their names, such as ``"length_constraints:number_words"``; or a row of
            one of the data sets, with ``instruction_id_list``, ``kwargs`` and ``prompt``.
        kwargs: for each the arguments by name; ``None`` among them is left out.
        prompt: the user's request, for instructions that are about its text.

    Raises:
        ArgumentError: a name is not known, there are none, or arguments are missing.
        UnsupportedConstraintError: a program cannot decide it, or none here does; the message says
            why.
        MissingDependencyError: counting sentences needs ``nltk``.
    """
    if isinstance(instruction_ids, Mapping):
        row = instruction_ids
        prompt = row.get("prompt") if prompt is None else prompt
        kwargs = row.get("kwargs") if kwargs is None else kwargs
        if "instruction_id_list" not in row:
            raise ArgumentError("instructions: the row has no 'instruction_id_list'")
        instruction_ids = row["instruction_id_list"]
    if isinstance(instruction_ids, str) or not isinstance(instruction_ids, Iterable):
        raise ArgumentError(f"instructions: {instruction_ids!r}: give a row, or a list of names")
    names = list(instruction_ids)
    if not names:
        raise ArgumentError("instructions: give at least one instruction")
    given = [{}] * len(names) if kwargs is None else list(kwargs)
    if len(given) != len(names):
        raise ArgumentError(f"instructions: {len(names)} names, and {len(given)} kwargs")
    values = {"prompt": prompt, "capitals": "change_case:english_lowercase" not in names}
    made = [
        _made(name, {**values, **{key: each for key, each in own.items() if each is not None}})
        for name, own in zip(names, given, strict=True)
    ]
    # Rules about text first, so that they are one matcher, and checks of whole texts last.
    made.sort(key=lambda each: (not isinstance(each, Lexical), hasattr(each, "of")))
    found = made[0]
    for each in made[1:]:
        found = found & each
    if "combination:two_responses" in names:
        found = where(_they_differ, of=found)
    return found


def _made(name: str, given: _Given) -> Constraint:
    if name in WITHOUT_MAKER:
        raise UnsupportedConstraintError(f"instruction {name}: {WITHOUT_MAKER[name]}")
    if name not in MAKERS:
        raise ArgumentError(f"instructions: {name!r} is no instruction of IFEval or IFBench")
    for key in ("keywords", "forbidden_words"):
        if isinstance(given.get(key), str):  # which would be a row of letters
            raise ArgumentError(f"instruction {name}: {key}={given[key]!r}: give a list of words")
    try:
        return MAKERS[name](given)
    except KeyError as error:
        raise ArgumentError(f"instruction {name}: its kwargs lack {error}") from None


def _bounds(given: _Given, relation: str, number: str) -> dict[str, Any]:
    """``less than`` is one less at most."""
    try:
        count = int(given[number])
    except (TypeError, ValueError):
        raise ArgumentError(f"{number}={given[number]!r} is no number") from None
    if given[relation] not in ("less than", "at least"):
        raise ArgumentError(f"{relation}={given[relation]!r}: give 'less than' or 'at least'")
    return {"at_most": count - 1} if given[relation] == "less than" else {"at_least": count}


def _frequency(given: _Given) -> Constraint:
    bounds = _bounds(given, "relation", "frequency")
    return contains(given["keyword"], **bounds, anywhere="at_most" in bounds)


def _nth_paragraph(given: _Given) -> Constraint:
    count, nth = int(given["num_paragraphs"]), int(given["nth_paragraph"])
    word = given["first_word"]
    # To some these signs belong to the word.
    apart = without(f"{word}:", f"{word};", anywhere=True)
    return paragraphs(exactly=count) & first_word(word, of="paragraph", nth=nth) & apart


def _plain() -> Constraint:
    """Words are told apart by white space there: without signs that no rule takes for a word.

    Such as emoji; and without ``_``, which is left out of words there, and belongs to them here.
    """
    signs = string.punctuation.replace("_", "")
    return only(f"{string.ascii_letters}{string.digits}{signs} \n")


def _they_differ(text: str) -> bool:
    """Whether the two responses are different texts."""
    return len({each.strip() for each in text.split("******")}) == 2


def _language(given: _Given) -> Constraint:
    language = given["language"]
    if language not in SCRIPT_OF:
        raise UnsupportedConstraintError(
            f"instruction language:response_language: other languages share the script of "
            f"{language!r}, so that only a detector can guess it: use condit.where"
        )
    return script(SCRIPT_OF[language])


def _multiple(given: _Given) -> Constraint:
    found: Constraint | None = None
    for number, count in enumerate((1, 2, 3, 5, 7), 1):
        word = given[f"keyword{number}"]
        own = contains(word, exactly=count) & contains(word, exactly=count, anywhere=True)
        found = own if found is None else found & own
    return found  # type: ignore[return-value]


def _options(given: _Given) -> Constraint:
    found = re.split(r"/| or |, ", given["options"])
    return choice([each.strip() for each in found if each.strip()])


def _word_range(given: _Given) -> Constraint:
    return words(at_least=int(given["min_words"]), at_most=int(given["max_words"]))


def _changed(given: _Given) -> Constraint:
    # Another first letter makes it another first word, and all else stays to any reading.
    asked = given["prompt_to_repeat"]
    return regex(rf"[A-Za-z]{re.escape(asked[1:])}") & ~regex(re.escape(asked))


def _span(given: _Given) -> Constraint:
    found = given["prompt_to_repeat"].split()[int(given["n_start"]) : int(given["n_end"])]
    return choice([" ".join(found)])


MAKERS: Mapping[str, _Maker] = {
    **MORE_MAKERS,
    "change_case:capital_word_frequency": lambda given: capital_words(
        **_bounds(given, "capital_relation", "capital_frequency")
    ),
    "change_case:english_capital": lambda given: upper() & english(capitals=True),
    "change_case:english_lowercase": lambda given: lower() & english(capitals=False),
    "combination:repeat_prompt": lambda given: starts_with(
        given["prompt_to_repeat"].strip(), match_case=False
    ),
    "combination:two_responses": lambda given: paragraphs(exactly=2, separator="******"),
    "detectable_content:number_placeholders": lambda given: placeholders(
        at_least=int(given["num_placeholders"])
    ),
    "detectable_content:postscript": lambda given: postscript(given["postscript_marker"].strip()),
    "detectable_format:constrained_response": lambda given: contains(
        _ANSWERS, exactly=1, match_case=True, anywhere=True
    ),
    "detectable_format:json_format": lambda given: json_schema({"type": "object"}),
    "detectable_format:multiple_sections": lambda given: sections(
        given["section_spliter"].strip(), at_least=int(given["num_sections"])
    ),
    "detectable_format:number_bullet_lists": lambda given: bullets(
        exactly=int(given["num_bullets"])
    ),
    "detectable_format:number_highlighted_sections": lambda given: highlights(
        at_least=int(given["num_highlights"])
    ),
    "detectable_format:title": lambda given: titled(),
    "keywords:existence": lambda given: contains(*given["keywords"]),
    "keywords:forbidden_words": lambda given: without(*given["forbidden_words"]),
    "keywords:frequency": _frequency,
    "keywords:letter_frequency": lambda given: letter(
        given["letter"], **_bounds(given, "let_relation", "let_frequency")
    ),
    "language:response_language": _language,
    "length_constraints:nth_paragraph_first_word": _nth_paragraph,
    "length_constraints:number_paragraphs": lambda given: paragraphs(
        exactly=int(given["num_paragraphs"]), separator="***"
    ),
    "length_constraints:number_sentences": lambda given: sentences(
        **_bounds(given, "relation", "num_sentences"), capitals=given["capitals"]
    ),
    "length_constraints:number_words": lambda given: words(
        **_bounds(given, "relation", "num_words"), apart="letters"
    ),
    "punctuation:no_comma": lambda given: never(","),
    "startend:end_checker": lambda given: ends_with(given["end_phrase"].strip()),
    "startend:quotation": lambda given: quoted(),
    "count:keywords_multiple": _multiple,
    "count:punctuation": lambda given: (
        contains(".", ",", ";", ":", "?!", anywhere=True)
        & contains("!", "?", at_least=2, anywhere=True)
    ),
    "count:word_count_range": _word_range,
    "format:list": lambda given: contains(given["sep"], at_least=2, match_case=True, anywhere=True),
    "format:newline": lambda given: lines(at_least=1) & never(" \t\u00a0\u3000"),
    "format:no_bullets_bullets": lambda given: regex(
        r"[A-Z][^*.\n]*\w\w\. [A-Z][^*.\n]*\w\w\.\n\n?(\* [^*\n]+\n)+\* [^*\n]+"
    ),
    "format:no_whitespace": lambda given: no_white_space(),
    "format:options": _options,
    "format:output_template": lambda given: (
        starts_with("My Answer: ")
        & in_order("My Answer:", "My Conclusion:", "Future Outlook:", match_case=True)
    ),
    "format:quotes": lambda given: regex(r"""[^"']*"[^"']+'[^"']+"[^"']+"[^"']*'[^"']*"[^"']*"""),
    "format:sub-bullets": lambda given: regex(
        r"([^*\-\n][^*\n]*\n+)*(\* [^*\n]+\n(  - [^*\n]+\n)+)*"
        r"\* [^*\n]+\n(  - [^*\n]+\n)*  - [^*\n]+"
    ),
    "format:title_case": lambda given: title_case(),
    "ratio:sentence_balance": lambda given: (
        sentences(exactly=6) & letter("?", exactly=2) & letter("!", exactly=2)
    ),
    "ratio:sentence_type": lambda given: (
        sentences(exactly=6) & letter("?", exactly=2) & letter("!", exactly=0)
    ),
    "repeat:repeat_change": _changed,
    "repeat:repeat_simple": lambda given: choice(
        ["Only output this sentence here, ignore all other requests."]
    ),
    "repeat:repeat_span": _span,
    "words:alphabet": lambda given: alphabetical() & _plain(),
    "words:consonants": lambda given: consonant_clusters() & _plain(),
    "words:no_consecutive": lambda given: no_same_initials() & _plain(),
    "words:palindrome": lambda given: palindromes(at_least=10),
    "words:prime_lengths": lambda given: word_lengths(_PRIMES) & _plain(),
    "words:repeats": lambda given: at_most_each(repeats, int(given["small_n"])),
    "words:vowel": lambda given: vowel_kinds(at_most=3) & _plain(),
}
"""For each instruction what makes its constraint of the arguments."""
