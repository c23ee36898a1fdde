"""``condit serve`` under load: is all answered, rightly, and how fast beside the library and peers?

``load``: requests of all kinds in all protocols, a tenth of which are abandoned. It fails unless
each is answered once, those with constraints satisfy them (which other programs check), a sample is
what the library draws for the same seeds, and who leaves frees lanes with the forward under way.
``throughput``: the server against the library's own calls that share forwards; same texts or it
fails. ``first-token``: time to the first piece of a stream, in forwards. ``peer``: the same JSON
Schemas answered by llama-cpp-python's server.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from bench.library.options import add_choice, parser_of
from bench.library.run import Run
from bench.serving import first_token, load, peer, throughput

CASES = {
    "load": load.measure,
    "throughput": throughput.measure,
    "first-token": first_token.measure,
    "peer": peer.measure,
}


def main(arguments: Sequence[str]) -> None:
    parser = parser_of("serve", __doc__, rounds=5, threads=1, tokens=40, seed=0)
    add_choice(parser, "cases", CASES)
    _add_options(parser)
    options = parser.parse_args(arguments)
    shown: list[str] = []
    wrong: list[str] = []
    with Run("serve", options) as run:
        for case in options.cases:
            table, found = CASES[case](run, options)
            shown.append(table)
            wrong += found
    run.keep({"records": run.records, "wrong": wrong}, "\n\n".join(shown))
    if wrong:
        raise SystemExit("\n".join([f"{len(wrong)} things are wrong:", *wrong[:20]]))


def _add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--requests", type=int, default=1000, help="load: how many")
    add("--leaving", type=float, default=0.1, help="load: share of them that are abandoned")
    add("--redone", type=int, default=60, help="load: how many the library draws again")
    add("--leavers", type=int, default=20, help="load: how often leaving is timed")
    add("--at-once", type=int, default=16, help="load: requests at a time")
    add("--clients", type=int, nargs="+", default=[1, 8], help="first-token, peer: at a time")
    add("--calls", type=int, default=16, help="throughput, first-token, peer: calls in a round")
