"""Constraints in ``model.generate`` of ``transformers``: on a model of six tokens, and SmolLM2."""

from __future__ import annotations

import json
import math
from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

import condit
from condit.errors import ArgumentError, BudgetError
from condit.integrations.transformers import ConditLogitsProcessor, generate
from condit.model.transformers import TransformersModel
from condit.sampler.law import BaseLaw
from condit.testing.laws import p_values_of_means
from condit.testing.worlds import World

LETTERS = condit.regex("(ab|ba|c)*")
FALSE_ALARM = 1e-6


def tokenizer() -> hf.PreTrainedTokenizerFast:
    """Six tokens of text, of which two spell the same text as two others, an end, and padding."""
    spelled = {"<end>": 0, "<pad>": 1, "a": 2, "b": 3, "c": 4, "ab": 5, "bc": 6}
    own = Tokenizer(models.BPE(spelled, [("a", "b"), ("b", "c")]))
    own.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    own.decoder = decoders.ByteLevel()
    own.add_special_tokens(["<end>", "<pad>"])
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=own, eos_token="<end>", pad_token="<pad>", padding_side="left"
    )


@cache
def module() -> Any:
    torch.manual_seed(3)
    config = hf.LlamaConfig(
        vocab_size=7,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=64,
        eos_token_id=0,
        bos_token_id=None,
        pad_token_id=1,
    )
    made = hf.AutoModelForCausalLM.from_config(config).float().eval()
    for parameter in made.parameters():
        parameter.data.mul_(6)  # so that tokens differ in probability, by what came before
    return made


def world(prompt: str, law: BaseLaw | None = None) -> World:
    # One token of the five is the end.
    model = TransformersModel(module(), tokenizer(), "small")
    return World(model, LETTERS, prompt, 4, law or BaseLaw())


def check_weights(truth: World, samples: tuple[condit.Sample, ...]) -> None:
    """Every text's mean weight is its mass; the sum of them all is ``Z``."""
    texts = sorted(truth.probabilities)
    means = np.array([*(truth.probabilities[tokens] for tokens in texts), truth.evidence])
    values = np.zeros((len(samples), len(means)))
    for row, sample in enumerate(samples):
        if sample.valid:
            values[row, texts.index(sample.tokens)] = math.exp(sample.log_weight)
    values[:, -1] = values.sum(axis=1)
    assert 0.01 < truth.evidence < 0.99
    assert len(texts) > 4
    assert p_values_of_means(values, means).min() * len(means) > FALSE_ALARM


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_weights_are_unbiased(temperature: float) -> None:
    torch.manual_seed(11)
    drawn = generate(
        module(), tokenizer(), "ab", LETTERS, n=3000, max_new_tokens=5, temperature=temperature
    )
    truth = world("ab", law=BaseLaw(temperature))
    assert all(sample.valid for sample in drawn.samples)
    check_weights(truth, drawn.samples)
    for sample in drawn.samples[:100]:
        assert sample.log_probability == pytest.approx(
            math.log(truth.probabilities[sample.tokens]), abs=1e-4
        )
    assert drawn.log_evidence == pytest.approx(math.log(truth.evidence), abs=0.1)


def test_the_check_would_notice_the_masked_law_without_weights() -> None:
    torch.manual_seed(11)
    drawn = generate(module(), tokenizer(), "ab", LETTERS, n=3000, max_new_tokens=5)
    truth = world("ab")
    counts = Counter(sample.tokens for sample in drawn.samples)
    masses = {tokens: mass / truth.evidence for tokens, mass in truth.probabilities.items()}
    gap = sum(abs(counts[tokens] / 3000 - mass) for tokens, mass in masses.items()) / 2
    weighed = Counter[tuple[int, ...]]()
    for sample in drawn.samples:
        weighed[sample.tokens] += math.exp(sample.log_weight)
    total = weighed.total()
    corrected = sum(abs(weighed[tokens] / total - mass) for tokens, mass in masses.items()) / 2
    assert gap > 0.1 > 0.06 > corrected


def test_prompts_of_different_lengths_share_a_call() -> None:
    torch.manual_seed(5)
    own = tokenizer()
    prompts = ["cab", "a", "bcb"]
    inputs = own(prompts, return_tensors="pt", padding=True)
    assert (inputs["attention_mask"] == 0).any()
    processor = ConditLogitsProcessor(module(), own, LETTERS, max_new_tokens=5)
    sequences = module().generate(
        inputs["input_ids"],
        attention_mask=inputs["attention_mask"],
        do_sample=True,
        num_return_sequences=1500,
        max_new_tokens=5,
        top_k=0,
        top_p=1.0,
        logits_processor=hf.LogitsProcessorList([processor]),
    )
    samples = processor.samples(sequences)
    evidences = []
    for place, prompt in enumerate(prompts):
        truth = world(prompt)
        check_weights(truth, samples[place * 1500 : (place + 1) * 1500])
        evidences.append(truth.evidence)
    assert max(evidences) > 1.2 * min(evidences)  # else mixing them up would go unnoticed


