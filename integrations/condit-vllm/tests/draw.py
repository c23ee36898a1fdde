"""Draws by vLLM for ``verify.py``: python draw.py MODEL_DIRECTORY PROMPT_TOKENS OUT.

Run by scripts/vllm, in the environment that has vLLM. What cannot be written down for later is
checked here.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import condit_vllm
from vllm import LLM, SamplingParams
from vllm.exceptions import VLLMValidationError

CITIES = {"choice": [" Paris", " London", " Rome", " Berlin"]}
DIGITS = {"regex": " ?[0-9]{1,2}"}
LETTERS = {"regex": "( [a-z]{2,5}){20}"}
PERSON = {
    "json": {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
}
DRAWS = 400


def main(directory: str, prompt: list[int], out: str) -> None:
    # Seeds of requests: vLLM 0.32 for CPUs does not take them where prompts come in pieces.
    # Prompts in pieces of 24 tokens, and so few blocks that texts are taken out of the batch again.
    llm = LLM(
        directory,
        dtype="float32",
        max_model_len=512,
        enforce_eager=True,
        block_size=32,
        num_gpu_blocks_override=32,
        max_num_seqs=32,
        max_num_batched_tokens=128,
        long_prefill_token_threshold=24,
        disable_log_stats=False,
        **condit_vllm.OPTIONS,
    )
    asked = [{"prompt_token_ids": prompt}]
    runs: list[dict[str, Any]] = []

    def run(name: str, constraint: Any, n: int, max_tokens: int, temperature: float = 1.0) -> Any:
        result = condit_vllm.generate(
            llm, asked, constraint, n=n, max_tokens=max_tokens, temperature=temperature
        )[0]
        runs.append(
            {
                "name": name,
                "constraint": constraint,
                "temperature": temperature,
                "max_tokens": max_tokens,
                "draws": [
                    [each.tokens, each.log_weight, each.log_probability, each.finish_reason]
                    for each in result.samples
                ],
            }
        )
        reasons = [each.finish_reason for each in result.samples]
        print(f"{name}: {n} draws, { ({r: reasons.count(r) for r in set(reasons)}) }", flush=True)
        return result

    run("cities", CITIES, DRAWS, 8)
    run("digits, temperature 0.7", DIGITS, DRAWS, 4, 0.7)
    run("long texts, taken out and in again", LETTERS, 24, 100)
    run("texts that are cut", {"regex": "[a-z ]+[.]"}, 64, 6)
    people = run("JSON", PERSON, 8, 60)
    greedy = run("JSON, greedily", PERSON, 1, 60, 0.0)
    for sample in (*people.samples, *greedy.samples):
        assert sample.finish_reason in ("stop", "length")
        assert sample.finish_reason == "length" or set(json.loads(sample.text)) == {"name", "age"}
    assert people.report.valid > 0
    assert greedy.report.valid == 1

    with open(out, "w") as file:
        json.dump({"prompt": prompt, "runs": runs}, file)

    # A request without a constraint is left alone, whatever is beside it.
    plain = SamplingParams(temperature=0, max_tokens=20)
    bound = SamplingParams(max_tokens=20, extra_args={"condit": DIGITS})
    alone = llm.generate(asked, plain, use_tqdm=False)[0].outputs[0].token_ids
    mixed = llm.generate(asked * 4, [bound, plain, bound, plain], use_tqdm=False)
    assert [mixed[1].outputs[0].token_ids, mixed[3].outputs[0].token_ids] == [alone, alone]

    # Several texts of one request have one key; where nothing is left to draw, the text ends.
    several = SamplingParams(n=3, max_tokens=9, extra_args={"condit": CITIES, "condit_key": "n"})
    drawn = llm.generate(asked, several, use_tqdm=False)[0].outputs
    kept = llm.collective_rpc("condit_weights", args=("n",))[0]["n"]
    assert len(kept) == len(drawn) == 3
    assert sorted(len(each["log_allowed"]) for each in kept) == sorted(
        len(each.token_ids) for each in drawn
    )
    stuck = SamplingParams(
        max_tokens=9, allowed_token_ids=[28], extra_args={"condit": CITIES, "condit_key": "dead"}
    )
    llm.generate(asked, stuck, use_tqdm=False)
    error = llm.collective_rpc("condit_weights", args=("dead",))[0]["dead"][0]["error"]
    print("a dead end:", error, flush=True)
    assert "nothing that the constraint allows" in error

    # What weights could not follow is refused when it is asked for.
    for bad in ({"top_p": 0.9}, {"stop": ["x"]}, {"extra_args": {"condit": {"regex": "("}}}):
        settings = {"extra_args": {"condit": DIGITS}, **bad}
        try:
            llm.generate(asked, SamplingParams(**settings), use_tqdm=False)
        except VLLMValidationError as refusal:
            print("refused:", str(refusal).splitlines()[0], flush=True)
        else:
            raise SystemExit(f"{bad} was not refused")
    taken_out = [m.value for m in llm.get_metrics() if m.name == "vllm:num_preemptions"]
    print("taken out of the batch, to come back:", sum(taken_out), "times", flush=True)
    assert sum(taken_out) > 0


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]), sys.argv[3])
