import random
from collections.abc import Callable
from functools import lru_cache

import pytest
from llguidance import LLMatcher

from condit.constraint.engine import _LIMITS, HEADER
from condit.constraint.regular.ecma import read
from condit.constraint.regular.expression import (
    Alternation,
    Concatenation,
    Intersection,
    Look,
    Node,
    One,
    Repetition,
    Written,
)
from condit.constraint.schema.strings import Language, language
from condit.constraint.schema.texts import Texts
from condit.constraint.spelling import Spelling
from condit.vocabulary import Vocabulary

BEYOND = "éßΩ中٣😀"


@pytest.fixture(scope="session")
def terminal() -> Callable[[Language | Texts], Callable[[str], bool]]:
    """Compiles a language; gives the function that says whether a JSON text is in it."""
    tokenizer = Spelling.of(Vocabulary.of_bytes()).tokenizer

    def compiled(found: Language | Texts) -> Callable[[str], bool]:
        found = language(found) if isinstance(found, Texts) else found
        grammar = f"{HEADER}start: TEXT\nTEXT: {found.expression}\n"
        root = LLMatcher(tokenizer, grammar, log_level=0, limits=_LIMITS)
        assert not root.is_error(), root.get_error()

        def holds(text: str) -> bool:
            matcher = root.deep_copy()
            tokens = list(text.encode())
            if matcher.validate_tokens(tokens) < len(tokens):
                assert not matcher.is_error(), matcher.get_error()
                return False
            matcher.consume_tokens(tokens)
            return matcher.is_accepting()

        return holds

    return compiled


@pytest.fixture(scope="session")
def drawn() -> Callable[[Node, random.Random], str]:
    """Draws a text that is in a node, or nearly is: conditions on the whole are not kept."""
    return _drawn


@pytest.fixture(scope="session")
def mutated() -> Callable[[str, random.Random, str], str]:
    """Changes a text in up to three places, with characters of an alphabet."""
    return _mutated


_read = lru_cache(maxsize=64)(read)


def _drawn(node: Node, rng: random.Random) -> str:
    match node:
        case One(characters):
            if characters.beyond and (rng.random() < 0.5 or not characters.ranges):
                return rng.choice(BEYOND)
            low, high = rng.choice(characters.ranges)
            return chr(rng.choice((low, high, rng.randint(low, min(high, low + 200)))))
        case Concatenation(items):
            return "".join(_drawn(item, rng) for item in items)
        case Alternation(choices):
            return _drawn(rng.choice(choices), rng) if choices else ""
        case Repetition(item, least, most):
            count = least + rng.choice((0, 0, 1, 2, 5))
            return "".join(
                _drawn(item, rng) for _ in range(count if most is None else min(most, count))
            )
        case Intersection(members):
            return _drawn(rng.choice(members), rng)
        case Written(regex):
            # The escapes of the spelling are taken back.
            return _drawn(_read(regex), rng).replace('\\"', '"').replace("\\\\", "\\")
        case Look(item, _, True):
            return _drawn(item, rng) if rng.random() < 0.3 else ""
        case _:
            return "".join(_drawn(part, rng) for part in node.parts)


def _mutated(text: str, rng: random.Random, alphabet: str) -> str:
    characters = list(text)
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        place = rng.randint(0, len(characters))
        match rng.randrange(3):
            case 0:
                del characters[place : place + 1]
            case 1:
                characters.insert(place, rng.choice(alphabet))
            case _:
                characters[place : place + 1] = rng.choice(alphabet)
    return "".join(characters)