def test_the_models_own_settings_count_for_nothing() -> None:
    configured = module()
    before = configured.generation_config
    configured.generation_config = hf.GenerationConfig(
        do_sample=True,
        repetition_penalty=9.0,
        min_p=0.9,
        suppress_tokens=[2],
        eos_token_id=0,
        pad_token_id=1,
    )
    try:
        torch.manual_seed(11)
        drawn = generate(configured, tokenizer(), "ab", LETTERS, n=1500, max_new_tokens=5)
    finally:
        configured.generation_config = before
    check_weights(world("ab"), drawn.samples)


@pytest.mark.parametrize("beams", [1, 3])
def test_greedily_and_with_beams_texts_are_valid(beams: int) -> None:
    own = tokenizer()
    inputs = own(["cab", "a"], return_tensors="pt", padding=True)
    constraint = condit.regex("(ab){2,3}c")
    processor = ConditLogitsProcessor(module(), own, constraint, max_new_tokens=8)
    sequences = module().generate(
        **{name: inputs[name] for name in ("input_ids", "attention_mask")},
        do_sample=False,
        num_beams=beams,
        num_return_sequences=beams,
        max_new_tokens=8,
        logits_processor=hf.LogitsProcessorList([processor]),
    )
    samples = processor.samples(sequences)
    assert len(samples) == 2 * beams
    for sample in samples:
        assert sample.finish_reason == "stop"
        assert constraint.accepts(sample.text)


def test_rows_end_at_different_times() -> None:
    torch.manual_seed(2)
    drawn = generate(module(), tokenizer(), "a", condit.regex("c|(ab){3}"), n=40, max_new_tokens=8)
    assert {sample.text for sample in drawn.samples} == {"c", "ababab"}
    assert all(sample.valid for sample in drawn.samples)


def test_a_cut_text_and_one_without_mass_have_no_weight() -> None:
    own = tokenizer()
    processor = ConditLogitsProcessor(module(), own, condit.regex("a{3}"), max_new_tokens=8)
    prompt = own("c", return_tensors="pt")["input_ids"]
    scores = torch.zeros(1, 7)
    assert torch.isfinite(processor(prompt, scores)).nonzero()[:, 1].tolist() == [2]
    (cut,) = processor.samples(torch.tensor([[*prompt[0].tolist(), 2]]))
    assert (cut.finish_reason, cut.valid, cut.text) == ("length", False, "a")
    scores[0, 2] = -math.inf
    after = processor(torch.tensor([[*prompt[0].tolist(), 2]]), scores)
    assert torch.isfinite(after).nonzero()[:, 1].tolist() == [0]
    (stuck,) = processor.samples(torch.tensor([[*prompt[0].tolist(), 2, 0]]))
    assert (stuck.finish_reason, stuck.valid, stuck.log_weight) == ("dead_end", False, -math.inf)


def test_what_cannot_be_weighed_is_refused() -> None:
    for option in ("num_beams", "top_k", "min_p", "repetition_penalty", "assistant_model"):
        with pytest.raises(ArgumentError, match=f"{option} may change what is drawn"):
            generate(module(), tokenizer(), "a", LETTERS, **{option: 2})
    assert len(generate(module(), tokenizer(), "a", LETTERS, use_cache=False).samples) == 1
    with pytest.raises(ArgumentError, match="n must be 1 or more"):
        generate(module(), tokenizer(), "a", LETTERS, n=0)
    with pytest.raises(ArgumentError, match="temperature must be over 0"):
        generate(module(), tokenizer(), "a", LETTERS, temperature=0)
    with pytest.raises(ArgumentError, match="max_new_tokens must be 1 or more"):
        generate(module(), tokenizer(), "a", LETTERS, max_new_tokens=0)
    with pytest.raises(BudgetError):
        generate(module(), tokenizer(), "a", condit.regex("(abc){9}"), max_new_tokens=4)
    processor = ConditLogitsProcessor(module(), tokenizer(), LETTERS, max_new_tokens=8)
    processor(torch.tensor([[2]]), torch.zeros(1, 7))
    with pytest.raises(ArgumentError, match="was not shown before"):
        processor(torch.tensor([[2, 4, 4]]), torch.zeros(1, 7))


def test_smollm2_writes_json_with_the_weights_of_the_library(
    smollm2_in_32_bits: TransformersModel,
) -> None:
    schema = condit.json_schema({"enum": [True, False, 7]})
    model = smollm2_in_32_bits
    torch.manual_seed(0)
    drawn = generate(model.module, model.tokenizer, "Is 7 prime? ", schema, n=6, max_new_tokens=12)
    for sample in drawn.samples:
        assert json.loads(sample.text) == sample.value
    reference = condit.generate(
        model, "Is 7 prime? ", schema, n=12, seed=0, sampler="masked", heal=False, max_tokens=11
    )
    theirs = {sample.tokens: sample for sample in reference.samples}
    shared = [sample for sample in drawn.samples if sample.tokens in theirs]
    assert shared
    for sample in shared:
        same = theirs[sample.tokens]
        assert sample.log_weight == pytest.approx(same.log_weight, abs=2e-3)
        assert sample.log_probability == pytest.approx(same.log_probability, abs=2e-3)
