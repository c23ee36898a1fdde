"""Decompose: a request split into instructions, and which of these a program can check.

The split is made at the borders of sentences and clauses, not by the model: so nothing is invented,
each part stands in the request word for word, and small models split badly. Where the words and
numbers of a part spell a rule, the model decides whether the rule is what the part asks for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from condit.constraint.base import Constraint
from condit.constraint.lexical.layout import bullets, lines, paragraphs
from condit.constraint.lexical.letters import lower, upper
from condit.constraint.lexical.sentences import sentences
from condit.constraint.lexical.words import contains, without, words
from condit.model.base import Model
from condit.prefer.sequence_likelihood import SequenceLikelihood
from condit.refining.instruction import Instruction

_BORDER = re.compile(r"(?<=[.!?;:])\s+|\s*\n\s*|,\s+(?:and\s+|but\s+)?|\s+and\s+(?=[a-z]+\s)")
_MARK = re.compile(r"^(?:[-*•]|\d+[.)])\s+")
_FEWEST_LETTERS = 3

_COUNTED: dict[str, Callable[..., Constraint]] = {
    "words": words,
    "sentences": sentences,
    "bullets": bullets,
    "paragraphs": paragraphs,
    "lines": lines,
}
_SPELLED = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBER = rf"(\d{{1,4}}|{'|'.join(_SPELLED)})"
_NOUN = r"\s+(?:bullet\s+)?(word|sentence|bullet|point|paragraph|line)s?\b"
_NOUNS = {"point": "bullets"}
_BEFORE = (
    (r"(?:at most|no more than|not more than|up to|a maximum of|within)", "at_most", 0),
    (r"(?:at least|no fewer than|no less than|not less than|a minimum of)", "at_least", 0),
    (r"(?:under|fewer than|less than|below)", "at_most", -1),
    (r"(?:more than|over|above)", "at_least", 1),
    (r"(?:^|exactly|in|with|use|using|have|has|write|give)", "exactly", 0),
)
_RANGE = re.compile(
    rf"\b(?:between\s+)?{_NUMBER}\s*(?:and|to|or|-|\N{{EN DASH}})\s*{_NUMBER}{_NOUN}", re.IGNORECASE
)

_NOT = "(?:do not|don['\u2019]t|never)"
_WORD = re.compile(
    rf"(?:(?P<no>(?:{_NOT} (?:use|mention|include)|avoid(?: using)?) the word|"
    rf"(?:{_NOT} mention|avoid mentioning)(?: the| any| an?)?)|"
    r"(?:use|using|include|including|mention|contain) the word) "
    r"[\"'\u201c]?(?P<word>[^\W\d_]+)[\"'\u201d]?",
    re.IGNORECASE,
)
_NOTHING = "N/A"
_NEGATED = re.compile(r"\b(?:not|never|avoid)\b(?! more than| less than)|n['\u2019]t\b")

_EXAMPLES = (
    ("in under 50 words", "words(at_most=49)"),
    ("politely", "judged"),
    ("do not use the word budget", 'without("budget")'),
    ("in 100 to 150 words", "words(at_least=100, at_most=150)"),
    ("It should rhyme", "judged"),
    ("with at least 3 paragraphs", "paragraphs(at_least=3)"),
    ("in capital letters", "upper()"),
    ("Tell me about the 2 last words of Caesar", "judged"),
    ("Use exactly 7 bullet points", "bullets(exactly=7)"),
    ("no more than 80 words", "words(at_most=80)"),
    ("include the word tree", 'contains("tree")'),
    ("a heading of 5 words", "judged"),
    ("between 10 and 15 sentences", "sentences(at_least=10, at_most=15)"),
    ("Explain the word justice", "judged"),
    ("mention the word river", 'contains("river")'),
    ("no capital letters", "lower()"),
    ("Compare it with a film", "judged"),
)
_ENOUGH = 3.0
"""Log-odds from which on a rule is enforced: a wrong rule harms more than one that is judged."""


class Rule(NamedTuple):
    """A rule that a part may mean.

    Attributes:
        written: how it is shown to the model.
        make: makes the constraint.
        clear: whether the part can hardly mean anything else, and no model is asked.
    """

    written: str
    make: Callable[[], Constraint]
    clear: bool = False


def decompose(model: Model, request: str) -> tuple[Instruction, ...]:
    """The instructions in a request, without its first part, which is taken for the task itself.

    Args:
        model: says whether a part asks for the rule that its words spell.
        request: what the user has written.

    Raises:
        MissingDependencyError: a rule counts sentences, which needs ``nltk``.
        PromptTooLongError: a part does not fit into the model's context.
    """
    asker = _Asker(model)
    made = []
    for part in parts_of(request)[1:]:
        rule = rule_for(part)
        meant = rule is not None and (rule.clear or asker.log_odds(part, rule) >= _ENOUGH)
        made.append(Instruction(part, rule.make() if meant and rule else None, by="model"))
    return tuple(made)


def parts_of(request: str) -> list[str]:
    """The clauses of a request, in order, each once and as it is written.

    >>> parts_of("Write an email. Be kind, and offer a discount.")
    ['Write an email', 'Be kind', 'offer a discount']
    """
    parts = [_MARK.sub("", part.strip()).strip(" ,.;:!") for part in _BORDER.split(request)]
    long = [part for part in parts if sum(map(str.isalpha, part)) >= _FEWEST_LETTERS]
    return list(dict.fromkeys(long))


def rule_for(part: str) -> Rule | None:
    """The rule that a part may mean, if any. What it counts or contains stands in the part.

    >>> str(rule_for("Use at most four sentences")[0])
    'sentences(at_most=4)'
    >>> rule_for("Be kind") is None
    True
    """
    named = _WORD.fullmatch(" ".join(part.split()))
    if named is not None:
        word = named["word"]
        if named["no"]:
            return Rule(f'without("{word}")', partial(without, word), clear=True)
        return Rule(f'contains("{word}")', partial(contains, word), clear=True)
    letters = part.lower()
    if _NEGATED.search(letters):
        return None  # what is not wanted may be any of many things
    if re.search(r"\blower[- ]?case\b|\b(no|without) capital", letters):
        return Rule("lower()", lower)
    if re.search(r"\bupper[- ]?case\b|\bcapital letters\b|\bcapitals\b", letters):
        return Rule("upper()", upper)
    return _counted(part)


def _counted(part: str) -> Rule | None:
    between = _RANGE.search(part)
    if between is not None:
        bounds = {"at_least": _whole(between[1]), "at_most": _whole(between[2])}
        return _count(between[3], bounds) if bounds["at_least"] <= bounds["at_most"] else None
    for before, relation, more in _BEFORE:
        counted = re.search(rf"\b{before}\s*\b{_NUMBER}{_NOUN}", part, re.IGNORECASE)
        if counted is not None:
            number = _whole(counted[1]) + more
            return _count(counted[2], {relation: number}) if number > 0 else None
    return None


def _count(noun: str, bounds: dict[str, int]) -> Rule:
    name = _NOUNS.get(noun.lower(), f"{noun.lower()}s")
    said = ", ".join(f"{key}={value}" for key, value in bounds.items())
    return Rule(f"{name}({said})", partial(_COUNTED[name], **bounds))


def _whole(number: str) -> int:
    return int(number) if number.isdecimal() else _SPELLED.index(number.lower()) + 1


class _Asker:
    """The model, asked after examples; these are read once."""

    def __init__(self, model: Model) -> None:
        shown = "".join(f"Instruction: {each}\nRule: {answer}\n\n" for each, answer in _EXAMPLES)
        self._model = model
        self._root = tuple(model.encode_prompt(shown))
        self._sequences = SequenceLikelihood(model, self._root)

    def log_odds(self, part: str, rule: Rule) -> float:
        """How much the part speaks for the rule, against none.

        The log-odds after an empty part are subtracted, as these only tell what the model likes to
        write (contextual calibration, Zhao et al. 2021).
        """
        encode = self._model.encode
        answers = [tuple(encode(f" {answer}\n")) for answer in (rule.written, "judged")]
        asked = [(*self._root, *encode(f"Instruction: {each}\nRule:")) for each in (part, _NOTHING)]
        self._model.check_fits(max(map(len, asked)), max(map(len, answers)))
        found = self._sequences.log_probabilities(
            [(*before, *answer) for before in asked for answer in answers]
        )
        starts = [len(before) for before in asked for _ in answers]
        yes, no, usual_yes, usual_no = (
            float(row[start:].sum()) for row, start in zip(found, starts, strict=True)
        )
        return (yes - no) - (usual_yes - usual_no)
