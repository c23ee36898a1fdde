"""The entry of ``scripts/bench``: one sub-command a question."""

from __future__ import annotations

import importlib
import sys

QUESTIONS = {
    "throughput": "tokens a second of whole generations, against whole libraries",
    "overhead": "microseconds a token of constraint and draw, with no model",
    "speed": "constrained generation against the same model generating freely, and every peer",
    "fidelity": "how near draws come to the exact posterior, for their cost, against genlm-control",
    "wild": "faithfulness where nothing can be enumerated: log evidence on realistic tasks",
    "compose": "what composed constraints cost, against their schema alone",
    "width": "accepted exact draws a second, 8 attempts at a time against 1",
    "together": "tokens a second of several runs in one decoder, against one after the other",
    "batch": "rows a second of a file of prompts, against a loop over condit.generate",
    "serve": "the server under load: all answered and valid? its speed, beside library and peer",
    "edge": "seconds a step where the budget runs out, against every token asked about itself",
    "coverage": "how much of JSON Schema each program takes, how rightly, and how fast",
    "against": "this tree against an older commit: no slower, and the same draws?",
    "inside": "share of wall time inside the model's forward, at batch 1",
    "same": "a check, not a race: with drafts and without, the same texts on 200 real prompts",
    "weights": "what exact local weights cost, and the noise that others leave, along real texts",
    "lift": "microseconds of checks and masks of byte matchers lifted to real vocabularies",
    "corpus": "seconds to index a corpus, and microseconds a step of quotations of it",
    "lexical": "microseconds of five rules about text",
    "instructions": "how often instructions of IFEval and IFBench are followed, by their checkers",
    "forbid": "microseconds of forbidden strings and of a recitation guard, against llguidance",
    "heal": "nats that healing the seam of prompt and text is worth, on fifty prompts",
    "regular": "milliseconds of questions about two patterns, against every library",
    "agents": "agents with random specifications and failing tools, and free prompting beside",
    "temporal": "processor time of temporal logic; with --mona, a check of automata against MONA",
    "page": "the page of a run in Chromium: seconds to open a long one, frames, weight",
    "spelling": "a check, not a race: token bytes and masks of four real tokenizers",
}


def main() -> None:
    chosen = sys.argv[1] if len(sys.argv) > 1 else ""
    if chosen not in QUESTIONS:
        print("usage: scripts/bench QUESTION [--help | options]\n")
        for name, question in QUESTIONS.items():
            print(f"  {name:<12} {question}")
        raise SystemExit(0 if chosen in {"-h", "--help"} else 2)
    importlib.import_module(f"bench.{chosen}").main(sys.argv[2:])


if __name__ == "__main__":
    main()
