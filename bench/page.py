"""The page of a run in Chromium: seconds until a long run is shown, and milliseconds a frame.

The trace is made up: so many lanes that grow for so many steps, with weights, resamplings and
alternatives, in the format that ``condit.trace`` writes. The page is one exported file, as
``condit view --export`` writes it; the time is from the call for the page until it has been drawn.
Frames are those of scrolling the page, and the text of the first lane, by 40 pixels a frame. Then
what the page weighs: as the files are, and as a server sends them, compressed; of the playground
as it is opened, and with the plotting library that its first run brings. With ``--lighthouse`` also
Lighthouse's scores of both pages, as they are served.
"""

from __future__ import annotations

import gzip
import json
import math
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.library.lighthouse import can_run, lighthouse, served
from bench.library.lighthouse import rows as lighthouse_rows
from bench.library.options import parser_of
from bench.library.results import table
from bench.library.run import Run
from condit.page.files import PLAYGROUND, SCRIPTS, STYLES, exported, file

_WORDS = (" the", " cat", " sat", "\n", " on", " mat", ".", " and", " then", " é")

_SCROLL = """async (selector) => {
  const box = selector === "" ? document.scrollingElement : document.querySelector(selector);
  const frames = [];
  let last = performance.now();
  await new Promise((done) => {
    const step = (now) => {
      frames.push(now - last);
      last = now;
      box.scrollTop += 40;
      if (frames.length < 120) requestAnimationFrame(step);
      else done();
    };
    requestAnimationFrame(step);
  });
  return frames.slice(1);
}"""


def main(arguments: Sequence[str]) -> None:
    parser = parser_of("page", __doc__, rounds=5, lanes=32, seed=0)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--lighthouse", action="store_true", help="audit by npx (fetches from npm)")
    options = parser.parse_args(arguments)
    if options.lighthouse and not can_run():
        parser.error("--lighthouse needs npx, which comes with Node.js")
    from playwright.sync_api import sync_playwright

    lines = "".join(
        json.dumps(line, separators=(",", ":")) + "\n"
        for line in _trace(random.Random(options.seed), options.steps, options.lanes)
    )
    raw: dict[str, Any] = {"trace_bytes": len(lines.encode()), "rounds": []}
    with tempfile.TemporaryDirectory() as folder, Run("page", options) as run:
        path = Path(folder) / "page.html"
        path.write_text(exported([("run", lines)]), encoding="utf-8")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            for _ in range(options.rounds):
                raw["rounds"].append(_round(browser, path.as_uri()))
            browser.close()
        raw["weight"] = {
            name: _weight((*scripts, *STYLES))
            for name, scripts in (
                ("view", SCRIPTS),
                ("playground", PLAYGROUND),
                ("playground with a run", (*PLAYGROUND, "vendor/uPlot.js")),
            )
        }
        if options.lighthouse:
            raw["lighthouse"] = _audited(Path(folder), options.seed)
        run.keep(raw, _table(raw))


def _round(browser: Any, address: str) -> dict[str, Any]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    began = time.perf_counter()
    page.goto(address)
    page.wait_for_selector(".text .token")
    # Until what was made has been painted, too.
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    seconds = time.perf_counter() - began
    frames = {"page": page.evaluate(_SCROLL, ""), "text": page.evaluate(_SCROLL, ".text")}
    page.close()
    return {"seconds": seconds, "frames": frames}


def _audited(folder: Path, seed: int) -> dict[str, Any]:
    """The scores of the page with a short run, and of the playground."""
    path, chromium = folder / "short.jsonl", shutil.which("chromium")
    lines = map(json.dumps, _trace(random.Random(seed), 100, 8))
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    with served("view", str(path), "--no-open", path="/") as address:
        found = {"view": lighthouse(address, chromium)}
    with served("serve", "--model", "ngram", path="/ui/") as address:
        found["playground"] = lighthouse(address, chromium)
    return found


