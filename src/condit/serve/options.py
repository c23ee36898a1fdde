"""What requests of several protocols may say: fields with one meaning, and those of others.

Fields that would change the texts, and that Condit does not have, are refused. What is not known at
all is named in the answer (``condit.ignored``).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from condit.model.base import Prompt
from condit.serve.job import Job
from condit.serve.request_errors import invalid
from condit.serve.specification import ANY_JSON_OBJECT, Specification, all_of, named
from condit.serve.structural_tags import structural_tag


class ConditOptions(BaseModel):
    """Condit's own: how to draw, and what to tell of it."""

    model_config = ConfigDict(extra="forbid")

    constraint: dict[str, Any] | None = Field(
        default=None,
        description='A constraint by name: {"regex": "[0-9]+"}, {"json_schema": {...}}, '
        '{"date": ""}; several must all hold.',
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


class StructuredOutputs(BaseModel):
    """vLLM's: what a text must satisfy; one of these."""

    model_config = ConfigDict(extra="forbid")

    json_: Any = Field(default=None, alias="json", description="A JSON Schema.")
    regex: str | None = None
    choice: list[str] | None = None
    grammar: str | None = Field(default=None, description="In Lark or GBNF notation.")
    json_object: bool | None = None
    structural_tag: Any = None

    def specification(self) -> Specification | None:
        """The constraint."""
        where = "structured_outputs"
        given = {
            "json": self.json_,
            "regex": self.regex,
            "choice": self.choice,
            "grammar": self.grammar,
            "json_object": self.json_object or None,
            "structural_tag": self.structural_tag,
        }
        said = {name: value for name, value in given.items() if value is not None}
        if not said:
            return None
        if len(said) > 1:
            raise invalid(f"{where}: give one of {', '.join(said)}, not several", where)
        ((name, value),) = said.items()
        param = f"{where}.{name}"
        if name == "structural_tag":
            return structural_tag(value, param)
        if name == "json_object":
            return Specification.of("json_schema", ANY_JSON_OBJECT, param)
        return Specification.of("json_schema" if name == "json" else name, value, param)


class Sampling(BaseModel):
    """How texts are drawn, as OpenAI's protocols and those like them say it."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    model: str | None = None
    n: int | None = None
    seed: int | None = None
    temperature: Annotated[float, Field(ge=0, le=100)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: int | None = Field(default=None, description="Keep only so many tokens; 0 or -1: all.")
    max_tokens: int | None = None
    stop: str | list[str] | None = None
    stream: bool | None = None
    logit_bias: dict[str, float] | None = None
    structured_outputs: StructuredOutputs | None = None
    json_schema: dict[str, Any] | bool | None = Field(default=None, description="llama.cpp's.")
    grammar: str | None = Field(default=None, description="llama.cpp's: a grammar in GBNF.")
    condit: ConditOptions | None = None

    @property
    def own(self) -> ConditOptions:
        """Condit's own options."""
        return self.condit or ConditOptions()

    def stops(self) -> tuple[str, ...]:
        """The stop strings."""
        stops = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        if any(not stop for stop in stops):
            raise invalid("stop: an empty text would end every text", "stop")
        return stops

    def biases(self) -> dict[int, float]:
        """What is added to the logits of tokens."""
        biases = {}
        for token, added in (self.logit_bias or {}).items():
            if not token.isdecimal():
                raise invalid(f"logit_bias: {token!r} is no token id", "logit_bias")
            # OpenAI's -100 means that a token never comes.
            biases[int(token)] = -float("inf") if added <= -100 else added
        return biases

    def specification(self, more: Specification | None = None) -> Specification | None:
        """The constraint of all that says one.

        Args:
            more: of the protocol's own field.

        Raises:
            RequestError: several fields say a constraint; ``condit.constraint`` goes with all.
        """
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
        return all_of([*found, *named(self.own.constraint)])

    def drawn(self, prompt: Prompt, specification: Specification | None) -> Job:
        """A job with all that these fields say; limits and probabilities are each protocol's."""
        own = self.own
        return Job(
            prompt=prompt,
            specification=specification,
            n=1 if self.n is None else self.n,
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
            stream=bool(self.stream),
            trace=own.trace,
        )

    def ignored(self) -> list[str]:
        """Fields that nothing is known of."""
        return sorted(set(self.model_extra or {}) - KNOWN)

    def refuse_unsupported(self) -> None:
        """Raise `RequestError` for a field that would change texts in a way that there is not."""
        for name, value in (self.model_extra or {}).items():
            usual = UNSUPPORTED.get(name, value)
            if value not in (None, usual):
                raise invalid(
                    f"{name} is not supported: leave it out"
                    + (f"; {_INSTEAD[name]}" if name in _INSTEAD else ""),
                    name,
                    "unsupported_parameter",
                )


UNSUPPORTED: dict[str, Any] = {
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "repetition_penalty": 1,
    "repeat_penalty": 1,
    "min_p": 0,
    "typical_p": 1,
    "best_of": 1,
    "suffix": "",
    "audio": None,
    "web_search_options": None,
    "guided_json": None,
    "guided_regex": None,
    "guided_choice": None,
    "guided_grammar": None,
    "modalities": ["text"],
    "bad_words": [],
    "allowed_token_ids": None,
    "min_tokens": 0,
    "ignore_eos": False,
}
"""Fields that change what is drawn, with the value that changes nothing."""

_INSTEAD = {
    "guided_json": "use structured_outputs: {json: ...}",
    "guided_regex": "use structured_outputs: {regex: ...}",
    "guided_choice": "use structured_outputs: {choice: ...}",
    "guided_grammar": "use structured_outputs: {grammar: ...}",
    "best_of": "use n, or condit: {n_lanes: ...}",
}

KNOWN = {
    "user",
    "store",
    "metadata",
    "service_tier",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prediction",
    "reasoning_effort",
    "reasoning",
    "truncation",
    "stream_options",
    "verbosity",
    *UNSUPPORTED,
}
"""Fields of clients that have no bearing on what is drawn here."""


class JsonSchemaFormat(BaseModel):
    """What stands in ``json_schema`` of a ``response_format``."""

    model_config = ConfigDict(extra="allow")

    name: str | None = None
    description: str | None = None
    schema_: dict[str, Any] | bool | None = Field(default=None, alias="schema")
    strict: bool | None = None


class ResponseFormat(BaseModel):
    """``response_format`` as OpenAI and as llama.cpp write it; others may be grammars and tags."""

    model_config = ConfigDict(extra="allow")

    type: Literal["text", "json_object", "json_schema", "grammar", "regex", "structural_tag"]
    json_schema: JsonSchemaFormat | None = None
    schema_: dict[str, Any] | bool | None = Field(default=None, alias="schema")
    grammar: str | None = None
    pattern: str | None = None

    def specification(self, param: str = "response_format") -> Specification | None:
        """The constraint; enforced whether or not it is said to be strict."""
        if self.type == "text":
            return None
        if self.type == "structural_tag":
            return structural_tag({"type": self.type, **(self.model_extra or {})}, param)
        if self.type == "grammar":
            if self.grammar is None:
                raise invalid(f"{param}.grammar is missing", f"{param}.grammar")
            return Specification.of("grammar", self.grammar, f"{param}.grammar")
        if self.type == "regex":
            if self.pattern is None:
                raise invalid(f"{param}.pattern is missing", f"{param}.pattern")
            return Specification.of("regex", self.pattern, f"{param}.pattern")
        nested = self.json_schema.schema_ if self.json_schema is not None else None
        schema = nested if nested is not None else self.schema_
        if schema is not None:
            where = f"{param}.json_schema.schema" if nested is not None else f"{param}.schema"
            return Specification.of("json_schema", schema, where)
        if self.type == "json_schema":
            raise invalid(f"{param}.json_schema.schema is missing", f"{param}.json_schema.schema")
        return Specification.of("json_schema", ANY_JSON_OBJECT, param)
