"""A run as HTML for a notebook: what the page shows of it, without scripts.

The HTML is part of a document of somebody else, which may be light or dark, filter styles, and is
kept in a file: all styles are inline, colours are readable on white and on black, whatever a colour
or a bar says stands there in words too, and the size is bounded. Texts are escaped, and characters
that hide or turn others are spelled out. How whole pages are put together is in ``files.py``.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from condit.page.curve import curve
from condit.page.distinct import Distinct, distinct, hint
from condit.page.tokens import NARROW, Line, narrowness, path, spelled
from condit.page.words import HIDDEN, counted, duration, name_of, number, percent, probability
from condit.weights import ENOUGH

_BAR = "#4a90e266"
_QUIET = "opacity:.75"
_CELL = "text-align:left;vertical-align:top;padding:2px 12px 2px 0"
_TEXT = "white-space:pre-wrap;overflow-wrap:anywhere;background:none;color:inherit;padding:0"
_HIDDEN = "font-size:.75em;border:1px solid;border-radius:3px;padding:0 2px"
_SHADES = ("", "#e6963226", "#e696324d", "#e6783273", "#e65a3299")
"""Of a token, by how narrow the constraint was: seen over white and over black."""

MOST_TEXTS = 20
MOST_FIELDS = 12
MOST_VALUES = 6

_TEXTS, _TOKENS, _FIELDS, _WORDS = 40_000, 80_000, 30_000, 6_000
"""The most bytes of each part."""


def notebook(summary: Mapping[str, Any], lines: Sequence[Line] = ()) -> str:
    """A result as HTML of at most about 200 KB.

    Args:
        summary: as of ``Result.summary``.
        lines: of its trace, as of ``Result.trace_lines``; none if there is no trace.
    """
    samples = summary["samples"]
    texts = distinct((s["text"], s["finish_reason"], s["valid"], s["weight"]) for s in samples)
    info = next((line for line in lines if line["kind"] == "run"), {})
    advice = hint(texts)
    parts = [
        _facts(summary, info),
        *(_folded(name, info[key]) for name, key in _FOLDED if info.get(key)),
        f"<p><b>{_escaped(advice, _WORDS)}</b></p>" if advice else "",
        _texts(texts),
        _tokens(summary, lines, texts[0].lanes[0] if texts else None),
        # Of whole texts the table of the different ones tells the same.
        _fields([each for each in summary["marginals"] if each["field"]], summary["ess"]),
        _curves(lines),
        _report(summary),
    ]
    return framed("".join(parts))


_FOLDED = (("Prompt", "prompt"), ("Constraint", "constraint"), ("Preference", "preference"))


def framed(inside: str) -> str:
    """HTML as one output of a notebook, in which a dollar sign begins no formula."""
    classes = "condit tex2jax_ignore mathjax_ignore"
    return f'<div class="{classes}" style="max-width:64rem;line-height:1.5">{inside}</div>'


def fields(marginals: Sequence[Mapping[str, Any]], ess: float, after: str = "") -> str:
    """The values of fields as bars.

    Args:
        marginals: as in ``Result.summary``.
        ess: effective sample size; if it is small, no errors are told.
        after: what is to be said below, in lines.
    """
    left, most = [_TEXTS], 20 if len(marginals) == 1 else MOST_VALUES
    made = [_field(each, most, left, ess) for each in marginals[:50] if left[0] > 0]
    if len(marginals) > len(made):
        made.append(f"<p>and {counted(len(marginals) - len(made), 'other field')}</p>")
    said = f"<p>{'<br>'.join(_lines(after))}</p>" if after else ""
    return framed("".join(made) + said)


def plain_text(text: str) -> str:
    """A text as it is, its lines as lines; cut after some thousand bytes."""
    return f'<pre style="{_TEXT}">{_escaped(text, _TEXTS)}</pre>'


def _facts(summary: Mapping[str, Any], info: Mapping[str, Any]) -> str:
    stats, temperature = summary["stats"], info.get("temperature", 1.0)
    facts = [
        ("Model", info.get("model")),
        ("Sampler", summary["sampler"]),
        ("Lanes", f"{len(summary['samples']):,}"),
        ("Seed", str(summary["seed"])),
        ("Temperature", None if temperature == 1 else number(temperature)),
        ("Tokens drawn", f"{stats['tokens']:,}"),
        ("Time", duration(stats["seconds"])),
        ("Log evidence", number(summary["log_evidence"])),
        ("Effective sample size", number(summary["ess"])),
    ]
    said = [
        f'<span style="{_QUIET}">{name}</span> <b>{_escaped(value, 600)}</b>'
        for name, value in facts
        if value
    ]
    return f"<p>{' &nbsp; '.join(said)}</p>"


def _folded(name: str, text: str) -> str:
    return (
        f"<details><summary>{name}</summary>"
        f'<pre style="{_TEXT}"><bdi>{_escaped(text, _WORDS)}</bdi></pre></details>'
    )


def _texts(texts: Sequence[Distinct]) -> str:
    left = [_TEXTS]
    rows = []
    for each in texts[:MOST_TEXTS]:
        share = percent(each.weight) if each.valid else each.reason.replace("_", " ")
        text = f'<code style="{_TEXT}"><bdi>{_escaped(each.text, 2_000, left)}</bdi></code>'
        lanes = counted(len(each.lanes), "lane")
        cells = [_bar(each.weight, share), f'<td style="{_CELL}">{text}</td>', _quiet(lanes)]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    more = len(texts) - MOST_TEXTS
    after = f'<p style="{_QUIET}">and {counted(more, "other text")}</p>' if more > 0 else ""
    named = "The text" if len(texts) == 1 else f"The {len(texts):,} different texts"
    return f"{_heading(named)}<table>{_body(rows)}</table>{after}" if texts else ""


def _tokens(summary: Mapping[str, Any], lines: Sequence[Line], lane: int | None) -> str:
    """The heaviest text, each token coloured by how much of the mass was allowed there."""
    if lane is None:
        return ""
    if not summary["samples"][lane]["valid"]:
        lane = summary["best"]
    draws = {line["draw"]: line for line in lines if line["kind"] == "draw"}
    ended = next((line for line in reversed(lines) if line["kind"] == "result"), None)
    tokens = path(draws, ended["samples"][lane]["draw"]) if ended and "samples" in ended else []
    if not tokens:
        return ""
    made, left = [], [_TOKENS]
    for draw, (text, raw) in zip(tokens, spelled(tokens), strict=True):
        made.append(_token(draw, text, raw, left))
        if left[0] <= 0:
            made.append(f" … {counted(len(tokens) - len(made), 'more token')}")
            break
    legend = " ".join(
        f'<span style="background:{shade or "none"};padding:0 4px">{words}</span>'
        for shade, words in zip(_SHADES, NARROW, strict=True)
    )
    return (
        f"{_heading('The heaviest text, token by token')}"
        f'<div style="{_TEXT};font-family:monospace"><bdi>{"".join(made)}</bdi></div>'
        f'<p style="{_QUIET}">Allowed by the constraint: {legend}</p>'
    )


def _token(draw: Line, text: str, raw: bool, left: list[int]) -> str:
    marks = [mark for mark in ("given", "forced", "guessed", "refused") if draw[mark]]
    told = f"allowed {probability(draw['log_allowed'])}, "
    told += f"probability {probability(draw['log_probability'])}"
    title = ", ".join(marks) if draw["given"] else ", ".join([told, *marks])
    styles = [f"background:{_SHADES[narrowness(draw)]}"] if narrowness(draw) else []
    styles += ["text-decoration:underline dotted"] if draw["forced"] else []
    styles += ["text-decoration:line-through"] if draw["refused"] else []
    styles += ["font-style:italic"] if draw["given"] else []
    style = f' style="{";".join(styles)}"' if styles else ""
    shown = _mark(text) if raw else _escaped(text, 2_000) or _mark("end")
    made = f'<span{style} title="{title}">{shown}</span>'
    left[0] -= len(made.encode())
    return made


def _fields(marginals: Sequence[Mapping[str, Any]], ess: float) -> str:
    if not marginals:
        return ""
    left = [_FIELDS]
    listed = marginals[:MOST_FIELDS]
    made = [_field(each, MOST_VALUES, left, ess) for each in listed if left[0] > 0]
    more = len(marginals) - len(made)
    after = f'<p style="{_QUIET}">and {counted(more, "other field")}</p>' if more > 0 else ""
    errors = "; ± its standard error" if ess >= ENOUGH else ""
    note = f'<p style="{_QUIET}">The share of the weight of each value{errors}.</p>'
    return f"{_heading('Field by field')}{note}{''.join(made)}{after}"


def _field(field: Mapping[str, Any], most: int, left: list[int], ess: float) -> str:
    rows = []
    for each in field["values"][:most]:
        error = each["standard_error"]
        said = percent(each["share"]) + (f" ± {error:.1%}" if error and ess >= ENOUGH else "")
        value = each.get("value", "(absent)")
        if not isinstance(value, str):
            value = json.dumps(value, ensure_ascii=False)
        text = f'<code style="{_TEXT}"><bdi>{_escaped(value, 1_200, left)}</bdi></code>'
        rows.append(f'<tr>{_bar(each["share"], said)}<td style="{_CELL}">{text}</td></tr>')
    more = len(field["values"]) - most
    after = f'<p style="{_QUIET}">and {counted(more, "other value")}</p>' if more > 0 else ""
    name = _escaped(field["field"] or "the text", 1_200, left)
    return f"<p><b><bdi>{name}</bdi></b></p><table>{_body(rows)}</table>{after}"


def _curves(lines: Sequence[Line]) -> str:
    steps = [line for line in lines if line["kind"] == "step"]
    if len(steps) < 2:
        return ""
    at = [float(line["step"]) for line in steps]
    drawn = [
        curve(name, at, [line[key] for line in steps])
        for name, key in (
            ("Log evidence", "log_evidence"),
            ("Effective sample size", "effective_sample_size"),
        )
    ]
    return f"{_heading('Step by step')}{''.join(drawn)}" if any(drawn) else ""


def _report(summary: Mapping[str, Any]) -> str:
    said = _lines(summary["report_in_words"])
    if summary["reason"]:
        said += _lines(f"Why this sampler: {summary['reason']}")
    return f"{_heading('How far to trust it')}<p>{'<br>'.join(said)}</p>"


def _lines(text: str) -> list[str]:
    return [_escaped(line, 1_200) for line in text.split("\n")[:60]]


def _heading(words: str) -> str:
    return f'<p style="margin-top:1em;font-size:1.1em"><b>{words}</b></p>'


def _body(rows: Iterable[str]) -> str:
    return f"<tbody>{''.join(rows)}</tbody>"


def _quiet(words: str) -> str:
    return f'<td style="{_CELL};{_QUIET};white-space:nowrap">{words}</td>'


def _bar(share: float, words: str) -> str:
    """A cell with a bar behind words: a gradient, which needs no second element."""
    width = round(100 * min(max(share, 0.0), 1.0), 1)
    back = f"linear-gradient(to right,{_BAR} {width}%,transparent {width}%)"
    return f'<td style="{_CELL};min-width:9em;white-space:nowrap;background:{back}">{words}</td>'


def _mark(words: str) -> str:
    return f'<span style="{_HIDDEN}">{words}</span>'


def _escaped(text: str, most: int, left: list[int] | None = None) -> str:
    """A text as HTML of at most about ``most`` bytes.

    Args:
        text: any text.
        most: where it is cut.
        left: how many bytes the part that it is in may still take; what is used is subtracted.
    """
    allowed = min(most, left[0]) if left is not None else most
    made, size = [], 0
    for character in text:
        piece = html.escape(character)
        if HIDDEN.match(character):
            piece = _mark(name_of(character))
        if size > allowed:
            made.append("…")
            break
        made.append(piece)
        size += len(piece.encode())
    if left is not None:
        left[0] -= size
    return "".join(made)
