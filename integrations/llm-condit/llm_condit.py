"""Condit's models for the command ``llm``: answers satisfy the schema, and have weights.

The constraints, samplers and models are Condit's; here is only how ``llm`` asks for them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import llm
import numpy as np
from pydantic import Field

import condit
from condit.cli_constraint import constraint_of
from condit.errors import ConditError
from condit.plugins import registered


@llm.hookimpl
def register_models(register: Any) -> None:
    """Tell ``llm`` of each model that Condit knows by name, and of one that has none."""
    for name in sorted(registered("models")):
        register(ConditModel(name))
    register(ConditModel(None))


@cache
def loaded(source: str) -> Any:
    """The model, loaded once."""
    return condit.load(source)


class Options(llm.Options):
    """What ``-o`` takes."""

    model: str | None = Field(
        default=None, description="A directory, a .gguf file, or a name on the hub."
    )
    max_tokens: int = Field(
        default=512, ge=1, description="The most tokens of an answer, its end not counted."
    )
    temperature: float = Field(
        default=1.0, ge=0, description="Divides the logits; 0 takes the most probable token."
    )
    top_k: int | None = Field(default=None, ge=1, description="Keep only this many tokens.")
    top_p: float = Field(default=1.0, gt=0, le=1, description="Keep only this much mass.")
    seed: int | None = Field(default=None, ge=0, description="The same seed, the same answer.")
    sampler: str = Field(default="auto", description="See condit samplers.")
    lanes: int = Field(
        default=1, ge=1, description="How many texts are drawn; one of them is taken, by weight."
    )
    regex: str | None = Field(default=None, description="What the whole answer must match.")
    constraint: str | None = Field(
        default=None, description="A constraint, as condit generate --constraint takes it."
    )


class ConditModel(llm.Model):  # type: ignore[misc]
    """A model that Condit runs.

    Args:
        name: what Condit calls it; ``None``: the one that the option ``model`` names.
    """

    supports_schema = True
    Options = Options

    def __init__(self, name: str | None) -> None:
        self._name = name
        self.model_id = "condit" if name is None else f"condit-{name}"

    def execute(self, prompt: Any, stream: bool, response: Any, conversation: Any) -> Iterator[str]:
        """The answer, in one piece.

        Raises:
            llm.ModelError: it cannot be given; the message is Condit's.
        """
        try:
            yield self._answer(prompt, response)
        except ConditError as error:
            raise llm.ModelError(str(error)) from error

    def _answer(self, prompt: Any, response: Any) -> str:
        options = prompt.options
        source = options.model or self._name
        if source is None:
            raise llm.ModelError("which model? Give -o model with a directory, a file or a name")
        if options.model is not None and self._name is not None:
            raise llm.ModelError(f"{self.model_id} is a model already: give -o model to -m condit")
        model = loaded(source)
        result = condit.generate(
            model,
            _asked(model, prompt.messages),
            _constraint(prompt),
            n=options.lanes,
            max_tokens=options.max_tokens,
            temperature=options.temperature,
            top_k=options.top_k,
            top_p=options.top_p,
            seed=options.seed,
            sampler=options.sampler,
        )
        chosen = result.best if result.greedy else result.draw(np.random.default_rng(result.seed))
        evidence = result.log_evidence
        response.response_json = {
            "log_weight": chosen.log_weight,
            "log_evidence": None if math.isnan(evidence) else evidence,
            "seed": result.seed,
            "sampler": result.sampler,
            "finish_reason": chosen.finish_reason,
        }
        response.set_usage(
            input=len(model.encode_prompt(_asked(model, prompt.messages))),
            output=len(chosen.tokens),
        )
        return str(chosen.text)


def _constraint(prompt: Any) -> condit.Constraint | None:
    """What the answer must satisfy: all that was given."""
    options = prompt.options
    named = None if options.constraint is None else [options.constraint]
    wanted = constraint_of(None, options.regex, None, None, named, None)
    if prompt.schema is None:
        return wanted
    schema = condit.json_schema(prompt.schema)
    return schema if wanted is None else schema & wanted


def _asked(model: Any, messages: list[Any]) -> Any:
    """The prompt as Condit takes it: chat messages, or text for a model that knows no chat.

    Raises:
        llm.ModelError: a message is not text, or a model without chat is sent more than one.
    """
    told = []
    for message in messages:
        if message.role not in ("system", "user", "assistant"):
            raise llm.ModelError(f"messages of {message.role} are not supported")
        parts = [getattr(part, "text", None) for part in message.parts]
        if None in parts:
            raise llm.ModelError("only text can be sent to this model")
        told.append({"role": message.role, "content": "".join(map(str, parts))})
    try:
        model.encode_prompt(told)
    except ConditError as error:
        if len(told) == 1 and "chat template" in str(error):
            return told[0]["content"]
        raise
    return told
