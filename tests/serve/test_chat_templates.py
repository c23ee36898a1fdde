"""Chat templates that take tools, and those that refuse what they are given."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from condit.serve.messages import chat, prompt_of
from condit.serve.openai.tools import tools_of

# Of the form of Qwen's: tools in the system's message, calls and answers between tags.
TAKES_TOOLS = """\
{%- if tools %}{{ '<|im_start|>system\\n' }}
{%- for tool in tools %}{{ tool | tojson }}{{ '\\n' }}{% endfor %}
{{- 'Calls: <tool_call>\\n{"name": ..., "arguments": ...}\\n</tool_call><|im_end|>\\n' }}{% endif %}
{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' + message.content }}
{%- for call in message.tool_calls or [] %}
{{- '<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' }}
{{- call.function.arguments | tojson }}{{ '}\\n</tool_call>' }}
{%- endfor %}{{ '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""
REFUSES = "{% if tools %}<tool_call>{% endif %}{{ raise_exception('roles must take turns') }}"

WEATHER = {
    "name": "weather",
    "description": "Das Wetter für morgen.",
    "parameters": {
        "type": "object",
        "properties": {"days": {"type": "integer", "minimum": 1, "maximum": 9}},
        "required": ["days"],
        "additionalProperties": False,
    },
}
TOOL = {"type": "function", "function": WEATHER}
ASKED = [{"role": "user", "content": "How is the weather?"}]
CALL = {"name": "weather", "arguments": '{"days": 3}'}
CALLED = [
    *ASKED,
    {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": CALL}]},
    {"role": "tool", "tool_call_id": "1", "content": "sunny"},
]


@pytest.fixture
def model(smollm2, monkeypatch):
    """SmolLM2 with a chat template that takes tools."""
    monkeypatch.setattr(smollm2.tokenizer, "chat_template", TAKES_TOOLS)
    return smollm2


def written(model, messages: list[Any], tools: list[Any], instruct: bool = False) -> str:
    prompt = prompt_of(chat(messages), tools_of(tools, "tools"), model, instruct)
    return model.tokenizer.decode(model.encode_prompt(prompt))


def test_the_template_is_given_the_tools_the_calls_and_the_answers(model):
    text = written(model, CALLED, [TOOL])
    assert json.dumps(TOOL, ensure_ascii=False) in text
    assert '<tool_call>\n{"name": "weather", "arguments": {"days": 3}}\n</tool_call>' in text
    assert "<|im_start|>tool\nsunny<|im_end|>" in text
    assert "You can call tools" not in text


def test_calls_are_written_by_the_template_without_tools_too(model):
    assert '"arguments": {"days": 3}}\n</tool_call>' in written(model, CALLED, [])


@pytest.mark.parametrize("instruct", [False, True])
def test_tools_that_the_template_does_not_know_are_told_in_words(model, instruct):
    tools = [TOOL] if instruct else [TOOL, {"type": "custom", "custom": {"name": "note"}}]
    text = written(model, CALLED, tools, instruct)
    assert "You can call tools" in text
    assert "<tool_response>\nsunny\n</tool_response>" in text


def test_a_template_of_another_form_of_calls_is_not_given_tools(smollm2, monkeypatch):
    other = TAKES_TOOLS.replace("<tool_call>", "[CALL]").replace("</tool_call>", "[/CALL]")
    monkeypatch.setattr(smollm2.tokenizer, "chat_template", other)
    text = written(smollm2, CALLED, [TOOL])
    assert "You can call tools" in text
    assert "[CALL]" not in text


def test_calls_are_drawn_after_such_a_prompt(model, served):
    body = {"messages": CALLED, "tools": [TOOL], "tool_choice": "required", "max_tokens": 60}
    body |= {"seed": 1, "parallel_tool_calls": False}
    url = f"{served.url}/v1/chat/completions"
    answer = httpx2.post(url, json=body, timeout=120).json()
    (call,) = answer["choices"][0]["message"]["tool_calls"]
    assert 1 <= json.loads(call["function"]["arguments"])["days"] <= 9
    assert answer["usage"]["prompt_tokens"] == len(
        model.encode_prompt(prompt_of(chat(CALLED), tools_of([TOOL], "tools"), model, False))
    )


@pytest.mark.parametrize("tools", [None, [TOOL]])
def test_what_a_template_refuses_is_the_request_s_fault(smollm2, served, monkeypatch, tools):
    monkeypatch.setattr(smollm2.tokenizer, "chat_template", REFUSES)
    body = {"messages": ASKED, "tools": tools, "max_tokens": 5}
    answer = httpx2.post(f"{served.url}/v1/chat/completions", json=body, timeout=60)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "messages"
    assert "roles must take turns" in answer.json()["error"]["message"]
