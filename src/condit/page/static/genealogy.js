/* The tree of lanes against steps: a line's width is its weight, and what no returned text goes
 * through is grey. Drawn on a canvas, as there may be 64,000 pieces; the table below says the same. */
(() => {
  "use strict";

  const { html, useEffect, useRef, useState } = htmPreact;
  const { counted, isNumber, share } = condit;

  const LEFT = 34;
  const BOTTOM = 18;

  /** How many pixels a lane has, and the whole picture. */
  function sizes(rows) {
    const row = rows <= 16 ? 16 : rows <= 64 ? 9 : Math.max(Math.min(2, 4000 / rows), 576 / rows);
    return { row, height: Math.ceil(rows * row) + BOTTOM };
  }

  /** The weights of lanes after each step as shares of their sum, by `lane|step`. */
  function shares(run) {
    const byStep = new Map();
    for (const { draw } of run.nodes) {
      const list = byStep.get(draw.step) ?? [];
      list.push(draw);
      byStep.set(draw.step, list);
    }
    const found = new Map();
    for (const [step, draws] of byStep) {
      const logs = draws.map((draw) => (isNumber(draw.log_weight) ? draw.log_weight : -Infinity));
      const most = logs.reduce((a, b) => Math.max(a, b), -Infinity);
      const weights = logs.map((log) => (most === -Infinity ? 0 : Math.exp(log - most)));
      const total = weights.reduce((a, b) => a + b, 0) || 1;
      draws.forEach((draw, at) => found.set(`${rowOf(draw)}|${step}`, weights[at] / total));
    }
    return found;
  }

  const rowOf = (draw) => draw.lane ?? draw.attempt ?? 0;

  function paint(canvas, run, weights, rows) {
    const { row, height } = sizes(rows);
    const width = canvas.clientWidth;
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const style = getComputedStyle(canvas);
    const colour = (name) => style.getPropertyValue(name).trim();
    const steps = Math.max(1, run.mostSteps);
    const x = (step) => LEFT + ((width - LEFT - 8) * step) / steps;
    const y = (lane) => row * (lane + 0.5);
    pen.font = `11px ${style.fontFamily}`;
    pen.fillStyle = colour("--quiet");
    pen.textBaseline = "middle";
    const every = Math.ceil(14 / row);
    for (let lane = 0; lane < rows; lane += every) pen.fillText(String(lane), 4, y(lane));
    const ticks = Math.min(8, Math.max(1, Math.floor(width / 90)));
    for (let tick = 0; tick <= ticks; tick += 1) {
      const step = Math.round((steps * tick) / ticks);
      const text = String(step);
      const at = Math.min(x(step), width - 4 - pen.measureText(text).width);
      pen.fillText(text, at, height - BOTTOM / 2);
    }
    // The dead first, so that what lives is drawn over it. One path for each width and kind: a call
    // for each of 64,000 pieces would take longer than the drawing.
    const widths = [0.75, 1.5, 2.5, 4, 6, 9].map((each) => Math.min(each, Math.max(1, row - 1)));
    const paths = { dead: widths.map(() => new Path2D()), alive: widths.map(() => new Path2D()) };
    for (const node of run.nodes) {
      const { draw, parent } = node;
      const weight = weights.get(`${rowOf(draw)}|${draw.step}`) ?? 0;
      const class_ = Math.min(widths.length - 1, Math.floor(Math.sqrt(weight) * widths.length));
      const path = paths[node.alive ? "alive" : "dead"][class_];
      const from = parent ? parent.draw : draw;
      const [x0, x1, y1] = [x(parent ? from.step + 1 : draw.step), x(draw.step + 1), y(rowOf(draw))];
      path.moveTo(x0, y(rowOf(from)));
      const bend = Math.min(x1, x0 + Math.min(12, Math.max(2, (x1 - x0) / 2)));
      if (parent && rowOf(from) !== rowOf(draw)) path.lineTo(bend, y1);
      path.lineTo(Math.max(x1, x0 + 0.5), y1);
    }
    for (const [kind, name] of [["dead", "--dead"], ["alive", "--alive"]]) {
      pen.strokeStyle = colour(name);
      paths[kind].forEach((path, class_) => {
        pen.lineWidth = widths[class_];
        pen.stroke(path);
      });
    }
  }

  /**
   * The picture, with a slider for the step: by keyboard and by pointer.
   * @param {{run: Object, step: number | null, lane: number | null, choose: Function}} props
   */
  function Genealogy({ run, step, lane, choose }) {
    const canvas = useRef(null);
    const weights = useRef(null);
    const [turn, setTurn] = useState(0);
    const rows = run.nodes.reduce((most, node) => Math.max(most, rowOf(node.draw) + 1), 1);
    const { row, height } = sizes(rows);
    if (weights.current?.run !== run) weights.current = { run, shares: shares(run) };
    useEffect(() => {
      paint(canvas.current, run, weights.current.shares, rows);
    }, [run, turn]);
    useEffect(() => {
      const again = () => setTurn((now) => now + 1);
      const watch = new ResizeObserver(again);
      watch.observe(canvas.current);
      const dark = matchMedia("(prefers-color-scheme: dark)");
      dark.addEventListener("change", again);
      addEventListener("beforeprint", again);
      return () => {
        watch.disconnect();
        dark.removeEventListener("change", again);
        removeEventListener("beforeprint", again);
      };
    }, []);
    const pick = (event) => {
      const box = canvas.current.getBoundingClientRect();
      const at = (event.clientX - box.left - LEFT) / (box.width - LEFT - 8);
      const picked = Math.floor((event.clientY - box.top) / row);
      const last = Math.max(0, run.mostSteps - 1);
      choose({
        step: Math.min(last, Math.max(0, Math.floor(at * run.mostSteps))),
        lane: Math.min(rows - 1, Math.max(0, picked)),
      });
    };
    const dead = run.nodes.filter((node) => !node.alive).length;
    const said =
      `${counted(rows, run.nodes[0].draw.lane === undefined ? "attempt" : "lane")} over ${counted(run.mostSteps, "step")}, ` +
      `${counted(run.resamplings.length, "resampling")}; ` +
      `${share(run.nodes.length ? dead / run.nodes.length : 0)} of the tokens are in no returned text.`;
    return html`<section aria-label="Genealogy">
      <h2>Genealogy</h2>
      <p class="quiet">${said} Width: weight. Grey: no returned text goes through it.</p>
      <div class="picture"><canvas
        ref=${canvas}
        class="genealogy"
        style=${{ height: `${height}px` }}
        role="img"
        aria-label=${`Genealogy of lanes. ${said}`}
        onClick=${pick}
      ></canvas>
      ${step !== null && html`<div class="at-step" style=${{ left: `calc(${LEFT}px + (100% - ${LEFT + 8}px) * ${(step + 0.5) / Math.max(1, run.mostSteps)})`, bottom: `${BOTTOM}px` }}></div>`}
      ${lane !== null && html`<div class="at-lane" style=${{ top: `${row * lane}px`, height: `${row}px` }}></div>`}
      </div>
      <label class="slider">
        Step
        <input
          type="range"
          min="0"
          max=${Math.max(0, run.mostSteps - 1)}
          value=${step ?? 0}
          onInput=${(event) => choose({ step: Number(event.target.value) })}
        />
        <output>${step ?? 0}</output>
      </label>
      ${run.resamplings.length > 0 && html`<${Resamplings} run=${run} choose=${choose} />`}
    </section>`;
  }

  /** The same in words: which lanes were continued how often. */
  function Resamplings({ run, choose }) {
    const shown = run.resamplings.slice(0, 200);
    return html`<details>
      <summary>${counted(run.resamplings.length, "resampling")} as a table</summary>
      <div class="scroll" tabindex="0" role="group" aria-label="Resamplings">
        <table>
          <thead><tr><th scope="col">Step</th><th scope="col">Effective sample size</th><th scope="col">Lanes continued</th></tr></thead>
          <tbody>${shown.map(
            (each) => html`<tr>
              <td><button class="link" onClick=${() => choose({ step: each.step })}>${each.step}</button></td>
              <td>${condit.number(each.effective_sample_size)}</td>
              <td>${continued(each.ancestors)}</td>
            </tr>`,
          )}</tbody>
        </table>
      </div>
      ${run.resamplings.length > shown.length && html`<p class="quiet">The first ${shown.length} are shown.</p>`}
    </details>`;
  }

  function continued(ancestors) {
    const times = new Map();
    for (const lane of ancestors) times.set(lane, (times.get(lane) ?? 0) + 1);
    return [...times].map(([lane, often]) => (often > 1 ? `${lane} ×${often}` : `${lane}`)).join(", ");
  }

  Object.assign(condit, { Genealogy, rowOf });
})();
