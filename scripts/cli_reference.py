"""Write docs/reference/cli.md from the command line itself; with --check, only compare.

It reads the signatures of the commands, not their printed help: so the page is the same at any
terminal width, without colour, and with any version of typer.
"""

from __future__ import annotations

import argparse
import difflib
import enum
import inspect
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer
from typer.models import ArgumentInfo, OptionInfo

from condit import cli

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "cli.md"

INTRODUCTION = """\
# Command line

This page is written by `scripts/cli_reference.py` from the program itself. How the commands are
used is shown in [Use the shell](../how-to/shell.md).
"""


class Parameter(typing.NamedTuple):
    """One argument or option of a command: its name in Python, its type, what typer knows of it."""

    name: str
    type: Any
    info: OptionInfo | ArgumentInfo
    default: Any

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is inspect.Parameter.empty

    @property
    def names(self) -> str:
        """How it is written, the short name first."""
        # Inside Annotated, typer takes the first name for a default until it builds the command.
        written = [self.info.default, *(getattr(self.info, "param_decls", None) or ())]
        names = [name for name in written if isinstance(name, str) and name.startswith("-")]
        plain = self.name.replace("_", "-")
        # A switch that is on by default is there to be turned off.
        names = names or [f"--{plain}", *([f"--no-{plain}"] if self.default is True else [])]
        return ", ".join(f"`{name}`" for name in sorted(names, key=len))

    @property
    def value(self) -> str:
        """What follows the name; nothing for a switch."""
        kinds = typing.get_args(self.type) or (self.type,)
        kind = next(each for each in kinds if each is not type(None))
        if kind is bool:
            return ""
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return " or ".join(str(member.value) for member in kind)
        return self.info.metavar or ("number" if kind in (int, float) else "text")


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION, *_section("condit", cli.main), *_sections("condit", cli.app)]
    return "\n".join(parts)


def _sections(prefix: str, app: typer.Typer) -> Iterator[str]:
    for command in app.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__.replace("_", "-")
        yield from _section(f"{prefix} {name}", command.callback)
    for group in app.registered_groups:
        assert group.typer_instance is not None
        assert group.typer_instance.registered_callback is not None
        callback = group.typer_instance.registered_callback.callback
        assert callback is not None
        yield from _section(f"{prefix} {group.name}", callback)
        yield from _sections(f"{prefix} {group.name}", group.typer_instance)


def _section(name: str, command: Callable[..., Any]) -> Iterator[str]:
    parameters = list(_parameters(command))
    arguments = [each for each in parameters if isinstance(each.info, ArgumentInfo)]
    options = [each for each in parameters if isinstance(each.info, OptionInfo)]
    usage = " ".join([name, "[OPTIONS]", *(each.name.upper() for each in arguments)])
    yield f"## {name}\n\n```text\n{usage}\n```\n\n{inspect.getdoc(command)}\n"
    if arguments:
        rows = [f"| `{each.name.upper()}` | {each.info.help} |" for each in arguments]
        yield "\n".join(["| argument | |", "| --- | --- |", *rows]) + "\n"
    if options:
        rows = [_row(each) for each in options]
        yield "\n".join(["| option | | default |", "| --- | --- | --- |", *rows]) + "\n"


def _parameters(command: Callable[..., Any]) -> Iterator[Parameter]:
    hints = typing.get_type_hints(command, include_extras=True)
    for name, parameter in inspect.signature(command).parameters.items():
        kind, info = typing.get_args(hints[name])[:2]
        yield Parameter(name, kind, info, parameter.default)


def _row(option: Parameter) -> str:
    default = option.default.value if isinstance(option.default, enum.Enum) else option.default
    shown = "required" if option.required else f"`{default}`"
    if default is None or default is False:
        said = option.info.show_default
        shown = said if isinstance(said, str) else ""
    value = f"*{option.value}*" if option.value else ""
    return f"| {option.names} {value} | {option.info.help} | {shown} |"


def main() -> int:
    """Write the page, or compare: 0 where it is in step, 1 where it is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if it differs")
    wanted = page()
    if not parser.parse_args().check:
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    found = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    if found == wanted:
        return 0
    changes = difflib.unified_diff(
        found.splitlines(), wanted.splitlines(), "the page", "the program", lineterm=""
    )
    print("\n".join(changes), file=sys.stderr)
    print(
        "docs/reference/cli.md is out of step with the program: "
        "run .venv/bin/python scripts/cli_reference.py",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
