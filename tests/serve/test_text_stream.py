"""What is sent of a text that grows."""

from __future__ import annotations

from condit.serve.growth import CallBegins, CallEnds, Growth, MoreArguments, MoreText
from condit.serve.text_stream import TextStream
from condit.serve.tools import read
from condit.trace import Drawn, StepInfo
from condit.vocabulary import Vocabulary

BYTES = Vocabulary.of_bytes()


def sent(text: bytes, *stops: str) -> list[str]:
    stream = TextStream(BYTES, stops, 1)
    steps = (StepInfo(at, (Drawn(0, None, byte, 0, 0, 0),)) for at, byte in enumerate(text))
    return [delta.text for step in steps for delta in stream.feed(step)]


def test_characters_are_sent_whole():
    assert sent("aé€😀b".encode()) == ["a", "é", "€", "😀", "b"]


def test_what_may_be_a_stop_string_is_held_back():
    assert sent(b"one two three", " three") == ["o", "n", "e", " tw", "o"]
    assert sent(b"xaab", "aab") == ["x"]
    assert sent(b"aaab", "aab") == ["a"]


def test_bytes_that_are_no_text_are_held_back():
    assert sent(b"a\xff\xffb") == ["a", "\ufffd", "\ufffdb"]


CALL = '<tool_call>\n{"name": "f", "arguments": {"a": "}"}}\n</tool_call>'


def test_calls_are_read():
    texts, calls = read(f"Let me see.\n{CALL}\n{CALL}\nSo it is.")
    assert texts == ("Let me see.", "", "So it is.")
    assert [(call.name, call.arguments, call.complete) for call in calls] == [
        ("f", '{"a": "}"}', True)
    ] * 2


def test_a_tag_within_an_argument_ends_no_call():
    arguments = '{"a": "</tool_call> <tool_call>"}'
    text = f'<tool_call>\n{{"name": "f", "arguments": {arguments}}}\n</tool_call>'
    growth = Growth(has_tools=True)
    news = [each for sign in text for each in growth.add(sign)] + list(growth.end(text))
    assert "".join(n.text for n in news if isinstance(n, MoreArguments)) == arguments
    assert [call.arguments for call in read(text)[1]] == [arguments]


def test_calls_are_told_as_they_grow():
    for size in (1, 2, 3, 7, 100):
        growth = Growth(has_tools=True)
        whole = f"\nWell, \n{CALL}\n{CALL}\nSo."
        news = []
        for at in range(0, len(whole), size):
            news += growth.add(whole[at : at + size])
        news += growth.end(whole)
        assert "".join(n.text for n in news if isinstance(n, MoreText)) == "\nWell, So."
        assert isinstance(news[-1], MoreText)
        for place in (0, 1):
            pieces = [n.text for n in news if isinstance(n, MoreArguments) and n.place == place]
            assert "".join(pieces) == '{"a": "}"}'
        assert [n.place for n in news if isinstance(n, CallBegins)] == [0, 1]
        assert [n.place for n in news if isinstance(n, CallEnds)] == [0, 1]
