"""outlines 1.3.3 over transformers: one batch of equal prompts, one compiled index.

The index is compiled before the clock starts. The chat template is taken off the tokenizer, so
that its prompt is the same text as everyone's.
"""

from __future__ import annotations

import time
from typing import Any

import outlines
import torch
from lines import THREADS, serve, versions
from positions import Positions
from transformers import AutoModelForCausalLM, AutoTokenizer

torch.set_num_threads(THREADS)


class Outlines:
    def load(self, task: dict[str, Any]) -> dict[str, Any]:
        self.task = task
        tokenizer = AutoTokenizer.from_pretrained(task["directory"])
        tokenizer.chat_template = None
        model = AutoModelForCausalLM.from_pretrained(task["directory"], dtype=torch.bfloat16)
        model.eval()
        self.positions = Positions(model.get_input_embeddings())
        self._watch_lengths(model)
        wrapped = outlines.from_transformers(model, tokenizer)
        began = time.perf_counter()
        if "regex" in task["constraint"]:
            wanted = outlines.regex(task["constraint"]["regex"])
        else:
            wanted = outlines.json_schema(task["constraint"]["schema"])
        self.generator = outlines.Generator(wrapped, output_type=wanted)
        seconds = time.perf_counter() - began
        return {
            "versions": versions(["torch", "transformers", "outlines", "outlines_core"]),
            "setup_seconds": seconds,
        }

    def run(self, seed: int) -> dict[str, Any]:
        torch.manual_seed(seed)
        self.positions.reset()
        began = time.perf_counter()
        with torch.inference_mode():
            texts = self.generator.batch(
                [self.task["prompt"]] * self.task["lanes"],
                do_sample=True,
                temperature=1.0,
                top_k=0,
                top_p=1.0,
                max_new_tokens=self.task["tokens"],
            )
        seconds = time.perf_counter() - began
        return {
            "seconds": seconds,
            "tokens": self.tokens,
            "prompt_tokens": self.prompt_tokens,
            "texts": list(texts),
            **self.positions.report(),
        }

    def _watch_lengths(self, model: Any) -> None:
        """outlines returns texts only: count the tokens where transformers returns them."""
        generate = model.generate
        end = model.config.eos_token_id

        def watched(**arguments: Any) -> Any:
            ids = generate(**arguments)
            self.prompt_tokens = int(arguments["input_ids"].shape[1])
            drawn = ids[:, self.prompt_tokens :]
            self.tokens = int((drawn != end).sum())
            return ids

        model.generate = watched


contestant = Outlines()
serve({"load": contestant.load, "run": contestant.run})
