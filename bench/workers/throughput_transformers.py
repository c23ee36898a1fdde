"""The ceiling: plain ``transformers.generate`` with its cache, one batch, no constraint."""

from __future__ import annotations

import time
from typing import Any

import torch
from lines import THREADS, serve, versions
from positions import Positions
from transformers import AutoModelForCausalLM, AutoTokenizer

torch.set_num_threads(THREADS)


class Plain:
    def load(self, task: dict[str, Any]) -> dict[str, Any]:
        self.task = task
        self.tokenizer = AutoTokenizer.from_pretrained(task["directory"])
        self.model = AutoModelForCausalLM.from_pretrained(task["directory"], dtype=torch.bfloat16)
        self.model.eval()
        self.positions = Positions(self.model.get_input_embeddings())
        return {"versions": versions(["torch", "transformers"]), "setup_seconds": None}

    def run(self, seed: int) -> dict[str, Any]:
        torch.manual_seed(seed)
        self.positions.reset()
        began = time.perf_counter()
        prompt = self.tokenizer(self.task["prompt"], return_tensors="pt")
        length = self.task["tokens"]
        with torch.inference_mode():
            drawn = self.model.generate(
                **prompt,
                do_sample=True,
                temperature=1.0,
                top_k=0,
                top_p=1.0,
                num_return_sequences=self.task["lanes"],
                min_new_tokens=length,
                max_new_tokens=length,
                pad_token_id=self.tokenizer.eos_token_id,
            )
        drawn = drawn[:, prompt["input_ids"].shape[1] :]
        texts = self.tokenizer.batch_decode(drawn)
        seconds = time.perf_counter() - began
        return {
            "seconds": seconds,
            "tokens": int(drawn.numel()),
            "prompt_tokens": int(prompt["input_ids"].shape[1]),
            "texts": texts,
            **self.positions.report(),
        }


contestant = Plain()
serve({"load": contestant.load, "run": contestant.run})
