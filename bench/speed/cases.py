"""What is generated: prompts with constraints, picked by a seed and by nothing a contestant does.

No compiler has a say in which cases are run, Condit's neither: a refusal is counted as one.
"""

from __future__ import annotations

import csv
import gzip
import json
import random
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from re import _constants as code
from re import _parser as parser
from typing import Any

Encode = Callable[[str], tuple[str, list[int]]]
"""A question as the model should see it: the text with the chat template, and its tokens."""

LONGEST_PROMPT = 600

_FEWEST_LINES = 4

QUESTIONS = (
    "Tell me a short story about a lighthouse keeper and a storm.",
    "Explain to a child why the sky is blue and the sunset is red.",
    "Write an email to a colleague to move tomorrow's meeting to Friday.",
    "Give me a recipe for a simple vegetable soup, step by step.",
    "Write a Python function that counts the words in a text file, and explain it.",
)


@dataclass(frozen=True)
class Case:
    """``kind`` is ``schema``, ``regex`` or ``text`` (any text at all); ``source`` what it says.

    ``prompt`` is the text that the model sees, chat template included, and ``ids`` its tokens.
    """

    name: str
    kind: str
    source: str
    prompt: str
    ids: tuple[int, ...]

    @property
    def constraint(self) -> dict[str, str]:
        """What a worker needs to compile it."""
        return {"name": self.name, "kind": self.kind, "source": self.source}

    def described(self) -> dict[str, Any]:
        """For the record: all but the tokens."""
        return {**asdict(self), "ids": len(self.ids)}


def schemas(file: Path, count: int, seed: int, encode: Encode) -> list[Case]:
    """``count`` schemas of a maskbench file: the first of a shuffle whose prompts fit."""
    with gzip.open(file, "rt") as lines:
        entries = [json.loads(line) for line in lines]
    random.Random(seed).shuffle(entries)
    made: list[Case] = []
    for entry in entries:
        source = json.dumps(entry["schema"], ensure_ascii=False)
        question = (
            "Write a JSON document that satisfies this JSON Schema. "
            f"Answer with the document alone.\n\n{source}"
        )
        prompt, ids = encode(question)
        if len(ids) <= LONGEST_PROMPT and len(made) < count:
            made.append(Case(entry["id"], "schema", source, prompt, tuple(ids)))
    return made


def regexes(file: Path, count: int, seed: int, encode: Encode) -> list[Case]:
    """Lines that match a pattern, at least four of them, for ``count`` patterns of a list.

    Most patterns match a few characters only: not enough to time, hence the lines. The patterns
    are those that are regular in the textbook sense: see ``plain``.
    """
    with file.open(newline="") as lines:
        patterns = [row["regex"] for row in csv.DictReader(lines)]
    found = [(number, plain(pattern)) for number, pattern in enumerate(patterns)]
    random.Random(seed).shuffle(found)
    made: list[Case] = []
    for number, body in found:
        if body is None or len(made) == count:
            continue
        prompt, ids = encode(
            "Write a list of different texts, one a line, each of which matches this regular "
            f"expression in full. Answer with the list alone.\n\n{body}"
        )
        source = rf"(?:(?:{body})\n){{{_FEWEST_LINES},}}"
        made.append(Case(f"pattern-{number}", "regex", source, prompt, tuple(ids)))
    return made


def texts(count: int, encode: Encode) -> list[Case]:
    """Ordinary questions under a constraint that allows every answer."""
    made = []
    for number, question in enumerate(QUESTIONS[:count]):
        prompt, ids = encode(question)
        made.append(Case(f"question-{number}", "text", "any text", prompt, tuple(ids)))
    return made


def plain(pattern: str) -> str | None:
    """The pattern without anchors at its ends; ``None`` where it is not of a kind to be run.

    Python's ``re`` reads it, without flags; it has no anchor or word boundary inside, no lookaround
    and no reference; and it matches more than one text, but not the empty one.
    """
    body = re.sub(r"^(\^|\\b)", "", pattern)
    body = re.sub(r"(?<!\\)(\$|\\b)$", "", body)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = parser.parse(body)
    except (re.error, OverflowError):
        return None
    codes = list(_codes(tree))
    regular = not any(name in _IRREGULAR for name in codes)
    varied = any(name not in (code.LITERAL, code.SUBPATTERN) for name in codes)
    unflagged = tree.state.flags == re.UNICODE and "(?#" not in body
    return body if regular and varied and unflagged and tree.getwidth()[0] else None


_IRREGULAR = {
    code.AT,
    code.ASSERT,
    code.ASSERT_NOT,
    code.GROUPREF,
    code.GROUPREF_EXISTS,
    code.ATOMIC_GROUP,
    code.POSSESSIVE_REPEAT,
}


def _codes(tree: Any) -> Iterator[Any]:
    """The operations of a parsed pattern, at any depth."""
    if isinstance(tree, parser.SubPattern):
        for operation, content in tree:
            yield operation
            yield from _codes(content)
    elif isinstance(tree, tuple | list):
        for part in tree:
            yield from _codes(part)
