"""A model behind an OpenAI-style endpoint: whole texts are drawn there, and scored there.

Such a server (vLLM, llama.cpp, ``condit serve``) tells a few of the most probable tokens and never
the whole law of the next one, so nothing here can be masked or steered: texts are drawn freely by
``/v1/completions`` and judged afterwards (``condit.sampler.whole_texts``). Text here is bytes: the
tokens of the server are not known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from condit.errors import ArgumentError, ModelError
from condit.model.base import PrefixModel
from condit.vocabulary import Vocabulary

SCHEME = "openai:"
"""What a name begins with that means such an endpoint: ``openai:http://host:port/v1#model``."""


NEUTRAL = {"top_k": -1, "min_p": 0, "repetition_penalty": 1.0}
"""Settings that servers take from elsewhere where a request has none, as vLLM from the model's
configuration and llama.cpp from its own: texts would not be drawn from the model's law."""


@dataclass(frozen=True)
class DrawnText:
    """A text that the server has drawn.

    Attributes:
        text: without the prompt and the end.
        ended: whether the model ended it; else it was cut.
        log_probability: natural logarithm of the probability of its tokens, as the server tells it
            (most tell that at temperature 1, whatever was asked for); NaN where it tells none.
        tokens: how many tokens it has there, 0 where that is not told.
    """

    text: str
    ended: bool
    log_probability: float
    tokens: int


class RemoteModel(PrefixModel):
    """A model behind ``/v1/completions`` of a server.

    Works with ``sampler="rejection"``, ``"best_of"`` and ``"auto"``. Its vocabulary is the 256
    bytes, and ``max_tokens`` counts the server's tokens.

    Args:
        url: where the server is, as ``http://127.0.0.1:8000/v1``.
        name: what the server calls the model.
        api_key: what is sent as a bearer token.
        settings: what every request has besides, by default ``NEUTRAL``; ``{}`` for a server that
            refuses settings which OpenAI does not have.
        timeout: seconds of silence after which an answer is given up.
        retries: how many times a request is made again if the server cannot be reached, or is busy.

    Raises:
        ArgumentError: the address is none, or a number is out of range.
    """

    def __init__(
        self,
        url: str,
        name: str,
        *,
        api_key: str | None = None,
        settings: Mapping[str, Any] = NEUTRAL,
        timeout: float = 120.0,
        retries: int = 2,
    ) -> None:
        if not name:
            raise ArgumentError("the model's name is empty: see what the server has at /v1/models")
        self.url = url.rstrip("/")
        self.name = name
        self.vocabulary = Vocabulary.of_bytes()
        self._settings = dict(settings)
        # The library's HTTP is slow to import.
        from condit.model.remote_server import RemoteServer

        self._server = RemoteServer(self.url, api_key=api_key, timeout=timeout, retries=retries)

    @classmethod
    def of(cls, source: str) -> RemoteModel:
        """The model of a name such as ``openai:http://127.0.0.1:8000/v1#smollm2``.

        Raises:
            ArgumentError: it is not of that form.
        """
        url, sign, name = source.removeprefix(SCHEME).partition("#")
        if not source.startswith(SCHEME) or not sign:
            raise ArgumentError(
                f"{source!r}: name the model after '#', as in {SCHEME}http://127.0.0.1:8000/v1#name"
            )
        return cls(url, name)

    def encode(self, text: str) -> list[int]:
        """The bytes of ``text``."""
        return list(text.encode())

    def reader(self, prompt: Sequence[int]) -> NoReturn:
        """Refused: there are no logits to read.

        Raises:
            ArgumentError: always.
        """
        raise ArgumentError(
            f"{self.name} is behind a server that gives whole texts and no logits: use rejection, "
            "best_of or auto; for every other sampler load the model here"
        )

    def draw(
        self,
        prompt: str,
        n: int,
        *,
        max_tokens: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float = 1.0,
        seed: int | None = None,
    ) -> list[DrawnText]:
        """Draw ``n`` texts, of at most ``max_tokens`` of the server's tokens each.

        Raises:
            ModelError: the server cannot be reached, refuses, or answers something else.
        """
        asked = {
            "prompt": prompt,
            "n": n,
            "max_tokens": max_tokens,
            "temperature": temperature,
            "top_p": top_p,
            "logprobs": 1,
            "top_k": top_k,
            "seed": seed,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        choices = self._choices(self._settings | given)
        if len(choices) != n:
            raise self._odd(f"{n} texts were asked for, and it gave {len(choices)}")
        drawn = []
        for choice in choices:
            text = choice.get("text")
            if not isinstance(text, str):
                raise self._odd("a choice has no text")
            told = _logprobs(choice)
            drawn.append(
                DrawnText(
                    text=text,
                    ended=choice.get("finish_reason") == "stop",
                    log_probability=math.fsum(told) if told else math.nan,
                    tokens=len(told),
                )
            )
        return drawn

    def log_probability(self, prompt: str, text: str) -> float:
        """Natural logarithm of the probability that ``text`` comes after ``prompt``; its end is not
        part of it. The server reads both as one text, and scores the tokens that begin after the
        prompt (``echo`` with ``logprobs``).

        Raises:
            ModelError: as of ``draw``; or the server does not score prompts, or a token reaches
                across the end of the prompt.
        """
        if not text:
            return 0.0
        asked = {"prompt": prompt + text, "max_tokens": 1, "echo": True, "logprobs": 1}
        choice = self._choices({**asked, "temperature": 0})[0]
        told = choice.get("logprobs") or {}
        offsets, scores = told.get("text_offset"), told.get("token_logprobs")
        if not isinstance(offsets, list) or not isinstance(scores, list):
            raise self._odd("it scores no prompts (echo with logprobs)")
        if len(prompt) not in offsets:
            raise self._odd(
                f"no token begins where the text begins, at character {len(prompt)}: let the "
                "prompt end before a space or a line"
            )
        whole = len(prompt + text)
        inside = [
            score
            for offset, score in zip(offsets, scores, strict=True)
            if len(prompt) <= offset < whole
        ]
        if not inside or any(score is None for score in inside):
            raise self._odd("the first token has no score: give a prompt that is not empty")
        return math.fsum(inside)

    def _choices(self, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        answer = self._server.post("/completions", {"model": self.name, **asked})
        choices = answer.get("choices") if isinstance(answer, dict) else None
        if not isinstance(choices, list) or not all(isinstance(each, dict) for each in choices):
            raise self._odd("it has no choices")
        return choices

    def _odd(self, why: str) -> ModelError:
        return ModelError(f"the server at {self.url}, asked for {self.name}: {why}")


def _logprobs(choice: Mapping[str, Any]) -> list[float]:
    """The scores of a text's tokens; none where the server tells none."""
    told = choice.get("logprobs") or {}
    # Servers of chats may use the form of chats here, too.
    entries = told.get("content") or []
    scores = told.get("token_logprobs") or [entry.get("logprob") for entry in entries]
    return scores if all(isinstance(score, int | float) for score in scores) else []
