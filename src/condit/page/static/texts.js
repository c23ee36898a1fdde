/* The texts as they grew: a list of all, of which only the rows in sight are made, and one in full,
 * each token coloured by how much of the model's mass the constraint allowed there. */
(() => {
  "use strict";

  const { html, useEffect, useMemo, useRef, useState } = htmPreact;
  const { isNumber, oneLine, probability, quoted, share, spelled, visible } = condit;

  const ROW = 34;
  const CHUNK = 200;

  /** How narrow the constraint was: 0 where all was allowed, up to 4 where next to nothing was. */
  function narrowness(draw) {
    if (draw.given || draw.log_allowed === undefined) return 0;
    if (draw.log_allowed === null) return 4;
    const allowed = Math.exp(draw.log_allowed);
    return allowed > 0.95 ? 0 : allowed > 0.5 ? 1 : allowed > 0.1 ? 2 : allowed > 0.001 ? 3 : 4;
  }

  const LEGEND = ["over 95 %", "over 50 %", "over 10 %", "over 0.1 %", "less"];

  /** The beginning of a text, for the list. */
  function beginning(text, most) {
    const whole = text.sample?.text ?? text.end?.text;
    if (typeof whole === "string") return whole.slice(0, most);
    return spelled(text.path.slice(0, most)).map((each) => (each.raw ? "" : each.text)).join("").slice(0, most);
  }

  function state(text) {
    const reason = text.sample?.finish_reason ?? text.end?.reason ?? "unfinished";
    const refused = !text.sample && text.end?.accepted === false && reason === "stop";
    return refused ? "not accepted" : condit.told(reason).replace("_", " ");
  }

  /** All texts, the heaviest first; rows are made as they come into sight. */
  function Texts({ run, number, chosen, choose }) {
    const rows = useMemo(
      () => [...run.texts].sort((a, b) => b.weight - a.weight || (a.lane ?? a.attempt) - (b.lane ?? b.attempt)),
      [run],
    );
    const lines = useMemo(() => new Map(rows.map((text) => [text.key, oneLine(beginning(text, 400), 400)])), [run]);
    const box = useRef(null);
    const [top, setTop] = useState(0);
    const height = Math.min(rows.length, 10) * ROW;
    const first = Math.max(0, Math.floor(top / ROW) - 4);
    const shown = rows.slice(first, first + Math.ceil(height / ROW) + 8);
    const total = rows.reduce((sum, text) => sum + text.weight, 0) || 1;
    const key = (event) => {
      const move = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -rows.length, End: rows.length }[event.key];
      if (move === undefined) return;
      event.preventDefault();
      const now = rows.findIndex((text) => text.key === chosen.key);
      const next = Math.min(rows.length - 1, Math.max(0, now + move));
      choose({ text: rows[next].key });
      const y = next * ROW;
      if (y < box.current.scrollTop) box.current.scrollTop = y;
      else if (y + ROW > box.current.scrollTop + height) box.current.scrollTop = y + ROW - height;
    };
    return html`<div
      ref=${box}
      class="rows"
      role="listbox"
      tabindex="0"
      aria-label="Texts, the heaviest first"
      aria-activedescendant=${`row-${number}-${chosen.key}`}
      style=${{ height: `${height}px` }}
      onScroll=${() => setTop(box.current.scrollTop)}
      onKeyDown=${key}
    >
      <div role="presentation" style=${{ height: `${first * ROW}px` }}></div>
      ${shown.map(
        (text, at) => html`<div
          key=${text.key}
          id=${`row-${number}-${text.key}`}
          class=${`row ${text.weight > 0 ? "" : "dead"}`}
          role="option"
          aria-selected=${text.key === chosen.key}
          aria-posinset=${first + at + 1}
          aria-setsize=${rows.length}
          onClick=${() => choose({ text: text.key })}
        >
          <span class="who">${text.name}</span>
          <span class="weight" title="Share of the weight">
            <span class="bar" style=${{ width: `${(100 * text.weight) / total}%` }}></span>
            <span>${share(text.weight / total)}</span>
          </span>
          <span class="state">${condit.oneLine(state(text), 40)}</span>
          <bdi class="line">${lines.get(text.key)}</bdi>
        </div>`,
      )}
      <div role="presentation" style=${{ height: `${Math.max(0, rows.length - first - shown.length) * ROW}px` }}></div>
    </div>`;
  }

  /** What marks a token beside its colour, for the eye and for a screen reader. */
  function marks(draw) {
    return [
      draw.given && "given",
      draw.forced && "forced",
      draw.guessed && "guessed",
      draw.refused === true && "refused",
    ].filter(Boolean);
  }

  function Token({ node, number, spelling, place, isChosen, boundary, choose }) {
    const { draw } = node;
    const kinds = marks(draw);
    const label = `${quoted(condit.cut(spelling.text, 100))}, allowed ${probability(draw.log_allowed)}${kinds.map((each) => `, ${each}`).join("")}`;
    return html`<span
        class=${`token narrow-${narrowness(draw)} ${kinds.join(" ")} ${spelling.raw ? "raw" : ""} ${isChosen ? "chosen" : ""}`}
        data-place=${place}
        role="option"
        aria-selected=${isChosen}
        aria-label=${label}
        id=${`token-${number}-${place}`}
        >${pieces(spelling)}</span
      >${boundary && html`<span class="boundary" role="presentation" title=${boundaryWords(boundary)}></span>`}`;
  }

  const pieces = (spelling) =>
    spelling.raw
      ? html`<span class="hidden">${spelling.text}</span>`
      : spelling.text === ""
        ? html`<span class="hidden" aria-hidden="true">${spelling.prompt ? "prompt" : "end"}</span>`
        : visible(spelling.text).map((part) => (part.hidden ? html`<span class="hidden">${part.text}</span>` : part.text));

  function boundaryWords(record) {
    return condit.oneLine(`Boundary${record.what ? `: ${record.what}` : ""}`, 200);
  }

  /** Some hundred tokens, made when they come near the part in sight. */
  function Chunk({ run, number, path, spelling, from, place, near }) {
    const box = useRef(null);
    const [seen, setSeen] = useState(near);
    useEffect(() => {
      if (near) setSeen(true);
      if (seen || near) return undefined;
      const watch = new IntersectionObserver(
        (entries) => {
          if (entries.some((entry) => entry.isIntersecting)) setSeen(true);
        },
        { rootMargin: "600px" },
      );
      watch.observe(box.current);
      return () => watch.disconnect();
    }, [near, seen]);
    const nodes = path.slice(from, from + CHUNK);
    if (!seen) {
      const text = spelling.slice(from, from + CHUNK).map((each) => (each.raw ? "" : each.text)).join("");
      return html`<span ref=${box} class="chunk" role="presentation">${oneLine(text, text.length)}</span>`;
    }
    return html`<span ref=${box} class="chunk" role="presentation">${nodes.map((node, at) => {
      const here = from + at;
      return html`<${Token}
        key=${here}
        node=${node}
        number=${number}
        spelling=${spelling[here]}
        place=${here}
        isChosen=${here === place}
        boundary=${run.boundaries.get(`${node.draw.lane}|${node.draw.step}`)}
      />`;
    })}</span>`;
  }

  /** One text in full; arrow keys go from token to token. */
  function Text({ run, number, text, step, choose }) {
    const { path } = text;
    const spelling = useMemo(() => spelled(path), [path]);
    const place = useMemo(() => placeOf(path, step), [path, step]);
    const box = useRef(null);
    const pick = (event) => {
      const found = event.target.closest?.("[data-place]");
      if (found) choose({ step: path[Number(found.dataset.place)].draw.step });
    };
    const key = (event) => {
      const rtl = getComputedStyle(box.current).direction === "rtl" ? -1 : 1;
      const move = { ArrowRight: rtl, ArrowLeft: -rtl, ArrowDown: 10, ArrowUp: -10, Home: -path.length, End: path.length }[event.key];
      if (move === undefined || path.length === 0) return;
      event.preventDefault();
      const next = Math.min(path.length - 1, Math.max(0, (place ?? -1) + move));
      choose({ step: path[next].draw.step });
    };
    useEffect(() => {
      const chosen = box.current?.querySelector(".token.chosen");
      if (chosen && box.current.matches(":focus-within")) chosen.scrollIntoView({ block: "nearest" });
    }, [place]);
    if (path.length === 0)
      return html`<p class="quiet">No token of this text is in the file.</p>`;
    const chunks = Array.from({ length: Math.ceil(path.length / CHUNK) }, (_, at) => at * CHUNK);
    return html`<div class="text-box">
      <bdi
        ref=${box}
        class="text"
        role="listbox"
        aria-label=${`Tokens of ${text.name}`}
        aria-orientation="horizontal"
        aria-activedescendant=${place === null ? undefined : `token-${number}-${place}`}
        tabindex="0"
        onClick=${pick}
        onMouseOver=${pick}
        onKeyDown=${key}
        >${chunks.map(
          (from) => html`<${Chunk}
            key=${`${text.key} ${from}`}
            run=${run}
            number=${number}
            path=${path}
            spelling=${spelling}
            from=${from}
            place=${place}
            near=${from === 0 || (place !== null && Math.floor(place / CHUNK) * CHUNK === from)}
          />`,
        )}</bdi
      >
      <p class="legend quiet" aria-hidden="true">
        Allowed by the constraint:
        ${LEGEND.map((words, at) => html` <span class=${`token narrow-${at}`}>${words}</span>`)}
        <span class="token forced">forced</span> <span class="token guessed">guessed ahead</span>
        <span class="token given">given</span> <span class="token refused">refused</span>
        <span class="boundary"></span> boundary
      </p>
    </div>`;
  }

  /** The token of a path that belongs to a step: its own, or the last before it. */
  function placeOf(path, step) {
    if (step === null) return null;
    let low = 0;
    let high = path.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (path[middle].draw.step <= step) low = middle + 1;
      else high = middle;
    }
    return low > 0 ? low - 1 : null;
  }

  /** What is known of one token: how probable, what else was there, and what was refused and why. */
  function Details({ run, text, step }) {
    const place = placeOf(text.path, step);
    if (place === null) return html`<p class="quiet">Choose a token to see what else could have come.</p>`;
    const { draw } = text.path[place];
    const spelling = spelled(text.path.slice(Math.max(0, place - 4), place + 1)).at(-1);
    const found = run.alternatives.get(draw.draw);
    const facts = [
      ["Probability", draw.given ? "given, not drawn" : probability(draw.log_probability)],
      ["As it was drawn", draw.log_proposal === undefined || draw.given ? null : probability(draw.log_proposal)],
      ["Allowed next", draw.given ? null : found && isNumber(found.allowed_mass) ? share(found.allowed_mass) : probability(draw.log_allowed)],
      ["Field", typeof found?.field === "string" ? condit.cut(found.field, 100) : null],
      ["Log weight after it", isNumber(draw.log_weight) ? condit.number(draw.log_weight) : "none: weight 0"],
      ["How", marks(draw).join(", ") || null],
    ].filter(([, value]) => value !== null);
    return html`<div>
      <h3>Token ${place + 1} of ${text.path.length}, step ${draw.step}</h3>
      <p class="token-name"><bdi>${draw.token === null ? "none: nothing allowed had any mass" : spelling.prompt ? "the end of the prompt, once more" : spelling.text === "" ? "the end of the text" : quoted(condit.cut(spelling.text, 200))}</bdi></p>
      <dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
      ${found ? html`<${Alternatives} found=${found} token=${draw.token} />` : html`<p class="quiet">The file has no alternatives here.</p>`}
    </div>`;
  }

  /** "'x' cannot follow 'ab'; ": which token, and after what, is seen beside it. */
  const FOLLOWS = /^['"].{1,100}? cannot follow (?:the empty text|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"); /s;

  function Alternatives({ found, token }) {
    const tokens = found.tokens.filter((each) => each !== null && typeof each === "object").slice(0, 50);
    const most = tokens.reduce((a, each) => Math.max(a, Math.exp(each.log_probability ?? -Infinity)), 0) || 1;
    return html`<table class="alternatives">
      <caption>What the model would write, the most probable first</caption>
      <thead><tr><th scope="col">Token</th><th scope="col">Probability</th><th scope="col">Constraint</th></tr></thead>
      <tbody>${tokens.map((each) => {
        const mass = isNumber(each.log_probability) ? Math.exp(each.log_probability) : 0;
        const words = each.bytes && !each.text ? each.bytes : each.text === "" ? "end" : quoted(condit.cut(condit.told(each.text ?? ""), 200));
        return html`<tr class=${`${each.allowed === false ? "refused" : ""} ${each.token === token ? "drawn" : ""}`}>
          <th scope="row"><bdi>${each.allowed === false ? html`<s>${words}</s>` : words}</bdi></th>
          <td class="mass"><span class="bar" style=${{ width: `${(100 * mass) / most}%` }}></span><span>${share(mass)}</span></td>
          <td class="why">${each.allowed === false ? `refused${each.why ? `: ${condit.oneLine(condit.told(each.why).slice(0, 2000).replace(FOLLOWS, ""), 400)}` : ""}` : each.token === token ? "drawn" : "allowed"}</td>
        </tr>`;
      })}</tbody>
    </table>`;
  }

  Object.assign(condit, { Texts, Text, Details });
})();
