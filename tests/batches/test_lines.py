"""Lines of a file as bytes."""

from __future__ import annotations

from io import BytesIO

import pytest

from condit.batches.lines import Line, lines


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"", []),
        (b"\n\r\n  \n", []),
        (b"a\nb\n", [(1, b"a"), (2, b"b")]),
        (b"a\r\n\r\nb", [(1, b"a"), (3, b"b")]),
        (b"\xef\xbb\xbfa\n\xef\xbb\xbfb", [(1, b"a"), (2, b"\xef\xbb\xbfb")]),
        (b"\xff\x00\n", [(1, b"\xff\x00")]),
    ],
)
def test_ends_marks_and_empty_lines(content: bytes, wanted: list[tuple[int, bytes]]) -> None:
    assert [(line.number, line.content) for line in lines(BytesIO(content))] == wanted


def test_sizes_add_up_to_the_file() -> None:
    content = b"\xef\xbb\xbfab\r\n\n\nc\n" + b"x" * 50 + b"\nlast"
    assert sum(line.size for line in lines(BytesIO(content), 20)) == len(content)


@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_line_that_is_too_long_is_cut_and_the_next_is_whole(end: bytes) -> None:
    content = b"x" * 1000 + b"\n" + b"y" * 8 + end
    found = list(lines(BytesIO(content), 8))
    assert found == [Line(1, b"x" * 9, 1001, True), Line(2, b"y" * 8, 8 + len(end))]
