import string

import pytest

from condit.constraint.describe import describe_bytes, excerpt


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "nothing"),
        ("x", "'x'"),
        ("xy", "'x' or 'y'"),
        (string.digits + "-", "a digit or '-'"),
        (string.ascii_letters, "a lower-case letter or an upper-case letter"),
        (" \n\t", "a space, a tab or a newline"),
        ("é", "a character beyond ASCII"),
        ("abcdefghij", "'a', 'b', 'c', 'd', 'e', 'f', 'g' or 3 others"),
    ],
)
def test_describe_bytes(text, expected):
    assert describe_bytes(frozenset(text.encode())) == expected


def test_describe_all_bytes():
    assert describe_bytes(frozenset(range(0x80))) == "any character"


def test_excerpt():
    assert excerpt(b"") == "the empty text"
    assert excerpt(b"a" * 40) == repr("…" + "a" * 30)
    assert excerpt("é".encode()) == "'é'"
    assert excerpt(b"\xc3") == r"b'\xc3'"
