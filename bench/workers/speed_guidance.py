"""guidance over transformers, in the version that its own extra pins.

Given its best: no echo, no monitoring, no probabilities, so that forced tokens are forwarded
together; the prompt is put into its state as it is, so that prompt and forced beginning take one
forward instead of two. Its own JSON layout (one space after a comma or colon, no other white
space) stays: it forces more than a free layout would. ``max_tokens`` limits the tokens that it
samples; forced ones come on top.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import guidance
import numpy as np
import torch
from guidance.models._transformers import TransformersEngine
from positions import Positions
from speed_contestant import Contestant, Drawn, compete
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast


class Watched(TransformersEngine):
    """Its engine, which also says when the prompt was forwarded and how many tokens stand.

    It turns all logits of the prompt into numpy: that still belongs to the prompt.
    """

    positions: Positions
    stream = 0

    def get_logits(self, *arguments: Any, **named: Any) -> Any:
        logits = super().get_logits(*arguments, **named)
        self.positions.note_prompt()
        return logits

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        self.stream = 0
        responses = super().__call__(*arguments, **named)
        while True:
            try:
                response = next(responses)
            except StopIteration as end:
                return end.value
            taken_back = sum(bool(token.is_backtracked) for token in response.tokens)
            ended = sum(token.token_id == self.tokenizer.eos_token_id for token in response.tokens)
            self.stream += len(response.tokens) - max(taken_back, ended) - response.backtrack
            yield response


class Guidance(Contestant):
    packages = ("guidance", "llguidance")

    def load_model(self, directory: str, device: str) -> None:
        # The directory was written by a newer transformers: what this one would not find in it.
        read = {
            name: json.loads((Path(directory) / f"{name}.json").read_text())
            for name in ("config", "tokenizer_config")
        }
        config = AutoConfig.from_pretrained(directory)
        config.rope_theta = read["config"]["rope_parameters"]["rope_theta"]
        names = ("bos_token", "eos_token", "pad_token", "unk_token")
        self.tokenizer = PreTrainedTokenizerFast(
            tokenizer_file=str(Path(directory) / "tokenizer.json"),
            **{name: read["tokenizer_config"][name] for name in names},
        )
        model = AutoModelForCausalLM.from_pretrained(
            directory, config=config, torch_dtype=torch.bfloat16
        )
        model.eval().to(device)
        self.positions = Positions(model.get_input_embeddings())
        self.model = guidance.models.Transformers(
            model, self.tokenizer, echo=False, enable_monitoring=False
        )
        self.engine = self.model._interpreter.engine
        self.engine.__class__ = Watched
        self.engine.positions = self.positions

    def compiled(self, kind: str, source: str) -> Callable[..., Any]:
        if kind == "schema":
            make = partial(guidance.json, schema=json.loads(source))
        else:
            # Where the empty text is allowed too, it draws greedily at any temperature.
            make = partial(guidance.gen, regex="(?s:.+)" if kind == "text" else source)
        make()  # raises where it refuses the schema
        return make

    def prepare(self, ask: dict[str, Any]) -> None:
        super().prepare(ask)
        np.random.seed(ask["seed"])  # its draws come from there
        make = self.constraints[ask["case"]["name"]]
        self.grammar = make(
            name="text", max_tokens=ask["tokens"], temperature=float(ask["temperature"])
        )
        self.engine._past_key_values = None
        self.engine._cached_token_ids = []
        self.engine._cached_logits = None

    def draw(self, constraint: Callable[..., Any], ask: dict[str, Any]) -> Drawn:
        state = self.model.copy()
        state._interpreter.state.prompt = ask["prompt"]
        text = (state + self.grammar)["text"]
        respelled = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return Drawn([self.engine.stream], [text], {"tokens_respelled": len(respelled)})


compete(Guidance())
