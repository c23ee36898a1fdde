"""Tools for the agents of this directory: a calculator, a database file, an index of documents."""

from __future__ import annotations

import ast
import math
import operator
import re
import sqlite3
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path

_OPERATIONS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.USub: operator.neg,
}


def calculate(expression: str) -> float:
    """Works out an expression such as 3 * 7 + 1."""
    return _value(ast.parse(expression.strip(), mode="eval").body)


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value
    if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATIONS:
        return _OPERATIONS[type(node.op)](_value(node.operand))
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        return _OPERATIONS[type(node.op)](_value(node.left), _value(node.right))
    raise ValueError(f"{ast.unparse(node)!r} is no sum, product or number")


PLANETS = (
    ("Mercury", 0, 4879),
    ("Venus", 0, 12104),
    ("Earth", 1, 12742),
    ("Mars", 2, 6779),
    ("Jupiter", 95, 139820),
    ("Saturn", 146, 116460),
)


@cache
def _database() -> tuple[str, Path]:
    """A file with the table planets(name, moons, diameter), of DuckDB if that is installed."""
    home = Path(tempfile.mkdtemp(prefix="condit-agent-"))
    create = "create table planets (name varchar, moons integer, diameter integer)"
    try:
        import duckdb
    except ImportError:
        file = home / "planets.sqlite"
        with sqlite3.connect(file) as made:
            made.execute(create)
            made.executemany("insert into planets values (?, ?, ?)", PLANETS)
        made.close()
        return "sqlite", file
    file = home / "planets.duckdb"
    with duckdb.connect(str(file)) as made:
        made.execute(create)
        made.executemany("insert into planets values (?, ?, ?)", PLANETS)
    return "duckdb", file


def query(sql: str) -> list[tuple[object, ...]]:
    """Asks a database that has the table planets(name, moons, diameter); it is read only."""
    kind, file = _database()
    if kind == "duckdb":
        import duckdb

        with duckdb.connect(str(file), read_only=True) as opened:
            opened.execute("set enable_external_access = false")
            return opened.execute(sql).fetchmany(5)
    opened = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        return opened.execute(sql).fetchmany(5)
    finally:
        opened.close()


DOCUMENTS = {
    "mars": "Mars has two moons, Phobos and Deimos. They were found in 1877 by Asaph Hall.",
    "jupiter": "Jupiter is the largest planet. Four of its moons were seen by Galileo in 1610.",
    "earth": "The Earth has one moon. It is 384,400 km away.",
    "saturn": "Saturn has rings of ice. Its largest moon is Titan.",
    "venus": "Venus and Mercury have no moons.",
}


def look_up(words: str) -> str:
    """Finds the document that fits some words best."""
    # BM25 (Robertson and Zaragoza 2009).
    asked = _words(words)
    texts = list(map(_words, DOCUMENTS.values()))
    mean = sum(map(len, texts)) / len(texts)

    def score(text: list[str]) -> float:
        counts, found = Counter(text), 0.0
        for word in asked:
            held = sum(word in each for each in texts)
            rarity = math.log(1 + (len(texts) - held + 0.5) / (held + 0.5))
            size = counts[word] + 1.2 * (0.25 + 0.75 * len(text) / mean)
            found += rarity * counts[word] * 2.2 / size
        return found

    best, said = max(DOCUMENTS.items(), key=lambda each: score(_words(each[1])))
    return f"{best}: {said}" if score(_words(said)) else "nothing is found"


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
