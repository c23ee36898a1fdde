"""Text that the caller inserts between draws: templates, observations of tools.

The model and the constraint see it. It has no probability and does not count against the budget;
``Lane.given`` marks it. As it may depend on the text so far alone, the target is ``p`` of the drawn
tokens given the inserted ones, and weights are those of that law.
"""

from __future__ import annotations

import codecs

from condit.errors import ArgumentError, InsertionError, PromptTooLongError, RefusedTokenError
from condit.prefer.wording import excerpt
from condit.sampler.base import Insert, Lane, Problem
from condit.vocabulary import lone_surrogate


def insert(problem: Problem, lane: Lane) -> tuple[int, ...]:
    """Append what ``problem.insert`` gives for the text of ``lane``; returns its tokens.

    Appends nothing once ``max_tokens`` are drawn: whether the text may end has been decided then.

    Raises:
        InsertionError: the constraint refuses it there, or ``problem.insert`` failed.
        ArgumentError: it is not a text, or not one that the model's tokens can spell.
        PromptTooLongError: the model cannot see so much.
    """
    if problem.insert is None or lane.drawn >= problem.max_tokens:
        return ()
    model = problem.model
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    if lane.matcher is not None and not lane.matcher.begun:
        return ()  # in the middle of the seam
    text = decoder.decode(problem.written(lane.tokens))
    if decoder.getstate()[0]:
        return ()  # in the middle of a character
    found = inserted(problem.insert, text)
    if not found:
        return ()
    tokens = tuple(model.encode(found))
    if model.vocabulary.spell(tokens) != found.encode():
        raise ArgumentError(
            f"{model.name} has no tokens that spell {excerpt(found)}, given by insert"
        )
    start = len(lane.tokens)
    left = problem.max_tokens - lane.drawn
    _check_fits(problem, start + len(tokens), left)
    try:
        if lane.matcher is not None:
            lane.matcher.give(tokens)
    except RefusedTokenError as error:
        raise InsertionError(
            f"the constraint refuses {excerpt(found)}, given by insert after {text[-60:]!r}: "
            f"{error}. Give text that the constraint allows there, or widen the constraint by it"
        ) from error
    lane.tokens += tokens
    lane.given = (*lane.given, range(start, start + len(tokens)))
    return tokens


def inserted(insert: Insert, text: str) -> str | None:
    """What ``insert`` gives for ``text``, surely a text if it is anything."""
    try:
        found = insert(text)
        nothing = not found
    except Exception as error:
        raise InsertionError(
            f"insert failed after {text[-60:]!r} ({type(error).__name__}: {error}): it must give a "
            "text, or None to put nothing in"
        ) from error
    if nothing:
        return None
    if not isinstance(found, str):
        raise ArgumentError(
            f"insert gave a {type(found).__name__} after {text[-60:]!r}: it must give a text, or "
            "None to put nothing in"
        )
    if fault := lone_surrogate(found):
        raise ArgumentError(f"insert gave no text after {text[-60:]!r}: {fault}")
    return found


def _check_fits(problem: Problem, length: int, left: int) -> None:
    """Raise `PromptTooLongError` unless a text of ``length`` tokens and ``left`` more fit."""
    model, prompt = problem.model, len(problem.prompt)
    try:
        model.check_fits(prompt + length, left)
    except PromptTooLongError as error:
        raise PromptTooLongError(
            f"the prompt has {prompt} tokens, the text with what insert gave {length}, and "
            f"{left} may still be drawn, together more than the {model.context} that {model.name} "
            "can see: insert less, shorten the prompt, or lower max_tokens"
        ) from error
