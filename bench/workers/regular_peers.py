"""Answers of libraries for regular languages about pairs of patterns.

Each is given the patterns as it wants them: ``(?:`` is ``(`` for those that know one kind of
group, and automata-lib gets its characters.
"""

from __future__ import annotations

import gc
import string
import time
import warnings
from collections.abc import Callable
from typing import Any

from lines import serve, versions

Answers = dict[str, Callable[[str, str], bool]]
_chosen: Answers = {}


def greenery() -> Answers:
    """Derivatives over classes of characters."""
    from greenery import parse

    return {
        "equivalent": lambda one, other: parse(one).equivalent(parse(other)),
        "includes": lambda one, other: (parse(other) & parse(one).everythingbut()).empty(),
        "disjoint": lambda one, other: (parse(one) & parse(other)).empty(),
    }


def interegular() -> Answers:
    """An older greenery, made faster for lark."""
    from interegular import REFlags, parse_pattern
    from interegular.fsm import FSM, Alphabet

    def both(*patterns: str) -> tuple[FSM, FSM]:
        read = [parse_pattern(each) for each in patterns]
        alphabet = Alphabet.union(*(each.get_alphabet(REFlags(0)) for each in read))[0]
        around = [each.prefix_postfix for each in read]
        most = max(each[0] for each in around), max(each[1] for each in around)
        one, other = (each.to_fsm(alphabet, most) for each in read)
        return one, other

    def asked(name: str) -> Callable[[str, str], bool]:
        def answer(one: str, other: str) -> bool:
            first, second = both(one, other)
            return bool(getattr(first, name)(second))

        return answer

    return {
        "equivalent": asked("equivalent"),
        "includes": asked("issuperset"),
        "disjoint": asked("isdisjoint"),
    }


def automata() -> Answers:
    """Automata for teaching, over the characters that it is given."""
    from automata.fa.dfa import DFA
    from automata.fa.nfa import NFA

    letters = set(string.printable)

    def nfa(pattern: str) -> NFA:
        return NFA.from_regex(pattern.replace("(?:", "("), input_symbols=letters)

    def dfa(pattern: str) -> DFA:
        return DFA.from_nfa(nfa(pattern))

    return {
        "equivalent": lambda one, other: nfa(one) == nfa(other),
        "includes": lambda one, other: dfa(one).issuperset(dfa(other)),
        "disjoint": lambda one, other: dfa(one).isdisjoint(dfa(other)),
    }


def pyformlang() -> Answers:
    """Formal languages for teaching, over printable ASCII."""
    from pyformlang.finite_automaton import EpsilonNFA
    from pyformlang.regular_expression import PythonRegex

    def nfa(pattern: str) -> EpsilonNFA:
        return PythonRegex(pattern.replace("(?:", "(")).to_epsilon_nfa()

    return {
        "equivalent": lambda one, other: nfa(one).is_equivalent_to(nfa(other)),
        "includes": lambda one, other: nfa(other).get_difference(nfa(one)).is_empty(),
        "disjoint": lambda one, other: nfa(one).get_intersection(nfa(other)).is_empty(),
    }


def autolib() -> Answers:
    """Automata over numbers, in C++; classes of characters must be numbered before."""
    from autolib import Automaton

    return {
        "equivalent": lambda one, other: Automaton(one) == Automaton(other),
        "includes": lambda one, other: Automaton(other) <= Automaton(one),
        "disjoint": lambda one, other: (Automaton(one) & Automaton(other)).is_empty(),
    }


LIBRARIES: dict[str, tuple[str, Callable[[], Answers]]] = {
    "greenery": ("greenery", greenery),
    "interegular": ("interegular", interegular),
    "automata": ("automata-lib", automata),
    "pyformlang": ("pyformlang", pyformlang),
    "autolib": ("automaton-lib", autolib),
}


def load(task: dict[str, Any]) -> dict[str, Any]:
    warnings.simplefilter("ignore")
    package, make = LIBRARIES[task["library"]]
    _chosen.update(make())
    gc.freeze()
    return {"versions": versions([package])}


def ask(request: dict[str, Any]) -> dict[str, Any]:
    """``{"question": ..., "patterns": [...]}``: the answer, and processor seconds."""
    begun = time.process_time()
    answer = _chosen[request["question"]](*request["patterns"])
    return {"answer": bool(answer), "seconds": time.process_time() - begun}


if __name__ == "__main__":
    serve({"load": load, "ask": ask})
