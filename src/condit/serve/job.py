"""What a request asks for, whatever its protocol, and what it gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from condit.model.base import Model, Prompt
from condit.result import Result, Sample
from condit.serve.scoring import Scored
from condit.serve.specification import Specification


@dataclass(frozen=True)
class Job:
    """A request for texts.

    Attributes:
        prompt: text, chat messages as the model's template takes them, or token ids.
        specification: what every text must satisfy; ``None``: nothing.
        n: how many texts are answered.
        max_tokens: the most tokens of each.
        seed: of the draws; ``None``: a fresh one.
        temperature: as in ``condit.generate``, like the next four.
        top_k: see there.
        top_p: see there.
        logit_bias: see there.
        stop: see there.
        sampler: its name; ``None``: what the server is set to.
        n_lanes: how many texts are drawn, of which ``n`` are answered, drawn by weight; ``None``:
            as many as are answered.
        prefer: name and argument of a preference; ``None``: none.
        instruct: whether the format of the constraint goes into the prompt.
        heal: as in ``condit.generate``.
        stream: whether texts are sent as they grow.
        logprobs: how many alternatives are told at each token; ``None``: no probabilities.
        echo: whether the prompt's own probabilities are told.
        trace: whether the trace goes with the answer.
        trace_grows: whether its lines are told as the run grows (`TraceLines`), with what could
            have come in the place of draws.
        prompt_field: what the request calls the prompt, for messages.
        limit_field: what it calls ``max_tokens``.
    """

    prompt: Prompt
    specification: Specification | None = None
    n: int = 1
    max_tokens: int = 256
    seed: int | None = None
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    stop: tuple[str, ...] = ()
    sampler: str | None = None
    n_lanes: int | None = None
    prefer: tuple[str, str] | None = None
    instruct: bool = False
    heal: bool | None = None
    stream: bool = False
    logprobs: int | None = None
    echo: bool = False
    trace: bool = False
    trace_grows: bool = False
    prompt_field: str = "messages"
    limit_field: str = "max_tokens"

    @property
    def lanes(self) -> int:
        """How many texts are drawn."""
        return self.n if self.n_lanes is None else self.n_lanes


@dataclass(frozen=True)
class Delta:
    """A piece of text that will not change; with ``echo`` the first of each choice is the prompt.

    Attributes:
        index: of the choice.
        text: what is new.
        tokens: the tokens that are new; they may run ahead of the text.
        scored: the model's probabilities of these tokens, if they were asked for.
    """

    index: int
    text: str
    tokens: tuple[int, ...] = ()
    scored: Scored = ()


@dataclass(frozen=True)
class Done:
    """The end of a job.

    Attributes:
        choices: as many samples as were asked for.
        result: all that was drawn.
        scored: of each choice the model's probabilities, if they were asked for.
        scored_prompt: those of the prompt, if ``echo`` asks for them.
        prompt_tokens: the prompt as token ids.
    """

    choices: tuple[Sample, ...]
    result: Result
    scored: tuple[Scored, ...] = ()
    scored_prompt: Scored | None = None
    prompt_tokens: tuple[int, ...] = ()


@dataclass(frozen=True)
class TraceLines:
    """What is new in the trace file of a job.

    Attributes:
        data: whole lines, in UTF-8.
    """

    data: bytes


Event = Delta | Done
Told = Event | TraceLines


def echo_of(prompt: Prompt, model: Model) -> str:
    """A prompt that is text or token ids, as text."""
    return prompt if isinstance(prompt, str) else model.decode(model.encode_prompt(prompt))
