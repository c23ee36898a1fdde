"""Small models with tokenizers of their own, as users have them: made here, with random weights."""

from __future__ import annotations

import copy
from functools import cache

import torch
import transformers as hf
from small_models import SMALL
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from condit.model.transformers import TransformersModel

TEXTS = ["the cat sat on the mat", "yes or no", "0123456789", "a b c d"] * 4


@cache
def tokens() -> Tokenizer:
    """A byte-level tokenizer of 280 tokens, the end token first."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=280,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|end|>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def tokenizer() -> hf.PreTrainedTokenizerFast:
    """The same for transformers."""
    own = Tokenizer.from_str(tokens().to_str())
    return hf.PreTrainedTokenizerFast(tokenizer_object=own, eos_token="<|end|>")


def module(rows: int | None = None) -> torch.nn.Module:
    """A small Llama whose embeddings have so many rows; as many as there are tokens by default."""
    torch.manual_seed(0)
    size = tokens().get_vocab_size()
    config = hf.LlamaConfig(**SMALL | {"vocab_size": size, "eos_token_id": 0})
    made = hf.AutoModelForCausalLM.from_config(config).float().eval()
    if rows is not None and rows != size:
        narrow = copy.deepcopy(made)
        made = hf.AutoModelForCausalLM.from_config(
            hf.LlamaConfig(**SMALL | {"vocab_size": rows, "eos_token_id": 0})
        )
        made = made.float().eval()
        state = made.state_dict()
        for name, tensor in narrow.state_dict().items():
            # What pads the embeddings keeps its random numbers, so that it has mass.
            state[name][: len(tensor)] = tensor[: len(state[name])]
    return made


def model(rows: int | None = None) -> TransformersModel:
    """The model of ``module`` with its tokenizer."""
    return TransformersModel(module(rows), tokenizer(), "small")
