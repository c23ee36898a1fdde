/* The page where constraints are tried out: written, checked as they are typed, and drawn. */
(() => {
  "use strict";

  const { html, render, useEffect, useMemo, useRef, useState } = htmPreact;
  const { asCurl, asPython, asShell, Editor, EXAMPLES, Reading, SchemaForm, Viewers, read, shown } = condit;

  const KINDS = [
    ["json_schema", "JSON Schema"], ["regex", "Regular expression"], ["choice", "Choice, one text a line"],
    ["lark", "Grammar (Lark)"], ["gbnf", "Grammar (GBNF)"], ["expression", "Expression, as in Python"], ["none", "No constraint"],
  ];
  const PAUSE = 300;
  const REDRAW = 200;

  const first = EXAMPLES[0];
  const START = {
    prompt: first.prompt, chat: false, system: "", kind: first.kind, text: first.text,
    sampler: "", n: 4, max_tokens: 100, temperature: 1, seed: "", instruct: false, key: "",
  };

  const UNREACHED = "the server cannot be reached";

  /** The server's answer; an error says in words why there is none. */
  async function ask(path, key, body, signal) {
    if (/[^!-~]/.test(key)) throw new Error("the API key has characters that no key has");
    const headers = { "Content-Type": "application/json", ...(key ? { Authorization: `Bearer ${key}` } : {}) };
    const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body), signal }).catch((error) => {
      throw error.name === "AbortError" ? error : new Error(UNREACHED);
    });
    if (answer.ok) return answer;
    const said = await answer.json().catch(() => null); // not JSON: the status has to do
    throw new Error(said?.error?.message || `the server answered ${answer.status} ${answer.statusText}`);
  }

  /** Seeds are of up to 128 bits; those that are no exact number of JavaScript go as text. */
  const seedOf = (digits) => (Number.isSafeInteger(Number(digits)) ? Number(digits) : digits);

  function requestOf(form) {
    const system = form.system.trim() ? [{ role: "system", content: form.system }] : [];
    return {
      prompt: form.chat ? [...system, { role: "user", content: form.prompt }] : form.prompt,
      constraint: { kind: form.kind, text: form.text },
      n: form.n,
      max_tokens: form.max_tokens,
      temperature: form.temperature,
      sampler: form.sampler,
      instruct: form.instruct,
      ...(form.seed ? { seed: seedOf(form.seed) } : {}),
    };
  }

  /** What is said of the constraint, asked a moment after the last key. */
  function useCheck(form) {
    const [check, setCheck] = useState({ state: "waiting" });
    const { kind, text, key } = form;
    useEffect(() => {
      const stop = new AbortController();
      setCheck((now) => ({ ...now, state: "waiting" }));
      const wait = setTimeout(async () => {
        try {
          const said = await (await ask("check", key, { kind, text }, stop.signal)).json();
          if (!stop.signal.aborted) setCheck({ state: "checked", ...said });
        } catch (error) {
          if (!stop.signal.aborted) setCheck({ state: "failed", message: error.message });
        }
      }, PAUSE);
      return () => {
        clearTimeout(wait);
        stop.abort();
      };
    }, [kind, text, key]);
    return check;
  }

  /** The run that is being drawn, or was: its lines are read as they come. */
  function useRun() {
    const [run, setRun] = useState(null);
    const [state, setState] = useState({ drawing: false, error: "" });
    const stop = useRef(null);
    const lines = useRef([]);
    const draw = async (form) => {
      stop.current?.abort();
      const here = new AbortController();
      stop.current = here;
      setRun(null);
      setState({ drawing: true, error: "" });
      const reading = new Reading();
      lines.current = [];
      let shownAt = 0;
      const show = () => {
        shownAt = performance.now();
        setRun(reading.finish());
      };
      try {
        const answer = await ask("draw", form.key, requestOf(form), here.signal);
        const decoder = new TextDecoder();
        const reader = answer.body.getReader();
        let rest = "";
        for (let number = 1; ; ) {
          const { value, done } = await reader.read();
          rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
          const parts = rest.split("\n");
          rest = done ? "" : parts.pop();
          for (const part of parts) {
            if (part) lines.current.push(part);
            reading.line(part, number);
            number += 1;
          }
          if (done) break;
          if (performance.now() - shownAt > REDRAW) show();
        }
        if (stop.current === here) {
          show();
          setState({ drawing: false, error: "" });
        }
      } catch (error) {
        if (stop.current !== here) return;
        if (reading.lines > 0) show();
        // What the browser says of a connection that broke is of no use.
        setState({ drawing: false, error: here.signal.aborted ? "" : error instanceof TypeError ? `${UNREACHED} any more` : error.message });
      }
    };
    const save = () => {
      const address = URL.createObjectURL(new Blob([`${lines.current.join("\n")}\n`], { type: "application/jsonl" }));
      const link = document.createElement("a");
      link.href = address;
      link.download = "run.jsonl";
      link.click();
      URL.revokeObjectURL(address);
    };
    return { run, ...state, draw, save, stop: () => stop.current?.abort() };
  }

  function Check({ check }) {
    if (check.message) return html`<p class="warning">${shown(check.message)}</p>`;
    return check.ok === undefined && html`<p class="quiet">Checking…</p>`;
  }

  function Plan({ check }) {
    if (!check.ok) return null;
    const rows = check.plan?.rows ?? [];
    return html`<div>
      ${check.words && html`<details><summary>As an instruction to a model</summary><pre><bdi>${shown(check.words)}</bdi></pre></details>`}
      ${rows.length > 0 &&
      html`<details open><summary>Where each part is enforced</summary>
        <div class="scroll" tabindex="0" role="group" aria-label="Where each part is enforced">
          <table class="plan">
            <thead><tr>${check.plan.headings.map((each) => html`<th scope="col">${each}</th>`)}</tr></thead>
            <tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td><bdi>${shown(cell)}</bdi></td>`)}</tr>`)}</tbody>
          </table>
          ${check.plan.more > 0 && html`<p class="quiet">and ${check.plan.more} more</p>`}
        </div>
      </details>`}
    </div>`;
  }

  function Copy({ form, options }) {
    const [said, setSaid] = useState("");
    const [text, setText] = useState("");
    const ways = [["Python", asPython], ["curl", asCurl], ["shell", asShell]];
    const copy = async (name, make) => {
      let made;
      try {
        made = make(requestOf(form), { ...options, key: Boolean(form.key) });
      } catch (error) {
        setSaid(`not copied: ${error.message}`);
        return;
      }
      setText(made);
      try {
        await navigator.clipboard.writeText(made);
        setSaid(`copied as ${name}`);
      } catch {
        setSaid(`as ${name}:`); // where the clipboard is not to be had, it can be copied by hand
      }
    };
    return html`<div class="copy">
      <span class="quiet">Copy as</span>
      ${ways.map(([name, make]) => html`<button onClick=${() => copy(name, make)}>${name}</button>`)}
      <span role="status" class="quiet">${said}</span>
      ${text && html`<pre tabindex="0"><bdi>${text}</bdi></pre>`}
    </div>`;
  }

  function Number_({ label, value, least, most, step, onInput }) {
    return html`<label>${label} <input type="number" min=${least} max=${most} step=${step ?? 1} value=${value}
      onInput=${(event) => {
        if (event.target.value && event.target.validity.valid) onInput(event.target.valueAsNumber);
      }} onBlur=${(event) => (event.target.value = value)} /></label>`;
  }

  function Playground() {
    const [form, setForm] = useState(START);
    const [options, setOptions] = useState({ model: "", samplers: [], most_n: 32 });
    const [asForm, setAsForm] = useState(false);
    const [opened, setOpened] = useState([]);
    const [unopened, setUnopened] = useState("");
    const check = useCheck(form);
    const { run, drawing, error, draw, save, stop } = useRun();
    const put = (change) => setForm((now) => ({ ...now, ...change }));
    useEffect(() => {
      fetch("options.json").then((answer) => answer.json()).then(setOptions, () => {});
    }, []);
    const fault = check.state === "checked" && check.ok === false && Number.isInteger(check.position) ? [...form.text].slice(0, check.position).join("").length : null;
    const choose = (name) => {
      const found = EXAMPLES.find((each) => each.name === name);
      if (found) put({ kind: found.kind, text: found.text, prompt: found.prompt });
    };
    const begin = () => {
      setOpened([]);
      setUnopened("");
      draw(form);
    };
    const open = async (input) => {
      const files = [...input.files];
      input.value = ""; // so that the same file can be opened again
      try {
        setUnopened(files.length > 4 ? "only four runs are shown" : "");
        setOpened(await Promise.all(files.slice(0, 4).map(async (file) => {
          const packed = file.name.endsWith(".gz");
          const text = packed ? await new Response(file.stream().pipeThrough(new DecompressionStream("gzip"))).text() : await file.text();
          return { name: file.name, run: read(text) };
        })));
      } catch (error) {
        setUnopened(`the file cannot be read: ${error.message}`);
      }
    };
    const keys = (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.repeat) begin();
    };
    const runs = useMemo(() => (run && opened.length === 0 ? [{ name: "", run }] : opened), [run, opened]);
    return html`<main>
      <h1>Condit <span class="quiet">${options.model}</span></h1>
      <div class="playground" onKeyDown=${keys}>
        <section aria-label="What is asked">
          <div class="line-of">
            <label>Example <select aria-label="Example" onChange=${(event) => choose(event.target.value)}>
              ${EXAMPLES.map((each) => html`<option value=${each.name}>${each.name}</option>`)}
            </select></label>
            <label><input type="checkbox" checked=${form.chat} onChange=${(event) => put({ chat: event.target.checked })} /> as a chat</label>
          </div>
          ${form.chat && html`<label class="wide">System message <textarea rows="2" value=${form.system} onInput=${(event) => put({ system: event.target.value })}></textarea></label>`}
          <label class="wide">Prompt <textarea rows="4" value=${form.prompt} onInput=${(event) => put({ prompt: event.target.value })}></textarea></label>
          <div class="line-of">
            <label>Sampler <select value=${form.sampler} onChange=${(event) => put({ sampler: event.target.value })}>
              <option value="">usual</option>${options.samplers.map((each) => html`<option value=${each}>${each}</option>`)}
            </select></label>
            <${Number_} label="Lanes" value=${form.n} least=${1} most=${options.most_n} onInput=${(n) => put({ n })} />
            <${Number_} label="Most tokens" value=${form.max_tokens} least=${1} onInput=${(max_tokens) => put({ max_tokens })} />
            <${Number_} label="Temperature" value=${form.temperature} least=${0} most=${100} step="any" onInput=${(temperature) => put({ temperature })} />
            <label>Seed <input type="text" inputmode="numeric" size="8" placeholder="fresh" value=${form.seed} onInput=${(event) => put({ seed: (event.target.value = event.target.value.replace(/\D/g, "")) })} /></label>
            <label><input type="checkbox" checked=${form.instruct} onChange=${(event) => put({ instruct: event.target.checked })} /> say the format in the prompt</label>
            <form onSubmit=${(event) => event.preventDefault()}>
              <label>API key <input type="password" size="10" autocomplete="off" placeholder="if needed" value=${form.key} onInput=${(event) => put({ key: event.target.value })} /></label>
            </form>
          </div>
          <div class="line-of">
            ${drawing ? html`<button class="main" onClick=${(event) => event.detail < 2 && stop()}>Stop</button>` : html`<button class="main" disabled=${check.ok === false && check.state === "checked"} onClick=${(event) => event.detail < 2 && begin()}>Draw</button>`}
            <span class="quiet">or Ctrl+Enter</span>
            ${run && !drawing && html`<button onClick=${save}>Save the run</button>`}
            <label class="file">Open a run <input type="file" multiple accept=".jsonl,.json,.gz" onChange=${(event) => open(event.target)} /></label>
          </div>
          <${Copy} form=${form} options=${options} />
        </section>
        <section aria-label="The constraint">
          <div class="line-of">
            <label>Constraint <select value=${form.kind} onChange=${(event) => put({ kind: event.target.value })}>
              ${KINDS.map(([kind, name]) => html`<option value=${kind} selected=${kind === form.kind}>${name}</option>`)}
            </select></label>
            ${form.kind === "json_schema" && html`<label><input type="checkbox" checked=${asForm} onChange=${(event) => setAsForm(event.target.checked)} /> as a form</label>`}
            ${form.text && html`<button onClick=${() => put({ text: "" })}>Clear</button>`}
          </div>
          ${form.kind === "json_schema" && asForm && html`<${SchemaForm} text=${form.text} onInput=${(text) => put({ text })} />`}
          ${form.kind !== "none" &&
          html`<${Editor} kind=${form.kind} value=${form.text} fault=${fault} label="The constraint" describedBy="check" invalid=${check.ok === false} onInput=${(text) => put({ text })} />`}
          <div id="check" aria-live="polite"><${Check} check=${check} /></div>
          <${Plan} check=${check} />
        </section>
      </div>
      ${(error || unopened) && html`<p class="warning" role="alert">${shown(error || unopened)}</p>`}
      <p class="quiet"><span role="status">${drawing ? "Drawing" : run ? (run.result ? "Drawn" : "Stopped") : ""}</span>${drawing && (run ? `: step ${run.mostSteps}` : "…")}</p>
      ${runs.length > 0 && html`<${Viewers} runs=${runs} />`}
    </main>`;
  }

  addEventListener("DOMContentLoaded", () => {
    const root = document.getElementById("page");
    render(html`<${Playground} />`, root);
    root.dataset.ready = "true";
  });
})();
