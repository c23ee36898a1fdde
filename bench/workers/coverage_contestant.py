"""What every contestant of ``scripts/bench coverage`` does alike: compile, walk, keep the time.

Only the standard library. The vocabulary comes as bytes, so that nobody has to guess them.
"""

from __future__ import annotations

import gc
import json
import resource
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lines import serve, versions

_GIB = 1 << 30


class Contestant(ABC):
    """One library. ``task`` is what the driver sent when it asked to load."""

    packages: tuple[str, ...]

    def load(self, task: dict[str, Any]) -> dict[str, Any]:
        """Load the tokenizer. Memory is limited, so that no index takes the machine down."""
        most = int(task["memory"] * _GIB)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        self.task = task
        self.size, self.end = task["size"], task["end"]
        spelled = json.loads(Path(task["spelled"]).read_text())
        self.load_tokenizer([bytes.fromhex(text) for text in spelled])
        return {"versions": versions(self.packages)}

    def compile(self, case: dict[str, Any]) -> dict[str, Any]:
        """From the text of a schema to the first mask.

        ``seconds`` is until a matcher stands at the start, ``first_mask_seconds`` until the mask is
        there. Collecting garbage of earlier cases is not in the clock.
        """
        self.root = None
        remotes = self.task["registries"].get(case["remotes"])
        gc.collect()
        began = time.perf_counter()
        self.root = self.compiled(case["source"], remotes)
        matcher = self.start(self.root)
        started = time.perf_counter()
        self.fill(matcher)
        ended = time.perf_counter()
        return {"seconds": started - began, "first_mask_seconds": ended - began}

    def walk(self, ask: dict[str, Any]) -> dict[str, Any]:
        """Every instance of the case just compiled, in each writing until one is accepted.

        ``by`` names the writing; where none was accepted ``refused_at`` is how many tokens of the
        first writing went through. Times, in nanoseconds, are of the tokens of accepted texts, the
        end token included: of the mask alone, and of the mask and the step.
        """
        self.mask_ns: list[int] = []
        self.step_ns: list[int] = []
        self.not_in_mask = 0
        found = []
        for instance in ask["instances"]:
            timed = ask["timed"] and instance["valid"]
            walked = self._timed if timed else self._walked
            answer: dict[str, Any] = {"by": None}
            for name, tokens in instance["writings"].items():
                upto = walked(tokens)
                if upto is None:
                    answer = {"by": name}
                    break
                answer.setdefault("refused_at", [upto, len(tokens)])
            found.append(answer)
        return {
            "instances": found,
            "mask_ns": self.mask_ns,
            "step_ns": self.step_ns,
            "not_in_mask": self.not_in_mask,
        }

    def _walked(self, tokens: Sequence[int]) -> int | None:
        """``None`` where the text and an end are accepted, else how many tokens were."""
        matcher = self.start(self.root)
        for place, token in enumerate(tokens):
            if not self.advance(matcher, token):
                return place
        return None if self.may_end(matcher) else len(tokens)

    def _timed(self, tokens: Sequence[int]) -> int | None:
        """As ``_walked``, with a mask before each token, as a decoder wants it."""
        matcher = self.start(self.root)
        clock = time.perf_counter_ns
        masks, steps, missing = [], [], 0
        for place, token in enumerate([*tokens, self.end]):
            began = clock()
            self.fill(matcher)
            filled = clock()
            last = place == len(tokens)
            went = self.may_end(matcher) if last else self.advance(matcher, token)
            ended = clock()
            if not went:
                return place
            shown = self.shown()
            missing += not (int(shown[token >> 5]) >> (token & 31)) & 1
            masks.append(filled - began)
            steps.append(ended - began)
        self.mask_ns += masks
        self.step_ns += steps
        self.not_in_mask += missing
        return None

    @abstractmethod
    def load_tokenizer(self, spelled: list[bytes]) -> None:
        """Make ready whatever depends on the vocabulary alone."""

    @abstractmethod
    def compiled(self, source: str, remotes: dict[str, Any] | None) -> Any:
        """What is made of a schema, given as JSON. It raises where it refuses."""

    @abstractmethod
    def start(self, root: Any) -> Any:
        """A matcher at the empty text."""

    @abstractmethod
    def fill(self, matcher: Any) -> None:
        """Compute the mask."""

    @abstractmethod
    def shown(self) -> Any:
        """The mask computed last, packed into words of 32 bits."""

    @abstractmethod
    def advance(self, matcher: Any, token: int) -> bool:
        """Append a token; whether that was allowed."""

    @abstractmethod
    def may_end(self, matcher: Any) -> bool:
        """Whether the end token is allowed. Called once, at the end of a text."""


def compete(contestant: Contestant) -> None:
    """Answer the driver until it is done."""
    serve({"load": contestant.load, "compile": contestant.compile, "walk": contestant.walk})
