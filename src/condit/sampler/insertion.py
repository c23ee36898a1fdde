"""Text that the caller puts in between draws: templates, observations of tools.

The model and the constraint see it. It has no probability and takes nothing of the budget, and the
result marks it. What is put in must depend on the text so far alone: then the target is ``p`` of
the drawn tokens, given what stands between them, and weights are those of that law.
"""

from __future__ import annotations

from condit.errors import ArgumentError, InsertionError, RefusedTokenError
from condit.sampler.base import Lane, Problem


def insert(problem: Problem, lane: Lane) -> tuple[int, ...]:
    """Append what ``problem.insert`` puts in behind the text of ``lane``; returns its tokens.

    Nothing is put in where the budget is used up: whether the text may end there has been decided.

    Raises:
        InsertionError: the constraint refuses it there.
        ArgumentError: it is not a text, or not one that the model's tokens can spell.
        PromptTooLongError: the model cannot see so much.
    """
    if problem.insert is None or lane.drawn >= problem.max_tokens:
        return ()
    model = problem.model
    try:
        text = model.vocabulary.spell(lane.tokens).decode()
    except UnicodeDecodeError:
        return ()  # in the middle of a character
    found = problem.insert(text)
    if not found:
        return ()
    if not isinstance(found, str):
        raise ArgumentError(
            f"insert gave a {type(found).__name__} after {text[-60:]!r}: it must give a text, or "
            "None to put nothing in"
        )
    tokens = tuple(model.encode(found))
    if model.vocabulary.spell(tokens) != found.encode():
        raise ArgumentError(f"{model.name} has no tokens that spell {found!r}, given by insert")
    start = len(lane.tokens)
    left = problem.max_tokens - lane.drawn
    model.check_fits(len(problem.prompt) + start + len(tokens), left)
    try:
        if lane.matcher is not None:
            lane.matcher.give(tokens)
    except RefusedTokenError as error:
        raise InsertionError(
            f"the constraint refuses {found!r}, given by insert after {text[-60:]!r}: {error}. "
            "Give text that the constraint allows there, or widen the constraint by it"
        ) from error
    lane.tokens += tokens
    lane.given = (*lane.given, range(start, start + len(tokens)))
    return tokens
