"""One draw under each schema with ``condit.generate``, and what came of it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jsonschema_rs
from lines import THREADS, serve, versions

import condit
from condit.errors import BudgetError, ConditError, GenerationError
from condit.model.ngram import NgramModel

NGRAM = "ngram"


class Generation:
    """A model, loaded once, and a draw from it for each schema."""

    def load(self, task: dict[str, Any]) -> dict[str, Any]:
        """The n-gram model is one over the tokenizer's own tokens, trained on the given texts."""
        self.task = task
        if task["model"] == NGRAM:
            spelled = json.loads(Path(task["spelled"]).read_text())
            tokens = [bytes.fromhex(text) for text in spelled]
            self.vocabulary = condit.Vocabulary(tokens, task["end"])
        else:
            import torch

            torch.set_num_threads(THREADS)
            self.model: Any = condit.load(task["model"])
        return {"versions": versions(["condit", "llguidance", "jsonschema-rs", "torch"])}

    def draw(self, ask: dict[str, Any]) -> dict[str, Any]:
        """Compile, draw one text, and judge it by a validator made here.

        ``outcome`` is ``valid``, ``invalid``, ``unfinished``, ``cannot fit`` (it was said before
        the first token that the budget is too small), ``refused`` or ``error``; ``reason`` is the
        error that was raised, if any.
        """
        answer: dict[str, Any] = {"outcome": "refused"}
        began = time.perf_counter()
        try:
            constraint = condit.json_schema(ask["source"])
            answer["compile_seconds"] = round(time.perf_counter() - began, 6)
            answer["outcome"] = "error"
            model, prompt = self._model(), self._prompt(ask["source"])
            began = time.perf_counter()
            result = condit.generate(
                model, prompt, constraint, n=1, max_tokens=ask["tokens"], seed=ask["seed"]
            )
        except BudgetError as error:
            unfinished = error.result is not None and any(
                sample.tokens for sample in error.result.samples
            )
            answer["outcome"] = "unfinished" if unfinished else "cannot fit"
            return answer | _broken(error, began)
        except (ConditError, GenerationError) as error:
            return answer | _broken(error, began)
        (sample,) = result.samples
        answer["seconds"] = round(time.perf_counter() - began, 4)
        answer["tokens"] = len(sample.tokens)
        answer["sampler"] = result.sampler
        answer["text"] = sample.text
        validator = jsonschema_rs.validator_for(
            json.loads(ask["source"]), validate_formats=True, offline=True
        )
        right = validator.is_valid(json.loads(sample.text))
        answer["outcome"] = "valid" if right else "invalid"
        return answer

    def _model(self) -> Any:
        if self.task["model"] != NGRAM:
            return self.model
        # Anew for each schema: it keeps a row of logits for every context it has seen.
        return NgramModel.train(
            self.task["texts"], vocabulary=self.vocabulary, order=3, smoothing=0.02
        )

    def _prompt(self, source: str) -> Any:
        if self.task["model"] == NGRAM:
            return ""
        question = (
            "Write a JSON document that satisfies this JSON Schema. "
            f"Answer with the document alone.\n\n{source}"
        )
        if len(self.model.encode(question)) > self.task["longest_prompt"]:
            question = "Write a JSON document. Answer with the document alone."
        return [{"role": "user", "content": question}]


def _broken(error: ConditError, began: float) -> dict[str, Any]:
    seconds = round(time.perf_counter() - began, 4)
    return {"reason": f"{type(error).__name__}: {error}"[:2000], "seconds": seconds}


generation = Generation()
serve({"load": generation.load, "draw": generation.draw})
