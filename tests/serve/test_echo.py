"""Probabilities of a prompt that is echoed, as evaluation harnesses read them."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("most", [1, 2])
def test_where_a_text_ends_there_is_an_entry_too(served, smollm2, most):
    prompt = smollm2.encode("Two and two make four.")
    asked = {"model": "smollm2", "prompt": prompt, "echo": True, "logprobs": 1, "temperature": 0}
    choice = served.client().completions.create(**asked, max_tokens=most).choices[0]
    told = choice.logprobs
    # The model ends here: what is left without the last entry is the prompt, and nothing less.
    assert choice.finish_reason == "stop"
    assert len(told.token_logprobs) == len(told.tokens) == len(prompt) + 1
    assert "".join(told.tokens[:-1]) == "Two and two make four."
    assert told.token_logprobs[-1] == max(told.top_logprobs[-1].values())
