"""EleutherAI's evaluation harness: ``local-completions`` with token ids, echo and probabilities."""

from __future__ import annotations

import json
import os
import tempfile
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
URL = f"{os.environ['CONDIT_URL']}/v1/completions"
# What it reads is here, and its cache goes with it.
CACHE = tempfile.TemporaryDirectory()
os.environ["HF_HOME"] = CACHE.name

import lm_eval  # noqa: E402
import yaml  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

TOKENIZER = AutoTokenizer.from_pretrained(os.environ["CONDIT_TOKENIZER"])
BY_IDS = {"tokenizer_backend": "huggingface", "tokenizer": os.environ["CONDIT_TOKENIZER"]}
ITEMS = [json.loads(line) for line in (HERE / "items.jsonl").read_text().splitlines()]


def evaluated(task: dict, **arguments: object) -> dict:
    told = {"base_url": URL, "model": "smollm2", "max_retries": 1, **arguments}
    return lm_eval.simple_evaluate(
        model="local-completions", model_args=told, tasks=[task], bootstrap_iters=0
    )


def log_probability(text: str, ending: str) -> float:
    """Of the ending, asked for without the harness."""
    before, whole = (TOKENIZER.encode(each) for each in (text, text + ending))
    body = {"model": "smollm2", "prompt": whole, "echo": True, "logprobs": 1, "max_tokens": 2}
    request = urllib.request.Request(
        URL, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        (choice,) = json.load(answer)["choices"]
    return sum(choice["logprobs"]["token_logprobs"][len(before) : len(whole)])


def scored() -> None:
    task = yaml.safe_load((HERE / "endings.yaml").read_text())
    task["dataset_kwargs"]["data_files"]["test"] = str(HERE / "items.jsonl")
    for more in ({}, {"batch_size": 3}, {"num_concurrent": 2}):
        found = evaluated(task, **BY_IDS, **more)
        samples = found["samples"]["endings"]
        assert len(samples) == len(ITEMS)
        for item, sample in zip(
            ITEMS, sorted(samples, key=lambda each: each["doc_id"]), strict=True
        ):
            for ending, told in zip(item["choices"], sample["filtered_resps"], strict=True):
                assert abs(told[0] - log_probability(item["text"], ending)) < 1e-2, (ending, told)
        assert found["results"]["endings"]["acc,none"] >= 0.8


def written() -> None:
    task = {
        "task": "written",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(HERE / "items.jsonl")}},
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": "{{text}}",
        "doc_to_target": "{{choices[answer]}}",
        "generation_kwargs": {"until": ["\n", "."], "max_gen_toks": 8, "do_sample": False},
        "metric_list": [{"metric": "exact_match"}],
    }
    for more in (BY_IDS, {"tokenizer_backend": None, "tokenized_requests": False}):
        samples = evaluated(task, **more)["samples"]["written"]
        assert len(samples) == len(ITEMS)
        assert all("." not in sample["filtered_resps"][0] for sample in samples)


for check in (scored, written):
    check()
