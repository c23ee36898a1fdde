"""The trace means the same for every sampler, and is what its schema says."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

import condit
from condit import trace
from condit.plugins import registered

CONSTRAINT = condit.regex("(ab|ba|c){1,5}")
SCHEMA = condit.json_schema(trace.SCHEMA)


@pytest.fixture(scope="module")
def model() -> condit.NgramModel:
    vocabulary = condit.Vocabulary.of(["a", "b", "c", "ab", "bc"])
    return condit.NgramModel.train(["abcab", "cabba"], vocabulary=vocabulary, smoothing=2)


def run(model: condit.NgramModel, sampler: str, **more: Any) -> condit.Result:
    asked: dict[str, Any] = {"n": 4, "max_tokens": 6, "seed": 3, **more}
    return condit.generate(model, "ab", CONSTRAINT, sampler=sampler, **asked)


@pytest.mark.parametrize("sampler", sorted(registered("samplers")))
def test_every_record_is_what_the_schema_says(model: condit.NgramModel, sampler: str) -> None:
    result = run(model, sampler)
    assert result.trace
    for number, info in enumerate(result.trace):
        assert info.step == number
        assert SCHEMA.explain(json.dumps(info.to_dict())) == ""
        for each in (*info.draws, *info.ends):
            assert each.lane is not None or each.attempt is not None


@pytest.mark.parametrize("sampler", sorted(registered("samplers")))
def test_texts_can_be_read_off_the_draws(model: condit.NgramModel, sampler: str) -> None:
    """Whoever follows one text through the trace gets its tokens, and what they weigh."""
    result = run(model, sampler)
    end = model.vocabulary.end
    if sampler == "mcmc":
        pytest.skip("a move keeps a beginning that it did not draw")
    texts: dict[Any, list[trace.Drawn]] = {}
    seen = 0
    for info in result.trace:
        before = dict(texts)
        for place, drawn in enumerate(info.draws):
            name = drawn.lane if drawn.attempt is None else drawn.attempt
            older = texts.get(name, [])
            if info.ancestors is not None and drawn.lane is None:  # a beam
                older = before.get(info.ancestors[place], [])
            texts[name] = [*older, drawn]
        for ended in info.ends:
            name = ended.lane if ended.attempt is None else ended.attempt
            drawn_tokens = [drawn.token for drawn in texts.get(name, [])]
            if ended.accepted:
                seen += 1
                whole = [*ended.tokens, end] if ended.reason == "stop" else [*ended.tokens]
                assert drawn_tokens == whole
                matching = [s for s in result.samples if s.tokens == ended.tokens]
                log_probability = math.fsum(drawn.log_probability for drawn in texts[name])
                for sample in matching:
                    assert sample.log_probability == pytest.approx(log_probability, abs=1e-5)
        if info.ancestors is not None and any(each.attempt is None for each in info.draws):
            texts = {lane: texts[old] for lane, old in enumerate(info.ancestors) if old in texts}
    assert seen >= 1


def test_every_sample_ends_once(model: condit.NgramModel) -> None:
    for sampler in ("masked", "awrs"):
        result = run(model, sampler, n=6)
        ends = [ended for info in result.trace for ended in info.ends]
        assert sorted(ended.lane for ended in ends) == list(range(6))
        for ended in ends:
            sample = result.samples[ended.lane]
            assert ended.tokens == sample.tokens
            assert ended.accepted == sample.valid
            assert ended.reason == sample.finish_reason


def test_a_lane_without_a_way_on_is_told(model: condit.NgramModel) -> None:
    with pytest.raises(condit.ConditError) as caught:
        condit.generate(model, "ab", condit.regex("c{9}"), sampler="masked", top_k=1, seed=0)
    last = caught.value.result.trace[-1]
    assert last.draws[0].token is None
    assert last.to_dict()["draws"][0]["log_allowed"] is None
    assert (last.ends[0].reason, last.ends[0].accepted) == ("dead_end", False)
