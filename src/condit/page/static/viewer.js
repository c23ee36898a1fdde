/* One run, or two side by side. What is looked at stands in the address: #step=12&text=lane:3. */
(() => {
  "use strict";

  const { html, useCallback, useEffect, useRef, useState } = htmPreact;
  const { Curves, Details, Genealogy, Hardest, Marginals, Report, Samples, Summary, Text, Texts, Turns } = condit;

  /** What the address says of the run with this number. */
  function looked(number) {
    const said = new URLSearchParams(location.hash.slice(1));
    const of = (name) => said.get(number === 0 ? name : `${name}${number + 1}`);
    const step = of("step");
    return { step: step !== null && /^\d{1,7}$/.test(step) ? Number(step) : null, text: of("text") };
  }

  function remember(number, at) {
    const said = new URLSearchParams(location.hash.slice(1));
    const put = (name, value) => {
      const key = number === 0 ? name : `${name}${number + 1}`;
      if (value === null) said.delete(key);
      else said.set(key, String(value));
    };
    put("step", at.step);
    put("text", at.text);
    // Not an entry of the history for each token that the pointer passes.
    history.replaceState(null, "", `#${said}`);
  }

  function Viewer({ run, number, name }) {
    const [at, setAt] = useState(() => looked(number));
    const first = [...run.texts].sort((a, b) => b.weight - a.weight)[0];
    const text = run.texts.find((each) => each.key === at.text) ?? first;
    const choose = useCallback(
      (to) =>
        setAt((now) => {
          const named = to.lane === undefined ? to.text : (run.texts.find((each) => (each.lane ?? each.attempt) === to.lane)?.key ?? now.text);
          const next = { step: to.step === undefined ? now.step : to.step, text: named === undefined ? now.text : named };
          return next.step === now.step && next.text === now.text ? now : next;
        }),
      [run],
    );
    useEffect(() => {
      const follow = () => setAt(looked(number));
      addEventListener("hashchange", follow);
      return () => removeEventListener("hashchange", follow);
    }, [number]);
    useEffect(() => {
      const wait = setTimeout(() => remember(number, at), 150);
      return () => clearTimeout(wait);
    }, [at]);
    const reading = useRef(null);
    /** Chooses from further down the page, and goes up to what was chosen. */
    const show = (to) => {
      choose(to);
      setTimeout(() => {
        reading.current?.scrollIntoView({ block: "start" });
        reading.current?.querySelector(".token.chosen")?.scrollIntoView({ block: "nearest" });
      });
    };
    const lane = text?.lane ?? text?.attempt ?? null;
    return html`<article class="run" aria-label=${name}>
      ${name && html`<h1 class="name"><bdi>${name}</bdi></h1>`}
      <${Summary} run=${run} />
      ${run.nodes.length > 0 &&
      html`<section ref=${reading} class="reading" aria-label="The texts as they grew">
        <h2>The texts as they grew</h2>
        <${Texts} run=${run} number=${number} chosen=${text} choose=${choose} />
        <${Turns} run=${run} text=${text} choose=${choose} />
        <div class="beside">
          <${Text} run=${run} number=${number} text=${text} step=${at.step} choose=${choose} />
          <aside class="details" aria-label="The chosen token" aria-live="polite">
            <${Details} run=${run} text=${text} step=${at.step} />
          </aside>
        </div>
      </section>`}
      <${Samples} run=${run} choose=${show} />
      <${Hardest} run=${run} text=${text} choose=${show} />
      <${Marginals} run=${run} />
      ${run.nodes.length > 0 && html`<${Genealogy} run=${run} step=${at.step} lane=${lane} choose=${choose} />`}
      <${Curves} run=${run} step=${at.step} choose=${choose} />
      <${Report} run=${run} />
    </article>`;
  }

  function Viewers({ runs }) {
    if (runs.length === 0) return html`<p class="quiet">There is no run to show.</p>`;
    return html`<div class=${runs.length > 1 ? "side-by-side" : ""}>
      ${runs.map((each, number) => html`<${Viewer} key=${number} number=${number} run=${each.run} name=${runs.length > 1 || each.name ? each.name : ""} />`)}
    </div>`;
  }

  Object.assign(condit, { Viewers });
})();
