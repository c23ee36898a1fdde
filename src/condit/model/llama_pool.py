"""Contexts of llama.cpp that wait to be used again, each with the last prompt it has seen.

Making a context takes longer than a token, and forwarding a prompt takes much longer. So when a
decoder is gone its context stays, with the cells of its prompt and nothing else. The next prompt
that begins in the same way forwards only the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

from condit.model.llama_context import LlamaContext, Settings, Weights, room_for
from condit.model.llama_tree import PathTree
from condit.model.prefix_cache import clear_with_cache

_MOST_IDLE = 2
_MOST_IDLE_CELLS = 8192
"""Cells that idle contexts may have together; larger ones are freed at once."""

_ROOM = 256
"""Cells beyond the prompt that a new context has."""


class ContextPool:
    """The idle contexts of one model.

    Args:
        weights: the model.
        settings: how contexts are to be made.
        most_cells: how many positions one decoder may hold at once.
    """

    def __init__(self, weights: Weights, settings: Settings, most_cells: int) -> None:
        self._weights = weights
        self._settings = settings
        self._most_cells = most_cells
        self._idle: list[PathTree] = []
        clear_with_cache(self)

    def take(self, prompt: Sequence[int]) -> PathTree:
        """An idle tree that holds most of ``prompt``, and nothing else, or a new one."""
        best = max(self._idle, key=lambda tree: tree.shared(prompt), default=None)
        if best is None or (not best.shared(prompt) and len(self._idle) < _MOST_IDLE):
            cells = min(room_for(len(prompt) + _ROOM), self._most_cells)
            return PathTree(LlamaContext(self._weights, cells, self._settings), self._most_cells)
        if not best.shared(prompt):
            best = self._idle[0]  # the one that has waited longest
        self._idle.remove(best)
        best.shorten(best.shared(prompt))
        return best

    def give_back(self, tree: PathTree) -> None:
        """Take back the tree of a finished decoder; beyond the limits, the oldest are freed."""
        tree.free_all_but(())
        self._idle.append(tree)
        while len(self._idle) > _MOST_IDLE or sum(t.cells for t in self._idle) > _MOST_IDLE_CELLS:
            del self._idle[0]

    def clear(self) -> None:
        """Free every idle context, and the prompts in them."""
        self._idle.clear()
