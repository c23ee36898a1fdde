"""``condit.span_scores``: how probable the model finds each part of a form, fixed text included.

One forward of a finished text; nothing is drawn and no weight is changed. Which parts a text has is
the constraint's to say (``Template.spans``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from condit.constraint.algebra.template import Template
from condit.errors import ArgumentError
from condit.model.base import PrefixModel, Prompt
from condit.result import Sample
from condit.sampler.law import BaseLaw
from condit.vocabulary import Vocabulary


@dataclass(frozen=True)
class SpanScore:
    """One part of a text, and its probability given all that stands before it.

    Attributes:
        name: the field; ``""`` for fixed text.
        start: offset of its first character.
        stop: offset behind its last character.
        log_probability: natural logarithm of the probability, under the base law, of the tokens
            that begin in it; 0 where none does.
        given: of that, what tokens have that ``insert=`` put in, which are no part of
            ``sample.log_probability``.
    """

    name: str
    start: int
    stop: int
    log_probability: float
    given: float


@dataclass(frozen=True)
class SpanScores:
    """The parts of a text, in order.

    Attributes:
        spans: fixed texts and fields.
        end: natural logarithm of the probability that the text ends where it does.
    """

    spans: tuple[SpanScore, ...]
    end: float

    @property
    def fixed(self) -> float:
        """The sum over the fixed texts: natural logarithm of their probability."""
        return math.fsum(each.log_probability for each in self.spans if not each.name)

    @property
    def fields(self) -> float:
        """The sum over the fields."""
        return math.fsum(each.log_probability for each in self.spans if each.name)

    @property
    def given(self) -> float:
        """The sum over what was put in: what a weight lacks to be one of the whole text."""
        return math.fsum(each.given for each in self.spans)


def span_scores(
    model: PrefixModel,
    prompt: Prompt,
    form: Template,
    sample: Sample,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float = 1.0,
) -> SpanScores:
    """How probable the model finds each part of a text of a template.

    All parts together, and the end, have the probability of the tokens of the whole text. Where
    nothing was put in, and no prompt was healed, that is ``sample.log_probability``.

    Args:
        model: the model that drew it.
        prompt: the prompt that it was drawn after.
        form: the template.
        sample: a valid sample of a result.
        temperature: as it was drawn.
        top_k: as it was drawn.
        top_p: as it was drawn.

    Raises:
        ArgumentError: the form is no template, or does not accept the text; or the tokens do not
            spell it after this prompt.
    """
    if not isinstance(form, Template):
        raise ArgumentError(
            f"span_scores: the form is a {type(form).__name__}: give what condit.template made"
        )
    law, vocabulary, tokens = BaseLaw(temperature, top_k, top_p), model.vocabulary, sample.tokens
    text = sample.text.encode()
    spelled = vocabulary.spell(tokens)
    if not spelled.endswith(text):
        raise ArgumentError(f"span_scores: the tokens of the sample do not spell {sample.text!r}")
    healed = spelled[: len(spelled) - len(text)]
    kept = _before(model.encode_prompt(prompt), healed, vocabulary)
    rows = model.reader(kept).read([tokens[:count] for count in range(len(tokens) + 1)])
    scores = [
        law.at(row, vocabulary).log_probability(token)
        for row, token in zip(rows, (*tokens, vocabulary.end), strict=True)
    ]
    given = {place for span in sample.given for place in span}
    # The tokens of a healed end of the prompt belong to the first part.
    begins, place = [], -len(healed)
    for token in tokens:
        begins.append(max(place, 0))
        place += len(vocabulary.bytes[token])
    spans: list[SpanScore] = []
    for name, start, stop in form.spans(sample.text):
        low, high = (len(sample.text[:offset].encode()) for offset in (start, stop))
        own = [index for index, at in enumerate(begins) if low <= at < high]
        total = math.fsum(scores[index] for index in own)
        put_in = math.fsum(scores[index] for index in own if index in given)
        spans.append(SpanScore(name, start, stop, total, put_in))
    return SpanScores(tuple(spans), scores[-1])


def _before(prompt: Sequence[int], healed: bytes, vocabulary: Vocabulary) -> list[int]:
    """The tokens of a prompt without those at its end that were taken back."""
    kept, rest = list(prompt), healed
    while rest and kept and rest.endswith(spelled := vocabulary.bytes[kept[-1]]) and spelled:
        rest = rest[: len(rest) - len(spelled)]
        kept.pop()
    if rest:
        raise ArgumentError(
            f"span_scores: the sample was drawn after a prompt that ends in {healed!r}: give that "
            "prompt"
        )
    return kept
