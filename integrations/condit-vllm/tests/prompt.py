"""Prints where SmolLM2 is, as a directory, and the tokens of a prompt: for scripts/vllm."""

import json

from condit.model.smollm2 import directory, load

TEXT = (
    "A list of facts for children, to be learned by heart and said aloud. Rome is a city of Italy. "
    "The sun is a star. Seven days make a week. Ice is cold and fire is hot. London is a city of "
    "England. The capital city of France, where the river Seine flows, is"
)

print(directory())
print(json.dumps(load().encode_prompt(TEXT)))
