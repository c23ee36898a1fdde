"""Agents in files: from YAML to a `condit.Agent`, with errors that name the line and the field.

Read by PyYAML's safe loader: a file can make no objects. What it names (functions, commands) is the
user's own, and is run; see ``docs/how-to/agents.md``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import condit
from condit.behave.agent import Agent
from condit.behave.form import Form
from condit.behave.policy import Policy
from condit.behave.tools import Tool
from condit.cli_constraint import written
from condit.cli_streams import read_text
from condit.cli_where import named
from condit.constraint.base import Constraint
from condit.errors import ArgumentError, ConditError, MissingDependencyError
from condit.plugins import unknown

T = TypeVar("T")

_KEYS = (
    *("formula", "events", "tools", "labels", "policy", "form"),
    *("model", "task", "instruct", "temperature", "limits"),
)
_TOOL = ("outcomes", "pure", "seconds", "max_observation", "description")
_LIMITS = ("max_events", "max_tokens", "max_event_tokens", "max_seconds")
_POLICY = ("calls", "total", "order", "exclusive", "parallel", "texts", "depends")
_MOST_DEPTH = 8


@dataclass(frozen=True)
class AgentFile:
    """What a file says.

    Attributes:
        agent: the agent.
        model: the name of its model, if it says one.
        task: what it is to do, if it says so.
        settings: further arguments of ``Agent.run``.
    """

    agent: Agent
    model: str | None
    task: str | None
    settings: dict[str, Any]


def read_agent(path: Path) -> AgentFile:
    """An agent as a file describes it.

    Raises:
        ArgumentError: the file cannot be read, is no YAML, or says something that cannot be; the
            message names the line and the field.
        MissingDependencyError: PyYAML is not installed.
    """
    return _Reader(path).read()


class _Reader:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[tuple[str, ...], int] = {}

    def read(self) -> AgentFile:
        given = self._loaded()
        self._known(given, _KEYS, ())
        if "formula" not in given:
            raise self._wrong((), "there is no formula")
        with _modules_beside(self.path):
            tools = {
                name: self._tool(name, each) for name, each in self._mapping(given, "tools").items()
            }
        events = self._constraints(given, "events", ())
        made = self._at(
            ("formula",),
            lambda: Agent(
                given["formula"],
                events,
                tools,
                labels=self._mapping(given, "labels"),
                policy=self._policy(given),
                form=self._at(("form",), lambda: Form(**self._mapping(given, "form"))),
            ),
        )
        settings = dict(self._mapping(given, "limits"))
        self._known(settings, _LIMITS, ("limits",))
        for key in ("instruct", "temperature"):
            if key in given:
                settings[key] = given[key]
        return AgentFile(made, self._text(given, "model"), self._text(given, "task"), settings)

    def _loaded(self) -> Mapping[str, Any]:
        try:
            import yaml  # type: ignore[import-untyped]
        except ImportError as error:
            raise MissingDependencyError(
                "agents in files need PyYAML: pip install 'condit[types]'"
            ) from error
        text = read_text(self.path)
        try:
            node = yaml.compose(text, yaml.SafeLoader)
            self._note_lines(node, (), yaml.MappingNode)
            given = yaml.safe_load(text)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = "" if mark is None else f", line {mark.line + 1}"
            raise ArgumentError(
                f"{self.path}{line}: no YAML: {getattr(error, 'problem', error)}"
            ) from error
        if not isinstance(given, Mapping):
            raise self._wrong((), f"give fields: {', '.join(_KEYS)}")
        return given

    def _note_lines(self, node: Any, place: tuple[str, ...], mapping: type) -> None:
        """The line of each field, and that none comes twice."""
        if not isinstance(node, mapping) or len(place) > _MOST_DEPTH:
            return
        for key, value in node.value:  # type: ignore[attr-defined]
            inner = (*place, str(key.value))
            is_there = inner in self.lines
            self.lines[inner] = key.start_mark.line + 1
            if is_there:
                raise self._wrong(inner, "it is there twice")
            self._note_lines(value, inner, mapping)

    def _wrong(self, place: tuple[str, ...], said: object) -> ArgumentError:
        known = next(
            (place[:size] for size in range(len(place), 0, -1) if place[:size] in self.lines), None
        )
        line = "" if known is None else f", line {self.lines[known]}"
        field = f", {'.'.join(place)}" if place else ""
        return ArgumentError(f"{self.path}{line}{field}: {said}")

    def _at(self, place: tuple[str, ...], make: Callable[[], T]) -> T:
        try:
            return make()
        except ConditError as error:
            if str(error).startswith(f"{self.path}"):
                raise
            raise self._wrong(place, error) from error
        except (TypeError, ValueError, AttributeError) as error:
            raise self._wrong(place, f"it has the wrong form: {error}") from error

    def _known(self, given: Mapping[str, Any], keys: tuple[str, ...], place: Any) -> None:
        for key in given:
            if key not in keys:
                raise self._wrong((*place, str(key)), unknown("field", str(key), keys))

    def _mapping(self, given: Mapping[str, Any], key: str) -> dict[str, Any]:
        found = given.get(key) or {}
        if not isinstance(found, Mapping) or not all(isinstance(each, str) for each in found):
            raise self._wrong((key,), "give names with values, one a line")
        return dict(found)

    def _constraints(
        self, given: Mapping[str, Any], key: str, place: tuple[str, ...]
    ) -> dict[str, Constraint]:
        found = self._mapping(given, key).items()
        return {
            name: self._at((*place, key, name), partial(written, str(each))) for name, each in found
        }

    def _text(self, given: Mapping[str, Any], key: str) -> str | None:
        found = given.get(key)
        if found is not None and not isinstance(found, str):
            raise self._wrong((key,), "give a text")
        return found

    def _tool(self, name: str, given: Any) -> Tool:
        place = ("tools", name)
        about: dict[str, Any] = {"function": given} if isinstance(given, str) else given
        if not isinstance(about, dict) or ("function" in about) == ("command" in about):
            raise self._wrong(place, "give function: MODULE:NAME, or command: [PROGRAM, ...]")
        options = {key: value for key, value in about.items() if key in _TOOL}
        if "function" in about:
            self._known(about, ("function", "content", *_TOOL), place)
            path = str(about["function"])
            function = self._at(place, lambda: named("function", path, path))
            content = about.get("content")
            if content is not None:
                options["content"] = self._at((*place, "content"), lambda: written(str(content)))
            return self._at(place, lambda: condit.tool(function, name=name, **options))
        self._known(about, ("command", "fields", "directory", *_TOOL), place)
        row = about["command"]
        for key in ("fields", "directory"):
            if key in about:
                options[key] = about[key]
        return self._at(place, lambda: condit.command(name, row, **options))

    def _policy(self, given: Mapping[str, Any]) -> Policy | None:
        about = self._mapping(given, "policy")
        if not about:
            return None
        self._known(about, _POLICY, ("policy",))
        if "calls" in about:
            calls = self._mapping(about, "calls").items()
            about["calls"] = {k: tuple(v) if isinstance(v, list) else v for k, v in calls}
        if "texts" in about:
            about["texts"] = self._constraints(about, "texts", ("policy",))
        return self._at(("policy",), lambda: condit.policy(**about))


@contextmanager
def _modules_beside(path: Path) -> Iterator[None]:
    """Modules are also found in the directory of the file."""
    home = str(path.resolve().parent)
    sys.path.insert(0, home)
    try:
        yield
    finally:
        sys.path.remove(home)
