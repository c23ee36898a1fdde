/* A text area that colours what is written, and marks the character at fault. The coloured text lies
 * under a text area whose own is transparent, so that everything a text area can is there. */
(() => {
  "use strict";

  const { html, useMemo, useRef } = htmPreact;
  const { pieces } = condit;

  /** Longer texts are not coloured: each key would take as long as the whole text does. */
  const MOST_COLOURED = 50_000;

  const span = (text, name, fault) => html`<span class=${`${name ? `of-${name}` : ""} ${fault ?? ""}`}>${text}</span>`;

  /** The pieces of a text, of which the one with the character at fault is marked. */
  function marked(kind, text, fault) {
    const found = text.length > MOST_COLOURED ? [{ text, class: null }] : pieces(kind, text);
    const shown = [];
    let at = fault ?? Infinity;
    for (const { text: piece, class: name } of found) {
      if (at >= 0 && at < piece.length) {
        // A character beyond the first 65,536 has two halves.
        const end = at + (piece.codePointAt(at) > 0xffff ? 2 : 1);
        shown.push(span(piece.slice(0, at), name), span(piece.slice(at, end).replace("\n", " \n"), name, "fault"), span(piece.slice(end), name));
      } else shown.push(span(piece, name));
      at -= piece.length;
    }
    if (at >= 0 && at < Infinity) shown.push(span(" ", null, "fault"));
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
