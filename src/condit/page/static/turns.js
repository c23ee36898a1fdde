/* The events of an agent in the chosen text, in their order: each leads to its first token. */
(() => {
  "use strict";

  const { html, useMemo } = htmPreact;
  const { cut, oneLine } = condit;

  const MOST = 500;

  function Turns({ run, text, choose }) {
    const turns = useMemo(() => (text?.path ?? []).filter((node) => run.events.has(node.draw.draw)), [run, text]);
    if (turns.length === 0) return null;
    const go = (event, node) => {
      const article = event.currentTarget.closest("article");
      choose({ step: node.draw.step });
      setTimeout(() => article.querySelector(".token.chosen")?.scrollIntoView({ block: "nearest" }), 50);
    };
    return html`<nav aria-label="Turns of this run" class="turns">
      <h3>Turns of ${text.name}</h3>
      <ol>${turns.slice(0, MOST).map((node) => {
        const event = run.events.get(node.draw.draw);
        return html`<li>
          <button class="link" onClick=${(clicked) => go(clicked, node)}><bdi>${cut(oneLine(String(event.name ?? ""), 60), 60)}</bdi></button>
          ${event.given === true && html` <span class="quiet">given</span>`}${" "}<bdi class="mono">${oneLine(String(event.text ?? ""), 160)}</bdi>
        </li>`;
      })}</ol>
      ${turns.length > MOST && html`<p class="quiet">and ${turns.length - MOST} more</p>`}
    </nav>`;
  }

  Object.assign(condit, { Turns });
})();
