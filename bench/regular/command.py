"""Processor milliseconds of questions about two patterns, and whether the answers are right.

Do they match the same texts, does one match all texts of the other, is there no text of both?
Random patterns of 10 to 30 nodes, each against itself written otherwise, against itself with one
leaf changed, and against another; and pairs for single constructs. Every contestant is a process
of its own that reads the patterns within the clock; nothing is known of them beforehand. Only
automaton-lib (*), which has no characters, gets them read, and their classes numbered.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import Any

from bench.library.contestants import Contestant, chosen, noting_failure, rotated
from bench.library.options import add_choice, parser_of
from bench.library.run import Run, console
from bench.library.sessions import Session
from bench.regular.classes import over_classes
from bench.regular.known import KNOWN
from bench.regular.pairs import pairs
from bench.regular.tables import tables
from bench.regular.truth import truth

CONTESTANTS = {
    "condit": Contestant("Condit", "condit", "condit"),
    "greenery": Contestant("greenery", "regular", "peers", {"library": "greenery"}),
    "interegular": Contestant("interegular", "regular", "peers", {"library": "interegular"}),
    "automata": Contestant("automata-lib", "regular", "peers", {"library": "automata"}),
    "pyformlang": Contestant("pyformlang", "regular", "peers", {"library": "pyformlang"}),
    "autolib": Contestant("automaton-lib*", "regular", "peers", {"library": "autolib"}),
}
QUESTIONS = ("equivalent", "includes", "disjoint")


def main(arguments: Sequence[str]) -> None:
    parser = parser_of("regular", __doc__, seed=0, limit=20.0)
    parser.add_argument("--pairs", type=int, default=100, help="random pairs of each kind")
    parser.add_argument(
        "--slow-pairs", type=int, default=2, help="the same for pyformlang, which takes minutes"
    )
    add_choice(parser, "only", CONTESTANTS)
    options = parser.parse_args(arguments)
    names = chosen(CONTESTANTS, options.only)
    with Run("regular", options) as run:
        sessions = {
            name: run.session(name, CONTESTANTS[name], {}, limit=options.limit) for name in names
        }
        total = len(KNOWN) + 3 * options.pairs * len(QUESTIONS)
        with run.counting("questions", total) as bar:
            for number, record in enumerate(_questions(options)):
                asked = [
                    name
                    for name in rotated(names, number)
                    if name != "pyformlang" or record["number"] < options.slow_pairs
                ]
                record["answers"] = {name: _asked(sessions[name], name, record) for name in asked}
                run.note(record)
                bar.advance()
    versions = {name: session.loaded for name, session in run.sessions.items()}
    labels = {name: CONTESTANTS[name].label for name in names}
    raw = {"records": run.records, "contestants": versions}
    run.keep(raw, tables(run.records, labels, KNOWN))


def _questions(options: Namespace) -> Iterator[dict[str, Any]]:
    for construct, (first, second, same) in KNOWN.items():
        yield {
            "kind": construct,
            "number": 0,
            "question": "equivalent",
            "patterns": [first, second],
            "truth": same,
        }
    for number, pair in enumerate(pairs(options.seed, options.pairs)):
        for question in QUESTIONS:
            answer, ascii_answer = truth(question, pair.first, pair.second)
            yield {
                "kind": pair.kind,
                "number": number // 3,
                "nodes": pair.nodes,
                "question": question,
                "patterns": [pair.first, pair.second],
                "truth": answer,
                "truth_in_ascii": ascii_answer,
            }


def _asked(session: Session, name: str, record: dict[str, Any]) -> dict[str, Any]:
    """Its answer, and milliseconds; or an error."""
    patterns = record["patterns"]
    if name == "autolib":
        try:
            patterns = over_classes(*patterns)
        except NotImplementedError as error:
            return {"error": f"not an automaton of classes: {error}"}
    request = {"question": record["question"], "patterns": patterns}
    found: dict[str, Any] = {}
    with noting_failure(found, console):
        answer = session.ask({"ask": request})
        found |= {"answer": answer["answer"], "ms": 1e3 * answer["seconds"]}
    return found
