"""Forbidden strings and recitation: seconds to compile, microseconds of masks and checks.

Texts are walked token by token: *first*, nothing is known; *new*, another text with the same
strings; *known*, that text again. Strings are random words of 4 to 9 letters, the same for all. The
peer is llguidance with the complement of a pattern of all strings, which looks through nothing but
case. It has no answer where its limits (a hundred times the usual ones here) are reached. Of the
recitation guard texts are parts of the corpus, up to where it refuses. Times are of the processor.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import llguidance
import llguidance.numpy
import numpy as np
from tokenizers import Tokenizer

import condit
from bench.corpus import documents_of
from bench.lexical import TEXTS
from bench.library.options import add_choice, parser_of
from bench.library.results import table
from bench.library.run import Run
from bench.lift import vocabulary_of
from bench.vocabularies import SOURCES
from condit.constraint.base import Constraint, Matcher
from condit.constraint.vocabulary_trie import VocabularyTrie
from condit.vocabulary import Vocabulary

_MANY = 100
"""Random tokens that are checked at each state."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz"

Times = dict[str, list[float]]
"""Microseconds, by what was done."""


def main(arguments: Sequence[str]) -> None:
    parser = parser_of("forbid", __doc__, seed=0)
    add_choice(parser, "sizes", SOURCES, ["128k"])
    parser.add_argument("--counts", type=int, nargs="+", default=[10, 1000, 50_000])
    parser.add_argument("--megabytes", type=float, default=45.0, help="of the corpus; 0: none")
    parser.add_argument("--passages", type=int, default=200, help="of it that are followed")
    options = parser.parse_args(arguments)
    raw: list[dict[str, Any]] = []
    with Run("forbid", options) as run:
        corpus_texts = [*documents_of(options.megabytes * 1e6)] if options.megabytes else []
        corpus = condit.Corpus(corpus_texts) if corpus_texts else None
        for size in options.sizes:
            vocabulary, tokenizer = vocabulary_of(size)
            VocabularyTrie.of(vocabulary)
            rng = np.random.default_rng(options.seed)
            words = ["".join(rng.choice([*_LETTERS], rng.integers(4, 10))) for _ in range(50_000)]
            condit.forbid("x", look_through="all").bind(vocabulary)  # reads tables
            for count in options.counts:
                for through in ("nothing", "usual", "all"):
                    row = _strings(words[:count], through, vocabulary, tokenizer, rng)
                    raw.append({"size": size, "what": f"{count:,}, {through}", **row})
                row = _peer(words[:count], tokenizer)
                raw.append({"size": size, "what": f"{count:,}, llguidance", **row})
            if corpus is not None:
                for longest in (8, 3):
                    row = _recitation(corpus, longest, vocabulary, rng, options.passages)
                    raw.append({"size": size, "what": f"recitation, {longest} words", **row})
        heads = ["", "", "compile, ms", "bind and first mask, ms", "new text, µs: p50 / p90 / most"]
        run.keep({"rows": raw}, table([*heads, "known, µs", "check, µs", ""], [*map(_row, raw)]))


def _row(found: dict[str, Any]) -> list[str]:
    new, known, check = (found.get(name, []) for name in ("new", "known", "check"))
    spread = f"{_at(new, 50)} / {_at(new, 90)} / {_at(new, 100)}" if new else ""
    first = f"{found['begins'][0] / 1e3:.0f}" if found.get("begins") else ""
    compiled = f"{found['compile'] / 1e3:.0f}"
    fault = found.get("fault", "")
    return [found["size"], found["what"], compiled, first, spread, _at(known), _at(check), fault]


def _at(times: Sequence[float], percent: float = 50) -> str:
    return f"{np.percentile(times, percent):.1f}" if times else ""


def _timed(call: Callable[[], object]) -> float:
    began = time.thread_time_ns()
    call()
    return (time.thread_time_ns() - began) / 1e3


