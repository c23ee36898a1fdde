/* Where the constraint asked most of the model: field by field of the chosen text, and place by
 * place of all texts that were returned. */
(() => {
  "use strict";

  const { html, useMemo } = htmPreact;
  const { cut, isNumber, number, oneLine, probability, quoted } = condit;

  const MOST = 8;
  const AROUND = 6;
  const BETWEEN = "names and punctuation";
  const END = "the end";

  const ends = (draw) => draw.text === "" && !draw.prompt_bytes;

  /** What the constraint cost at a draw, in nats: 0 where it allowed everything. */
  const cost = (draw) => (isNumber(draw.log_allowed) && draw.given !== true ? Math.max(0, -draw.log_allowed) : 0);

  /** The costs of a text by the field in which they fell, the largest first. */
  function byField(run, text) {
    const sums = new Map();
    for (const { draw } of text.path) {
      const field = run.alternatives.get(draw.draw)?.field;
      const name = ends(draw) ? END : typeof field === "string" && field !== "" ? field : BETWEEN;
      sums.set(name, (sums.get(name) ?? 0) + cost(draw));
    }
    const found = [...sums].map(([name, sum]) => ({ name, sum })).filter((each) => each.sum > 0.005);
    return found.sort((a, b) => b.sum - a.sum);
  }

  /** The draws that cost most, each with a text that it is in: equal ones of several texts as one, and all ends. */
  function places(run) {
    const texts = [...run.texts].sort((a, b) => b.weight - a.weight);
    const found = new Map();
    // A number for each different beginning of a text: as strings they would be as long as the square.
    const beginnings = new Map();
    for (const text of texts) {
      let beginning = 0;
      text.path.forEach((node, place) => {
        const { draw, alive } = node;
        const longer = `${beginning} ${draw.token}`;
        if (!beginnings.has(longer)) beginnings.set(longer, beginnings.size + 1);
        beginning = beginnings.get(longer);
        if (!alive || cost(draw) < 0.1) return;
        const key = ends(draw) ? END : beginning;
        const same = found.get(key);
        const texts = (same?.texts ?? 0) + 1;
        if (same && same.cost >= cost(draw)) same.texts = texts;
        else found.set(key, { text, place, draw, cost: cost(draw), texts });
      });
    }
    return [...found.values()].sort((a, b) => b.cost - a.cost).slice(0, MOST);
  }

  /** What the model would rather have written there. */
  function wanted(run, draw, before) {
    // Within a word its beginning, or "ong" for "Song" would say nothing.
    const stem = before.match(/[\p{L}\p{N}]{1,12}$/u)?.[0] ?? "";
    const found = run.alternatives.get(draw.draw);
    const refused = found ? found.tokens.filter((each) => each && each.allowed === false).slice(0, 3) : [];
    return refused.map((each) => ({ text: each.text === "" ? "end" : quoted(stem + cut(String(each.text ?? ""), 30)), mass: probability(each.log_probability ?? null) }));
  }

  function Hardest({ run, text, choose }) {
    const fields = useMemo(() => (text ? byField(run, text) : []), [run, text]);
    const hard = useMemo(() => places(run), [run]);
    if (hard.length === 0) return null;
    const named = hard.some(({ draw }) => run.alternatives.get(draw.draw)?.field);
    const total = fields.reduce((sum, each) => sum + each.sum, 0) || 1;
    const many = fields.length > 1 || (fields[0] && fields[0].name !== BETWEEN);
    return html`<section aria-label="What the constraint cost">
      <h2>What the constraint cost</h2>
      <p class="quiet">In nats: −log of the mass that it allowed. 0.7 is half of the model's mass refused, 6.9 all but a thousandth.</p>
      <div class="marginals">
        ${many &&
        html`<table>
          <caption>${text.name}, field by field: ${number(total)} in all</caption>
          <tbody>${fields.slice(0, 12).map(
            (each) => html`<tr>
              <th scope="row"><bdi>${oneLine(each.name, 80)}</bdi></th>
              <td class="mass"><span class="bar" style=${{ width: `${(100 * each.sum) / total}%` }}></span><span>${number(each.sum)}</span></td>
            </tr>`,
          )}</tbody>
        </table>`}
      </div>
      <table class="hardest">
        <caption>The hardest places of the returned texts</caption>
        <thead><tr><th scope="col">Cost</th><th scope="col">Where</th>${named && html`<th scope="col">Field</th>`}<th scope="col">What the model would have liked</th></tr></thead>
        <tbody>${hard.map((each) => {
          const spelled = condit.spelled(each.text.path.slice(Math.max(0, each.place - AROUND), each.place + 1));
          const before = spelled.slice(0, -1).map((part) => (part.raw ? "" : part.text)).join("");
          const here = spelled.at(-1).text === "" ? "end" : spelled.at(-1).text;
          const field = run.alternatives.get(each.draw.draw)?.field;
          return html`<tr>
            <td>${number(each.cost)}</td>
            <td><button class="link" onClick=${() => choose({ text: each.text.key, step: each.draw.step })}><bdi class="mono">${oneLine(before, 60)}<b>${oneLine(here, 40)}</b></bdi></button>${each.texts > 1 && html` <span class="quiet">in ${each.texts} texts</span>`}</td>
            ${named && html`<td><bdi>${typeof field === "string" ? oneLine(field, 60) : ""}</bdi></td>`}
            <td>${wanted(run, each.draw, before).map((want, at) => html`${at > 0 && ", "}<bdi class="mono"><s>${want.text}</s></bdi> ${want.mass}`)}</td>
          </tr>`;
        })}</tbody>
      </table>
    </section>`;
  }

  Object.assign(condit, { Hardest });
})();
