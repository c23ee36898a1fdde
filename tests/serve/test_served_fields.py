"""Fields of every protocol: what is refused and which field is said to be at fault.

Of a model that needs no time and knows no chat: all of this is found before a chat is written.
"""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

CHAT, COMPLETIONS, RESPONSES = "/v1/chat/completions", "/v1/completions", "/v1/responses"
ANTHROPIC, GENERATE, OLLAMA = "/v1/messages", "/api/generate", "/api/chat"

ASKED = [{"role": "user", "content": "Say hi."}]
BODIES: dict[str, dict[str, Any]] = {
    CHAT: {"messages": ASKED, "max_tokens": 4},
    COMPLETIONS: {"prompt": "the ", "max_tokens": 4},
    RESPONSES: {"input": "Say hi.", "max_output_tokens": 16},
    ANTHROPIC: {"messages": ASKED, "max_tokens": 4},
    GENERATE: {"prompt": "the ", "raw": True, "stream": False, "options": {"num_predict": 4}},
    OLLAMA: {"messages": ASKED, "stream": False},
}
NO_INTEGER = {"type": "integer", "minimum": 9, "maximum": 1}
TOOL = {"name": "w", "parameters": {"type": "object"}}
FUNCTION = {"type": "function", "function": TOOL}
USE = {"name": "w", "input_schema": {"type": "object"}}


def post(served, path: str, **more: Any) -> httpx2.Response:
    body = {"model": "ngram", **BODIES[path], **more}
    return httpx2.post(f"{served.url}{path}", json=body, timeout=60)


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (COMPLETIONS, {"n": 0}, "n"),
    (COMPLETIONS, {"n": 1.5}, "n"),
    (COMPLETIONS, {"max_tokens": 0}, "max_tokens"),
    (COMPLETIONS, {"prompt": None}, "prompt"),
    (COMPLETIONS, {"prompt": [[]]}, "prompt"),
    (COMPLETIONS, {"prompt": [10**9]}, "prompt"),
    (COMPLETIONS, {"logprobs": 21}, "logprobs"),
    (COMPLETIONS, {"stop": [None]}, "stop"),
    (COMPLETIONS, {"logit_bias": {"x": 1}}, "logit_bias"),
    (COMPLETIONS, {"logit_bias": {"99999999": 1}}, "logit_bias"),
    (COMPLETIONS, {"temperature": -1}, "temperature"),
    (COMPLETIONS, {"top_p": 0}, "top_p"),
    (COMPLETIONS, {"best_of": 3}, "best_of"),
    (COMPLETIONS, {"suffix": "x"}, "suffix"),
    (COMPLETIONS, {"min_tokens": 3}, "min_tokens"),
    (COMPLETIONS, {"ignore_eos": True}, "ignore_eos"),
    (COMPLETIONS, {"stream_options": {"include_usage": True}}, "stream_options"),
    (COMPLETIONS, {"structured_outputs": {"regx": "a"}}, "structured_outputs.regx"),
    (COMPLETIONS, {"structured_outputs": {}}, "structured_outputs"),
    (COMPLETIONS, {"structured_outputs": {"choice": []}}, "structured_outputs.choice"),
    (COMPLETIONS, {"json_schema": True, "grammar": 'root ::= "a"'}, "grammar"),
    (COMPLETIONS, {"guided_json": {}}, "guided_json"),
    (COMPLETIONS, {"response_format": {"type": "xml"}}, "response_format.type"),
    (COMPLETIONS, {"structured_outputs": {"regex": "ab"}, "stop": ["b"]}, "stop"),
    (CHAT, {"messages": [{"role": "bot", "content": "x"}]}, "messages[0].role"),
    (CHAT, {"messages": [{"role": "user"}]}, "messages[0].content"),
    (CHAT, {"messages": [{"role": "user", "content": [{"type": "x"}]}]}, "messages[0].content[0]"),
    (CHAT, {"max_completion_tokens": 0}, "max_completion_tokens"),
    (CHAT, {"top_logprobs": 2}, "top_logprobs"),
    (CHAT, {"function_call": "auto"}, "functions"),
    (CHAT, {"tools": [FUNCTION], "tool_choice": "any"}, "tool_choice"),
    (CHAT, {"text": {"format": {"type": "text"}}}, "text"),
    (CHAT, {"condit": {"foo": 1}}, "condit.foo"),
    (CHAT, {"condit": {"policy": {"total": -1}}}, "condit.policy.total"),
    (CHAT, {"condit": {"policy": {"total": 1}}}, "condit.policy"),
    (COMPLETIONS, {"condit": {"policy": {}}}, "condit.policy"),
    (RESPONSES, {"condit": {"policy": {"order": [["a"]]}}}, "condit.policy.order.0.1"),
    (OLLAMA, {"tools": [FUNCTION], "condit": {"policy": {"calls": {"x": 1}}}}, "condit.policy"),
    (CHAT, {"condit": {"constraint": {"regexp": "a"}}}, "condit.constraint.regexp"),
    (CHAT, {"condit": {"constraint": {"lark_file": "/x"}}}, "condit.constraint.lark_file"),
    (CHAT, {"condit": {"n_lanes": 2}, "n": 3}, "condit.n_lanes"),
    (
        CHAT,
        {
            "tools": [{"type": "function", "function": {**TOOL, "parameters": NO_INTEGER}}],
            "tool_choice": "required",
        },
        "tools[0].function.parameters.minimum",
    ),
    (RESPONSES, {"previous_response_id": "x"}, "previous_response_id"),
    (RESPONSES, {"background": True}, "background"),
    (RESPONSES, {"input": []}, "input"),
    (RESPONSES, {"input": [{"type": "file_search_call"}]}, "input[0].type"),
    (RESPONSES, {"input": [{"type": "function_call", "name": "f"}]}, "input[0].arguments"),
    (RESPONSES, {"max_output_tokens": 0}, "max_output_tokens"),
    (RESPONSES, {"text": {"format": {"type": "json_schema"}}}, "text.format.schema"),
    (RESPONSES, {"response_format": {"type": "json_object"}}, "response_format"),
    (RESPONSES, {"tools": [{"type": "web_search"}]}, "tools[0].type"),
    (RESPONSES, {"n": 2}, "n"),
    (ANTHROPIC, {"max_tokens": None}, "max_tokens"),
    (ANTHROPIC, {"system": [{"type": "image"}]}, "system[0]"),
    (ANTHROPIC, {"response_format": {"type": "json_object"}}, "response_format"),
    (ANTHROPIC, {"output_config": {"format": {"type": "x"}}}, "output_config.format.type"),
    (ANTHROPIC, {"tools": [USE, USE]}, "tools"),
    (ANTHROPIC, {"tools": [{"name": "x"}]}, "tools[0].input_schema"),
    (ANTHROPIC, {"tools": [{"name": "x", "type": "bash_20250124"}]}, "tools[0].type"),
    (ANTHROPIC, {"tools": [USE], "tool_choice": {"type": "x"}}, "tool_choice.type"),
    (GENERATE, {"format": "xml"}, "format"),
    (GENERATE, {"format": True}, "format"),
    (GENERATE, {"suffix": "x"}, "suffix"),
    (GENERATE, {"think": True}, "think"),
    (GENERATE, {"response_format": {"type": "json_object"}}, "response_format"),
    (GENERATE, {"structured_outputs": {"regex": "a"}}, "structured_outputs"),
    (GENERATE, {"options": {"num_predict": 1.5}}, "options.num_predict"),
    (GENERATE, {"options": {"stop": ""}}, "options.stop"),
    (GENERATE, {"options": {"min_p": 0.1}}, "options.min_p"),
    (GENERATE, {"options": {"repeat_penalty": 1.1}}, "options.repeat_penalty"),
    (OLLAMA, {"messages": [{"role": "x", "content": "x"}]}, "messages[0].role"),
    (
        OLLAMA,
        {"messages": [{"role": "user", "content": "x", "images": ["a"]}]},
        "messages[0].images",
    ),
]


