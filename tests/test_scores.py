"""How probable a model finds the parts of a form, on worlds whose every text is known."""

from __future__ import annotations

import math

import pytest

import condit
from condit import NgramModel, Vocabulary, regex, template
from condit.errors import ArgumentError

VOCABULARY = Vocabulary.of(["a", "b", "=", ";", "a=", "=b", "b;"])
MODEL = NgramModel.train(
    ["a=a;b=b;", "a=b;b=a;", "a=bb;b=;"], vocabulary=VOCABULARY, order=3, smoothing=1.5
)
FORM = template("a={x};b={y}", x=regex("[ab]{1,2}"), y=regex("b?"))


def log_probabilities(tokens: tuple[int, ...], prompt: str) -> list[float]:
    """Of each token and the end, token by token."""
    found, before = [], list(MODEL.encode(prompt))
    for token in (*tokens, VOCABULARY.end):
        logits = MODEL.start(before).logits[0]
        row = [float(value) for value in logits[: len(VOCABULARY)]]
        found.append(row[token] - math.log(math.fsum(map(math.exp, row))))
        before.append(token)
    return found


def drawn(*, insert: bool, seed: int) -> condit.Result:
    put_in = FORM.insert if insert else None
    return condit.generate(
        MODEL, ";", FORM, n=6, max_tokens=9, sampler="awrs", seed=seed, insert=put_in, heal=False
    )


def test_parts_add_up_to_the_probability_of_the_tokens() -> None:
    for sample in drawn(insert=False, seed=1).samples:
        scores = condit.span_scores(MODEL, ";", FORM, sample)
        assert [span.name for span in scores.spans] == ["", "x", "", "y"]
        assert scores.fixed + scores.fields + scores.end == pytest.approx(sample.log_probability)
        assert scores.given == 0
        # A token belongs to the part that it begins in, whatever it goes on with.
        place, expected = 0, dict.fromkeys(range(4), 0.0)
        for token, score in zip(
            sample.tokens, log_probabilities(sample.tokens, ";")[:-1], strict=True
        ):
            part = next(
                number for number, s in enumerate(scores.spans) if s.start <= place < s.stop
            )
            expected[part] += score
            place += len(VOCABULARY.bytes[token])
        assert [s.log_probability for s in scores.spans] == pytest.approx(list(expected.values()))


def test_what_was_put_in_is_scored_apart() -> None:
    seen = set()
    for seed in range(4):
        for sample in drawn(insert=True, seed=seed).samples:
            scores = condit.span_scores(MODEL, ";", FORM, sample)
            seen.add(sample.text)
            assert scores.spans[0].given == scores.spans[0].log_probability < 0
            assert [span.given for span in scores.spans if span.name] == [0, 0]
            drawn_ones = scores.fixed - scores.given + scores.fields + scores.end
            assert drawn_ones == pytest.approx(sample.log_probability)
            whole = math.fsum(log_probabilities(sample.tokens, ";"))
            assert sample.log_probability + scores.given == pytest.approx(whole)
    assert len(seen) > 3


def whole_texts(tokens: tuple[int, ...] = (), *, may_insert: bool = True) -> set[tuple[int, ...]]:
    """The tokens of all texts of the form, what is put in among them."""
    text = VOCABULARY.decode(tokens)
    put_in = FORM.insert(text) if may_insert else None
    if put_in:
        return whole_texts((*tokens, *MODEL.encode(put_in)), may_insert=False)
    matcher = FORM.bind(VOCABULARY)
    for token in tokens:
        matcher.advance(token)
    found = {tokens} if matcher.allows(VOCABULARY.end) else set()
    for token in range(VOCABULARY.end):
        if matcher.allows(token):
            found |= whole_texts((*tokens, token))
    return found


def test_weights_times_what_was_put_in_are_weights_of_the_whole_text() -> None:
    # The evidence of the law of drawn and given tokens together, by enumeration.
    total = sum(math.exp(math.fsum(log_probabilities(each, ";"))) for each in whole_texts())
    result = condit.generate(
        MODEL, ";", FORM, n=2000, max_tokens=9, sampler="awrs", seed=3, insert=FORM.insert
    )
    known: dict[tuple[int, ...], float] = {}
    weights = []
    for sample in result.samples:
        if sample.tokens not in known:
            known[sample.tokens] = condit.span_scores(MODEL, ";", FORM, sample).given
        weights.append(math.exp(sample.log_weight + known[sample.tokens]))
    mean = math.fsum(weights) / len(weights)
    variance = math.fsum((w - mean) ** 2 for w in weights) / len(weights)
    # Five standard errors: a false alarm in 1.7 million runs.
    assert abs(mean - total) < 5 * math.sqrt(variance / len(weights))


def test_what_does_not_belong_together_is_refused() -> None:
    sample = drawn(insert=False, seed=1).samples[0]
    with pytest.raises(ArgumentError, match=r"condit\.template"):
        condit.span_scores(MODEL, ";", regex("a*"), sample)  # type: ignore[arg-type]
    healed = condit.generate(MODEL, "a=a", regex("=?;b=b?"), max_tokens=9, seed=1)
    assert healed.healed
    other = template("{x};b={y}", x=regex("=?"), y=regex("b?"))
    scores = condit.span_scores(MODEL, "a=a", other, healed.samples[0])
    assert math.isfinite(scores.fixed + scores.fields)
    with pytest.raises(ArgumentError, match="give that prompt"):
        condit.span_scores(MODEL, "a=b;", other, healed.samples[0])
