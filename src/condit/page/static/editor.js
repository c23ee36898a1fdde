/* A text area that colours what is written, and marks the character at fault. The coloured text lies
 * under a text area whose own is transparent, so that everything a text area can is there. */
(() => {
  "use strict";

  const { html, useMemo, useRef } = htmPreact;
  const { pieces } = condit;

  /** Longer texts are not coloured: each key would take as long as the whole text does. */
  const MOST_COLOURED = 50_000;

  /** The pieces of a text, of which the one with the character at fault is marked. */
  function marked(kind, text, fault) {
    const found = text.length > MOST_COLOURED ? [{ text, class: null }] : pieces(kind, text);
    if (fault === null) return found.map((each) => html`<span class=${each.class ? `of-${each.class}` : undefined}>${each.text}</span>`);
    const at = Math.min(fault, text.length);
    const shown = [];
    let place = 0;
    for (const each of found) {
      const end = place + each.text.length;
      const name = each.class ? `of-${each.class}` : undefined;
      if (at >= place && at < end) {
        const inside = at - place;
        // A character beyond the first 65,536 has two halves.
        const length = each.text.codePointAt(inside) > 0xffff ? 2 : 1;
        shown.push(html`<span class=${name}>${each.text.slice(0, inside)}</span>`);
        shown.push(html`<span class=${`${name ?? ""} fault`}>${each.text.slice(inside, inside + length).replace("\n", " \n")}</span>`);
        shown.push(html`<span class=${name}>${each.text.slice(inside + length)}</span>`);
      } else shown.push(html`<span class=${name}>${each.text}</span>`);
      place = end;
    }
    if (at >= place) shown.push(html`<span class="fault"> </span>`);
    return shown;
  }

  /**
   * @param {{kind: string, value: string, fault: number | null, label: string, describedBy: string,
   *   invalid: boolean, onInput: (text: string) => void}} props
   */
  function Editor({ kind, value, fault, label, describedBy, invalid, onInput }) {
    const under = useRef(null);
    const shown = useMemo(() => marked(kind, value, fault), [kind, value, fault]);
    const follow = (event) => {
      under.current.scrollTop = event.target.scrollTop;
      under.current.scrollLeft = event.target.scrollLeft;
    };
    return html`<div class="editor">
      <pre ref=${under} aria-hidden="true">${shown}${"\n"}</pre>
      <textarea
        rows="12"
        spellcheck=${false}
        autocapitalize="off"
        autocomplete="off"
        wrap="off"
        aria-label=${label}
        aria-describedby=${describedBy}
        aria-invalid=${invalid}
        value=${value}
        onInput=${(event) => onInput(event.target.value)}
        onScroll=${follow}
      ></textarea>
    </div>`;
  }

  Object.assign(condit, { Editor });
})();
