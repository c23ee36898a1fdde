"""Where guesses come from: the constraint, the prompt, and the model's own past."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest
import torch

import condit
from condit.errors import ArgumentError
from condit.speculate.forced import ForcedText
from condit.speculate.lookup import PromptLookup
from condit.speculate.recycling import (
    SUCCESSORS,
    Recycling,
    forget,
    most_probable,
    table_of,
    tables,
)
from condit.speculate.settings import Drafts, settings_of


def test_forced_text_is_spelled_as_the_model_would(letters: condit.NgramModel) -> None:
    forced = ForcedText(letters)
    matcher = condit.regex("abcab").bind(letters.vocabulary)
    token, inside = forced.propose(matcher) or (-1, 0.0)
    assert letters.vocabulary.bytes[token] == b"ab"
    matcher.advance(token)
    matcher.advance(2)
    token, last = forced.propose(matcher) or (-1, 0.0)
    # The last token of a forced text may run on into what is not forced.
    assert letters.vocabulary.bytes[token] == b"ab"
    assert 0 < last < inside < 1
    assert forced.propose(condit.regex("a|b").bind(letters.vocabulary)) is None


def test_half_a_character_is_not_proposed() -> None:
    model = condit.NgramModel.train(["é"])
    matcher = condit.regex("[éè]").bind(model.vocabulary)
    assert matcher.forced_text() == "é".encode()[:1]
    assert ForcedText(model).propose(matcher) is None


def test_lookup_follows_the_longest_context_of_the_prompt() -> None:
    lookup = PromptLookup([1, 2, 3, 4, 9, 3, 5, 2, 3])
    after_two, after_one = lookup.propose((2, 3)), lookup.propose((7, 3))
    assert after_two is not None
    assert after_one is not None
    assert after_two[0] == 4
    assert after_one[0] == 5  # the last place counts
    assert after_two[1] > after_one[1]
    assert lookup.propose((8,)) is None
    assert PromptLookup([1]).propose((1,)) is None


def rows_of(*peaks: dict[int, float], size: int = 20) -> list[np.ndarray]:
    rows = []
    for peak in peaks:
        row = np.full(size, -10.0, dtype=np.float32)
        for token, value in peak.items():
            row[token] = value
        rows.append(row)
    return rows


def test_recycling_knows_the_longest_context() -> None:
    table = Recycling(20)
    assert table.look_up((1, 2, 3)) is None
    table.learn([(1, 2, 3), (9, 3)], rows_of({5: 3.0, 6: 2.0}, {7: 4.0}))
    known = table.look_up((4, 1, 2, 3))
    assert known is not None
    length, tokens, logits = known
    assert (length, tokens[:2], logits[:2]) == (3, [5, 6], [3.0, 2.0])
    shorter = table.look_up((8, 3))
    assert shorter is not None
    assert (shorter[0], shorter[1][0]) == (1, 7)  # the last row seen after 3
    assert table.look_up((3, 9)) is None


def test_a_small_vocabulary_fills_up_its_rows() -> None:
    tokens, logits = most_probable(rows_of({0: 1.0, 2: 5.0}, size=3))
    assert tokens.shape == logits.shape == (1, SUCCESSORS)
    assert tokens[0, :3].tolist() == [2, 0, 1]
    assert (tokens[0, 3:] == -1).all()
    assert (logits[0, 3:] == -np.inf).all()


@pytest.mark.parametrize("size", [50, 4096, 49_152])
def test_the_most_probable_tokens_are_found_on_torch_rows(
    size: int, rng: np.random.Generator
) -> None:
    rows = rng.standard_normal((4, size)).astype(np.float32)
    exact, _ = most_probable(list(rows))
    found, values = most_probable([torch.from_numpy(row) for row in rows])
    # The block search may miss a token that shares its block with a higher one: never the first.
    assert (found[:, 0] == exact[:, 0]).all()
    assert np.isin(found, exact).mean() > 0.9
    assert (np.diff(values, axis=1) <= 0).all()
    half, _ = most_probable([torch.from_numpy(row).bfloat16() for row in rows])
    assert (half[:, 0] >= 0).all()


def test_a_table_is_saved_and_loaded(tmp_path: Path) -> None:
    table, other = Recycling(20), Recycling(20)
    table.learn([(1, 2, 3)], rows_of({5: 3.0, 6: 2.0}))
    table.save(tmp_path / "table.npz")
    other.load(tmp_path / "table.npz")
    assert other.look_up((1, 2, 3)) == table.look_up((1, 2, 3)) is not None
    with pytest.raises(ArgumentError, match="a vocabulary of 20 tokens, not 21"):
        Recycling(21).load(tmp_path / "table.npz")
    cut = (tmp_path / "table.npz").read_bytes()[:-40]
    for content in (b"nothing", cut, b""):
        (tmp_path / "other.npz").write_bytes(content)
        with pytest.raises(ArgumentError, match="not a table of recycled tokens"):
            other.load(tmp_path / "other.npz")


def test_a_table_lives_as_long_as_its_model() -> None:
    model = condit.NgramModel.train(["ab"])
    table = table_of(model)
    assert table_of(model) is table
    assert table in tables()
    forget(model)
    fresh = table_of(model)
    assert fresh is not table
    assert any(each is fresh for each in tables())
    del model
    gc.collect()
    assert not any(each is fresh for each in tables())


def test_settings() -> None:
    assert settings_of(False) is None
    assert settings_of(True) == Drafts()
    assert settings_of(Drafts(lookup=False)) == Drafts(lookup=False)
    with pytest.raises(ArgumentError, match="positions must be 1 or more, not 0"):
        Drafts(positions=0)
    with pytest.raises(ArgumentError, match="drafts must be True, False"):
        settings_of("yes")  # type: ignore[arg-type]
