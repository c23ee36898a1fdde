"""Sequential Monte Carlo (a particle filter): weighted lanes that are resampled as they grow.

Lanes are the particles. Each step the lanes that do not wait draw a token by a kernel and multiply
their weights by the local weight. At a boundary (see ``condit.sampler.meeting``) lanes wait for
each other, and those that stand at the same one are a group. When the effective sample size of a
group is below ``threshold`` times its size, its lanes are resampled by weight, and all of them get
the group's mean weight. So ``Ẑ``, the mean weight of all lanes at the end, is unbiased for ``Z``,
and weighted averages are consistent (Del Moral 2004; for language models, Lew et al. 2023).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from condit.constraint.boundary import Boundary
from condit.errors import ArgumentError, UnknownNameError
from condit.model.base import Model, PrefixModel
from condit.plugins import unknown
from condit.sampler.base import Lane, Problem, Sampler
from condit.sampler.local import Kernel, KernelState, LocalSampler, LocalState, kernel_of
from condit.sampler.meeting import Meeting
from condit.sampler.rejuvenation import Group, rejuvenate, remember, uneven
from condit.sampler.resampling import SCHEMES, ancestors
from condit.trace import Reached, StepInfo
from condit.weights import log_mean_exp

_PLACES = ("boundary", "token")


@dataclass(frozen=True)
class SMC(Sampler[KernelState]):
    """Sequential Monte Carlo with the proposals of a kernel.

    Attributes:
        kernel: how lanes grow: ``"awrs"``, ``"masked"``, ``"learned"``, or a kernel such as
            ``AWRS(looks=3)``. By default ``"learned"`` where a memory is given, or the model only
            gives logits after prefixes; else ``"awrs"``.
        resampling: ``"systematic"``, ``"stratified"``, ``"multinomial"`` or ``"residual"``.
        threshold: resample when the effective sample size of lanes that are compared is below
            this share of their number; 0 never resamples, 1 resamples whenever weights differ.
        compare_at: where lanes are compared: at a ``"boundary"`` of the constraint's structure, or
            after every ``"token"`` (see ``condit.sampler.meeting``).
        rejuvenate: whether copies redraw their last piece (see ``rejuvenation.py``); by systematic
            resampling and a kernel that draws single tokens by the base law, without insertions.

    Raises:
        UnknownNameError: no such kernel or scheme.
        ArgumentError: ``threshold`` is outside 0 to 1, or ``compare_at`` is unknown.
    """

    kernel: str | Kernel | None = None
    resampling: str = "systematic"
    threshold: float = 0.5
    compare_at: str = "boundary"
    rejuvenate: bool = False

    def __post_init__(self) -> None:
        if self.resampling not in SCHEMES:
            raise UnknownNameError(unknown("resampling scheme", self.resampling, SCHEMES))
        if not 0 <= self.threshold <= 1:
            raise ArgumentError(f"threshold must be from 0 to 1, not {self.threshold}")
        if self.compare_at not in _PLACES:
            raise ArgumentError(
                f"compare_at must be {' or '.join(map(repr, _PLACES))}, not {self.compare_at!r}"
            )
        if self.rejuvenate and self.resampling != "systematic":
            raise ArgumentError(
                f"rejuvenate=True needs systematic resampling, not {self.resampling}: its test "
                "goes by how many copies that scheme makes"
            )
        if self.kernel is not None:
            kernel_of(self.kernel, "smc")

    @property
    def needs(self) -> type[PrefixModel]:
        """What its kernel needs of a model."""
        return PrefixModel if self.kernel is None else kernel_of(self.kernel, "smc").needs

    @property
    def takes_insertions(self) -> bool:
        """Where its kernel does."""
        return kernel_of(self.kernel or "awrs", "smc").takes_insertions

    def kernel_for(self, problem: Problem) -> Kernel:
        """The kernel that is used for ``problem``."""
        forks = isinstance(problem.model, Model) and problem.trie is None
        by_token = problem.insert is not None or bool(problem.stops)
        default = "awrs" if forks or by_token else "learned"
        return kernel_of(self.kernel or default, "smc")

    def init(self, problem: Problem, rng: np.random.Generator) -> KernelState:
        """Lanes before their first token; forwards the prompt."""
        kernel = self.kernel_for(problem)
        fixed = problem.insert is not None or bool(problem.stops)
        if self.rejuvenate and (fixed or not isinstance(kernel, LocalSampler)):
            raise ArgumentError(
                "rejuvenate=True needs the kernel 'awrs' or 'masked', and cannot redraw inserted "
                "text or a word that ends it: leave out insert=, stop= and the memory, or "
                "rejuvenate"
            )
        state: KernelState = kernel.init(problem, rng)
        if self.rejuvenate:
            remember(state.lanes)
        return state

    def step(self, rng: np.random.Generator, state: KernelState) -> tuple[KernelState, StepInfo]:
        """Grow every lane that has not ended, then resample if need be. ``state`` is modified."""
        kernel = self.kernel_for(state.problem)
        info = kernel.grow(state)
        if state.meeting is None:
            every_token = self.compare_at == "token"
            state.meeting = Meeting(state.problem, state.lanes, every_token=every_token)
        meeting = state.meeting
        before = [lane.boundary for lane in state.lanes]
        all_wait = meeting.arrive(state.lanes)
        if not meeting.flat:
            info = info._replace(boundaries=_reached(state.lanes, before))
        if all_wait and not state.done:
            groups = [
                Group(group, [state.lanes[index].log_weight for index in group])
                for group in meeting.groups(state.lanes)
            ]
            chosen = self._resample(rng, state, groups)
            if chosen is not None:
                kernel.fork(state, chosen)
                info = info._replace(ancestors=tuple(chosen))
                if (
                    self.rejuvenate
                    and isinstance(kernel, LocalSampler)
                    and isinstance(state, LocalState)
                ):
                    moved = rejuvenate(kernel, state, chosen, groups, meeting, self.threshold)
                    if moved is not None:
                        checks, masks = info.checks + moved.checks, info.masks + moved.masks
                        info = info._replace(
                            checks=checks, masks=masks, note=moved.note, redraws=moved.redraws
                        )
            released = [state.lanes[index] for group in groups for index in group.lanes]
            for lane in released:
                lane.waits = False
            if self.rejuvenate:
                remember(released)
        elif isinstance(state, LocalState) and state.ahead is not None and not self.rejuvenate:
            state.ahead.expect(state.lanes, self._expected(rng, state, meeting))
        kernel.feed(state)
        return state, info

    def _resample(
        self, rng: np.random.Generator, state: KernelState, groups: list[Group]
    ) -> list[int] | None:
        """Resample each group among itself where its weights differ much."""
        lanes, chosen = state.lanes, self._choose(rng, len(state.lanes), groups)
        for group, log_weights in groups:
            if uneven(log_weights, self.threshold):
                mean = log_mean_exp(log_weights)
                for index in group:
                    lanes[index].log_weight = mean
        if chosen == list(range(len(lanes))):
            return None
        state.lanes = [
            lanes[ancestor] if ancestor == index else lanes[ancestor].copy_to(lanes[index].rng)
            for index, ancestor in enumerate(chosen)
        ]
        return chosen

    def _choose(self, rng: np.random.Generator, lanes: int, groups: list[Group]) -> list[int]:
        """For each lane the index of the one that it becomes a copy of."""
        chosen = list(range(lanes))
        for group, log_weights in groups:
            if uneven(log_weights, self.threshold):
                weights = np.exp(np.array(log_weights) - max(log_weights))
                counts = SCHEMES[self.resampling](rng, weights / weights.sum())
                for index, ancestor in zip(group, ancestors(counts), strict=True):
                    chosen[index] = group[ancestor]
        return chosen

    def _expected(self, rng: np.random.Generator, state: LocalState, meeting: Meeting) -> list[int]:
        """What ``_choose`` will probably give when lanes meet: nothing is drawn from ``rng``."""
        lanes = state.lanes
        if not any(lane.waits for lane in lanes):
            return list(range(len(lanes)))
        groups = [
            Group(group, [lanes[i].log_weight if lanes[i].waits else -math.inf for i in group])
            for group in meeting.expected_groups(lanes)
        ]
        return self._choose(copy.deepcopy(rng), len(lanes), groups)


def _reached(lanes: Sequence[Lane], before: Sequence[Boundary]) -> tuple[Reached, ...]:
    """The trace records of the boundaries that lanes have come to."""
    return tuple(
        Reached(index, lane.boundary.progress, lane.boundary.kind)
        for index, lane in enumerate(lanes)
        if lane.boundary != before[index]
    )