def _strings(
    words: list[str],
    through: Any,
    vocabulary: Vocabulary,
    tokenizer: Tokenizer,
    rng: np.random.Generator,
) -> dict[str, Any]:
    made: list[Constraint] = []
    took = _timed(lambda: made.append(condit.forbid(words, look_through=through)))
    found: Times = {"check": []}
    first, other = (tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS)
    for name, path in (("first", first), ("new", other), ("known", other)):
        matchers: list[Matcher] = []
        bound = _timed(lambda m=matchers: m.append(made[0].bind(vocabulary)))  # type: ignore[misc]
        matcher = matchers[0]
        found.setdefault("begins", [bound + _timed(matcher.mask)])
        found[name] = []
        for token in path:
            if not matcher.allows(token):
                break
            _step(matcher, rng, len(vocabulary), found["check"], found[name])
            matcher.advance(token)
    return {"compile": took, **found}


def _step(
    matcher: Matcher, rng: np.random.Generator, size: int, checks: list[float], masks: list[float]
) -> None:
    some = rng.choice(size, _MANY).tolist()
    checks.append(_timed(lambda: [*map(matcher.allows, some)]) / _MANY)
    masks.append(_timed(matcher.mask))


def _peer(words: list[str], tokenizer: Tokenizer) -> dict[str, Any]:
    """The same of llguidance, in its form of Lark: any text, and not one with a word of these."""
    other = "[^0-9A-Za-z_]"
    pattern = f"(?s:(.*{other})?((?i:{'|'.join(words)}))({other}.*)?)"
    source = json.dumps(
        {"grammars": [{"lark_grammar": f"start: T\nT: /(?s:.*)/ & ~/{pattern}/\n"}]}
    )
    limits = llguidance.LLParserLimits(
        initial_lexer_fuel=100_000_000,
        step_lexer_fuel=20_000_000,
        max_lexer_states=25_000_000,
        precompute_large_lexemes=False,
    )
    ll = llguidance.LLTokenizer(tokenizer.to_str())
    made: list[llguidance.LLMatcher] = []
    took = _timed(lambda: made.append(llguidance.LLMatcher(ll, source, log_level=0, limits=limits)))
    found: Times = {}
    bits = llguidance.numpy.allocate_token_bitmask(1, ll.vocab_size)
    first, other_path = (tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS)
    for name, path in (("first", first), ("new", other_path), ("known", other_path)):
        matcher = made[0].deep_copy()
        found[name] = []
        for token in path:
            took_mask = _timed(
                lambda m=matcher: llguidance.numpy.fill_next_token_bitmask(m, bits, 0)  # type: ignore[misc]
            )
            if matcher.is_error() or not matcher.consume_token(token):
                fault = matcher.get_error().splitlines()[0]
                return {"compile": took, **found, "fault": fault}
            found.setdefault("begins", [took_mask])
            found[name].append(took_mask)
    return {"compile": took, **found}


def _recitation(
    corpus: condit.Corpus,
    longest: int,
    vocabulary: Vocabulary,
    rng: np.random.Generator,
    passages: int,
) -> dict[str, Any]:
    made: list[Constraint] = []
    took = _timed(lambda: made.append(condit.forbid.recitation(corpus, longest=longest)))
    text, ends = corpus.places.text, corpus.ends
    matchers: list[Matcher] = []
    bound = _timed(lambda: matchers.append(made[0].bind(vocabulary)))
    start = matchers[0]
    found: Times = {"check": [], "begins": [bound + _timed(start.mask)], "new": []}
    for _ in range(passages):
        place = int(corpus.places.order[rng.integers(len(corpus.places))])
        end = min(place + 150, int(ends[np.searchsorted(ends, place)]))
        matcher = start.copy()
        for token in vocabulary.tokenize(text[place:end].tobytes()):
            if not matcher.allows(token):
                break
            matcher.advance(token)
            _step(matcher, rng, len(vocabulary), found["check"], found["new"])
    return {"compile": took, **found}
