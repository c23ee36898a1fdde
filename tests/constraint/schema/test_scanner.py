"""The scanner reads what Python's json reads, however the bytes are cut."""

import itertools
import json

import numpy as np
import pytest

from condit.constraint.schema.scanner import Mode, Scanner, identity_of

TEXTS = [
    '{"a": 1, "b": [true, false, null], "c": {"d": "x\\"y\\\\", "e": {}}}',
    "[1, -2.5, 1e3, -0, 0.0, 12E-2, 123456789012345678901234567890]",
    '["\\u00e9", "é", "\\ud83d\\ude00", "😀", "\\n\\/", "", "a,b:[{}]"]',
    '{\n "k" : [ ] ,\r\n\t"l" : [ [ ] , { } ]\n}',
    '"just a string"',
    "true",
    "[[[[[]]]]]",
]


def read(*pieces: bytes) -> Scanner:
    scanner = Scanner()
    for piece in pieces:
        scanner.feed(piece)
    return scanner


@pytest.mark.parametrize("text", TEXTS)
def test_it_reads_what_json_reads_however_it_is_cut(text, rng):
    data = text.encode()
    cuts = [[0, *range(1, len(data)), len(data)], [0, len(data)]]
    for _ in range(30):
        inner = rng.choice(len(data), size=min(4, len(data) - 1), replace=False)
        cuts.append([0, *sorted(set(inner.tolist()) - {0}), len(data)])
    for places in cuts:
        pieces = [data[a:b] for a, b in itertools.pairwise(places)]
        scanner = read(*pieces)
        scanner.feed(b" ")
        assert [len(scanner.stack), scanner.fault] == [1, ""]
        (closed,) = scanner.top.items
        assert closed.value == json.loads(text)
        assert json.dumps(closed.value) == json.dumps(json.loads(text))  # 1 is not 1.0


def test_random_values_are_read(rng):
    def value(depth: int) -> object:
        kind = rng.integers(7 if depth else 5)
        if kind == 5:
            return [value(depth - 1) for _ in range(rng.integers(4))]
        if kind == 6:
            return {f"k{i}": value(depth - 1) for i in range(rng.integers(4))}
        choices = [None, True, int(rng.integers(-99, 99)), float(rng.normal()), '"\\é\U0001f600\n']
        return choices[kind]

    for _ in range(200):
        expected = [value(3)]
        data = json.dumps(expected, ensure_ascii=bool(rng.integers(2))).encode()
        half = int(rng.integers(len(data) + 1))
        scanner = read(data[:half], data[half:])
        assert scanner.top.items[0].value == expected


def test_what_is_open_is_seen():
    scanner = read(b'{"a": [1, 2, {"b": "x')
    kinds = [frame.kind for frame in scanner.stack]
    assert kinds == ["text", "object", "array", "object"]
    assert [frame.count for frame in scanner.stack] == [0, 1, 2, 1]
    assert [scanner.top.key, scanner.mode, scanner.spelled] == ["b", Mode.STRING, b"x"]
    assert not scanner.in_key
    assert scanner.scalar == "string"


def test_feed_says_whether_the_structure_changed():
    scanner = Scanner()
    fed = [(b"[", True), (b'"', True), (b"abc", False), (b'\\"', False), (b'"', True)]
    fed += [(b" ", False), (b",", True), (b"1", True), (b"23", False), (b" ", True), (b"]", True)]
    assert [(piece, scanner.feed(piece)) for piece, _ in fed] == fed


def test_a_number_closes_at_the_first_byte_that_is_not_its_own():
    scanner = read(b"[12")
    assert not scanner.top.items
    assert scanner.scalar == "number"
    scanner.feed(b"3,")
    assert scanner.top.items[0].value == 123
    assert scanner.top.after_comma


def test_a_literal_is_decided_by_its_first_letter():
    scanner = read(b"[f")
    assert scanner.top.items[0].value is False
    scanner.feed(b"alse, n")
    assert scanner.top.items[1].value is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b'{"a": 1, "a"', 'the key "a" is written already'),
        (b'{"a": 1, "\\u0061"', 'the key "a" is written already'),
        (b'[{"b": {"": 1, ""', 'the key "" is written already'),
        (b'["\\ud83d"', "half of a surrogate pair"),
        (b'{"\\ude00"', "half of a surrogate pair"),
        (b"[1e999,", "1e999 is too large"),
        (b"[" + b"9" * 5000 + b",", "too many digits"),
    ],
)
def test_what_no_reader_need_take_is_a_fault_at_its_last_byte(text, fault):
    scanner = read(text[:-1])
    assert not scanner.fault
    scanner.feed(text[-1:])
    assert fault in scanner.fault
    scanner.feed(b' "x')
    assert fault in scanner.fault


def test_the_same_key_may_come_in_different_objects():
    assert not read(b'[{"a": {"a": 1}}, {"a": 2, "b": {"a": 1, "b": 2}}]').fault


@pytest.mark.parametrize("verb", ["copy", "peek"])
def test_a_copy_is_independent(verb):
    scanner = read(b'{"a": [1, 2')
    twin = getattr(scanner, verb)()
    twin.feed(b', 3], "b": 4}')
    assert len(scanner.stack) == 3
    assert [item.value for item in scanner.top.items] == [1]
    scanner.feed(b', "z"], "c": 5}')
    assert twin.top.items[0].value == {"a": [1, 2, 3], "b": 4}
    assert scanner.top.items[0].value == {"a": [1, 2, "z"], "c": 5}


def test_a_copied_scanner_may_go_on_and_leave_its_copy_alone():
    scanner = read(b"[1, ")
    twin = scanner.copy()
    scanner.feed(b"2, ")
    assert [item.value for item in twin.top.items] == [1]


def test_repeated_items_are_tracked_from_the_first_call_on():
    scanner = read(b"[1, true, 1.0")
    scanner.top.track()
    assert scanner.top.repeated is None
    twin = scanner.copy()
    twin.feed(b",")
    assert twin.top.repeated is not None
    assert twin.top.repeated.value == 1
    assert scanner.top.repeated is None


def test_identity_is_equality_in_json_schema():
    same = [(1, 1.0), ([1, {"a": 2}], [1.0, {"a": 2.0}]), ({"a": 1, "b": 2}, {"b": 2, "a": 1})]
    other = [(1, True), (0, False), (0, None), ("1", 1), ([], {}), ([[]], []), ("", None)]
    assert all(identity_of(a) == identity_of(b) for a, b in same)
    assert all(identity_of(a) != identity_of(b) for a, b in other)
    assert all(identity_of([a]) != identity_of([b]) for a, b in other)


def test_a_long_array_is_read_in_linear_time():
    rng = np.random.default_rng(0)
    expected = rng.integers(1000, size=20000).tolist()
    scanner = Scanner()
    for piece in json.dumps(expected).encode().split(b" "):
        scanner.feed(piece)
    assert scanner.top.items[0].value == expected
