"""``condit.generate``: checks arguments, runs a sampler to its end, returns the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np

from condit.constraint.base import Constraint
from condit.errors import ArgumentError, BudgetError, ConditError, VocabularyError
from condit.follower import Follower, asked_of
from condit.instruct import instructed_prompt
from condit.model.base import Model, PrefixModel, Prompt
from condit.model.load import load
from condit.model.remote import SCHEME, RemoteModel
from condit.outcome import failure_of, result_of
from condit.plugins import call, find, not_usable
from condit.prefer.base import Preference
from condit.report import Guarantee
from condit.result import Result
from condit.sampler.base import Insert, Lane, Problem, Sampler, State, decoding
from condit.sampler.insertion import inserted
from condit.sampler.law import BaseLaw
from condit.sampler.memory import Memory
from condit.sampler.seam import Seam, seam_of
from condit.speculate.settings import Drafts, settings_of
from condit.trace import StepInfo, Writer
from condit.vocabulary import lone_surrogate


def generate(
    model: PrefixModel | str,
    prompt: Prompt,
    constraint: Constraint | None = None,
    *,
    n: int = 1,
    max_tokens: int = 256,
    prefer: Preference | None = None,
    sampler: str | Sampler = "auto",
    memory: Memory | None = None,
    seed: int | None = None,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float = 1.0,
    logit_bias: Mapping[int, float] | None = None,
    stop: str | Sequence[str] = (),
    drafts: bool | Drafts = True,
    instruct: bool | str = False,
    heal: bool | None = None,
    insert: Insert | None = None,
    on_step: Callable[[StepInfo], None] | None = None,
    trace: str | PathLike[str] | Writer | None = None,
) -> Result:
    """Draw ``n`` weighted texts from ``p(x | C)``.

    The target is the model's distribution of texts ``p`` (after temperature, top-k and top-p: the
    base law) restricted to texts that satisfy the constraint ``C``, end by the model's end token,
    and have at most ``max_tokens`` tokens. A token is allowed only if Condit knows how to finish
    the text after it within ``max_tokens``; see "budget" in the documentation.

    Args:
        model: a model, or what ``condit.load`` takes; or ``"openai:http://host:port/v1#name"``, see
            ``condit.RemoteModel``.
        prompt: text, chat messages (``{"role": ..., "content": ...}``), or token ids.
        constraint: what every text must satisfy; ``None`` draws freely, cut at ``max_tokens``.
        n: how many lanes, that is, samples.
        max_tokens: the most tokens a text may have, the end token not counted; and as many more as
            ``heal`` takes back.
        prefer: a preference, made by ``condit.prefer``: the target becomes ``p(x | C) φ(x)``.
        sampler: a name: ``"auto"``, ``"exact"``, ``"smc"``, ``"learned"``, ``"awrs"``,
            ``"masked"``, ``"mcmc"``, ``"rejection"``, ``"asap"``, ``"best_of"`` or ``"beam"``; or
            a sampler such as ``condit.SMC(kernel="masked", threshold=0.8)``. With ``"auto"``,
            ``result.reason`` says which one was picked, and why.
        memory: keeps what samplers learn for later calls with the same problem.
        seed: the same seed gives the same draws; by default a fresh one, kept in ``result.seed``.
            If logits depend on what else is in a forward (on a GPU, or with
            ``reproducible=False``), this needs ``drafts=False``.
        temperature: divides the logits; 0 takes the most probable allowed token each time.
        top_k: keep only the ``k`` most probable tokens, before the constraint is asked.
        top_p: keep only the most probable tokens up to this mass, before the constraint is asked.
        logit_bias: for token ids what is added to their logits, before all else: it changes the
            base law. ``-math.inf`` takes a token out of it.
        stop: a text, or several. Without a constraint, a text ends before the first of them, as if
            by the end token; it is in ``sample.tokens``, as far as tokens go, and not in
            ``sample.text``, and no preference sees it. Under a constraint valid texts hold none of
            them, by any sampler; without one this is supported by ``"masked"``, ``"awrs"``,
            ``"smc"`` over them, and ``"auto"``, and not along with ``insert``.
        drafts: forward guesses at the next tokens along with the last one, so that the model is
            called less often; draws have the same law with and without. ``condit.Drafts(...)``
            sets which guesses. Samplers that try whole texts or learn make none.
        instruct: tell the model the format: put ``condit.describe(constraint)`` into the prompt, at
            the end of the last message of the user, or before a prompt that is text. A text with
            ``{format}`` in it goes there in its place, filled in. What is sent is
            ``condit.instructed_prompt(prompt, constraint)``. The target changes with the prompt.
        heal: take back the last tokens of a prompt that is text, and write their bytes again
            together with the text, in whatever tokens: the target becomes the law of the *text*
            after the prompt's text, and a prompt may end in a space or in the middle of a word.
            Weights, evidence and ``log_probability`` are given the prompt's text;
            ``result.healed`` is what was taken back. Chat messages and token ids end as they are.
            By default wherever there is a constraint.
        insert: a function for templates and answers of tools: called with the text so far before
            the first draw and after each, it returns text to append, or ``None``. The model and
            the constraint see that text; it has no probability, does not count for
            ``max_tokens``, and ``sample.given`` marks it. The function must depend on the text
            alone. Supported by ``"masked"``, ``"awrs"``, ``"smc"`` over them, and ``"auto"``,
            which then picks among these.
        on_step: called with the trace record of each step, for progress and streaming.
        trace: a file to write the trace into as the run grows, also that of a run that fails: a
            path, compressed where it ends in ``.gz``, or a ``condit.trace.Writer``.

    Returns:
        the samples with their weights; at least one is valid.

    Raises:
        ArgumentError: an argument is out of range; the message names it.
        PromptTooLongError: prompt and budget do not fit in the model's context.
        VocabularyError: the model's tokens cannot begin any valid text.
        BudgetError: the shortest text found has more than ``max_tokens`` tokens: nothing was
            drawn, and ``error.needed`` is its length. Or no lane finished within them.
        DeadEndError: every lane came to a dead end.
        RejectedError: no attempt was accepted in as many as the sampler may make.
        ConstraintTooComplexError: the constraint engine exceeded one of its limits.
        InsertionError: the constraint refuses text that ``insert`` returned.
        ConditError: every error that is raised while texts are drawn has ``error.result``: a
            partial result, with every lane as far as it got.
    """
    _check_whole("n", n, 1)
    _check_whole("max_tokens", max_tokens, 1)
    if seed is not None:
        _check_whole("seed", seed, 0)
    if insert is not None and not callable(insert):
        raise ArgumentError(
            f"insert is {_kind_of(insert)}: give a function from the text so far to the text that "
            "comes next, or to None"
        )
    if constraint is not None and not isinstance(constraint, Constraint):
        raise ArgumentError(
            f"the constraint is {_kind_of(constraint)}: make one with condit.json_schema, "
            "condit.regex, condit.grammar or condit.choice, or make an object of a subclass of "
            "condit.Constraint"
        )
    if prefer is not None and not isinstance(prefer, Preference):
        raise ArgumentError(
            f"prefer is {_kind_of(prefer)}: wrap a function of the text in "
            "condit.prefer(function, strength)"
        )
    if on_step is not None and not callable(on_step):
        raise ArgumentError(f"on_step is {_kind_of(on_step)}: give a function of a StepInfo")
    if memory is not None and not isinstance(memory, Memory):
        raise ArgumentError(f"memory is {_kind_of(memory)}: give a condit.Memory()")
    if not isinstance(model, str | PathLike | PrefixModel):
        raise ArgumentError(
            f"the model is {_kind_of(model)}: give one from condit.load, or its name"
        )
    if trace is not None and not isinstance(trace, str | PathLike | Writer):
        raise ArgumentError(f"trace is {_kind_of(trace)}: give a path, or a condit.trace.Writer")
    law = BaseLaw(temperature, top_k, top_p, _biases(logit_bias))
    stops = _stops(stop)
    if constraint is not None and stops:
        from condit.constraint.algebra.free import Free  # it imports the mask engine

        constraint, stops = constraint & Free((), never=stops), ()
    chosen = sampler_of(sampler)
    if not isinstance(model, PrefixModel):
        remote = isinstance(model, str) and model.startswith(SCHEME)
        model = RemoteModel.of(str(model)) if remote else load(model)
    if isinstance(model, RemoteModel):
        # It imports most samplers, and through them what compiles constraints.
        from condit.sampler.whole_texts import of_whole_texts

        chosen = of_whole_texts(chosen, model)
        if heal:
            raise ArgumentError(f"heal=True: the tokens of {model.name} are not known here")
    if instruct is not False:
        prompt = instructed_prompt(prompt, constraint, instruct)
    tokens = model.encode_prompt(prompt)
    model.check_fits(len(tokens), max_tokens)
    seam: Seam | None = None
    # Text that is put in right after the prompt leaves nothing to heal.
    heals = heal if heal is not None else constraint is not None
    if heals and isinstance(prompt, str) and chosen.heals and not (insert and inserted(insert, "")):
        tokens, seam = seam_of(model, prompt, tokens, law)
    problem = Problem(
        model,
        tuple(tokens),
        constraint,
        n,
        max_tokens + (seam.tokens if seam else 0),
        law,
        finish=True,
        preference=prefer,
        drafts=settings_of(drafts),
        insert=insert,
        seam=seam,
        stops=tuple(each.encode() for each in stops),
    )
    _check_can_draw(chosen, problem)
    follower = Follower(asked_of(problem, prompt, chosen, seed), on_step, trace)
    if memory is None:
        return _draw(problem, chosen, follower)
    with memory.borrow(problem) as trie:
        return _draw(replace(problem, trie=trie), chosen, follower)


def _check_can_draw(sampler: Sampler, problem: Problem) -> None:
    """Raise `ArgumentError` if the sampler cannot use the model, or cannot insert text."""
    if sampler.needs is Model:
        decoding(problem.model, sampler)
    if problem.insert is not None and not sampler.takes_insertions:
        raise ArgumentError(
            f"{sampler} cannot put text in between draws (insert=): use masked, awrs, "
            "SMC(kernel='awrs') or auto"
        )
    if problem.stops and problem.insert is not None:
        raise ArgumentError(
            "stop= ends texts at words that the model writes, and insert= writes some itself: give "
            "one of the two, and let insert= return None where the text is at its end"
        )
    if problem.stops and not sampler.takes_insertions:
        raise ArgumentError(
            f"{sampler} cannot end texts at a word (stop=): use masked, awrs, SMC(kernel='awrs') "
            "or auto"
        )


def _draw(problem: Problem, chosen: Sampler, follower: Follower) -> Result:
    """Run the sampler to its end; raises if no sample is valid."""
    sequence = np.random.SeedSequence(follower.run.seed)
    rng = np.random.default_rng(sequence)
    lanes = [Lane(None, rng, origin=index) for index in range(problem.lanes)]
    state: State[Any] = State(problem, lanes, [])

    def result_so_far() -> Result:
        return result_of(state, chosen, follower.steps, follower.run, rng, follower.seconds)

    with follower:
        try:
            # Some samplers ask the model and the constraint about the beginnings of texts here.
            state = chosen.init(problem, rng)
            while not state.done:
                state, info = chosen.step(rng, state)
                if not isinstance(info, StepInfo):
                    raise ArgumentError(
                        f"{chosen}: step must return a state and a StepInfo, as "
                        "condit.sampler.local.record makes it; the latter is "
                        f"{_kind_of(info)}"
                    )
                follower.follow(info, state, chosen)
        except ConditError as error:
            refused = isinstance(error, (ArgumentError, BudgetError, VocabularyError))
            if not (refused and state.lanes is lanes):  # else it says that nothing can be drawn
                error.result = result_so_far()
            follower.failed(error)
            raise
        result = result_so_far()
        promised = result.report.guarantee in (Guarantee.EXACT, Guarantee.WEIGHTED)
        plain, seam = problem.preference is None and problem.insert is None, problem.seam
        if problem.trie is not None and plain and promised:
            problem.trie.log_evidence = result.log_evidence + (seam.log_mass if seam else 0.0)
        if not any(sample.valid for sample in result.samples):
            failure = failure_of(problem, result)
            follower.failed(failure)
            raise failure
        follower.finished(result)
    return result


def sampler_of(sampler: str | Sampler) -> Sampler:
    """The sampler of that name with its default settings, or the sampler itself."""
    if isinstance(sampler, Sampler):
        return sampler
    if not isinstance(sampler, str):
        raise ArgumentError(
            f"the sampler is {_kind_of(sampler)}: give a name such as 'smc', or an object such as "
            "condit.SMC()"
        )
    found: Any = find("samplers", sampler)
    if isinstance(found, type) and issubclass(found, Sampler):
        return call(f"sampler {sampler!r}", found, (), {})
    if not isinstance(found, Sampler):
        raise not_usable("samplers", sampler, f"it is {_kind_of(found)}, not a Sampler")
    return found


def _biases(logit_bias: Mapping[int, float] | None) -> tuple[tuple[int, float], ...]:
    """What is added to logits, by token; `BaseLaw` checks the numbers."""
    if logit_bias is not None and not isinstance(logit_bias, Mapping):
        raise ArgumentError(
            f"logit_bias is {_kind_of(logit_bias)}: give a dict from token ids to numbers"
        )
    biases = tuple((logit_bias or {}).items())
    for token, added in biases:
        if not (isinstance(token, int | np.integer) and isinstance(added, int | float)):
            raise ArgumentError(
                f"logit_bias: {token!r}: {added!r} is not a token id (a whole number) with a number"
            )
    return biases


def _stops(stop: str | Sequence[str]) -> tuple[str, ...]:
    stops = (stop,) if isinstance(stop, str) else tuple(stop)
    for each in stops:
        if not isinstance(each, str) or not each or lone_surrogate(each):
            raise ArgumentError(f"stop={stop!r}: give a text that is not empty, or several")
    return stops


def _check_whole(name: str, number: object, least: int) -> None:
    if not isinstance(number, int | np.integer):
        raise ArgumentError(f"{name} must be a whole number, not {number!r}")
    if number < least:
        raise ArgumentError(f"{name} must be {least} or more, not {number}")


def _kind_of(given: object) -> str:
    """What was given instead of what was wanted, in words."""
    if isinstance(given, type):
        return f"the class {given.__name__} itself"
    return f"of type {type(given).__name__}"
