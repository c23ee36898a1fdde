/* What came out: the report in sentences, the different texts with their weights, and the marginals
 * of fields as bars. */
(() => {
  "use strict";

  const { html, useMemo, useState } = htmPreact;
  const { count, isNumber, number, seconds, share, visible } = condit;

  const MOST = 50;
  const LONG = 4_000;
  // Independent draws from which on a standard error says more than that there are few of them.
  const ENOUGH = 5;

  const list = (value) => (Array.isArray(value) ? value.filter((each) => each !== null && typeof each === "object") : []);

  /** Text of a model, with what hides or turns other text spelled out. */
  const shown = (text) => visible(condit.told(text)).map((part) => (part.hidden ? html`<span class="hidden">${part.text}</span>` : part.text));

  function Summary({ run }) {
    const { info, result } = run;
    const sampler = condit.told(result?.sampler ?? info.sampler ?? "");
    const settings = sampler.includes("(") ? sampler : "";
    const seed = [result?.seed, info.seed].find((each) => isNumber(each) || typeof each === "string") ?? null;
    const stats = result?.stats && typeof result.stats === "object" ? result.stats : {};
    const facts = [
      ["Model", info.model],
      ["Sampler", sampler.split("(")[0]],
      ["Lanes", isNumber(info.n) ? count(info.n) : null],
      ["Seed", seed === null ? null : String(seed)],
      ["Temperature", isNumber(info.temperature) && info.temperature !== 1 ? number(info.temperature) : null],
      ["Most tokens", isNumber(info.max_tokens) ? count(info.max_tokens) : null],
      ["Tokens drawn", isNumber(stats.tokens) ? count(stats.tokens) : null],
      ["Forwards", isNumber(stats.forwards) ? count(stats.forwards) : null],
      ["Time", isNumber(stats.seconds) ? seconds(stats.seconds) : null],
      ["Log evidence", isNumber(result?.log_evidence) ? number(result.log_evidence) : null],
      ["Effective sample size", isNumber(result?.ess) ? number(result.ess) : null],
    ].filter(([, value]) => typeof value === "string" && value !== "");
    return html`<header class="summary">
      <dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd><bdi>${shown(condit.cut(value, 200))}</bdi></dd></div>`)}</dl>
      ${settings && html`<p class="quiet"><bdi class="mono">${shown(condit.cut(settings, 400))}</bdi></p>`}
      ${typeof info.prompt === "string" && html`<${Folded} name="Prompt" text=${info.prompt} />`}
      ${typeof info.constraint === "string" && html`<${Folded} name="Constraint" text=${info.constraint} />`}
      ${run.result === null && html`<p class="warning">The run did not finish: the file has no result.</p>`}
      ${typeof run.result?.error === "string" && html`<p class="warning">${shown(run.result.error)}</p>`}
      ${run.result?.error && typeof run.result.error === "object" && html`<p class="warning">${shown(`${condit.told(run.result.error.type ?? "")}: ${condit.told(run.result.error.message ?? "")}`)}</p>`}
      <${Problems} run=${run} />
    </header>`;
  }

  /** A text of any length: its beginning, or all of it. */
  function Folded({ name, text }) {
    if (text.length <= 160 && !text.includes("\n")) return html`<p class="short"><b>${name}</b> <bdi class="mono">${shown(text)}</bdi></p>`;
    return html`<details><summary><b>${name}</b> <bdi class="mono">${condit.oneLine(text, 120)}</bdi></summary><pre><bdi>${shown(text)}</bdi></pre></details>`;
  }

  function Problems({ run }) {
    const more = run.problems.length + run.moreProblems;
    if (more === 0) return null;
    return html`<details class="warning">
      <summary>${more} ${more === 1 ? "line" : "lines"} of the file could not be used</summary>
      <ul>${run.problems.map((each) => html`<li>Line ${each.line} ${shown(each.what)}</li>`)}</ul>
      ${run.moreProblems > 0 && html`<p>And ${run.moreProblems} more.</p>`}
    </details>`;
  }

  function Report({ run }) {
    const words = run.result?.report_in_words;
    if (typeof words !== "string" || words === "") return null;
    const reason = typeof run.result.reason === "string" ? run.result.reason : "";
    return html`<section aria-label="How far to trust it">
      <h2>How far to trust it</h2>
      <div class="words">${words.split("\n").map((line) => html`<p>${shown(line)}</p>`)}</div>
      ${reason && html`<p class="quiet">Why this sampler: ${shown(reason)}</p>`}
    </section>`;
  }

  /** Equal texts as one, the heaviest first; unfinished ones have no weight and come last. */
  function distinct(run) {
    const byText = new Map();
    list(run.samples).forEach((sample, lane) => {
      const text = typeof sample.text === "string" ? sample.text : "";
      const key = `${sample.valid === true}|${text}`;
      const found = byText.get(key) ?? { text, valid: sample.valid === true, weight: 0, lanes: [], reason: sample.finish_reason };
      found.weight += isNumber(sample.weight) ? sample.weight : 0;
      found.lanes.push(lane);
      byText.set(key, found);
    });
    return [...byText.values()].sort((a, b) => b.weight - a.weight || b.valid - a.valid);
  }

  function Samples({ run, choose }) {
    const texts = useMemo(() => distinct(run), [run]);
    const [most, setMost] = useState(MOST);
    if (texts.length === 0) return null;
    return html`<section aria-label="The texts">
      <h2>The ${texts.length === 1 ? "text" : `${texts.length} different texts`}</h2>
      <table class="samples">
        <thead><tr><th scope="col">Weight</th><th scope="col">Text</th><th scope="col">Lanes</th></tr></thead>
        <tbody>${texts.slice(0, most).map(
          (each) => html`<tr class=${each.valid ? "" : "dead"}>
            <td class="mass"><span class="bar" style=${{ width: `${100 * each.weight}%` }}></span><span>${each.valid ? share(each.weight) : condit.told(each.reason ?? "not valid").replace("_", " ")}</span></td>
            <td><${Whole} text=${each.text} /></td>
            <td class="lanes">${each.lanes.slice(0, 12).map((lane) => html`<button class="link" aria-label=${`Lane ${lane}`} onClick=${() => choose({ lane })}>${lane}</button>`)}${each.lanes.length > 12 && ` and ${each.lanes.length - 12} more`}</td>
          </tr>`,
        )}</tbody>
      </table>
      ${texts.length > most && html`<button onClick=${() => setMost(most + 200)}>Show more (${texts.length - most})</button>`}
    </section>`;
  }

  /** A text, of which a very long one is cut until more is asked for. */
  function Whole({ text }) {
    const [all, setAll] = useState(text.length <= LONG);
    return html`<bdi class="mono pre">${shown(all ? text : condit.cut(text, LONG))}</bdi>${!all && html` <button onClick=${() => setAll(true)}>All ${count(text.length)} characters</button>`}`;
  }

  function Marginals({ run }) {
    // Of whole texts the table of the different ones tells the same.
    const fields = list(run.result?.marginals).filter((field) => field.field && list(field.values).length > 0);
    if (fields.length === 0) return null;
    const enough = isNumber(run.result.ess) && run.result.ess >= ENOUGH;
    const error = (each) => (enough && isNumber(each.standard_error) && each.standard_error > 0 ? ` ± ${share(each.standard_error)}` : "");
    const alone = isNumber(run.result.ess) && run.result.ess < 2 && list(run.samples).length > 1;
    return html`<section aria-label="Field by field">
      <h2>Field by field</h2>
      ${alone && html`<p class="warning">The effective sample size is ${number(run.result.ess)} of ${list(run.samples).length}: these shares rest on no more than one or two independent draws. 100 % may only say that nothing else was left, not that the model is sure. Draw more lanes, or see what the constraint cost.</p>`}
      <p class="quiet">The share of the weight that each value has${enough ? "; ± its standard error" : ""}.</p>
      <div class="marginals">${fields.slice(0, 60).map((field) => {
        const values = list(field.values);
        const more = values.length - 8;
        return html`<table>
          <caption><bdi>${shown(condit.cut(condit.told(field.field), 200))}</bdi></caption>
          <tbody>${values.slice(0, 8).map(
            (each) => html`<tr>
              <th scope="row"><bdi>${shown(condit.cut(typeof each.value === "string" ? each.value : (JSON.stringify(each.value) ?? "absent"), 300))}</bdi></th>
              <td class="mass"><span class="bar" style=${{ width: `${100 * (each.share ?? 0)}%` }}></span><span>${share(each.share)}${error(each)}</span></td>
            </tr>`,
          )}</tbody>
          ${more > 0 && html`<tfoot><tr><td colspan="2" class="quiet">and ${more} more</td></tr></tfoot>`}
        </table>`;
      })}</div>
    </section>`;
  }

  Object.assign(condit, { Summary, Report, Samples, Marginals, shown });
})();