def _weight(names: Sequence[str]) -> dict[str, int]:
    texts = [(file(name) or "").encode() for name in names]
    return {
        "bytes": sum(map(len, texts)),
        "compressed": sum(len(gzip.compress(text, 9)) for text in texts),
    }


def _table(raw: dict[str, Any]) -> str:
    opened = [each["seconds"] for each in raw["rounds"]]
    rows = [
        ["trace, MB", f"{raw['trace_bytes'] / 1e6:.1f}"],
        ["opened in, s (median, slowest)", f"{statistics.median(opened):.2f}, {max(opened):.2f}"],
    ]
    for what in ("page", "text"):
        frames = sorted(ms for each in raw["rounds"] for ms in each["frames"][what])
        middle, late = frames[len(frames) // 2], frames[int(0.99 * len(frames))]
        rows.append([f"frame, scrolling the {what}, ms (median, p99)", f"{middle:.1f}, {late:.1f}"])
    for name, each in raw["weight"].items():
        sizes = f"{each['bytes'] / 1000:.0f}, {each['compressed'] / 1000:.0f}"
        rows.append([f"weight of {name}, kB (files, compressed)", sizes])
    rows += lighthouse_rows(raw.get("lighthouse", {}))
    return table(["", ""], rows)


def _trace(rng: random.Random, steps: int, lanes: int) -> Iterator[dict[str, Any]]:
    """Lines of a run of so many lanes that all grow for so many steps."""
    yield {
        "kind": "run",
        "format": "condit-trace",
        "version": 2,
        "condit": "",
        "model": "made up",
        "prompt": "",
        "sampler": "SMC()",
        "n": lanes,
        "max_tokens": steps,
        "seed": 0,
    }
    weights, draws = [0.0] * lanes, 0
    heads: list[int | None] = [None] * lanes
    for step in range(steps):
        for lane in range(lanes):
            allowed = -rng.expovariate(1.0) if rng.random() < 0.3 else 0.0
            weights[lane] += allowed
            about = {"kind": "draw", "draw": draws, "after": heads[lane], "step": step}
            word = rng.choice(_WORDS)
            yield {
                **about,
                "lane": lane,
                "attempt": None,
                "place": step,
                "token": 7,
                "text": word,
                "log_probability": -rng.expovariate(0.5),
                "log_proposal": -1.0,
                "log_allowed": allowed,
                "log_weight": weights[lane],
                "refused": False,
                "given": False,
                "forced": rng.random() < 0.1,
                "guessed": rng.random() < 0.2,
                "moved": False,
                "prompt_bytes": 0,
            }
            heads[lane] = draws
            draws += 1
        highest = max(weights)
        shares = [math.exp(each - highest) for each in weights]
        ess = sum(shares) ** 2 / sum(each * each for each in shares)
        log_evidence = highest + math.log(sum(shares) / lanes)
        if ess < lanes / 2:
            ancestors = sorted(rng.choices(range(lanes), shares, k=lanes))
            told = {"ancestors": ancestors, "effective_sample_size": ess}
            yield {"kind": "resample", "step": step, **told}
            heads = [heads[each] for each in ancestors]
            weights = [log_evidence] * lanes
        yield {
            "kind": "step",
            "step": step,
            "effective_sample_size": ess,
            "log_evidence": log_evidence,
            "checks": 1,
            "masks": 1,
            "seconds": step / 100,
        }
    for number in rng.sample(range(draws), min(draws, 4096)):
        tokens = [
            {"token": token, "text": " word", "log_probability": -token, "allowed": token > 3}
            | {"why": None if token > 3 else "expected a number"}
            for token in range(1, 11)
        ]
        yield {"kind": "alternatives", "draw": number, "allowed_mass": 0.5, "tokens": tokens}
    samples = [
        {"text": "".join(rng.choices(_WORDS, k=steps)), "weight": 1 / lanes, "draw": head}
        | {"valid": True, "finish_reason": "stop"}
        for head in heads
    ]
    yield {"kind": "result", "samples": samples, "report_in_words": "made up", "error": None}
