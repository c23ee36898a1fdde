"""Many tools, of which a request needs a few (as in CRAFT): a model chooses, by its own odds.

How well a tool fits is how much more probable its name becomes once the request is read: so a
short or common name has no advantage. Nothing is drawn, and no index is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from condit.behave.tools import Tool, tools_of
from condit.constraint.base import Constraint
from condit.constraint.choice import choice
from condit.errors import ArgumentError
from condit.model.base import Model
from condit.retrieval import retrieve


class Toolset(Mapping[str, Tool]):
    """Tools by name, and which of them a request needs.

    >>> def double(x: int) -> int:
    ...     '''Twice a number.'''
    ...     return 2 * x
    >>> list(Toolset([double]))
    ['double']

    Args:
        tools: functions and tools (``condit.tool``, ``condit.command``), in a row or by name. Their
            names and descriptions are what the model is told of them.

    Raises:
        ArgumentError: there are none, one is no tool, or two have the same name.
    """

    def __init__(self, tools: Any) -> None:
        self._tools = tools_of(tools)
        if not self._tools:
            raise ArgumentError("toolset: give at least one function or tool")

    def __repr__(self) -> str:
        return f"Toolset({', '.join(self._tools)})"

    def __getitem__(self, name: str) -> Tool:
        return self._tools[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)

    def scores(self, request: str, model: Model) -> dict[str, float]:
        """For each tool by how much the request raises the log probability of its name.

        Args:
            request: what is to be done.
            model: what judges.

        Returns:
            Natural logarithms, the greatest first.

        Raises:
            ArgumentError: the request is no text.
            PromptTooLongError: the names and descriptions do not fit into the model's context.
        """
        if not isinstance(request, str):
            raise ArgumentError(f"toolset: request={request!r}: give a text")
        told, usual = (self._names(each, model) for each in (request, "anything"))
        found = {name: told[name] - usual[name] for name in self._tools}
        return dict(sorted(found.items(), key=lambda each: -each[1]))

    def retrieve(self, request: str, k: int, model: Model) -> Toolset:
        """The ``k`` tools that fit a request best, the best first; fewer if there are fewer.

        Args:
            request: what is to be done.
            k: how many.
            model: what judges.

        Raises:
            ArgumentError: ``k`` is no whole number above 0; and as ``scores``.
        """
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise ArgumentError(f"toolset: k={k!r} must be a whole number, 1 or more")
        return Toolset({name: self._tools[name] for name in list(self.scores(request, model))[:k]})

    def choice(self, request: str, k: int, model: Model) -> Constraint:
        """The name of one of those tools, as a constraint: what is drawn can be called.

        Args:
            request: what is to be done.
            k: how many may be chosen from.
            model: what judges.

        Raises:
            ArgumentError: as ``retrieve``.
        """
        return choice(list(self.retrieve(request, k, model)))

    def _names(self, request: str, model: Model) -> dict[str, float]:
        lines = [f"{each.name}: {each.description}".rstrip(": ") for each in self._tools.values()]
        prompt = "\n".join(("Tools:", *lines, "", f"Request: {request}", "The tool for it: "))
        found = retrieve(model, prompt, list(self._tools), len(self._tools))
        return {each.text: each.log_probability for each in found}
