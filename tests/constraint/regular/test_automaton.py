"""Automata against the ``regex`` module: random patterns, on all short texts of two letters."""

import random
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
import regex as oracle

from condit.constraint.base import Strength
from condit.constraint.budgeted import Budgeted
from condit.constraint.regular import combined, terms
from condit.constraint.regular.automaton import Automaton
from condit.constraint.regular.byte_machine import PatternMachine
from condit.constraint.regular.language import Language
from condit.constraint.regular.prepared import NotFollowedError
from condit.constraint.regular.python_reader import read

ATOMS = ("a", "b", ".", "[ab]", "[^a]", r"\w")
REPEATS = ("*", "+", "?", "{2}", "{1,2}", "*?", "+?", "??", "*+", "++", "?+")
TEXTS = ["".join(letters) for size in range(6) for letters in product("ab", repeat=size)]


class Patterns:
    """Random patterns with everything that backtracking knows."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.groups = 0

    def __iter__(self):
        while True:
            self.groups = 0
            yield self.make(4)

    def make(self, depth, in_look=False):
        kind = self.rng.random()
        more = lambda look=in_look: self.make(depth - 1, look)  # noqa: E731
        if depth == 0 or kind < 0.22:
            return self.rng.choice(ATOMS)
        if kind < 0.42:
            return more() + more()
        if kind < 0.54:
            return f"(?:{more()}|{more()})"
        if kind < 0.66:
            return f"(?:{more()}){self.rng.choice(REPEATS)}"
        if kind < 0.72:
            return f"(?>{more()})"
        if kind < 0.80:
            return self.rng.choice(["(?=", "(?!", "(?<=", "(?<!"]) + more(True) + ")"
        if kind < 0.84:
            return self.rng.choice([r"\b", r"\B", "^", "$"])
        if kind < 0.91 and not in_look:
            self.groups += 1
            return f"({more()})"
        if not self.groups or in_look:
            return "a"
        group = self.rng.randint(1, self.groups)
        if kind < 0.95:
            return f"\\{group}"
        if kind < 0.97:
            return f"(?{group})"
        return f"(?({group}){more(True)}|{more(True)})"


def automata(seed, count):
    """Some random patterns that can be followed, each compiled and as an automaton."""
    made = 0
    for pattern in Patterns(seed):
        try:
            compiled = oracle.compile(pattern, oracle.V1)
            found = Automaton(read(pattern))
        except (oracle.error, NotFollowedError):
            continue
        yield pattern, compiled, found
        made += 1
        if made == count:
            return


def matches(compiled, text):
    try:
        return bool(compiled.fullmatch(text, timeout=0.5))
    except TimeoutError:
        return None


def accepts(automaton, text):
    place = automaton.start
    for character in text:
        place = automaton.next(place, character)
    return automaton.may_stop(place)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_an_automaton_accepts_what_the_module_matches(seed):
    for pattern, compiled, automaton in automata(seed, 120):
        for text in TEXTS:
            expected = matches(compiled, text)
            if expected is None:
                break
            assert accepts(automaton, text) == expected, (pattern, text)


def test_what_cannot_become_a_match_is_refused_at_once():
    exact = 0
    for pattern, compiled, automaton in automata(7, 100):
        machine = PatternMachine(automaton)
        found = [matches(compiled, text) for text in TEXTS]
        if None in found:
            continue
        matching = [text for text, is_match in zip(TEXTS, found, strict=True) if is_match]
        for text in TEXTS[:15]:
            state = machine.start
            for byte in text.encode():
                state = state and machine.next(state, byte)
            followed = any(each.startswith(text) for each in matching)
            if state is None:
                assert not followed, (pattern, text)
                continue
            ending = machine.ending(state)
            if ending is None:
                assert not followed, (pattern, text)
                # At the start it is the constraint that says that nothing matches.
                assert not text or machine.strength is not Strength.EXACT, (pattern, text)
            else:
                assert compiled.fullmatch(text + ending.decode()), (pattern, text, ending)
                exact += machine.strength is Strength.EXACT
    assert exact > 150


def test_combinations_are_those_of_the_sets():
    found = list(automata(11, 60))
    for (first, one, _), (second, other, _) in zip(found[::2], found[1::2], strict=True):
        patterns = read(first), read(second)
        made = {
            "both": (Automaton(combined.both(*patterns)), lambda a, b: a and b),
            "either": (Automaton(combined.either(*patterns)), lambda a, b: a or b),
            "without": (Automaton(combined.without(patterns[0])), lambda a, _: not a),
        }
        joined = Automaton(combined.joined(*patterns))
        twice = Automaton(combined.repeated(patterns[0], 1, 2))
        for text in TEXTS[:31]:
            yes = [bool(each.fullmatch(text)) for each in (one, other)]
            for name, (automaton, expected) in made.items():
                assert accepts(automaton, text) == expected(*yes), (first, second, name, text)
            splits = [(text[:at], text[at:]) for at in range(len(text) + 1)]
            in_a_row = any(one.fullmatch(a) and other.fullmatch(b) for a, b in splits)
            assert accepts(joined, text) == in_a_row, (first, second, text)
            again = yes[0] or any(one.fullmatch(a) and one.fullmatch(b) for a, b in splits)
            assert accepts(twice, text) == again, (first, text)


@pytest.mark.parametrize(
    ("pattern", "strength"),
    [
        (r"(?=.*\d)\w{3}", Strength.EXACT),
        (r"(['\"])x*\1", Strength.EXACT),
        (r"\((?R)*\)", Strength.EXACT),
        (r"(\w+)-\1", Strength.SOUND),
    ],
)
def test_strength(pattern, strength):
    assert PatternMachine(Automaton(read(pattern))).strength is strength


def test_the_engine_is_told_the_same_as_the_automaton_knows(by_byte):
    short = combined.both(read("[ab]{2}"), read("b*a"))
    nodes = {
        "a repeat of an intersection": combined.repeated(short, 2, 3),
        "its complement": combined.without(combined.repeated(short, 2, 3)),
        "a complement in a row": combined.joined(combined.without(read("a")), read("b")),
        "a lookaround": read(r"(?!.*bb)[ab]*(?<=a)"),
    }
    for name, pattern in nodes.items():
        language, automaton = Language(pattern), Automaton(pattern)
        assert language.grammar is not None, name
        for text in TEXTS:
            matcher = language.bind(by_byte)
            written = matcher.count_allowed([*text.encode(), by_byte.end]) == len(text) + 1
            assert written == accepts(automaton, text), (name, text)


@pytest.mark.parametrize(
    ("pattern", "begun"),
    [
        (r"((?>a|b)+)\1", b"abbabaabbbababaabbabaababb"),
        (r"(?i)(\w+) \1", "Straße und".encode()[:7]),
        (r"(?<p>\w)(?R)?\g<p>", b"abcdefgh"),
        (r"<(\w+)>(?:[^<>]|(?R))*</\1>", b"<table><tr"),
        (r"[\w.+-]+@[\w.-]+\.[a-z]{2,}", b"somebody"),
        (r"(?s)/\*.*?\*/", b"/* a [{( comment"),
        (r"a.*(?<=b.*c)d", b"azPkU"),
    ],
)
def test_a_text_that_has_begun_is_finished(by_byte, pattern, begun):
    matcher = Language(read(pattern)).bind(by_byte)
    for byte in begun:
        matcher.advance(byte)
    ending = matcher.ending()
    assert ending is not None
    assert oracle.fullmatch(pattern, (begun + ending.text).decode(), oracle.V1)


def test_parts_that_become_a_superset_are_not_taken_for_exact(by_byte):
    # The choice in ``$`` made the resolver forget that it had lost a condition in the loop.
    for pattern in (r"^(?:a(?!.*b)|b)+$", r"(?:a|(?<=a)b)+$", r"(?:a(?=.*b)|b)+(?:(?!aa).)*"):
        language = Language(read(pattern))
        for text in TEXTS:
            matcher = language.bind(by_byte)
            written = matcher.count_allowed([*text.encode(), by_byte.end]) == len(text) + 1
            assert written == bool(oracle.fullmatch(pattern, text, oracle.V1)), (pattern, text)


def test_threads_share_terms():
    def make(number):
        return [terms.not_(terms.part(number, terms.Rest.END, each)) for each in captures]

    captures = [terms.Captures(((1, str(number)),)) for number in range(2000)]
    place = Automaton(read("a")).start
    with ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(make, [place] * 4)
    assert all(one is other for each in others for one, other in zip(first, each, strict=True))


def test_bytes_of_characters_are_those_of_utf8():
    for pattern in (r"(.)\1", r"([^a])\1", r"([\U0001F600-\U0001F64F])\1"):
        machine = PatternMachine(Automaton(read(pattern)))
        for character in ("\x80", "\u07ff", "\u0800", "\ud7ff", "\uffff", "\U00010000", "😀"):
            state = machine.start
            for byte in character.encode() * 2:
                state = state and machine.next(state, byte)
            assert bool(state) == bool(oracle.fullmatch(pattern, character * 2, oracle.V1))
        for forbidden in (b"\xc0", b"\xe0\x80", b"\xe0\x9f", b"\xed\xa0", b"\xf0\x8f", b"\xf4\x90"):
            state = machine.start
            for byte in forbidden:
                state = state and machine.next(state, byte)
            assert not state, forbidden


def test_tokens_whose_first_byte_is_refused_need_not_be_asked_about(by_byte):
    matcher = Budgeted.of(Language(read(r"(\w+),\1")).bind(by_byte), 20)
    allowed = matcher.outline().tokens(len(by_byte))
    assert allowed is not None
    assert allowed[ord("a")]
    assert not allowed[ord(",")]
