"""How texts are drawn, as requests of all protocols say it, and the job that this makes.

Forms of answers are in `condit.serve.formats`; fields that there are not in
`condit.serve.other_fields`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from condit.model.base import Prompt
from condit.serve import other_fields
from condit.serve.formats import StructuredOutputs
from condit.serve.host import Host
from condit.serve.job import Job
from condit.serve.policies import ToolPolicy
from condit.serve.request_errors import invalid
from condit.serve.specification import Specification, all_of, named


class ConditOptions(BaseModel):
    """Condit's own: how to draw, and what to tell of it."""

    model_config = ConfigDict(extra="forbid")

    constraint: dict[str, Any] | None = Field(
        default=None,
        description='A constraint by name: {"regex": "[0-9]+"}, {"json_schema": {...}}, '
        '{"date": ""}; several must all hold.',
    )
    policy: ToolPolicy | None = Field(
        default=None, description="Rules about calls of tools, over all messages."
    )
    sampler: str | None = Field(
        default=None, description="auto, awrs, masked, smc, exact or another."
    )
    n_lanes: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="How many weighted texts to draw; n of them are answered."
    )
    prefer: dict[str, str] | None = Field(default=None, description="A preference by name.")
    instruct: bool = Field(default=False, description="Tell the model the format in the prompt.")
    heal: bool | None = Field(
        default=None, description="Write the last tokens of a text prompt again."
    )
    trace: bool = Field(default=False, description="Answer with a record of every step.")

    def preference(self) -> tuple[str, str] | None:
        """Name and argument of the preference."""
        if not self.prefer:
            return None
        if len(self.prefer) > 1:
            raise invalid("condit.prefer: give one preference, not more", "condit.prefer")
        ((name, argument),) = self.prefer.items()
        return name, argument


class SamplingOptions(BaseModel):
    """What every protocol has: how the next token is drawn, and where a text ends."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    prefix: ClassVar[str] = ""
    """What stands before the names of these fields in the request."""

    seed: int | None = None
    temperature: Annotated[float, Field(ge=0, le=100)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: int | None = Field(default=None, description="Keep only so many tokens; 0 or -1: all.")
    stop: str | list[str] | None = None
    logit_bias: dict[str, float] | None = None

    def stops(self) -> tuple[str, ...]:
        """The stop strings."""
        return texts_that_end(self.stop, f"{self.prefix}stop")

    def biases(self) -> dict[int, float]:
        """What is added to the logits of tokens."""
        biases = {}
        for token, added in (self.logit_bias or {}).items():
            if not token.isdecimal():
                raise invalid(f"logit_bias: {token!r} is no token id", "logit_bias")
            # OpenAI's -100 means that a token never comes.
            biases[int(token)] = -float("inf") if added <= -100 else added
        return biases

    def drawn(self, prompt: Prompt, specification: Specification | None, own: ConditOptions) -> Job:
        """A job with all that these fields and Condit's own say."""
        return Job(
            prompt=prompt,
            specification=specification,
            seed=self.seed,
            temperature=1.0 if self.temperature is None else self.temperature,
            top_k=self.top_k if self.top_k and self.top_k > 0 else None,
            top_p=1.0 if self.top_p is None else self.top_p,
            logit_bias=self.biases(),
            stop=self.stops(),
            sampler=own.sampler,
            n_lanes=own.n_lanes,
            prefer=own.preference(),
            instruct=own.instruct,
            heal=own.heal,
            trace=own.trace,
        )


def texts_that_end(given: str | list[str] | None, param: str) -> tuple[str, ...]:
    """Stop strings.

    Raises:
        RequestError: one is empty.
    """
    stops = (given,) if isinstance(given, str) else tuple(given or ())
    if any(not stop for stop in stops):
        raise invalid(f"{param}: an empty text would end every text", param)
    return stops


class Sampling(SamplingOptions):
    """A request of OpenAI's protocols, or of one like them."""

    says_format: ClassVar[str] = "response_format"
    """The protocol's own field for constraints."""

    model: str | None = None
    n: int | None = None
    stream: bool | None = None
    structured_outputs: StructuredOutputs | None = None
    json_schema: dict[str, Any] | bool | None = Field(default=None, description="llama.cpp's.")
    grammar: str | None = Field(default=None, description="llama.cpp's: a grammar in GBNF.")
    condit: ConditOptions | None = None

    def specification(self, more: Specification | None = None) -> Specification | None:
        """The constraint of all that says one.

        Args:
            more: of the protocol's own field.

        Raises:
            RequestError: several fields say a constraint; ``condit.constraint`` goes with all. Or
                one would matter that there is not.
        """
        other_fields.refuse(self.model_extra, self.says_format)
        found = [] if more is None else [more]
        if self.structured_outputs is not None:
            wanted = self.structured_outputs.specification()
            found += [] if wanted is None else [wanted]
        if self.json_schema is not None:
            found.append(Specification.of("json_schema", self.json_schema, "json_schema"))
        if self.grammar:
            found.append(Specification.of("grammar", self.grammar, "grammar"))
        if len(found) > 1:
            names = " and ".join(each.param for each in found)
            raise invalid(f"{names} each say what texts must be: give one", found[1].param)
        return all_of([*found, *named(None if self.condit is None else self.condit.constraint)])

    def ignored(self) -> list[str]:
        """Fields that nothing is known of."""
        return other_fields.unknown(self.model_extra)

    def one_text(self) -> None:
        """Raise `RequestError` if several texts are asked of a protocol that answers one."""
        if self.n not in (None, 1):
            raise invalid("n: the answer has one text; use condit: {n_lanes: ...}", "n")


def limited(
    job: Job, engine: Host, limits: Mapping[str, int | None], prompt_field: str = "messages"
) -> Job:
    """The job with the most tokens of a text.

    Args:
        job: with its prompt.
        engine: knows what is usual and fits.
        limits: the fields that may say it; the first that does so counts.
        prompt_field: what the request calls the prompt, for messages.

    Raises:
        RequestError: the prompt cannot be read.
    """
    given = [(name, value) for name, value in limits.items() if value is not None]
    field, wanted = given[0] if given else (next(iter(limits)), None)
    most = engine.limit(job.prompt, wanted, prompt_field)
    return replace(job, max_tokens=most, limit_field=field, prompt_field=prompt_field)
