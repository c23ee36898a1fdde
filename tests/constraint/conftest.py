import numpy as np
import pytest

from condit.constraint.base import Constraint
from condit.testing import check_matcher
from condit.vocabulary import Vocabulary

# Several spellings of most texts, duplicates, a token cut inside a character, and three ids that
# are no text: one of them is a second end token.
OVERLAPPING = Vocabulary(
    bytes=[
        *(b"a", b"b", b"c", b"ab", b"a", b"bc", b"abc", b"aa", b"", b"0", b"1", b"10", b'"', b'"a'),
        *(b'":', b": ", b":", b",", b", ", b"{", b'{"', b"}", b"[", b"]", b"]}", b" ", b"\n", b"-"),
        *(b"t", b"true", b"null", b"e", b".", b"+", b"(", b")", b"\xc3", b"\xa9", "é".encode()),
        *(b"\\", b"true,", b"x", b"i", b"", b""),
    ],
    end=44,
    ends=frozenset({43}),
)


@pytest.fixture(scope="session")
def by_byte() -> Vocabulary:
    return Vocabulary.of_bytes()


@pytest.fixture(scope="session")
def overlapping() -> Vocabulary:
    return OVERLAPPING


@pytest.fixture
def obeys(by_byte, overlapping, request):
    """Check the laws of a constraint's matcher over both vocabularies.

    The quick part walks less.
    """
    share = 4 if request.config.getoption("quick") else 1

    def check(constraint: Constraint, *, walks: int = 4, steps: int = 14) -> None:
        walks = -(-walks // share)
        check_matcher(constraint, by_byte, np.random.default_rng(0), walks=walks, steps=steps)
        check_matcher(
            constraint, overlapping, np.random.default_rng(1), walks=2 * walks, steps=steps
        )

    return check


@pytest.fixture
def writes(by_byte):
    """Whether a constraint's matcher lets a text be written, byte by byte, to its end."""

    def check(constraint: Constraint, text: str) -> bool:
        matcher = constraint.bind(by_byte)
        for value in text.encode():
            if not matcher.allows(value):
                return False
            matcher.advance(value)
        return matcher.allows(by_byte.end)

    return check
