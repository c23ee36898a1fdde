"""The files of the page, read once, and one HTML file that holds them all.

A page that is served names its files, and a page that is exported has them inside. Both forbid the
browser everything else: other scripts, other origins, frames and forms.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Sequence
from functools import cache
from importlib import resources

SCRIPTS = (
    *("vendor/htm-preact.js", "vendor/uPlot.js", "read.js", "format.js", "genealogy.js"),
    *("curves.js", "texts.js", "samples.js", "turns.js", "hardest.js", "viewer.js", "start.js"),
)
"""In the order in which they need each other."""

PLAYGROUND = (
    # The plotting library comes with the first run (``curves.js``).
    *(name for name in SCRIPTS[:-1] if name != "vendor/uPlot.js"),
    "languages.js",
    "editor.js",
    "schema-form.js",
    "examples.js",
    "playground.js",
)
"""Those of the page where constraints are tried out."""

STYLES = ("vendor/uPlot.css", "page.css")

TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
"""Media types by suffix; all are UTF-8."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The content-security policy of a page that is served (https://www.w3.org/TR/CSP3/)."""

_OPENS = re.compile("<")


@cache
def file(name: str) -> str | None:
    """The text of one of the page's files; ``None`` for every other name.

    Names are looked up in a list, so that none of them is ever a path on the disk.
    """
    if name not in SCRIPTS and name not in PLAYGROUND and name not in STYLES:
        return None
    return (resources.files(__package__) / "static" / name).read_text(encoding="utf-8")


def served() -> str:
    """The page of runs as a server gives it: it names its files, and asks for ``runs.json``."""
    return _naming("Condit", SCRIPTS)


def playground() -> str:
    """The page where constraints are tried out; its server has ``options.json`` and the rest."""
    return _naming("Condit playground", PLAYGROUND)


def _naming(title: str, scripts: Sequence[str]) -> str:
    styles = "".join(f'<link rel="stylesheet" href="{name}">\n' for name in STYLES)
    named = "".join(f'<script src="{name}" defer></script>\n' for name in scripts)
    return _document(title, styles + named, "")


def exported(runs: Sequence[tuple[str, str]], title: str = "Condit") -> str:
    """One HTML file that needs nothing else, neither a server nor a network.

    Args:
        runs: the name and the text of each trace file.
        title: of the window.
    """
    styles = "".join(f"<style>{file(name)}</style>\n" for name in STYLES)
    scripts = "".join(f"<script>{file(name)}</script>\n" for name in SCRIPTS)
    kinds = (("script-src", SCRIPTS), ("style-src", STYLES))
    allowed = "; ".join(f"{kind} {' '.join(map(_hash, names))}" for kind, names in kinds)
    policy = f"default-src 'none'; {allowed}; img-src data:; base-uri 'none'; form-action 'none'"
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n{styles}{scripts}'
    return _document(title, head, "".join(_written(name, text) for name, text in runs))


def _document(title: str, head: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n"
        '<meta name="description" content="What a language model wrote under a constraint: texts, '
        'their weights, and what else could have come.">\n'
        # The usual icon would be asked for, and there is none.
        f'<link rel="icon" href="data:,">\n{head}</head>\n<body>\n<div id="page">'
        "<noscript>This page reads the run with JavaScript, which is switched off.</noscript>"
        f"</div>\n{body}</body>\n</html>\n"
    )


def _written(name: str, text: str) -> str:
    """A trace within HTML: no text in it can end its element, or begin another."""
    # In JSON a "<" can only stand inside a string, where it may be written by its number.
    inside = _OPENS.sub(r"\\u003c", text.encode(errors="replace").decode())
    return f'<script type="application/jsonl" data-name="{html.escape(name)}">{inside}</script>\n'


def _hash(name: str) -> str:
    digest = hashlib.sha256((file(name) or "").encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
