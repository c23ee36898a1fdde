"""outlines over transformers, with its default backend; the prompt is taken as it comes."""

from __future__ import annotations

from typing import Any

import outlines
import torch
from speed_contestant import Contestant, Drawn, compete
from speed_generate import how_to_sample, until_end
from transformers import AutoModelForCausalLM, AutoTokenizer


class Outlines(Contestant):
    packages = ("outlines", "outlines_core")

    def load_model(self, directory: str, device: str) -> None:
        tokenizer = AutoTokenizer.from_pretrained(directory)
        tokenizer.chat_template = None  # the driver has applied it
        model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.bfloat16)
        model.eval().to(device)
        self.positions = self.count(model)
        self._watch_sequences(model)
        self.model = outlines.from_transformers(model, tokenizer)

    def compiled(self, kind: str, source: str) -> Any:
        if kind == "schema":
            wanted = outlines.json_schema(source)
        else:
            wanted = outlines.regex("(?s:.*)" if kind == "text" else source)
        return outlines.Generator(self.model, output_type=wanted)

    def draw(self, constraint: Any, ask: dict[str, Any]) -> Drawn:
        sampling = {**how_to_sample(ask["temperature"]), "max_new_tokens": ask["tokens"]}
        with torch.inference_mode():
            if ask["lanes"] == 1:
                texts = [constraint(ask["prompt"], **sampling)]
            else:
                texts = constraint.batch([ask["prompt"]] * ask["lanes"], **sampling)
        return Drawn(self.lengths, texts)

    def _watch_sequences(self, model: Any) -> None:
        """outlines returns texts only: count the tokens where transformers returns them."""
        generate = model.generate
        ends = model.generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]

        def watched(**arguments: Any) -> Any:
            sequences = generate(**arguments)
            rows = sequences[:, arguments["input_ids"].shape[1] :].tolist()
            self.lengths = [len(until_end(row, ends)) for row in rows]
            return sequences

        model.generate = watched


compete(Outlines())
