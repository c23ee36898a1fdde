/* Evidence and effective sample size against steps. */
(() => {
  "use strict";

  const { html, useEffect, useRef } = htmPreact;
  const { isNumber, number } = condit;

  const HEIGHT = 150;

  let loading = null;

  /** The plotting library: a third of the weight of a page, so that the playground asks for it with its first run. */
  const plotting = () =>
    (loading ??= globalThis.uPlot
      ? Promise.resolve()
      : new Promise((resolve, reject) => {
          const script = document.createElement("script");
          Object.assign(script, { src: "vendor/uPlot.js", onload: resolve, onerror: reject });
          document.head.append(script);
        }));

  function options(width, name, colour, chosen) {
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
    return {
      width,
      height: HEIGHT,
      legend: { show: false },
      scales: { x: { time: false } },
      axes: [axis, { ...axis, size: 56, values: (_, ticks) => ticks.map((tick) => number(tick)) }],
      series: [{}, { label: name, stroke: colour("--alive"), width: 1.5, spanGaps: false }],
      cursor: { y: false, points: { size: 6 } },
      hooks: {
        draw: [
          (plot) => {
            const step = chosen();
            if (step === null) return;
            const at = Math.round(plot.valToPos(step, "x", true));
            plot.ctx.strokeStyle = colour("--chosen");
            plot.ctx.lineWidth = 1;
            plot.ctx.beginPath();
            plot.ctx.moveTo(at, plot.bbox.top);
            plot.ctx.lineTo(at, plot.bbox.top + plot.bbox.height);
            plot.ctx.stroke();
          },
        ],
      },
    };
  }

  /** One curve, which chooses a step where it is clicked. */
  function Curve({ name, unit, steps, values, step, choose }) {
    const box = useRef(null);
    const plot = useRef(null);
    const chosen = useRef(step);
    chosen.current = step;
    useEffect(() => {
      const draw = () => {
        plot.current?.destroy();
        const style = getComputedStyle(box.current);
        const colour = (each) => style.getPropertyValue(each).trim();
        const settings = options(box.current.clientWidth, name, colour, () => chosen.current);
        plot.current = new uPlot(settings, [steps, values], box.current);
        plot.current.over.addEventListener("click", () => {
          const at = plot.current.cursor.idx;
          if (at !== null && at !== undefined) choose({ step: steps[at] });
        });
      };
      let width = 0;
      const watch = new ResizeObserver(() => {
        if (box.current.clientWidth === width) return;
        width = box.current.clientWidth;
        if (plot.current) plot.current.setSize({ width, height: HEIGHT });
        else draw();
      });
      const dark = matchMedia("(prefers-color-scheme: dark)");
      let gone = false;
      plotting().then(() => {
        if (gone) return;
        watch.observe(box.current);
        dark.addEventListener("change", draw);
      }, () => {
        loading = null; // the server may be back when the next curve is drawn
      });
      return () => {
        gone = true;
        watch.disconnect();
        dark.removeEventListener("change", draw);
        plot.current?.destroy();
        plot.current = null;
      };
    }, [steps, values]);
    useEffect(() => {
      plot.current?.redraw(false, false);
    }, [step]);
    const known = values.filter(isNumber);
    const here = step === null ? null : values[steps.indexOf(step)];
    const said = known.length
      ? `from ${number(known[0])} to ${number(known.at(-1))}, least ${number(least(known))}, most ${number(-least(known.map((v) => -v)))}`
      : "not known";
    return html`<figure class="curve">
      <figcaption>
        ${name} <span class="quiet">${unit}</span>
        ${isNumber(here) && html` <b>${number(here)}</b> <span class="quiet">at step ${step}</span>`}
      </figcaption>
      <div ref=${box} role="img" aria-label=${`${name} against steps: ${said}`}></div>
    </figure>`;
  }

  const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);

  function Curves({ run, step, choose }) {
    const kept = useRef(null);
    if (kept.current?.run !== run) {
      const numbers = (name) => run.steps.map((each) => (isNumber(each[name]) ? each[name] : null));
      kept.current = {
        run,
        steps: run.steps.map((each, at) => (isNumber(each.step) ? each.step : at)),
        evidence: numbers("log_evidence"),
        ess: numbers("effective_sample_size"),
      };
    }
    const { steps, evidence, ess } = kept.current;
    if (steps.length < 2) return null;
    const props = { steps, step, choose };
    return html`<section aria-label="Step by step">
      <h2>Step by step</h2>
      <div class="curves">
        ${evidence.some(isNumber) &&
        html`<${Curve} ...${props} name="Log evidence" unit="natural logarithm of the estimate of Z" values=${evidence} />`}
        ${ess.some((value) => value > 0) &&
        html`<${Curve} ...${props} name="Effective sample size" unit="lanes" values=${ess} />`}
      </div>
    </section>`;
  }

  Object.assign(condit, { Curves });
})();
