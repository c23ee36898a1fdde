"""Token bytes of the tokenizer families, on tokenizers trained here and on the embedded model."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    trainers,
)

from condit.errors import VocabularyError
from condit.model.token_bytes import byte_of_character, token_bytes, without_prefix
from condit.model.transformers import TransformersModel

CORPUS = ["the cat sat on the mat", "naïve café — 日本語 🙂", "def f(x):\n\treturn x * 2\n"] * 4
TEXTS = [
    *CORPUS,
    "",
    " ",
    "  two  spaces ",
    "\x00\x7f\u0080",
    "Ωmega 👩‍👩‍👧",
    "tab\tnew\nline\r\n",
    "▁",
]


def byte_level() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|end|>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_tokens([AddedToken("<tool call>", special=False)])
    return tokenizer


def sentencepiece() -> Tokenizer:
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{value:02X}>" for value in range(256))]
    pieces += ["▁", "a", "c", "e", "h", "m", "n", "o", "s", "t", "é", "日", "▁t", "he", "▁the"]
    vocabulary = {piece: token for token, piece in enumerate(pieces)}
    merges = [("▁", "t"), ("h", "e"), ("▁t", "he")]
    model = models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    return tokenizer


def description(tokenizer: Tokenizer) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(tokenizer.to_str())
    return content


@pytest.mark.parametrize("make", [byte_level, sentencepiece])
@pytest.mark.parametrize("text", TEXTS)
def test_token_bytes_spell_the_text(make: Any, text: str) -> None:
    tokenizer = make()
    spelled, special = token_bytes(description(tokenizer), tokenizer.get_vocab_size())
    tokens = tokenizer.encode(text, add_special_tokens=False).ids
    assert not special & set(tokens)
    if make is sentencepiece and "▁" in text:
        text = text.replace("▁", " ")  # the tokenizer itself cannot tell them apart
    assert b"".join(spelled[token] for token in tokens) == text.encode()


@pytest.mark.parametrize("text", ["the cat", " the", "a\n"])
@pytest.mark.parametrize(
    "prefix",
    [
        {"normalizer": {"type": "Prepend", "prepend": "▁"}},
        {
            "normalizer": {
                "type": "Sequence",
                "normalizers": [
                    {"type": "Prepend", "prepend": "▁"},
                    {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
                ],
            }
        },
        {
            "normalizer": None,
            "pre_tokenizer": {
                "type": "Metaspace",
                "replacement": "▁",
                "prepend_scheme": "first",
                "split": False,
            },
        },
    ],
    ids=["prepend", "sequence", "metaspace"],
)
def test_the_space_before_a_prompt_is_not_part_of_a_text(prefix: dict[str, Any], text: str) -> None:
    content = {**description(sentencepiece()), **prefix}
    spelled, _ = token_bytes(content, len(content["model"]["vocab"]))

    def spell(content: dict[str, Any]) -> bytes:
        tokens = Tokenizer.from_str(json.dumps(content)).encode(text, add_special_tokens=False).ids
        return b"".join(spelled[token] for token in tokens)

    assert spell(content) == b" " + text.encode() or text.startswith(" ")
    assert spell(without_prefix(content)) == text.encode()


def test_special_tokens_are_not_text_but_other_added_tokens_are() -> None:
    tokenizer = byte_level()
    spelled, special = token_bytes(description(tokenizer), tokenizer.get_vocab_size())
    end = tokenizer.token_to_id("<|end|>")
    assert special == {end}
    assert spelled[end] == b""
    assert spelled[tokenizer.token_to_id("<tool call>")] == b"<tool call>"


def test_ids_that_the_tokenizer_does_not_name_are_not_text() -> None:
    tokenizer = byte_level()
    size = tokenizer.get_vocab_size()
    spelled, _ = token_bytes(description(tokenizer), size + 64)
    assert spelled[size:] == [b""] * 64


def test_fewer_scores_than_tokens_are_cut() -> None:
    spelled, _ = token_bytes(description(byte_level()), 10)
    assert len(spelled) == 10


def test_a_unigram_vocabulary_is_a_list() -> None:
    content = {
        "model": {"type": "Unigram", "vocab": [["<unk>", 0.0], ["▁hi", -1.0], ["<0x0A>", -2.0]]},
        "decoder": {"type": "Metaspace", "replacement": "▁"},
        "added_tokens": [{"id": 0, "content": "<unk>", "special": True}],
    }
    assert token_bytes(content, 3)[0] == [b"", b" hi", b"\n"]


def test_every_byte_has_its_own_character() -> None:
    assert sorted(byte_of_character().values()) == list(range(256))


@pytest.mark.parametrize("decoder", [None, {"type": "WordPiece", "prefix": "##"}])
def test_other_decoders_are_refused(decoder: Any) -> None:
    with pytest.raises(VocabularyError, match="byte-level BPE and SentencePiece"):
        token_bytes({"model": {"vocab": {}}, "decoder": decoder}, 4)


@pytest.mark.model
@pytest.mark.parametrize("text", TEXTS)
def test_the_embedded_model_spells_and_decodes(smollm2: TransformersModel, text: str) -> None:
    tokens = smollm2.encode(text)
    assert smollm2.vocabulary.spell(tokens) == text.encode()
    assert smollm2.decode(tokens) == text


@pytest.mark.model
def test_special_tokens_of_the_embedded_model_are_never_text(smollm2: TransformersModel) -> None:
    name = "<|im_start|>"
    special = smollm2.tokenizer.convert_tokens_to_ids(name)
    assert smollm2.vocabulary.bytes[special] == b""
    assert special not in smollm2.encode(name)
    assert smollm2.vocabulary.spell(smollm2.encode(name)) == name.encode()
    assert smollm2.vocabulary.ends == {0, 2}
    assert special in smollm2.encode_prompt(f"{name}user\nHi")
