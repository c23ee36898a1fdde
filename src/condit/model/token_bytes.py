"""From a tokenizer's own description (``tokenizer.json``) to the bytes of each of its tokens.

Two families cover nearly all language models: byte-level BPE, whose token strings spell each byte
as one printable character, and SentencePiece with byte fallback, whose token strings are text with
``▁`` for the space and ``<0x0A>`` for single bytes. Other decoders are refused, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from condit.errors import VocabularyError

_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def byte_of_character() -> dict[str, int]:
    """The printable character that byte-level BPE writes for each byte, inverted (GPT-2)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [value for value in range(256) if value not in printable]
    table = {chr(value): value for value in printable}
    table |= {chr(256 + rank): value for rank, value in enumerate(others)}
    return table


def token_bytes(description: Mapping[str, Any], size: int) -> tuple[list[bytes], frozenset[int]]:
    """The bytes of each token, and which tokens are special.

    Args:
        description: the content of a ``tokenizer.json``.
        size: how many tokens the model scores; ids that the tokenizer does not name get ``b""``.

    Returns:
        a list of ``size`` byte strings, ``b""`` for special and unnamed ids, and the special ids,
        those beyond ``size`` as well.

    Raises:
        VocabularyError: the tokenizer decodes in a way that is not known here.
    """
    spell = _speller(description.get("decoder"))
    texts = _texts(description["model"].get("vocab", {}))
    special = set()
    for added in description.get("added_tokens") or ():
        texts[added["id"]] = added["content"]
        if added["special"]:
            special.add(added["id"])
    spelled = [b""] * size
    for token, text in texts.items():
        if token < size and token not in special:
            spelled[token] = spell(text)
    return spelled, frozenset(special)


def named_tokens(description: Mapping[str, Any]) -> set[int]:
    """Every id that a ``tokenizer.json`` names, special ones included."""
    added = {entry["id"] for entry in description.get("added_tokens") or ()}
    return added | _texts(description["model"].get("vocab", {})).keys()


def without_prefix(description: Mapping[str, Any]) -> dict[str, Any]:
    """The same tokenizer for text that is not the start of a prompt: it adds no leading space.

    SentencePiece tokenizers (and some byte-level ones) put a space before what they are given. In
    the middle of a text that space would be one more character.
    """
    return {
        **description,
        "normalizer": _without_prefix(description.get("normalizer")),
        "pre_tokenizer": _without_prefix(description.get("pre_tokenizer")),
    }


def _without_prefix(part: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if part is None or part["type"] == "Prepend":
        return None
    changed = dict(part)
    for members in ("normalizers", "pretokenizers"):
        if members in part:
            kept = [_without_prefix(member) for member in part[members]]
            changed[members] = [member for member in kept if member is not None]
    if part["type"] == "Metaspace":
        changed["prepend_scheme"] = "never"
    if "add_prefix_space" in part:
        changed["add_prefix_space"] = False
    return changed


def _texts(vocabulary: Mapping[str, int] | list[Any]) -> dict[int, str]:
    if isinstance(vocabulary, Mapping):
        return {token: text for text, token in vocabulary.items()}
    # A Unigram model lists (text, score) in id order.
    return {token: entry[0] for token, entry in enumerate(vocabulary)}


def _speller(decoder: Mapping[str, Any] | None) -> Callable[[str], bytes]:
    kinds = {part["type"] for part in _parts(decoder)}
    if "ByteLevel" in kinds:
        return _byte_level_speller()
    if kinds & {"ByteFallback", "Metaspace", "Replace"} and not kinds & {"WordPiece", "CTC"}:
        return _sentencepiece
    raise VocabularyError(
        f"this tokenizer decodes by {', '.join(sorted(kinds)) or 'nothing'}; Condit reads "
        "byte-level BPE and SentencePiece tokenizers (ByteLevel, or Metaspace/Replace with "
        "ByteFallback)"
    )


def _parts(decoder: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    if decoder is None:
        return
    if decoder["type"] == "Sequence":
        for part in decoder["decoders"]:
            yield from _parts(part)
    else:
        yield decoder


def _byte_level_speller() -> Callable[[str], bytes]:
    table = byte_of_character()

    def spell(text: str) -> bytes:
        try:
            return bytes(table[character] for character in text)
        except KeyError:
            # An added token may hold characters outside the table: it stands for itself.
            return text.encode()

    return spell


def _sentencepiece(text: str) -> bytes:
    byte = _BYTE_TOKEN.fullmatch(text)
    return bytes([int(byte[1], 16)]) if byte else text.replace("▁", " ").encode()
