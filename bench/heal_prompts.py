"""Fifty prompts as people write them, with the answer that ought to come, by how they end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import condit

FAMILIES = ("whole", "space", "word", "url", "number", "quote", "code")
"""How the prompt ends: with a whole word or sign as the control, after a space, in the middle of a
word, of an address, of a number, after a quotation mark, in the indentation or inside of code."""


class Case(NamedTuple):
    """One prompt.

    Attributes:
        family: how it ends.
        prompt: the text.
        answer: the right answer.
        constraint: what texts must satisfy; the answer does.
    """

    family: str
    prompt: str
    answer: str
    constraint: condit.Constraint


def _among(family: str, prompt: str, answer: str, *others: str) -> Case:
    return Case(family, prompt, answer, condit.choice(answer, *others))


def _matching(family: str, prompt: str, answer: str, pattern: str) -> Case:
    return Case(family, prompt, answer, condit.regex(pattern))


PROMPTS: Sequence[Case] = (
    # A whole word or sign.
    _among("whole", "The capital of France is", " Paris", " London", " Rome", " Madrid"),
    _among("whole", "Question: Is the sky green?\nAnswer:", " No", " Yes", " Maybe"),
    _among("whole", "Water freezes at zero degrees", " Celsius", " Kelvin", " Newton"),
    _among("whole", "Monday, Tuesday, Wednesday,", " Thursday", " Friday", " Sunday"),
    _among("whole", "Review: I loved it.\nSentiment:", " positive", " negative", " neutral"),
    _matching("whole", "One, two, three, four,", " five", " [a-z]{3,8}"),
    _matching("whole", "The opposite of hot is", " cold", " [a-z]{3,10}"),
    # After a space.
    _among("space", "The capital of Italy is ", "Rome", "Paris", "Berlin", "Madrid"),
    _among("space", "Question: Can fish fly?\nAnswer (Yes or No): ", "No", "Yes"),
    _among("space", "Review: A waste of money.\nSentiment: ", "negative", "positive", "neutral"),
    _among("space", "January, February, March, ", "April", "May", "June"),
    _among("space", "The largest planet of the solar system is ", "Jupiter", "Mars", "Venus"),
    _among("space", "Translate to French. dog: chien, cat: ", "chat", "pain", "rouge"),
    _among("space", "Language of this text: 'Guten Morgen'. It is ", "German", "Dutch", "Polish"),
    _matching("space", "The opposite of big is ", "small", "[a-z]{3,10}"),
    _matching("space", "The chemical symbol of water is ", "H2O", "[A-Z0-9]{2,4}"),
    _matching("space", "2 + 3 = ", "5", "[0-9]{1,3}"),
    _matching("space", "A week has 7 days, a year has ", "365", "[0-9]{1,4}"),
    _matching("space", "Her name is Alice and his name is ", "Bob", "[A-Z][a-z]{2,8}"),
    # In the middle of a word.
    _among("word", "The Eiffel Tower stands in the capital of Fra", "nce", "nkfurt", "gance"),
    _among("word", "My favourite season is sum", "mer", "mit", "mary"),
    _among("word", "The doctor works at the hosp", "ital", "ice", "itality"),
    _among("word", "Everyone must obey the gover", "nment", "ness", "nor"),
    _among("word", "She plays the pia", "no", "zza", "nist"),
    _among("word", "The United Sta", "tes", "mps", "ge"),
    _matching("word", "We went to the super", "market", "[a-z]{2,10}"),
    _matching("word", "In winter it is cold, and it sno", "ws", "[a-z]{1,6}"),
    # In the middle of an address.
    _among("url", "See the documentation at https:", "//docs.python.org", "docs", " org"),
    _among("url", "Visit http://www.", "google.com", "zzz.qq", "a.b"),
    _among("url", "Clone it from https://github.c", "om", "a", "h"),
    _among("url", "Write to support@example.", "com", "doc", "zip"),
    _among("url", "The home page is www.wikipedia.o", "rg", "ff", "ne"),
    _matching("url", "Link: http:", "//example.com", "//[a-z.]{5,20}"),
    _matching("url", "Email: john.doe@gmail", ".com", r"\.[a-z]{2,3}"),
    # In the middle of a number.
    _among("number", "Pi is about 3.", "14", "90", "55"),
    _among("number", "The first moon landing was in 19", "69", "12", "88"),
    _among("number", "World War II ended in 194", "5", "1", "9"),
    _among("number", "An hour has 60 minutes, a day has 2", "4", "9", "0"),
    _matching("number", "The meeting starts at 10:", "30", "[0-5][0-9]"),
    _matching("number", "The price is $19.", "99", "[0-9]{2}"),
    # After a quotation mark.
    _among("quote", '{"name": "Anna", "city": "', 'Paris"}', 'x"}', '7"}'),
    _among("quote", '{"status": "', 'ok"}', 'purple"}', 'qq"}'),
    _among("quote", 'He looked at her and said: "', 'Hello."', 'Zinc."', 'Fork."'),
    _matching("quote", "{'colour': '", "red'}", "[a-z]{3,8}'\\}"),
    _matching("quote", 'The word for two is "', 'two"', '[a-z]{2,8}"'),
    # Code.
    _among("code", "def add(a, b):\n    ", "return a + b", "yield", "raise a"),
    _among("code", "for i in ran", "ge(10):", "dom:", "k:"),
    _among("code", "import numpy as n", "p", "umpy", "x"),
    _among("code", "if x == 1:\n    print(x)\nel", "se:", "bow:", "k:"),
    _matching("code", "def square(x):\n    return x *", "* 2", r"(\*| )[ *x0-9]{1,4}"),
)