@pytest.mark.parametrize(
    ("path", "more", "param"), REFUSED, ids=[f"{path} {param}" for path, _, param in REFUSED]
)
def test_the_field_at_fault_is_named(served_ngram, path, more, param):
    answer = post(served_ngram, path, **more)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    if isinstance(error, str):  # Ollama's errors have no fields
        assert error.startswith(param)
    else:
        assert error["param"] == param, error


def test_null_is_as_if_it_were_left_out(served_ngram):
    names = ["n", "temperature", "top_p", "stop", "stream", "logit_bias", "echo", "logprobs"]
    names += ["suffix", "best_of", "user", "stream_options", "frequency_penalty"]
    names += ["response_format", "structured_outputs"]
    given = post(served_ngram, COMPLETIONS, seed=1, **dict.fromkeys(names)).json()
    left_out = post(served_ngram, COMPLETIONS, seed=1).json()
    assert given["choices"] == left_out["choices"]
    names = ["format", "options", "system", "suffix", "images", "keep_alive", "think", "context"]
    assert post(served_ngram, GENERATE, **dict.fromkeys(names)).status_code == 200


def test_what_is_not_known_is_named_in_the_answer(served_ngram):
    answer = post(served_ngram, COMPLETIONS, foo=1, user="me").json()
    assert answer["condit"]["ignored"] == ["foo"]


def test_stop_strings_that_leave_no_text_are_named(served_ngram):
    answer = post(served_ngram, COMPLETIONS, structured_outputs={"regex": "ab"}, stop=["b"])
    assert "stop strings" in answer.json()["error"]["message"]
    chosen = {"structured_outputs": {"choice": ["ab", "cd"]}, "stop": ["b"]}
    assert post(served_ngram, COMPLETIONS, **chosen).json()["choices"][0]["text"] == "cd"


@pytest.mark.parametrize(
    ("asked", "right"),
    [
        ("/chat/completions", "/v1/chat/completions"),
        ("/v1/v1/messages", "/v1/messages"),
        ("/v1/api/chat", "/api/chat"),
        ("/v1/embeddings", "/docs"),
        ("/x", "/docs"),
    ],
)
def test_a_base_url_that_is_wrong_is_said_to_be(served_ngram, asked, right):
    answer = httpx2.post(f"{served_ngram.url}{asked}", json={})
    assert answer.status_code == 404
    assert f" {right}" in answer.text


def test_ollama_draws_at_temperature_1_from_all_tokens(served_ngram):
    def text(**options: Any) -> str:
        options = {"num_predict": 30, **options}
        answer = post(served_ngram, GENERATE, options=options).json()
        return str(answer["response"])

    usual = [text(seed=seed) for seed in range(8)]
    assert usual == [text(seed=seed, temperature=1, top_k=0, top_p=1) for seed in range(8)]
    assert usual != [text(seed=seed, temperature=0.8, top_k=40, top_p=0.9) for seed in range(8)]
