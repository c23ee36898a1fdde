"""``condit.alternatives``: what could have come in the place of each draw of a run.

A run is looked at again after it is over: the model reads the texts once more, and the constraint
is asked about the tokens that were probable at each place. No draw is made, and nothing of the
result changes. What is written of it is in ``condit.trace``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from condit.constraint.base import Constraint, outlined
from condit.constraint.budgeted import Budgeted
from condit.constraint.checked import Checked
from condit.constraint.json_schema import JsonSchema
from condit.constraint.schema.part_forms import PartForms
from condit.constraint.schema.scanner import Scanner
from condit.errors import ArgumentError, ConditError
from condit.fields import Step, path_of
from condit.model.base import Logits, PrefixModel
from condit.result import Result
from condit.sampler.base import Problem
from condit.sampler.law import BaseLaw, TokenLaw
from condit.sampler.seam import Seam
from condit.trace import Alternative, Alternatives, Growth, RunInfo

_TOGETHER = 32
"""So many rows of logits are in memory at a time."""

_ASKED = 1024
"""Where there is no mask, so many of the most probable tokens are asked about at most."""

_NEGLIGIBLE = 1e-4
"""Stop asking when the mass that was not asked about is less than this."""


def alternatives(
    model: PrefixModel,
    result: Result,
    constraint: Constraint | None = None,
    *,
    most: int = 4096,
    top: int = 10,
) -> list[Alternatives]:
    """What could have come in the place of each draw, and why the constraint refuses some of it.

    The texts of the samples come first, then those that were given up. Texts that begin alike are
    looked at once. For ``result.save(path, alternatives=...)``.

    Args:
        model: the model that drew them.
        result: the result of the run.
        constraint: the constraint of the run; by default the one that the result still has.
        most: at so many places at most.
        top: so many of the most probable tokens are told.

    Returns:
        in the order of the draws. Draws that are missing are beyond ``most``, were given, or come
        after a place where the constraint failed.

    Raises:
        ArgumentError: the result was not drawn by Condit, or by another model; or it comes from
            another process, and its constraint is not given.
        ModelError: the model fails.
    """
    run = _checked(model, result, constraint)
    places = _Places.of(result, run.end)
    wanted = places.chosen(most)
    if not wanted:
        return []
    asked = constraint if constraint is not None else run.constraint
    try:
        root = _problem(model, run, asked).bind()
    except ConditError:
        return []  # the run failed with this
    law = BaseLaw(run.temperature, run.top_k, run.top_p, run.logit_bias)
    found: dict[int, Alternatives] = {}
    reader = model.reader(run.prompt_tokens)
    forms = _forms(asked)
    scanner = Scanner() if asked is not None else None
    start = _Here(root, scanner, len(run.healed.encode()))
    walked = _walk(places, wanted, start, model)
    for batch in _batches(walked):
        rows: list[Logits] = reader.read([places.prefix(place) for place, _ in batch])
        for (place, here), row in zip(batch, rows, strict=True):
            try:
                looked = _look(law.at(row, model.vocabulary), here, top)
            except ConditError:
                continue
            if steps := here.field:
                form = forms.at(steps) if forms is not None else ""
                looked = looked._replace(field=path_of(steps), form=form or None)
            found.update((draw, looked._replace(draw=draw)) for draw in places.draws[place])
    return [found[draw] for draw in sorted(found)]


def _checked(model: PrefixModel, result: Result, constraint: Constraint | None) -> RunInfo:
    run = result.run
    if run is None:
        raise ArgumentError("alternatives: the result was not drawn by condit.generate")
    if model.name != run.model or model.vocabulary.end != run.end:
        raise ArgumentError(
            f"alternatives: the result was drawn by {run.model}, not by {model.name}: give the "
            "model that drew it"
        )
    if constraint is None and isinstance(run.constraint, str):
        raise ArgumentError(
            "alternatives: the result comes from another process, without its constraint: give it, "
            "too"
        )
    return run


def _forms(constraint: Constraint | None) -> PartForms | None:
    """The forms of the parts of JSON values, of a constraint that knows them."""
    while isinstance(constraint, Checked) and constraint.typed is not None:
        constraint = constraint.typed
    return constraint.part_forms() if isinstance(constraint, JsonSchema) else None


def _problem(model: PrefixModel, run: RunInfo, constraint: Constraint | None) -> Problem:
    """The problem of the run, for its matcher."""
    return Problem(
        model,
        run.prompt_tokens,
        constraint,
        1,
        run.max_tokens + run.healed_tokens,
        finish=True,
        insert=(lambda _: None) if run.inserts else None,
        seam=Seam(run.healed.encode(), run.healed_tokens) if run.healed else None,
    )


@dataclass
class _Places:
    """The different beginnings of the texts of a run: a tree, whose root is the empty text.

    Attributes:
        parents: of each place the one before it; that of the root is itself.
        steps: the token between the two, and whether it was given.
        draws: the numbers of the draws that were made at each place.
        of_samples: the places that samples go through.
    """

    parents: list[int]
    steps: list[tuple[int, bool]]
    draws: list[list[int]]
    of_samples: set[int]

    @classmethod
    def of(cls, result: Result, end: int) -> _Places:
        """Those of a result."""
        growth, drawn = Growth(), []
        for info in result.trace:
            growth.follow(info)
            drawn += [*info.draws, *info.redraws]
        places = cls([0], [(end, False)], [[]], set())
        behind: dict[tuple[int, tuple[int, bool]], int] = {}
        reached: list[int] = []
        for number, each in enumerate(drawn):
            after = growth.after[number]
            here = 0 if after is None else reached[after]
            if not each.given:
                places.draws[here].append(number)
            if each.token is None or not each.appended or each.token == end:
                reached.append(here)
                continue
            step = (each.token, each.given)
            if (here, step) not in behind:
                behind[here, step] = len(places.parents)
                places.parents.append(here)
                places.steps.append(step)
                places.draws.append([])
            reached.append(behind[here, step])
        for sample in result.samples:
            given = {index for span in sample.given for index in span}
            place: int | None = 0
            for index, token in enumerate((*sample.tokens, end)):
                if place is None:
                    break
                places.of_samples.add(place)
                place = behind.get((place, (token, index in given)))
        return places

    def chosen(self, most: int) -> list[int]:
        """The places to look at, in their order."""
        drawn = [place for place, draws in enumerate(self.draws) if draws]
        drawn.sort(key=lambda place: (place not in self.of_samples, place))
        return sorted(drawn[:most])

    def prefix(self, place: int) -> tuple[int, ...]:
        """The tokens until there."""
        tokens = []
        while place:
            tokens.append(self.steps[place][0])
            place = self.parents[place]
        return tuple(reversed(tokens))


@dataclass(frozen=True)
class _Here:
    """What is known at a place.

    Attributes:
        matcher: the constraint's state; ``None`` without one.
        scanner: reads the text as JSON; ``None`` where it is none.
        healed: how many bytes of the end of the prompt are still to be written again.
    """

    matcher: Budgeted | None
    scanner: Scanner | None
    healed: int = 0

    def after(self, token: int, given: bool, spelled: bytes) -> _Here:
        """What is known after another token.

        Raises:
            ConditError: the constraint fails.
        """
        matcher = self.matcher
        if matcher is not None:
            matcher = matcher.copy()
            if given:
                matcher.give([token])
            else:
                matcher.advance(token)
        again = min(self.healed, len(spelled))
        return _Here(matcher, _read(self.scanner, spelled[again:]), self.healed - again)

    @property
    def field(self) -> tuple[Step, ...]:
        """Where the part of a JSON value is that is being written; empty where there is none."""
        if self.scanner is None:
            return ()
        steps: list[Step] = []
        for depth, frame in enumerate(self.scanner.stack[1:], 2):
            inside = depth < len(self.scanner.stack) or bool(self.scanner.scalar)
            if frame.kind == "object":
                steps += [] if frame.key is None else [frame.key]
            elif inside or frame.after_comma or not frame.items:
                steps.append(len(frame.items))
        return tuple(steps)


def _read(scanner: Scanner | None, spelled: bytes) -> Scanner | None:
    if scanner is None:
        return None
    scanner = scanner.peek()
    begins = len(scanner.stack) > 1 or not spelled.strip()
    if not begins and spelled.strip()[:1] not in (b"{", b"["):
        return None
    try:
        scanner.feed(spelled)
    except (IndexError, ValueError):  # it is no JSON
        return None
    return scanner if scanner.stack else None


def _walk(
    places: _Places, wanted: Sequence[int], root: _Here, model: PrefixModel
) -> Iterator[tuple[int, _Here]]:
    """Each wanted place with what is known there; places at which the constraint fails are left."""
    needed, waiting = set(wanted), list(wanted)
    while waiting:
        parent = places.parents[waiting.pop()]
        if parent not in needed:
            needed.add(parent)
            waiting.append(parent)
    children = dict.fromkeys(needed, 0)
    for place in needed:
        children[places.parents[place]] += place != 0
    known: dict[int, _Here] = {}
    chosen = set(wanted)
    for place in sorted(needed):
        if place == 0:
            here: _Here | None = root
        else:
            parent, (token, given) = places.parents[place], places.steps[place]
            before = known.get(parent)
            here = None
            if before is not None:
                try:
                    here = before.after(token, given, model.vocabulary.bytes[token])
                except ConditError:
                    here = None
            children[parent] -= 1
            if not children[parent]:
                known.pop(parent, None)
        if here is None:
            continue
        if children[place]:
            known[place] = here
        if place in chosen:
            yield place, here


def _batches(walked: Iterator[tuple[int, _Here]]) -> Iterator[list[tuple[int, _Here]]]:
    batch: list[tuple[int, _Here]] = []
    for each in walked:
        batch.append(each)
        if len(batch) == _TOGETHER:
            yield batch
            batch = []
    if batch:
        yield batch


def _look(law: TokenLaw, here: _Here, top: int) -> Alternatives:
    """The most probable tokens at a place, and the allowed mass there."""
    matcher = here.matcher
    tokens, log_masses, _ = law.heaviest(top, math.inf)
    told: list[Alternative] = []
    for token, log_mass in zip(tokens.tolist(), log_masses.tolist(), strict=True):
        why = "" if matcher is None else matcher.explain(token)
        told.append(Alternative(token, log_mass, why or None))
    allowed, unknown = _masses(law, matcher)
    return Alternatives(-1, allowed, unknown, tuple(told))


def _masses(law: TokenLaw, matcher: Budgeted | None) -> tuple[float, float]:
    """The mass that is known to be allowed, and that which nobody was asked about (linear)."""
    if matcher is None:
        return 1.0, 0.0
    mask, exact = outlined(matcher)
    if mask is not None:
        left = law.restrict(mask) * math.exp(law.log_scale)
        if exact or left == 0:
            return min(left, 1.0), 0.0
    tokens, log_masses, log_rest = law.heaviest(_ASKED, 1 - _NEGLIGIBLE)
    masses = np.exp(log_masses).tolist()
    asked = zip(tokens.tolist(), masses, strict=True)
    allowed = math.fsum(mass for token, mass in asked if matcher.allows(token))
    return min(allowed, 1.0), math.exp(log_rest)
