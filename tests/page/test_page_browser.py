"""The page of a run in a real browser: what it shows, and what it never does."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from watching import Watched

from condit.page.files import exported

Export = Callable[..., Path]


@pytest.fixture
def export(tmp_path: Path) -> Export:
    """A page written as one file, of the texts of trace files."""

    def write(*texts: str) -> Path:
        path = tmp_path / "page.html"
        path.write_text(exported([(f"run {at}", text) for at, text in enumerate(texts)]), "utf-8")
        return path

    return write


def lines(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def draw(step: int, lane: int, text: str, **other: Any) -> dict[str, Any]:
    record = {"kind": "draw", "step": step, "lane": lane, "attempt": None, "token": 5, "text": text}
    logs = {"log_probability": -1.0, "log_allowed": math.log(0.25), "log_weight": -1.4}
    return {**record, **logs, "given": False, "forced": False, "guessed": False, **other}


SEED = 50850317939865063565323280330591251434
RUN = {"kind": "run", "format": "condit-trace", "version": 2, "sampler": "SMC()", "prompt": "Hi"}


def small() -> str:
    """Two lanes, of which the second is continued as both."""
    why = 'expected "," or "]" at people[0]'
    other = {"token": 9, "text": " ham", "log_probability": -0.1, "allowed": False, "why": why}
    drawn = {"token": 5, "text": "b", "log_probability": -2.0, "allowed": True, "why": None}
    sample = {"valid": True, "finish_reason": "stop"}
    return lines(
        {**RUN, "seed": SEED},
        draw(0, 0, "a", draw=0, after=None),
        draw(0, 1, "b", draw=1, after=None),
        {"kind": "resample", "step": 0, "ancestors": [1, 1], "effective_sample_size": 1.0},
        {"kind": "step", "step": 0, "effective_sample_size": 1.0, "log_evidence": -1.5},
        draw(1, 0, "c", draw=2, after=1, forced=True, log_allowed=0.0),
        draw(1, 1, "\U0001f600", draw=3, after=1),
        {"kind": "event", "draw": 2, "name": "look", "text": "c", "given": True},
        {"kind": "boundary", "step": 1, "lane": 0, "progress": [1], "what": "a field"},
        {"kind": "step", "step": 1, "effective_sample_size": 2.0, "log_evidence": -1.25},
        {
            "kind": "alternatives",
            "draw": 1,
            "allowed_mass": 0.25,
            "tokens": [other, drawn],
        },
        {
            "kind": "result",
            "samples": [
                {**sample, "text": "bc", "weight": 0.75, "draw": 2},
                {**sample, "text": "b\U0001f600", "weight": 0.25, "draw": 3},
            ],
            "marginals": [{"field": "", "values": [{"value": "bc", "share": 0.75}]}],
            "report_in_words": "independent draws from the target itself",
        },
    )


def test_a_run_is_shown(export: Export, watched: Watched) -> None:
    page = watched.open(export(small()))
    rows = page.locator(".row").all_inner_texts()
    assert [" ".join(row.split()) for row in rows] == [
        "sample 0 75 % stop bc",
        "sample 1 25 % stop b\U0001f600",
    ]
    # Lane 0 was continued from lane 1: its text begins with what was drawn there.
    assert page.locator(".text .token").all_inner_texts() == ["b", "c"]
    assert page.locator(".token.forced").first.inner_text() == "c"
    assert page.locator(".text .boundary").count() == 1
    assert page.locator(".turns li").all_inner_texts() == ["look given c"]
    page.locator(".turns button").click()
    assert page.locator(".token.chosen").inner_text() == "c"
    page.locator(".text .token").first.click()
    details = page.locator(".details")
    assert 'refused: expected "," or "]" at people[0]' in details.inner_text()
    assert details.locator("s").all_inner_texts() == ["“ ham”"]
    assert page.locator(".samples tbody tr").count() == 2
    assert str(SEED) in page.inner_text(".facts")
    # Where both texts began is one place.
    hardest = page.locator(".hardest tbody tr").all_inner_texts()
    assert [("in 2 texts" in row, "“ ham”" in row) for row in hardest].count((True, True)) == 1
    assert "independent draws" in page.inner_text("main")
    page.set_viewport_size({"width": 1280, "height": 300})
    page.locator(".hardest button").last.click()
    # Playwright's wait_for_function asks a second time by eval, which the page forbids.
    chosen = page.locator(".text .chosen").first
    for _ in range(100):
        if chosen.evaluate("each => each.getBoundingClientRect().top") > 0:
            break
        page.wait_for_timeout(50)
    else:
        pytest.fail("the chosen token is above what is seen")
    assert all(url.startswith(("file:", "data:")) for url in watched.requests)


def test_the_keyboard_goes_everywhere_and_the_address_says_where(
    export: Export, watched: Watched
) -> None:
    path = export(small())
    page = watched.open(path)
    page.locator(".rows").focus()
    page.keyboard.press("ArrowDown")
    assert page.locator(".row[aria-selected=true]").inner_text().startswith("sample 1")
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    assert page.locator(".token.chosen").inner_text() == "\U0001f600"
    page.wait_for_url("**#*step=1*")
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector(".token.chosen")
    assert page.locator(".token.chosen").inner_text() == "\U0001f600"
    assert page.locator(".row[aria-selected=true]").inner_text().startswith("sample 1")


def test_two_runs_stand_side_by_side(export: Export, watched: Watched) -> None:
    page = watched.open(export(small(), small()))
    boxes = [page.locator("article").nth(at).bounding_box() for at in range(2)]
    assert boxes[0]
    assert boxes[1]
    assert boxes[0]["y"] == boxes[1]["y"] < boxes[1]["x"]
    names = page.eval_on_selector_all("[id]", "all => all.map(each => each.id)")
    assert len(names) == len(set(names))


HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "]]><!--<script>alert(1)//",
    "{{constructor.constructor('alert(1)')()}}",
    "javascript:alert(1)",
    "\u202egnp.exe\u2066",
    "\ud800 alone",
    "\x00\x1b[31m\x07",
    "a" * 200_000,
    "\u0301" * 500,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_are_shown_and_not_run(text: str, export: Export, watched: Watched) -> None:
    sample = {"text": text, "weight": 1.0, "valid": True, "finish_reason": text}
    page = watched.open(
        export(
            lines(
                {**RUN, "prompt": text, "constraint": text, "model": text, "sampler": text},
                draw(0, 0, text, draw=0, after=None),
                {
                    "kind": "alternatives",
                    "draw": 0,
                    "tokens": [{"token": 1, "text": text, "allowed": False, "why": text}],
                },
                {"kind": "boundary", "step": 0, "lane": 0, text: text},
                {"kind": "event", "draw": 0, "name": text, "text": text},
                {"kind": "end", "step": 0, "lane": 0, "text": text, "reason": text},
                {"kind": "step", "step": 0, "note": text},
                {
                    "kind": "result",
                    "samples": [sample],
                    "report_in_words": text,
                    "marginals": [{"field": text, "values": [{"value": text, "share": 1}]}],
                    "error": {"type": text, "message": text},
                },
            )
        )
    )
    page.locator(".text").press("Home")  # by keyboard: some of them have no width to click at
    page.wait_for_selector(".details h3")
    assert page.locator("img, iframe, a, object").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    # What turns other text is spelled out.
    if "\u202e" in text:
        assert "U+202E" in page.locator(".samples").inner_text()
        assert "\u202e" not in page.inner_text("main")


BROKEN = {
    "empty": "",
    "no JSON": "nothing\n{]\n\x00\x01\n",
    "not objects": '1\nnull\n[]\n"text"\ntrue\n',
    "wrong types": lines(
        {"kind": "run", "format": 1, "sampler": {}, "prompt": [], "n": "x"},
        {"kind": "draw", "step": "0", "lane": 0},
        {"kind": "draw", "step": 0, "lane": -1, "text": 5, "log_allowed": "x", "bytes": 7},
        {"kind": "draw", "step": 1e300, "lane": 1e300, "text": None},
        {"kind": "draw", "step": 0, "lane": 1e300, "text": "a"},
        {"kind": "draw", "step": 0, "lane": 9e6, "text": "a"},
        {"kind": "resample", "step": {}, "ancestors": [0]},
        {"kind": "resample", "step": 0, "ancestors": [None, "a", 99999999999]},
        {"kind": "resample", "step": 0, "ancestors": [7, 3]},
        {"kind": "alternatives", "draw": 0, "tokens": [None, 1]},
        {"kind": "step"},
        {"kind": "__proto__"},
        {"kind": "constructor"},
        {"kind": "result", "samples": [None, 3, {}], "marginals": {}, "stats": 3, "error": 3},
    ),
    "cut off": small()[:-40],
    "without a header": small().split("\n", 1)[1],
    "deep": "[" * 100_000,
    "objects that no text can be made of": lines(
        RUN,
        {"kind": {"toString": 1, "valueOf": 1}},
        draw(0, 0, "a", draw=0, after=None, attempt={"toString": 1, "valueOf": 1}),
        {"kind": "boundary", "lane": {"toString": 1, "valueOf": 1}, "step": 0},
        {"kind": "result", "samples": [{"finish_reason": {"toString": 1, "valueOf": 1}}]},
    )
    + '{"kind": "run", "prompt": '
    + "[" * 20_000
    + "]" * 20_000
    + "}",
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_shown_as_far_as_they_go(
    name: str, export: Export, watched: Watched
) -> None:
    page = watched.open(export(BROKEN[name]))
    assert "[object" not in page.inner_text("main")
    if name in ("no JSON", "not objects", "wrong types", "cut off", "deep") or "objects" in name:
        assert "could not be used" in page.inner_text("main")
    if name in ("cut off", "without a header"):
        assert page.locator(".row").count() == 2


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark"), (1920, "light")])
def test_it_is_accessible_at_every_width(
    scheme: str, width: int, export: Export, watched: Watched
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = watched.page
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    watched.open(export(small()))
    page.locator(".text .token").first.click()
    found = axe.run(page).response["violations"]
    assert not [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_long_run_makes_only_what_is_in_sight(export: Export, watched: Watched) -> None:
    rng = random.Random(0)
    records = [RUN]
    for step in range(2_000):
        records += [draw(step, lane, rng.choice((" the", " cat", ".\n"))) for lane in range(32)]
        records.append({"kind": "step", "step": step, "effective_sample_size": 32.0})
    page = watched.open(export(lines(*records)))
    assert page.locator(".row").count() < 32
    assert page.locator(".text .token").count() <= 1_000
    page.locator(".text").focus()
    page.keyboard.press("End")
    page.wait_for_selector(".token.chosen")
    assert page.locator(".token.chosen").get_attribute("data-place") == "1999"
    # On paper there is no empty space for the rows that are not there.
    page.emulate_media(media="print")
    assert page.locator(".rows > [role=presentation]:visible").count() == 0


def test_without_scripts_the_page_says_so(export: Export, chromium: Any) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(export(small()).as_uri())
    assert "JavaScript" in page.inner_text("body")
    context.close()
