"""Plain ``transformers.generate`` with its cache, alone or with a logits processor."""

from __future__ import annotations

from typing import Any

import torch
from speed_contestant import Contestant, Drawn
from transformers import AutoModelForCausalLM, AutoTokenizer, LogitsProcessorList


class Generate(Contestant):
    """Subclasses compile constraints and make a processor for each call."""

    def load_model(self, directory: str, device: str) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(directory)
        self.model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.bfloat16)
        self.model.eval().to(device)
        self.positions = self.count(self.model)
        ends = self.model.generation_config.eos_token_id or self.tokenizer.eos_token_id
        self.ends: list[int] = ends if isinstance(ends, list) else [ends]
        self.vocabulary_size: int = self.model.config.vocab_size

    def processor(self, constraint: Any, lanes: int) -> Any | None:
        """A fresh logits processor, or ``None`` to generate freely."""
        return None

    def draw(self, constraint: Any, ask: dict[str, Any]) -> Drawn:
        processor = self.processor(constraint, ask["lanes"])
        prompt = torch.tensor([ask["ids"]], device=self.model.device)
        sampling = how_to_sample(ask["temperature"])
        # Where nothing else ends a text, ends are suppressed for the full length.
        least = {} if processor else {"min_new_tokens": ask["tokens"]}
        with torch.inference_mode():
            sequences = self.model.generate(
                prompt,
                attention_mask=torch.ones_like(prompt),
                logits_processor=LogitsProcessorList([processor] if processor else []),
                num_return_sequences=ask["lanes"],
                max_new_tokens=ask["tokens"],
                pad_token_id=self.ends[0],
                **sampling,
                **least,
            )
        rows = [until_end(row, self.ends) for row in sequences[:, prompt.shape[1] :].tolist()]
        return Drawn([len(row) for row in rows], self.tokenizer.batch_decode(rows))


def how_to_sample(temperature: float) -> dict[str, Any]:
    """The arguments of ``generate`` for the model's whole law at a temperature, or greedily."""
    if temperature == 0:
        return {"do_sample": False}
    return {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}


def until_end(row: list[int], ends: list[int]) -> list[int]:
    """The tokens before the first end token."""
    for place, token in enumerate(row):
        if token in ends:
            return row[:place]
    return row
