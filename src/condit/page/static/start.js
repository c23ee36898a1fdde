/* Puts the page together: runs that stand in the page, or that its server names. */
(() => {
  "use strict";

  const { html, render, useEffect, useState } = htmPreact;
  const { Viewers, read } = condit;

  /** The runs that were written into the page: one `<script type="application/jsonl">` for each. */
  const written = () =>
    [...document.querySelectorAll('script[type="application/jsonl"]')].map((each) => ({
      name: each.dataset.name ?? "",
      // "<" is written as \u003c inside JSON strings, which reading JSON undoes by itself.
      run: read(each.textContent),
    }));

  /** The runs that the server offers, by the address of each. */
  async function fetched() {
    const listed = await fetch("runs.json");
    if (!listed.ok) return [];
    const names = await listed.json();
    return Promise.all(
      names.map(async ({ name, url }) => {
        const answer = await fetch(url);
        if (!answer.ok) throw new Error(`${name} cannot be had: ${answer.status} ${answer.statusText}`);
        return { name, run: read(await answer.text()) };
      }),
    );
  }

  function Page() {
    const [runs, setRuns] = useState(() => (document.querySelector('script[type="application/jsonl"]') ? written() : null));
    const [error, setError] = useState("");
    useEffect(() => {
      if (runs === null) fetched().then(setRuns, (failed) => setError(String(failed.message ?? failed)));
    }, []);
    return html`<main>
      ${error && html`<p class="warning" role="alert">${error}</p>`}
      ${runs === null ? !error && html`<p role="status">Reading the run…</p>` : html`<${Viewers} runs=${runs} />`}
    </main>`;
  }

  addEventListener("DOMContentLoaded", () => {
    const root = document.getElementById("page");
    render(html`<${Page} />`, root);
    root.dataset.ready = "true";
  });
})();
