"""A recorded world as two potentials of genlm-control: the model, and the condition."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from genlm.control import Potential
from recorded_world import World


class RecordedPotential(Potential):
    """The recorded model. ``asked``: the distinct contexts whose next token was asked for."""

    def __init__(self, world: World) -> None:
        tokens = [token for token in range(len(world.bytes)) if token != world.end]
        super().__init__(tokens)
        rows = torch.from_numpy(world.logits[:, [*tokens, world.end]]).log_softmax(dim=1)
        self._rows = dict(zip(world.prefixes, rows, strict=True))
        self.asked: set[tuple[int, ...]] = set()

    async def prefix(self, context: list[int]) -> float:
        total = 0.0
        for place, token in enumerate(context):
            total += float(self._rows[tuple(context[:place])][self.lookup[token]])
        return total

    async def complete(self, context: list[int]) -> float:
        return await self.prefix(context) + float(self._rows[tuple(context)][-1])

    async def logw_next(self, context: list[int]) -> Any:
        self.asked.add(tuple(context))
        # A row is theirs to change: geometric AWRS works in place.
        return self.make_lazy_weights(self._rows[tuple(context)].clone())

    async def logw_eos(self, context: list[int]) -> float:
        """Also asked where the budget cuts off a text that may not end: nothing is recorded there.

        Any number does, for the condition has minus infinity.
        """
        self.asked.add(tuple(context))
        row = self._rows.get(tuple(context))
        return 0.0 if row is None else float(row[-1])

    async def batch_logw_next(self, contexts: list[list[int]]) -> Any:
        self.asked.update(map(tuple, contexts))
        return self.make_lazy_weights(
            torch.stack([self._rows[tuple(context)] for context in contexts])
        )


class RecordedCondition(Potential):
    """Which prefixes and texts are in the language: 0 or minus infinity.

    Args:
        world: the recorded world.
        names: what to call each of its tokens; their recorded ids by default.
        vocabulary: the tokens to choose the vocabulary from; all of the recorded by default.
    """

    def __init__(
        self, world: World, names: list[Any] | None = None, vocabulary: list[Any] | None = None
    ) -> None:
        recorded = list(range(len(world.bytes)))
        names = names if names is not None else recorded
        self._next: dict[tuple[Any, ...], frozenset[Any]] = {}
        self._complete: set[tuple[Any, ...]] = set()
        alphabet: set[int] = set()
        for prefix, row in zip(world.prefixes, world.allowed, strict=True):
            context = tuple(names[token] for token in prefix)
            further = [token for token in np.flatnonzero(row).tolist() if token != world.end]
            alphabet.update(*(world.bytes[token] for token in further))
            self._next[context] = frozenset(names[token] for token in further)
            if row[world.end]:
                self._complete.add(context)
        if vocabulary is None:
            spelled = [(token, world.bytes[token]) for token in recorded if token != world.end]
        else:
            spelled = [(token, token.byte_string) for token in vocabulary]
        super().__init__([token for token, text in spelled if text and set(text) <= alphabet])

    async def prefix(self, context: list[Any]) -> float:
        if not context:
            return 0.0
        allowed = self._next.get(tuple(context[:-1]), frozenset())
        return 0.0 if context[-1] in allowed else -math.inf

    async def complete(self, context: list[Any]) -> float:
        return 0.0 if tuple(context) in self._complete else -math.inf

    async def logw_eos(self, context: list[Any]) -> float:
        return await self.complete(context)
