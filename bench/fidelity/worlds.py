"""Small languages with natural prompts: finite, so that the posterior of a real model is known.

They were picked for variety (kinds of text, evidence from 0.7 down to one in a million, masking
from nearly right to quite wrong), before any sampler had been run on them. Examples in the prompt
make valid answers probable; without them the evidence is small.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import condit

Prompt = str | list[dict[str, str]]


@dataclass(frozen=True)
class FiniteProblem:
    """A prompt, a constraint with finitely many texts, and the longest text in tokens."""

    name: str
    about: str
    prompt: Prompt
    constraint: Callable[[], condit.Constraint]
    max_tokens: int


def _turns(*texts: str) -> list[dict[str, str]]:
    """User and assistant by turns."""
    roles = ("user", "assistant")
    return [{"role": roles[turn % 2], "content": text} for turn, text in enumerate(texts)]


def _outcome(program: tuple[str, ...], register: int) -> int:
    """What a 3-bit register holds after a program."""
    for instruction in program:
        register = {"+": register + 1, "*": register * 2, "~": ~register}[instruction] % 8
    return register


def _balanced(text: str) -> bool:
    while "()" in text or "[]" in text:
        text = text.replace("()", "").replace("[]", "")
    return not text


_DATE = "(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_SUMS = [f"{a}+{b}={a + b}" for a in range(1, 10) for b in range(1, 10)]
_POINTS = [f'{{"x":{value},"y":{value}}}' for value in range(-2, 3)]
_PROGRAMS = ["".join(p) for p in product("+*~", repeat=5) if _outcome(p, 3) == 0]
_BRACKETS = [
    "".join(p) for n in (2, 4, 6) for p in product("()[]", repeat=n) if _balanced("".join(p))
]
_MOVES = [*(f"{file}{rank}" for file in "abcdefgh" for rank in "34"), "Na3", "Nc3", "Nf3", "Nh3"]
_SKY = {
    "type": "object",
    "properties": {"sky": {"enum": ["sun", "rain", "fog"]}},
    "required": ["sky"],
    "additionalProperties": False,
}
_EXPRESSION = """
start: sum
sum: product ("+" product)?
product: "2" | "3" | "5" | "7" | ("2" | "3") "*" ("3" | "5")
"""

_ALL = (
    FiniteProblem(
        "autumn",
        "a date, after three examples",
        _turns(
            *("Valentine's Day", "02-14", "Halloween", "10-31", "New Year's Eve", "12-31"),
            "The first day of autumn",
        ),
        lambda: condit.regex(_DATE),
        5,
    ),
    FiniteProblem(
        "christmas",
        "a date, only asked for",
        _turns("On which day of the year is Christmas? Answer as MM-DD, nothing else."),
        lambda: condit.regex(_DATE),
        5,
    ),
    FiniteProblem(
        "appointment",
        "a time of day, in running text",
        "Opening hours: Monday to Friday, 9:00 am to 5:30 pm. Your appointment is at",
        lambda: condit.regex(" (9|1[0-2]|[1-5]):[0-5]0 (am|pm)"),
        7,
    ),
    FiniteProblem(
        "sums",
        "a sum of two digits that is right",
        _turns(*("two numbers that make 7", "3+4=7", "that make 18", "9+9=18"), "that make 11"),
        lambda: condit.choice(_SUMS),
        7,
    ),
    FiniteProblem(
        "even",
        "an even number, where the answer is odd",
        _turns("3+4", "7", "9+9", "18", "12+7"),
        lambda: condit.regex("[0-9]{0,2}[02468]"),
        8,
    ),
    FiniteProblem(
        "sky",
        "a JSON object with one of three words, by its schema",
        _turns("It may rain later. Answer in JSON, with sky: sun, rain or fog."),
        lambda: condit.json_schema(_SKY),
        7,
    ),
    FiniteProblem(
        "diagonal",
        "a JSON object with two equal small numbers",
        _turns(
            *("left of the origin", '{"x":-1,"y":0}', "above it", '{"x":0,"y":1}'),
            "on the diagonal",
        ),
        lambda: condit.choice(_POINTS),
        11,
    ),
    FiniteProblem(
        "program",
        "five instructions on a 3-bit register that turn 3 into 0",
        _turns(
            "Registers have 3 bits. + adds one, * doubles, ~ flips the bits. From 1 to 3.",
            *("++", "From 1 to 4.", "**", "From 0 to 7.", "~", "From 3 to 0 in 5 steps."),
        ),
        lambda: condit.choice(_PROGRAMS),
        5,
    ),
    FiniteProblem(
        "smiles",
        "a small molecule: a chain of carbon with at most one group",
        _turns(
            *("methanol", "CO", "ethane", "CC", "acetic acid", "CC(=O)O"),
            "propanol",
        ),
        lambda: condit.regex(r"C{1,4}(O|N|\(=O\)[CON])?"),
        7,
    ),
    FiniteProblem(
        "umbrella",
        "yes, no or maybe, with a capital or without",
        _turns("Should I bring an umbrella today? Answer yes, no or maybe."),
        lambda: condit.choice("Yes", "No", "Maybe", "yes", "no", "maybe"),
        5,
    ),
    FiniteProblem(
        "version",
        "a version number in two ranges",
        _turns("Which version of pandas should I install? Answer with the number."),
        lambda: condit.regex(r"(1\.[3-5]|2\.[0-2])\.[0-5]"),
        5,
    ),
    FiniteProblem(
        "roman",
        "a Roman numeral below 40, after three examples",
        _turns("3", "III", "12", "XII", "19", "XIX", "24"),
        lambda: condit.regex("X{0,3}(IX|IV|V?I{0,3})"),
        6,
    ),
    FiniteProblem(
        "opening",
        "one of the 20 first moves in chess",
        _turns("1. e4 e5 2.", "Nf3", "1. d4 d5 2.", "c4", "1."),
        lambda: condit.choice(_MOVES),
        4,
    ),
    FiniteProblem(
        "expression",
        "an expression of a small grammar",
        _turns("make 10", "5+5", "make 6", "2*3", "make 13", "3+2*5", "make 8"),
        lambda: condit.grammar(_EXPRESSION),
        7,
    ),
    FiniteProblem(
        "brackets",
        "up to three pairs of balanced brackets",
        _turns("shallow", "()[]", "deep", "([])", "deeper"),
        lambda: condit.choice(_BRACKETS),
        6,
    ),
)

PROBLEMS = {problem.name: problem for problem in _ALL}
