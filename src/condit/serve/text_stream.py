"""Texts as they grow: which part of them will not change any more.

A lane that is never replaced by a copy of another only grows. What is held back is what may still
change: bytes of an unfinished character, and what may be the beginning of a stop string.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from condit.serve.job import Delta
from condit.trace import StepInfo
from condit.vocabulary import Vocabulary

STREAMING = frozenset({"awrs", "masked"})
"""Samplers whose lanes are never replaced, so that texts can be sent as they grow."""


class TextStream:
    """The pieces of texts that are certain, of the records of steps.

    Args:
        vocabulary: the tokens.
        stops: texts before the first of which each text ends.
        lanes: how many texts there are.
    """

    def __init__(self, vocabulary: Vocabulary, stops: Sequence[str], lanes: int) -> None:
        self._vocabulary = vocabulary
        self._stops = tuple(stop.encode() for stop in stops)
        self._written = [bytearray() for _ in range(lanes)]
        self._sent = [0] * lanes
        self._characters = [0] * lanes
        self._waiting: list[list[int]] = [[] for _ in range(lanes)]

    def feed(self, info: StepInfo) -> Iterator[Delta]:
        """What has become certain with a step."""
        for drawn in info.draws:
            if drawn.lane is None or drawn.token is None:
                continue
            spelled = self._vocabulary.bytes[drawn.token][drawn.prompt_bytes :]
            if not spelled:
                continue
            self._written[drawn.lane] += spelled
            self._waiting[drawn.lane].append(drawn.token)
        for lane in dict.fromkeys(drawn.lane for drawn in info.draws if drawn.lane is not None):
            written = self._written[lane]
            end = len(written) - max((_begun(written, stop) for stop in self._stops), default=0)
            piece = bytes(written[self._sent[lane] : end])
            piece = piece[: len(piece) - _unfinished(piece)]
            if piece:
                self._sent[lane] += len(piece)
                yield self._delta(lane, piece.decode(errors="replace"))

    def rest(self, lane: int, text: str) -> Delta | None:
        """What was not sent of the finished ``text``."""
        # Bytes that are no text are told as other characters, so bytes cannot be counted here.
        piece = text[self._characters[lane] :]
        return self._delta(lane, piece) if piece or self._waiting[lane] else None

    def _delta(self, lane: int, piece: str) -> Delta:
        self._characters[lane] += len(piece)
        tokens, self._waiting[lane] = self._waiting[lane], []
        return Delta(lane, piece, tuple(tokens))


def _begun(written: bytes | bytearray, stop: bytes) -> int:
    """How many of the last bytes may be the beginning of ``stop``, or from where it stands on."""
    if (at := written.find(stop)) >= 0:
        return len(written) - at
    most = min(len(stop) - 1, len(written))
    return next((size for size in range(most, 0, -1) if written.endswith(stop[:size])), 0)


def _unfinished(piece: bytes) -> int:
    """How many of the last bytes begin a character of UTF-8 without its end."""
    for back in range(1, min(4, len(piece)) + 1):
        byte = piece[-back]
        if byte < 0x80:
            return 0
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return back if back < length else 0
    return 0
